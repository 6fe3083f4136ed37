"""Checks of the values of settings; whether the cohort carries them is checked with the cohort.

Choices that others may add to, such as ways of fusion or augmentation, are checked by the code that knows them, when all
phases are built for a trial before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.errors import UserError

from .kinds import is_number, texts
from .table import SETTINGS


def check(settings: Mapping[str, Any]) -> None:
    """Check each setting by its row, and what must agree with what.

    Args:
        settings: Settings, complete and resolved.

    Raises:
        UserError: Naming the setting, its value and what it should be.
    """
    for name, row in SETTINGS.items():
        row.kind(name, settings[name])
    _check_plan(settings)
    _check_tasks(settings)
    _check_sizes(settings)


def _check_plan(settings: Mapping[str, Any]) -> None:
    if settings["max_epochs"] < 1 or settings["pretrain_epochs"] > settings["max_epochs"]:
        raise UserError(
            f"max_epochs ({settings['max_epochs']}) counts both phases and must be at least 1 and at least "
            f"pretrain_epochs ({settings['pretrain_epochs']})"
        )
    if settings["pretrained"] is not None and settings["pretrain_epochs"] > 0:
        raise UserError(
            f"pretrained ({settings['pretrained']}) takes the place of pretraining; start with configs/finetune.yaml, "
            "or leave it out"
        )
    keep = settings["keep_checkpoints"]
    if keep != "all" and (not isinstance(keep, int) or keep < 2):
        raise UserError(f"keep_checkpoints must be all or a number of two or more, got {keep!r}")


def _check_tasks(settings: Mapping[str, Any]) -> None:
    classes = settings["classes"]
    for name in ("task_weights", "left_out_labels"):
        for task in settings[name]:
            if task not in classes:
                raise UserError(f"{name} names the task '{task}', which classes does not: {list(classes)}")
    for task, weight in settings["task_weights"].items():
        if not is_number(weight) or weight < 0:
            raise UserError(f"weight_{task} must be a number of 0 or more, got {weight!r}")
    for task, labels in settings["left_out_labels"].items():
        texts(f"left_out_labels of {task}", labels)
        if both := [name for name in labels or () if name in classes[task]]:
            raise UserError(f"left_out_labels names '{both[0]}', which is one of the classes of {task}")


def _check_sizes(settings: Mapping[str, Any]) -> None:
    if settings["mask_patch_size"] % settings["patch_size"]:
        raise UserError(
            f"mask_patch_size ({settings['mask_patch_size']}) must be a multiple of patch_size ({settings['patch_size']})"
        )
    window = settings["target_norm_window"]
    if window is not None and not window % 2:
        raise UserError(f"target_norm_window must be a positive odd number, or null, got {window!r}")
    edges, axes = settings["img_size"], settings["spatial_dims"]
    sizes = edges if isinstance(edges, (list, tuple)) else [edges] * axes
    if len(sizes) != axes or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise UserError(f"img_size must be a positive whole number, or a list of {axes} of them, got {edges!r}")
