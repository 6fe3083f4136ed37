"""Parts that a run may have replaced and still be exported: a bundle is made of the package's own parts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver

from admoe_monai.errors import UserError
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.run.pretrained import published_origin
from admoe_monai.workflows.settings.declared import PARTS
from admoe_monai.workflows.settings.overlays import overlay_file
from admoe_monai.workflows.settings.parts import code_digests
from admoe_monai.workflows.settings.resources import resource

logger = logging.getLogger(__name__)

#: Parts of finetuning that inference has in a form of its own.
_OF_INFERENCE = ("preprocessing", "spatial_size", "labels", "prior", "inferer", "prepare_batch", "items")
_OF_VALIDATION = ("inferer", "preprocessing", "item_transforms")


def check_exportable(run: TrainedRun) -> None:
    """Refuse a run that its bundle would predict with otherwise; say what a bundle needs beside itself.

    Args:
        run: Finished run.

    Raises:
        UserError: Naming the part.
    """
    plan = ConfigParser.load_config_file(resource(PARTS))["network_def"]["_target_"]
    target = run.settings["network"].get("_target_", plan)
    if target != plan:
        raise UserError(
            f"the network of {run.folder} is a {target}: export knows {plan} alone, whose encoder and fusion can be replaced"
        )
    for overlay, key in _overlaid(run):
        top, *rest = ReferenceResolver.split_id(key)
        if top in _OF_INFERENCE or (top == "validate" and rest and rest[0] in _OF_VALIDATION):
            raise UserError(
                f"the phase overlay {overlay} changes {key}, which a bundle's inference would not know of: "
                "such a run can be evaluated, not exported"
            )
    for name in code_digests(run.settings["network"]):
        logger.warning("The bundle does not bring %s along: it must be installed wherever the bundle runs", name)


def check_licence(origin: Mapping[str, Any] | None) -> None:
    """Refuse to pass on weights that began with a file of others, before somebody has looked at its licence.

    Args:
        origin: Where the weights of the run are from, as its checkpoints state it.

    Raises:
        UserError: Naming the file and what is known of its licence.
    """
    if (published := published_origin(origin)) is not None:
        raise UserError(
            f"the weights of this run began with {published['file']} ({published['layout']}, licence: "
            f"{published['licence'] or 'not known here'}), and so the bundle would hold what became of them: see "
            "that its licence allows it and add --accept_licence"
        )


def adjusted(config: dict[str, Any], tasks: Iterable[str]) -> dict[str, Any]:
    """Replace choices in a bundle's training config that only an overlay of the run knew by the defaults.

    Args:
        config: Config of training, with settings.
        tasks: Tasks of the run, each of which has a metric of its own.
    """
    known = {
        "augmentation": ([*config["augmentations"]], "light"),
        "selection_metric": (
            ["balanced_accuracy", *(f"{task}_balanced_accuracy" for task in tasks)],
            "balanced_accuracy",
        ),
    }
    for name, (choices, default) in known.items():
        if config[name] not in choices:
            logger.warning(
                "%s %s came by a phase overlay: training from the bundle takes %s", name, config[name], default
            )
            config = {**config, name: default}
    return config


def _overlaid(run: TrainedRun) -> Iterator[tuple[str, str]]:
    for overlay in run.settings["phase_overlays"]["finetune"]:
        for key in ConfigParser.load_config_file(overlay_file(overlay)):
            yield overlay, str(key).lstrip("+")
