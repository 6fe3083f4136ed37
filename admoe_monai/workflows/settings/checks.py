"""Checks of the values of settings; whether the cohort carries them is checked with the cohort.

Choices that others may add to, such as ways of fusion or augmentation, are checked by the code that knows them, when all
phases are built for a trial before anything is written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from admoe_monai.errors import UserError

from .evaluated import Evaluated, Unevaluated
from .kinds import is_number, texts
from .shapes import SHAPES, Problem
from .table import SETTINGS

#: Function that finds what contradicts each other in some settings.
Agreement = Callable[[Mapping[str, Any]], Iterator[Problem]]


def check(settings: Mapping[str, Any]) -> None:
    """Check each setting by its row, and what must agree with what.

    Args:
        settings: Settings, complete and resolved.

    Raises:
        UserError: Naming the setting, its value and what it should be; further problems are details.
    """
    found = [said for _, said in problems(settings)]
    if found:
        raise UserError(found[0], found[1:])


def problems(settings: Mapping[str, Any]) -> list[Problem]:
    """Find everything that is wrong with the settings; what must agree is looked at where each is what it should be.

    Args:
        settings: Settings, resolved; complete, or `Evaluated`: then checks that need others are left out.
    """
    known = [name for name in SETTINGS if name in settings or not isinstance(settings, Evaluated)]
    kinds = [(name, said) for name in known for said in _said_by(SETTINGS[name].kind, name, settings[name])]
    return kinds or [problem for agreement in _AGREEMENTS for problem in _as_far_as_known(agreement, settings)]


def _as_far_as_known(agreement: Agreement, settings: Mapping[str, Any]) -> Iterator[Problem]:
    with contextlib.suppress(Unevaluated):
        yield from agreement(settings)


def _said_by(kind: Any, *arguments: Any) -> list[str]:
    try:
        kind(*arguments)
    except UserError as error:
        return [str(error)]
    return []


def _epochs(settings: Mapping[str, Any]) -> Iterator[Problem]:
    if settings["max_epochs"] < 1 or settings["pretrain_epochs"] > settings["max_epochs"]:
        yield (
            "max_epochs",
            f"max_epochs ({settings['max_epochs']}) counts both phases and must be at least 1 and at least "
            f"pretrain_epochs ({settings['pretrain_epochs']})",
        )


def _pretrained(settings: Mapping[str, Any]) -> Iterator[Problem]:
    if settings["pretrained"] is not None and settings["pretrain_epochs"] > 0:
        yield (
            "pretrained",
            f"pretrained ({settings['pretrained']}) takes the place of pretraining; start with configs/finetune.yaml, "
            "or leave it out",
        )


def _kept(settings: Mapping[str, Any]) -> Iterator[Problem]:
    keep = settings["keep_checkpoints"]
    if keep != "all" and (type(keep) is not int or keep < 2):
        yield "keep_checkpoints", f"keep_checkpoints must be all or a number of two or more, got {keep!r}"


def _weights(settings: Mapping[str, Any]) -> Iterator[Problem]:
    for task, weight in settings["task_weights"].items():
        if not is_number(weight) or weight < 0:
            yield "task_weights", f"weight_{task} must be a number of 0 or more, got {weight!r}"
    yield from _of_tasks("task_weights", settings)


def _left_out(settings: Mapping[str, Any]) -> Iterator[Problem]:
    name = "left_out_labels"
    for task, labels in settings[name].items():
        if said := _said_by(texts, f"{name} of {task}", labels):
            yield name, said[0]
        elif both := [label for label in labels or () if label in settings["classes"].get(task, ())]:
            yield name, f"{name} names '{both[0]}', which is one of the classes of {task}"
    yield from _of_tasks(name, settings)


def _of_tasks(name: str, settings: Mapping[str, Any]) -> Iterator[Problem]:
    for task in settings[name]:
        if task not in settings["classes"]:
            yield name, f"{name} names the task '{task}', which classes does not: {list(settings['classes'])}"


def _reconstruction(settings: Mapping[str, Any]) -> Iterator[Problem]:
    window = settings["target_norm_window"]
    if window is not None and not window % 2:
        yield "target_norm_window", f"target_norm_window must be a positive odd number, or null, got {window!r}"


_AGREEMENTS: tuple[Agreement, ...] = (_epochs, _pretrained, _kept, _weights, _left_out, _reconstruction, *SHAPES)
