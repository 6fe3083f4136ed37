"""Differences allowed between a run and its continuation, and at what price."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import IncompatibleCheckpointError

from .command_line import as_word
from .names import declared_settings
from .short_forms import in_full, take_in
from .table import SETTINGS, OnResume

logger = logging.getLogger(__name__)

#: Of what no resume can change, what weights do not depend on.
NOT_OF_THE_NETWORK = ("seed", "pretrain_epochs", "classes")


def check_changes(
    settings: Mapping[str, Any],
    checkpoint: Mapping[str, Any],
    digests: Mapping[str, str],
    environment: Mapping[str, Any],
    path: Path,
    granted: Mapping[str, Any] | None = None,
) -> None:
    """Compare the settings, data and machine at hand with those that the checkpoint was written under.

    Args:
        settings: Settings of the continuation, resolved.
        checkpoint: Contents of the checkpoint.
        digests: Digests of the data at hand.
        environment: Hardware and versions of this machine.
        path: Path of the checkpoint, for messages.
        granted: Values by name that an earlier start from this checkpoint was allowed to go on with.

    Raises:
        IncompatibleCheckpointError: For a change that is not allowed, naming both values and what to do.
    """
    old, granted = earlier_settings(checkpoint), granted or {}
    advice = f"take the run's own settings with --config_file {as_word(path.parent / 'config.yaml')}"
    changed = {
        name: (old[name], value)
        for name, value in settings.items()
        if SETTINGS[name].on_resume is not OnResume.IGNORED and old[name] != value
    }
    for name in sorted(name for name in changed if SETTINGS[name].on_resume is OnResume.NEVER):
        raise IncompatibleCheckpointError(
            f"{path.name} was trained with {name} {_show(changed[name][0])}, not {_show(changed[name][1])}, "
            f"which no resume can change; {advice}"
        )
    if "max_epochs" in changed:
        before, now = changed.pop("max_epochs")
        if not settings["extend_max_epochs"] and not _is_granted("max_epochs", now, granted):
            raise IncompatibleCheckpointError(
                f"{path.name} belongs to a plan of max_epochs {before}, not {now}; {advice}, "
                "or ask for the change with --extend_max_epochs True"
            )
        logger.warning("max_epochs changes from %s to %s: the schedule is rebuilt from its position", before, now)
    forced = {name: values for name, values in changed.items() if SETTINGS[name].on_resume is OnResume.FORCED}
    if _same_effective_batch(old, settings) and {"batch_size", "accumulation_steps"} & forced.keys():
        for name in ("batch_size", "accumulation_steps"):
            forced.pop(name, None)
        logger.warning(
            "batch_size %s x accumulation_steps %s replaces %s x %s: the same product, but not bit-exact",
            settings["batch_size"],
            settings["accumulation_steps"],
            old["batch_size"],
            old["accumulation_steps"],
        )
    forced |= {
        name: (checkpoint["digests"][name], value)
        for name, value in digests.items()
        if name in checkpoint["digests"] and checkpoint["digests"][name] != value
    }
    machine = checkpoint["environment"]
    forced |= {
        name: (machine.get(name), environment[name])
        for name in ("device", "threads", "world_size")
        if machine.get(name) != environment[name]
    }
    refused = sorted(name for name, (_, now) in forced.items() if not _is_granted(name, now, granted))
    if refused and not settings["force_resume"]:
        name = refused[0]
        others = f" (and {len(refused) - 1} more: {', '.join(refused[1:])})" if len(refused) > 1 else ""
        raise IncompatibleCheckpointError(
            f"{path.name} was written under {name} {_show(forced[name][0])}, not {_show(forced[name][1])}{others}: "
            f"the continuation would not be exact. {advice[0].upper() + advice[1:]}, or accept that with --force_resume True"
        )
    for name, (before, now) in forced.items():
        logger.warning("Forced: %s changes from %s to %s; the result is not exact", name, _show(before), _show(now))
    for name in ("torch", "monai", "numpy", "admoe_monai"):
        if machine.get(name) != environment[name]:
            logger.warning(
                "%s was %s and is %s: bit-exactness is not promised", name, machine.get(name), environment[name]
            )


def earlier_settings(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a checkpoint as this version spells them; those it did not have yet get their defaults."""
    declared = declared_settings()
    settings = dict(checkpoint["settings"])
    take_in(settings, declared)
    return in_full({**declared, **settings})


def as_recorded(value: Any) -> str:
    """Spell a value as JSON, to compare it with one of starts.jsonl, where all keys are texts.

    Args:
        value: Value of a setting, a digest, or something of the machine.
    """
    return json.dumps(value, default=str)


def other_network(checkpoint: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Say in which settings of the network a run differs from the one that wrote a checkpoint, whose weights don't fit.

    Args:
        checkpoint: Contents of the file, which need not be a checkpoint.
        settings: Settings of the run, resolved.
    """
    if "settings" not in checkpoint:
        return ""
    old = earlier_settings(checkpoint)
    names = [name for name, row in SETTINGS.items() if row.on_resume is OnResume.NEVER and old[name] != settings[name]]
    differ = [f"{n} {_show(old[n])}, here {_show(settings[n])}" for n in names if n not in NOT_OF_THE_NETWORK]
    return f"; it was trained with {'; '.join(differ)}: name the same overlays" if differ else ""


def _is_granted(name: str, value: Any, granted: Mapping[str, Any]) -> bool:
    return name in granted and as_recorded(granted[name]) == as_recorded(value)


def _same_effective_batch(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(old["batch_size"] * old["accumulation_steps"] == new["batch_size"] * new["accumulation_steps"])


def _show(value: Any) -> str:
    return "none" if value is None else str(value)
