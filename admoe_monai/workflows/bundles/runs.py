"""Functions that the configs of an exported bundle call to train further and to evaluate."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from admoe_monai.checkpoints import CheckpointError, load_whole
from admoe_monai.data import Datalist
from admoe_monai.data.subject_digests import subject_digests
from admoe_monai.errors import UserError, one_line_errors, reason_of
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.run.environment import choose_device, environment
from admoe_monai.workflows.run.run_directory import RunDirectory, common_contents
from admoe_monai.workflows.settings.command_line import refuse_stray_words, take_as_typed
from admoe_monai.workflows.settings.declared import calling_workflow
from admoe_monai.workflows.settings.names import refuse_unknown

logger = logging.getLogger(__name__)

SETTINGS = "configs/settings.json"
TRAIN, EVALUATE = "configs/train.json", "configs/evaluate.json"
#: Settings of a bundle's configs that are paths.
TEXTS = ("bundle_root", "dataset_dir", "output_dir", "prior_table", "model_file", "datalist", "cache_dir")


def run_bundle(component: str) -> None:
    """Run the trainer or the evaluator of a bundle; `training` and `evaluating` of its configs.

    Args:
        component: Id of the engine.
    """
    with one_line_errors():
        parser = parser_at_hand()
        bundle = Path(str(parser.get_parsed_content("bundle_root")))
        check_bundle(parser, bundle, [TRAIN, EVALUATE])
        choose_device(str(parser.get_parsed_content("device")))
        use_threads()
        stores = ["validate::store"] if component.startswith("validate") else ["train::store", "validate::store"]
        workers = parser.get_parsed_content("num_workers")
        for store in stores:
            parser.get_parsed_content(store).prepare(workers)
        if component.startswith("validate"):
            parser.get_parsed_content(component).run()
            return
        folder = parser.get_parsed_content("run_directory")
        folder.open()
        try:
            with parser.get_parsed_content("signals") as signals:
                signals.defer()
                parser.get_parsed_content(component).run()
        finally:
            folder.close()


def parser_at_hand() -> ConfigParser:
    """Return the parser of the running config of a bundle, with paths as the user typed them.

    Raises:
        UserError: For a word that no setting has a use for, or a path that can't be what the user meant.
    """
    workflow = calling_workflow()
    refuse_stray_words(workflow)
    take_as_typed(workflow.parser, TEXTS)
    return workflow.parser


def check_bundle(parser: ConfigParser, bundle: Path, configs: Sequence[str]) -> None:
    """Refuse what would only fail in the middle: another folder, a mistyped setting, damaged weights.

    Args:
        parser: Parser of the running config.
        bundle: Root folder of the bundle.
        configs: Files of the bundle that the running config is made of; the first must be there.

    Raises:
        UserError: Naming what is wrong.
    """
    if not (bundle / configs[0]).is_file():
        raise UserError(f"there is no {configs[0]} in {bundle}; name the bundle with --bundle_root")
    known = {key for name in configs for key in ConfigParser.load_config_file(bundle / name)}
    top = [str(key).partition("::")[0] for key in known]
    refuse_unknown(parser.config, [*known, *top, "_meta_"], "setting", configs[0])
    try:
        weights = load_whole(Path(parser.get_parsed_content("model_file")))
    except CheckpointError as error:
        raise UserError(f"the bundle's weights can't be used, copy it again: {error}") from error
    if not isinstance(weights, Mapping):
        raise UserError(
            f"the bundle's weights can't be used: the file holds a {type(weights).__name__}, and no weights"
        )


def bundle_run_directory(
    path: str | Path, bundle_root: str | Path, max_epochs: int, prior: Sequence[Mapping[str, Any]], cohort: Datalist
) -> RunDirectory:
    """Set up the folder that finetuning a bundle writes its checkpoints to.

    Args:
        path: Path of the folder.
        bundle_root: Folder of the bundle, whose settings the checkpoints carry.
        max_epochs: Number of epochs of the plan, all of them finetuning.
        prior: Statistics of the prior columns.
        cohort: Cohort whose training split the weights will have seen, beside those that the bundle has.

    Raises:
        UserError: If the bundle's settings can't be read.
    """
    source = Path(bundle_root) / SETTINGS
    try:
        recorded = json.loads(source.read_text(encoding="utf-8"))
        settings = recorded["settings"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{source} can't be read ({reason_of(error)}); name the bundle with --bundle_root") from error
    folder = RunDirectory(Path(path))
    folder.common = common_contents(
        settings | {"pretrain_epochs": 0, "max_epochs": max_epochs},
        {},
        environment(choose_device(None)),
        prior=list(prior),
        parent=str(bundle_root),
        leakage=recorded.get("leakage", []),
        pretraining_subjects=sorted(
            {*recorded.get("pretraining_subjects", []), *subject_digests(cohort.splits["training"])}
        ),
        origin=recorded.get("origin"),
    )
    return folder
