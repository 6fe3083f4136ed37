"""Predictions of a finished run for the visits of a datalist, with the transforms that validation uses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from torch import nn
from tqdm import tqdm

from admoe_monai.checkpoints import Checkpoint, CheckpointError, phase_key, read_checkpoint, weights_to_evaluate
from admoe_monai.data import Datalist, OtherLabels, load_datalist
from admoe_monai.evaluation.predictions import PredictionTable
from admoe_monai.run_files import BEST_MODEL, BEST_PRETRAIN, CONFIG, DATALIST
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.run.environment import choose_device
from admoe_monai.workflows.run.phase import Phase, PhaseWorkflow
from admoe_monai.workflows.run.places import default_cache, find_data
from admoe_monai.workflows.run.restore import restore_network
from admoe_monai.workflows.settings.command_line import as_word
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.literal_text import literal

logger = logging.getLogger(__name__)


@dataclass
class TrainedRun:
    """Finished run: its settings, its best network and the statistics that its inputs need.

    Attributes:
        folder: Run directory.
        parser: Parser of the run's own config, completed.
        settings: Resolved settings.
        checkpoint: Contents of the checkpoint.
        network: Network with the weights that the checkpoint is evaluated by, in evaluation mode.
    """

    folder: Path
    parser: ConfigParser
    settings: dict[str, Any]
    checkpoint: Checkpoint
    network: nn.Module

    @classmethod
    def load(cls, folder: Path, checkpoint_name: str = BEST_MODEL) -> TrainedRun:
        """Load a run.

        Args:
            folder: Run directory.
            checkpoint_name: File name of one of its checkpoints; the best model by default.

        Raises:
            CheckpointError: If it has no such checkpoint.
        """
        if not (folder / CONFIG).is_file():
            raise CheckpointError(f"{folder} is not a run directory: it has no {CONFIG}")
        if checkpoint_name == BEST_MODEL and (folder / BEST_PRETRAIN).is_file() and not (folder / BEST_MODEL).exists():
            raise CheckpointError(
                f"{folder} has no {BEST_MODEL}: nothing was finetuned in it. What pretraining has learned is told by "
                f"admoe evaluate {as_word(folder)} --checkpoint {BEST_PRETRAIN}"
            )
        checkpoint = read_checkpoint(folder / checkpoint_name)
        parser = parser_of([folder / CONFIG])
        settings = resolved_settings(parser)
        find_data(settings, [folder] if (folder / DATALIST).is_file() else [])
        if settings["cache_dir"] is None:
            settings["cache_dir"] = str(default_cache(settings["datalist"]))
        network = parser.get_parsed_content("network_def")
        restore_network(network, checkpoint, weights_to_evaluate(checkpoint))
        return cls(folder, parser, settings, checkpoint, network.eval())

    def phase(self, visits: Sequence[dict[str, Any]], device: torch.device) -> PhaseWorkflow:
        """Build the checkpoint's phase with these visits in the place of the validation's.

        Args:
            visits: Items of a datalist.
            device: Device to run on.
        """
        phases: list[Phase] = self.parser.get_parsed_content("phases")
        objects = {
            "network_def": self.network,
            "cohort": None,
            "prior_statistics": literal(self.checkpoint["prior"]),
            "class_weight_values": None,
            "run_directory": None,
            "writer": None,
            "visits": literal({"training": visits, "validation": visits}),
            # Nothing is trained here, so only one of the two stores is computed.
            "initialize": ["$@validate::store.prepare(@num_workers)"],
        }
        phase = next(phase for phase in phases if phase.key == phase_key(self.checkpoint))
        return phase.build({**self.settings, "device": device}, objects)


def predict(
    run: TrainedRun,
    cohort: Datalist,
    split: str = "test",
    device: str | None = None,
    with_prior: bool = True,
    observe: Callable[[Mapping[str, Any], Mapping[str, Any]], None] | None = None,
) -> PredictionTable:
    """Predict all visits of a split.

    Args:
        run: Finished run.
        cohort: Cohort whose split is predicted.
        split: Name of the split: `training`, `validation` or `test`.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.
        with_prior: Whether the network sees the clinical values; otherwise they are missing for all visits.
        observe: Function called with each batch and the network's outputs.

    Raises:
        UserError: For an image that can't be read, or a checkpoint that predicts no label.
    """
    if run.checkpoint["is_pretrain"]:
        raise CheckpointError(f"the checkpoint of {run.folder} is from pretraining, which predicts no label")
    chosen = choose_device(device)
    use_threads()
    visits = cohort.items(split)
    phase = run.phase(visits, chosen)
    network, prepare_batch, inferer = phase["network"], phase["prepare_batch"], phase["validate::inferer"]
    loader = phase["validate::dataloader"]
    network.eval()
    classes = run.settings["classes"]
    batches: dict[str, list[np.ndarray]] = {task: [] for task in classes}
    with torch.no_grad():
        for batch in tqdm(loader, desc=f"Predicting {split}", unit="batch", disable=None):
            image, _, args, kwargs = prepare_batch(batch, chosen)
            if not with_prior and "prior" in kwargs:
                kwargs["prior"] = torch.full_like(kwargs["prior"], torch.nan)
            output = inferer(image, network, *args, **kwargs)
            if observe is not None:
                observe(batch, output)
            for task in classes:
                batches[task].append(output[task].double().softmax(1).cpu().numpy())
    probabilities = {task: np.concatenate(parts) for task, parts in batches.items()}
    return PredictionTable.from_visits(cohort.splits[split], probabilities, classes)


def cohort_of(run: TrainedRun, datalist: Path | None = None, dataset_dir: Path | None = None) -> Datalist:
    """Load the run's own cohort, or another one.

    Args:
        run: Finished run.
        datalist: Datalist of an external cohort; None for the run's own.
        dataset_dir: Folder of its images, if it is not where the datalist says.

    Raises:
        UserError: If anything in the datalist is wrong.
    """
    classes = run.settings["classes"]
    # A run that was allowed to train on a leak says so in its figures; they can be had all the same.
    refuse = datalist is not None or not run.checkpoint.get("leakage")
    # What the network can't say is no label of its figures.
    others = OtherLabels(run.settings["left_out_labels"], chosen=list(classes))
    return load_datalist(datalist or run.folder / DATALIST, dataset_dir, classes, refuse, others)
