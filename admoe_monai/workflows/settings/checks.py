"""What values the settings may have; whether the cohort carries them is checked with the cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.errors import UserError

_AT_LEAST = {
    "seed": 0, "max_epochs": 0, "pretrain_epochs": 0, "eval_interval": 1, "save_interval": 1, "patience": 0,
    "base_lr": 0, "min_lr": 0, "weight_decay": 0, "warmup_epochs": 0, "accumulation_steps": 1, "batch_size": 1,
    "num_workers": 0, "patch_size": 1, "mask_patch_size": 1, "mask_ratio": 0, "in_channels": 1, "embed_dim": 1,
    "weight_diagnosis": 0, "weight_change": 0, "label_smoothing": 0,
    "guidance_weight": 0, "balance_weight": 0,
    "prior_hidden": 1, "fusion_stage": 0, "task_stages": 0, "drop_path_rate": 0, "window_size": 1,
}  # fmt: skip
_WHOLE = ("seed", "max_epochs", "pretrain_epochs", "eval_interval", "save_interval", "patience", "accumulation_steps",
          "batch_size", "num_workers", "patch_size", "mask_patch_size", "in_channels", "embed_dim", "window_size")  # fmt: skip
_CHOICES: dict[str, tuple[Any, ...]] = {
    "spatial_dims": (2, 3),
    "amp": (None, "bf16"),
    "finetune_from": ("best", "last"),
    "selection_metric": ("balanced_accuracy",),
    "augmentation": ("light", "flip", "none"),
    "standardise_features": (True, False),
    "routing": ("learned", "label_guided", "uniform"),
    "class_weights": (None, False, "off", "balanced"),
    "fusion_type": ("adaptive", "concat", "add", "hadamard"),
    "use_clinical_prior": (True, False),
    "allow_leakage": (True, False),
}
_POSITIVE = ("spacing_mm", "mlp_ratio", "temperature")
_BELOW = {"drop_path_rate": 1, "label_smoothing": 1}


def check(settings: Mapping[str, Any]) -> None:
    """Check kinds and ranges, and what must agree with what.

    Args:
        settings: resolved.

    Raises:
        UserError: naming the setting, its value and what it should be.
    """
    for name, least in _AT_LEAST.items():
        value = settings[name]
        if not _is_number(value):
            hint = " (write 1.0e-4: YAML reads 1e-4 as text)" if isinstance(value, str) else ""
            raise UserError(f"{name} must be a number, got {value!r}{hint}")
        if value < least:
            raise UserError(f"{name} must be at least {least}, got {value}")
    for name in _POSITIVE:
        if not _is_number(settings[name]) or settings[name] <= 0:
            raise UserError(f"{name} must be a number above 0, got {settings[name]!r}")
    for name, limit in _BELOW.items():
        if settings[name] >= limit:
            raise UserError(f"{name} must be below {limit}, got {settings[name]}")
    for name in _WHOLE:
        if not isinstance(settings[name], int):
            raise UserError(f"{name} must be a whole number, got {settings[name]!r}")
    for name, choices in _CHOICES.items():
        if settings[name] not in choices:
            raise UserError(f"{name} must be one of {', '.join(map(str, choices))}, got {settings[name]!r}")
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
    if settings["mask_patch_size"] % settings["patch_size"]:
        raise UserError(
            f"mask_patch_size ({settings['mask_patch_size']}) must be a multiple of patch_size ({settings['patch_size']})"
        )
    if not 0 < settings["mask_ratio"] < 1:
        raise UserError(f"mask_ratio must lie between 0 and 1, got {settings['mask_ratio']}")
    for task in ("diagnosis", "change"):
        names = settings[f"classes_{task}"]
        if not isinstance(names, list) or len(names) < 2 or len(set(names)) < len(names):
            raise UserError(f"classes_{task} must list two or more different names, got {names!r}")
        if settings[f"num_classes_{task}"] != len(names):
            raise UserError(
                f"num_classes_{task} is {settings[f'num_classes_{task}']} but classes_{task} has {len(names)} names"
            )
    keep = settings["keep_checkpoints"]
    if keep != "all" and (not isinstance(keep, int) or keep < 2):
        raise UserError(f"keep_checkpoints must be all or a number of two or more, got {keep!r}")
    if settings["clip_grad"] is not None and not (_is_number(settings["clip_grad"]) and settings["clip_grad"] > 0):
        raise UserError(f"clip_grad must be a number above 0, or null, got {settings['clip_grad']!r}")
    window = settings["target_norm_window"]
    if window is not None and not (isinstance(window, int) and window > 0 and window % 2):
        raise UserError(f"target_norm_window must be a positive odd number, or null, got {window!r}")
    edges, axes = settings["img_size"], settings["spatial_dims"]
    sizes = edges if isinstance(edges, (list, tuple)) else [edges] * axes
    if len(sizes) != axes or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise UserError(f"img_size must be a positive whole number, or a list of {axes} of them, got {edges!r}")
    if not isinstance(settings["phase_overlays"], list):
        raise UserError(f"phase_overlays must be a list of config files, got {settings['phase_overlays']!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
