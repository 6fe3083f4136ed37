"""Settings: declared once in configs/train.yaml, completed and checked before anything is built.

MONAI (1.6.1) accepts any key, so a mistyped `--max_epoch 3` would silently train for the default number of epochs.
"""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from monai.bundle import ConfigParser, ConfigWorkflow

from admoe_monai.errors import UserError, root_cause
from admoe_monai.files import write_atomic

from .checks import check
from .command_line import refuse_replaced
from .literal_text import literal
from .names import DECLARATIONS, DOORS, ENTRY_KEYS, declared_settings, is_short_form, refuse_unknown
from .overlays import find_copies
from .parts import merged
from .resources import resource
from .short_forms import in_full, take_in
from .table import LISTS, PATHS, TEXTS, names_of
from .written import read_written

PARTS = "bundle/configs/plan.yaml"
#: A part of a config as the user wrote it: components in it are made elsewhere.
UNREAD = ("network",)


def calling_workflow() -> ConfigWorkflow:
    """Find the bundle workflow whose expression is being evaluated.

    Expressions of a config can't see the parser that evaluates them (`%` with the root is a circular reference), so it is
    looked up on the call stack: this works under `python -m monai.bundle`, torchrun and `create_workflow` alike.

    Raises:
        RuntimeError: If no workflow is running.
    """
    for frame in inspect.stack(context=0):
        candidate = frame.frame.f_locals.get("self")
        if isinstance(candidate, ConfigWorkflow):
            return candidate
    raise RuntimeError("compose and train are called from the expressions of a config, by `python -m monai.bundle run`")


def complete(parser: ConfigParser) -> None:
    """Add to a config what its entry point leaves out: declared settings, and the parts that both phases share.

    Args:
        parser: Parser with the entry point, its overlays and the overrides of the command line, which all win.

    Raises:
        UserError: For a key that nothing reads, naming the nearest one that something does.
    """
    declared = declared_settings()
    parts = ConfigParser.load_config_file(resource(PARTS))
    for part, setting in DOORS.items():
        if part in parser.config:
            raise UserError(
                f"{part} is no setting, and what a run does not record it could not repeat: what differs from "
                f"{PARTS} goes into the setting {setting}"
            )
    refuse_unknown((key for key in parser.config if not is_short_form(key)), [*declared, *ENTRY_KEYS])
    _take_short_forms(parser, declared)
    for key, value in {**parts, **declared}.items():
        if key not in parser.config:
            parser[key] = value
    if isinstance(parser["network"], Mapping):
        parser["network_def"] = merged(parser["network_def"], parser["network"])
    parser["settings"] = {key: f"@{key}" for key in declared}


def _take_short_forms(parser: ConfigParser, declared: Mapping[str, Any]) -> None:
    settings, given = dict(parser.config), [key for key in parser.config if is_short_form(key)]
    take_in(settings, declared, parser.get_parsed_content)
    tasks = settings.get("classes", declared["classes"])
    entries = [f"{prefix}_{task}" for task in tasks for prefix in ("classes", "weight", "num_classes")]
    refuse_unknown(given, [*declared, *entries])
    parser.set(settings)


def hold_plan(parser: ConfigParser, phase: str) -> None:
    """Refuse a plan with another phase than the one that an entry point is for, as an overlay may bring it.

    Args:
        parser: Parser completed by `complete`.
        phase: Key of the phase.

    Raises:
        UserError: Naming the setting that contradicts the entry point.
    """
    most, pretraining = _value_of(parser, "max_epochs"), _value_of(parser, "pretrain_epochs")
    if phase == "pretrain" and most != pretraining:
        raise UserError(
            f"configs/pretrain.yaml trains pretrain_epochs ({pretraining}) epochs and no others, but max_epochs is {most}: "
            "set --pretrain_epochs alone; where an overlay sets max_epochs, give the same number to both; for both "
            "phases start with configs/train.yaml"
        )
    if phase == "finetune" and pretraining != 0:
        raise UserError(
            f"configs/finetune.yaml has no pretraining, but pretrain_epochs is {pretraining}: "
            "add --pretrain_epochs 0, or start with configs/train.yaml"
        )


def resolved_settings(parser: ConfigParser) -> dict[str, Any]:
    """Resolve the values of all settings.

    Args:
        parser: Parser completed by `complete`.

    Raises:
        UserError: For a value of the wrong kind or out of range.
    """
    settings = {key: _value_of(parser, key) for key in parser["settings"]}
    check(settings)
    settings = in_full(settings)
    for name in ("task_weights", "phase_overlays"):
        parser[name] = literal(settings[name])
    return settings


def _value_of(parser: ConfigParser, key: str) -> Any:
    if key in UNREAD:
        return copy.deepcopy(parser[key])
    try:
        value = parser.get_parsed_content(key)
    except Exception as error:  # whatever an expression raises
        cause = root_cause(error)
        raise UserError(
            f"{key} is '{parser.config[key]}', which MONAI reads as an expression or a reference: "
            f"{str(cause).splitlines()[0] or type(cause).__name__}"
        ) from error
    if key in PATHS and isinstance(value, (str, os.PathLike)):
        # `--run_dir=~/run` reaches us as it stands, and an overlay is read by no shell.
        return os.path.expanduser(value)
    return value


def parser_of(config_files: Iterable[str | Path], overrides: Mapping[str, Any] | None = None) -> ConfigParser:
    """Build a completed parser of an entry point and its overlays, outside of a run.

    Args:
        config_files: Files in the order in which they are merged; may be empty for the defaults.
        overrides: Values by setting, as on the command line.

    Raises:
        UserError: For a file that is absent or not a config, or an unknown key.
    """
    parser = ConfigParser()
    files = [str(file) for file in config_files]
    for file in files:
        if not Path(file).is_file():
            raise UserError(f"there is no config file {file}")
        # MONAI stumbles over a list, and over a file of comments alone.
        if not read_written(Path(file)).content:
            raise UserError(f"{file} is empty: it holds no setting")
    try:
        parser.read_config(files or str(resource(DECLARATIONS)))
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"cannot read {', '.join(files)}: {str(error).splitlines()[0]}") from error
    texts = {*TEXTS, *LISTS, *(name for name in (*parser.config, *(overrides or {})) if is_short_form(name))}
    for name in texts:
        refuse_replaced(name, parser.config.get(name))
    if files:
        find_copies(parser, Path(files[0]).parent)
    parser.update({name: literal(value) if name in texts else value for name, value in (overrides or {}).items()})
    complete(parser)
    return parser


def write_config(path: Path, settings: Mapping[str, Any]) -> None:
    """Write the resolved settings as a config that repeats the run: `--config_file RUN_DIR/config.yaml`.

    Args:
        path: Path of the file, which is replaced atomically.
        settings: Resolved settings; those that say how this one process was started are left out.
    """
    once = names_of(once=True)
    kept = {k: v if k in UNREAD else literal(v) for k, v in settings.items() if k not in once}
    header = (
        "# The resolved settings of this run. It repeats the run, or resumes it with --resume auto.\n"
        "imports:\n- $import admoe_monai.workflows as workflows\n"
        "initialize: $workflows.compose()\ntraining: $workflows.train()\n\n"
    )
    write_atomic(path, header + yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
