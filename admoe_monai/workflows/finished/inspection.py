"""Inspection of a checkpoint of any origin, of its uses, and of what a config would build."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from admoe_monai.checkpoints import (
    FINETUNE,
    PRETRAIN,
    Checkpoint,
    FileContents,
    IncompatibleCheckpointError,
    check_schema,
    component_sizes,
    examine,
    load_whole,
)
from admoe_monai.networks.published import OTHER, layout_of
from admoe_monai.run_files import CONFIG
from admoe_monai.workflows.checking.network import network_of
from admoe_monai.workflows.run.checkpoints_of import later_files
from admoe_monai.workflows.run.components import component_counts
from admoe_monai.workflows.run.pretrained import LEAST_SHARE, fit_of
from admoe_monai.workflows.run.resume import ResumePoint
from admoe_monai.workflows.settings.command_line import as_word

# Keys too long for a description; their names and sizes are in "parameters".
_TENSORS = ("model_state_dict", "optimizer_state_dict", "scheduler_state_dict", "parameter_names", "further")


def describe_file(path: Path, config_files: Sequence[Path] = ()) -> dict[str, Any]:
    """Describe what a torch file of any origin holds, in values that JSON can carry.

    Args:
        path: File of any kind.
        config_files: Entry point and its overlays; its network is compared with the weights.

    Raises:
        CheckpointError: If the file can't be read safely, or is of this package and damaged.
        UserError: For a mistake in the config.
    """
    contents = load_whole(path)
    found = examine(contents)
    if isinstance(contents, dict) and "format_version" in contents:
        check_schema(path, contents)
        description = _describe_own(path, cast(Checkpoint, contents))
    else:
        description = _describe_foreign(path, found)
    if description["pretrained"]["usable"] is None and config_files:
        description["pretrained"] |= _fit(found, network_of(config_files)[1], config_files)
    plain: dict[str, Any] = _for_json(description)
    return plain


def describe_config(config_files: Iterable[Path]) -> dict[str, Any]:
    """Describe the network's components and the plan of a config; a datalist is needed only for an open `prior_dim`.

    Args:
        config_files: Entry point and its overlays, or overlays alone.

    Raises:
        UserError: For a mistake in the config.
    """
    settings, network = network_of(config_files)
    counts = component_counts(network)
    return {
        "spatial_dims": settings["spatial_dims"],
        "img_size": settings["img_size"],
        "parameters": counts | {"total": sum(counts.values())},
    }


def _describe_own(path: Path, contents: Checkpoint) -> dict[str, Any]:
    state = contents["training_state"]
    found = examine(contents)
    return {
        "file": str(path),
        "kind": found.kind,
        **{key: value for key, value in contents.items() if key not in _TENSORS},
        "further": list(contents.get("further", {})),
        "step": contents["iteration"] % contents["epoch_length"],
        "scores": {
            "best_val_acc": contents["best_val_acc"],
            "best_val_acc_epoch": state["best_val_acc_epoch"],
            "lowest_val_loss": state["best_loss"],
            "lowest_val_loss_epoch": state["best_loss_epoch"],
            "stopped_early": state["stopped_early"],
        },
        "parameters": _parameters(found),
        "tensors": len(found.weights),
        "decoder_tensors": len(found.decoder_names),
        "resume": _resume(path, contents),
        "pretrained": _as_pretrained(found),
    }


def _resume(path: Path, contents: Checkpoint) -> dict[str, Any]:
    """Describe what a resume from this file does, and which command asks for it."""
    point = ResumePoint(contents["settings"], path, contents, path.parent)
    finished = point.epoch >= contents["settings"]["max_epochs"]
    later = later_files(point.folder, point.checkpoint)
    config = path.parent / CONFIG
    command = f"python -m monai.bundle run training --config_file {as_word(config) if config.exists() else 'CONFIG'}"
    return {
        "possible": True,
        "finished": finished,
        "phase": None if finished else PRETRAIN if contents["is_pretrain"] and not point.phase_is_over else FINETUNE,
        "epoch": None if finished else point.epoch,
        "step": None if finished else 0 if point.phase_is_over else contents["iteration"] % contents["epoch_length"],
        "steps_per_epoch": contents["epoch_length"],
        "newest": not later,
        "later_files": later,
        "command": None
        if finished
        else command + (f" --resume {as_word(path)}" + (" --run_dir NEW_DIR" if later else "")),
    }


def _describe_foreign(path: Path, found: FileContents) -> dict[str, Any]:
    return {
        "file": str(path),
        "kind": found.kind,
        "remark": found.remark,
        "layout": _layout(found),
        **found.claims,
        "parameters": _parameters(found),
        "tensors": len(found.weights),
        "decoder_tensors": len(found.decoder_names),
        "wrapper": found.wrapper,
        "resume": {"possible": False, "lacks": found.lacks},
        "pretrained": _as_pretrained(found),
    }


def _parameters(found: FileContents) -> dict[str, int]:
    sizes = component_sizes(found.weights)
    return sizes | {"total": sum(sizes.values())} if sizes else {}


def _layout(found: FileContents) -> str:
    """Name the family whose names the weights have, if it is a known one."""
    layout = layout_of(found.weights)
    return "" if layout is OTHER else layout.name


def _as_pretrained(found: FileContents) -> dict[str, Any]:
    """Describe whether the weights can be offered to a network at all; None leaves it to the comparison with a config."""
    reason = "" if found.weights else "it holds no weights"
    return {"usable": False if reason else None, "reason": reason, "least_encoder_share": LEAST_SHARE}


def _fit(found: FileContents, network: nn.Module, config_files: Sequence[Path]) -> dict[str, Any]:
    named = [str(file) for file in config_files]
    try:
        fit = fit_of(found.weights, network)
    except IncompatibleCheckpointError as error:
        return {"config": named, "usable": False, "reason": str(error)}
    return {
        "config": named,
        "usable": fit.is_enough,
        "encoder_share": fit.encoder_share,
        "matched": list(fit.match.matched),
        "missing": list(fit.match.missing),
        "unexpected": list(fit.match.unexpected),
        "other_shape": [{"name": n, "file": list(a), "network": list(b)} for n, a, b in fit.match.reshaped],
    }


def _for_json(value: Any) -> Any:
    """Replace values that JSON lacks, such as infinity and tensors."""
    if isinstance(value, dict):
        return {str(key): _for_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(entry) for entry in value]
    if isinstance(value, torch.Tensor):
        return _for_json(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
