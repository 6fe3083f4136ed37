"""Configs of a bundle, made of the parts that training uses, with the settings of a run in the place of references."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver

from admoe_monai.errors import UserError
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.preprocessing.chains import ON_TEMPLATE, TO_TEMPLATE
from admoe_monai.workflows.settings.declared import PARTS
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.parts import merged
from admoe_monai.workflows.settings.resources import resource
from admoe_monai.workflows.settings.table import names_of

from .exportable import adjusted

PARTS_FOLDER = "bundle/configs"

#: Values that the plan of a run adds to the settings, and that a bundle can't know.
_OF_THE_RUN = {"device", *names_of(place=True)}


def inference_config(
    run: TrainedRun,
    temperatures: Mapping[str, float],
    registered: Mapping[str, Any],
    screening: bool = True,
    set_thresholds: Sequence[Sequence[float]] | None = None,
) -> dict[str, Any]:
    """Build the config of inference.

    Args:
        run: Finished run.
        temperatures: Temperatures of its calibration, per task; 1 where it has none.
        registered: Record of what was done to the scans before training, as their datalist states it; scans that ``admoe
            preprocess`` has registered make its chain a part of inference.
        screening: Whether to refuse what can't be a T1w brain scan, where the user of the bundle does not choose.
        set_thresholds: Per task and class the probability from which on a class is in the prediction set; None for no sets.
    """
    config = _parts(run, "inference.yaml")
    del config["augmentations"]
    if run.settings["spatial_dims"] == 3:
        _put_in_front(config, registered, screening)
    config["temperatures"] = [temperatures[task] for task in run.settings["classes"]]
    if set_thresholds is not None:
        config["set_thresholds"] = [[*task] for task in set_thresholds]
        next(part for part in config["handlers"] if "classes" in part)["set_thresholds"] = "@set_thresholds"
    handed_over = _handed_over(run, config)
    # What a reader looks for first; the chain of transforms comes in front only because inference.yaml extends it.
    handed_over["preprocessing"] = handed_over.pop("preprocessing")
    return handed_over


def _put_in_front(config: dict[str, Any], registered: Mapping[str, Any], screening: bool) -> None:
    """Let the chain of volumes begin with what preprocessing did before training, and with screening."""
    screen: dict[str, Any] = ConfigParser.load_config_file(resource(f"{PARTS_FOLDER}/screening.yaml"))
    parts = screen.pop("preprocessing")
    transforms = config["preprocessing"]["transforms"]
    # What reads a scan and turns it to RAS begins both chains.
    start, rest = transforms[:2], transforms[2:]
    if registered.get("chains"):
        chains: dict[str, Any] = ConfigParser.load_config_file(resource(f"{PARTS_FOLDER}/to_template.yaml"))
        # Scans that other software had registered are expected from it again.
        name = TO_TEMPLATE if TO_TEMPLATE in registered["chains"] else ON_TEMPLATE
        config["template_spacing_mm"] = _number(registered["spacing_mm"])
        # The scans of training were stored in between, in steps.
        start = [*chains[name]["transforms"], {"_target_": "admoe_monai.transforms.RoundToStepsd", "keys": "image"}]
        parts = [{**part, "aligned": True} if "overlays" in str(part["_disabled_"]) else part for part in parts]
    config["preprocessing"]["transforms"] = [*start, *parts, *rest]
    config |= {**screen, "screening": screening}


def _number(spacing: Any) -> float:
    """A number that a file states; a text could be an expression."""
    try:
        return float(spacing)
    except (TypeError, ValueError) as error:
        raise UserError(f"the voxels of the registered scans are {spacing!r} mm, which is no number") from error


def train_config(run: TrainedRun, preprocessing_digest: str) -> dict[str, Any]:
    """Build the config of finetuning on other data, which begins with the run's weights.

    Args:
        run: Finished run.
        preprocessing_digest: Name of the generation of the store of preprocessed scans.
    """
    config = _parts(run, "common.yaml", "finetune.yaml", "finetune_bundle.yaml")
    config["preprocessing_digest"] = preprocessing_digest
    config |= {name: run.settings[name] for name in names_of(adjustable=True)}
    config["max_epochs"] -= run.settings["pretrain_epochs"]
    config["class_weights"] = None
    config = adjusted(config, run.settings["classes"])
    handed_over = _handed_over(run, config)
    _spell_out_handlers(handed_over)
    return handed_over


def evaluate_config(train: Mapping[str, Any]) -> dict[str, Any]:
    """Build the config of an evaluation, which goes behind the one of training.

    Args:
        train: Config of training.
    """
    config: dict[str, Any] = ConfigParser.load_config_file(resource(f"{PARTS_FOLDER}/evaluate.yaml"))
    # The use of the experts is a figure for training: dozens of numbers that are not the purpose of evaluating a bundle.
    metrics = train["validate"]["additional_metrics"]
    config["validate::additional_metrics"] = {name: metric for name, metric in metrics.items() if name != "experts"}
    return config


def _parts(run: TrainedRun, *names: str) -> dict[str, Any]:
    images = f"images_{run.settings['spatial_dims']}d.yaml"
    files = [names[0], images, *names[1:]] if len(names) > 1 else [images, *names]
    config: dict[str, Any] = ConfigParser.load_config_files([resource(f"{PARTS_FOLDER}/{name}") for name in files])
    network = merged(ConfigParser.load_config_file(resource(PARTS))["network_def"], run.settings["network"])
    # What was trained to reconstruct stays behind: best_model.pth has no decoder.
    config["network_def"] = {**network, "_target_": config["network_def"]["_target_"], "decoder": None}
    return config


def _handed_over(run: TrainedRun, config: dict[str, Any]) -> dict[str, Any]:
    shared = ConfigParser.load_config_file(resource(f"{PARTS_FOLDER}/common.yaml"))
    derived = {name: shared[name] for name in ("spatial_size", "expert_task", "expert_classes")}
    parser = ConfigParser({**literal(run.settings), **derived, **copy.deepcopy(config)})
    known = ({*run.settings, *derived} - config.keys()) | ({*derived} & config.keys())
    resolved: dict[str, Any] = _with_values(config, "", known - _OF_THE_RUN, parser.get_parsed_content)
    return resolved


def _with_values(content: Any, place: str, known: set[str], value_of: Callable[[str], Any]) -> Any:
    """Replace each reference and expression in a config that depends on known ids alone by its value."""
    if isinstance(content, dict):
        return {key: _with_values(part, f"{place}::{key}", known, value_of) for key, part in content.items()}
    if isinstance(content, list):
        return [_with_values(part, f"{place}::{i}", known, value_of) for i, part in enumerate(content)]
    if isinstance(content, str):
        ids = {ReferenceResolver.split_id(name)[0] for name in ReferenceResolver.match_refs_pattern(content)}
        if ids and ids <= known:
            return literal(value_of(place.removeprefix("::")))
    return content


def _spell_out_handlers(config: dict[str, Any]) -> None:
    """Write handlers that are references where they are listed: MONAI's check of properties (1.6.1) wants dictionaries.

    All other references to them refer to their place in the list from then on.
    """
    handlers = config["train"]["handlers"]
    moved = {}
    for place, handler in enumerate(handlers):
        if isinstance(handler, str):
            name = handler.removeprefix("@")
            moved[handler] = f"@train::handlers::{place}"
            *path, last = name.split("::")
            owner = config
            for part in path:
                owner = owner[part]
            handlers[place] = owner.pop(last)
    renamed = _renamed(config, moved)
    config.clear()
    config.update(renamed)


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    if isinstance(content, dict):
        return {key: _renamed(part, names) for key, part in content.items()}
    if isinstance(content, list):
        return [_renamed(part, names) for part in content]
    return names.get(content, content) if isinstance(content, str) else content
