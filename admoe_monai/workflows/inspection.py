"""What is in a checkpoint, and what a config would build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.errors import UserError

from .cohort import load_cohort
from .components import component_counts
from .resume import ResumePoint
from .settings import parser_of, resolved_settings


def describe_checkpoint(path: Path) -> dict[str, Any]:
    """Phase, position, scores and components of a checkpoint.

    Args:
        path: of the file.

    Raises:
        CheckpointError: if it can't be read.
    """
    contents = read_checkpoint(path)
    settings, state = contents["settings"], contents["training_state"]
    weights: dict[str, torch.Tensor] = contents["model_state_dict"]
    components: Counter[str] = Counter()
    for name, weight in weights.items():
        components[name.partition(".")[0]] += weight.numel()
    point = ResumePoint(path, contents, path.parent, settings["max_epochs"], settings["pretrain_epochs"])
    steps = contents["iteration"] % contents["epoch_length"]
    return {
        "file": str(path),
        "phase": contents["phase"],
        "epoch": contents["epoch"],
        "step within epoch": f"{steps} of {contents['epoch_length']}" if steps else "epoch complete",
        "plan": f"{settings['pretrain_epochs']} of {settings['max_epochs']} epochs are pretraining",
        "resumes at epoch": point.start_epoch if point.start_epoch < settings["max_epochs"] else "none: finished",
        "stopped early": state["stopped_early"],
        "best_val_acc": contents["best_val_acc"],
        "lowest val loss": f"{state['best_loss']:.6g} (epoch {state['best_loss_epoch']})",
        "decoder_removed": contents["decoder_removed"],
        "parameters": dict(components),
        "written under": {k: str(v) for k, v in contents["environment"].items()},
    }


def describe_config(config_files: Iterable[Path]) -> dict[str, Any]:
    """The network's components and the plan that a config describes; a datalist is needed only for an open `prior_dim`.

    Args:
        config_files: an entry point and its overlays, or overlays alone.

    Raises:
        UserError: for a mistake in the config.
    """
    parser = parser_of(config_files)
    settings = resolved_settings(parser)
    if not settings["use_clinical_prior"]:
        settings["prior_dim"] = 0
    elif settings["prior_dim"] is None:
        if not Path(settings["datalist"]).is_file():
            raise UserError(
                f"the width of the prior is not known without {settings['datalist']}; set datalist or prior_dim in the config"
            )
        load_cohort(settings)
    parser["prior_dim"] = settings["prior_dim"]
    network = parser.get_parsed_content("network_def")
    counts = component_counts(network)
    return {
        "spatial_dims": settings["spatial_dims"],
        "img_size": settings["img_size"],
        "parameters": counts | {"total": sum(counts.values())},
    }
