"""Analysis of a trained network's experts: the gates' weights per class, and the loss of recall without an expert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from admoe_monai.data import Datalist
from admoe_monai.evaluation import PredictionTable
from admoe_monai.metrics import ExpertUtilisation
from admoe_monai.networks.blocks import MMoE
from admoe_monai.workflows.run.environment import choose_device

from .prediction import TrainedRun, predict

#: A gate's logit at which an expert has no weight.
SILENT = -1.0e4


@contextmanager
def without_expert(network: nn.Module, name: str) -> Iterator[None]:
    """Take the weight of an expert away in every gate; the others share it.

    Args:
        network: Network with experts, changed for as long as the context lasts.
        name: Name of the expert.
    """
    biases: list[tuple[torch.Tensor, int]] = [
        (gate.get_parameter("bias"), list(module.experts.keys()).index(name))
        for module in network.modules()
        if isinstance(module, MMoE)
        for gate in module.gates.values()
    ]
    saved = [bias.detach()[index].item() for bias, index in biases]
    with torch.no_grad():
        for bias, index in biases:
            bias[index] = SILENT
        try:
            yield
        finally:
            for (bias, index), value in zip(biases, saved, strict=True):
                bias[index] = value


def gate_weights(
    run: TrainedRun, cohort: Datalist, split: str, device: str | None
) -> tuple[PredictionTable, dict[str, float], Sequence[str]]:
    """Predict a split and average the gate weights over it.

    Args:
        run: Finished run.
        cohort: Cohort whose split is predicted.
        split: Name of the split: `training`, `validation` or `test`.
        device: Device to run on; None takes the GPU if there is one.

    Returns:
        Predictions, mean gate weights (see `ExpertUtilisation`), and the classes that these are given for.
    """
    phase = run.phase([], choose_device(device))  # without visits: nothing is computed for its declarations
    task: str = phase["expert_task"]
    used = ExpertUtilisation(run.settings["experts"], phase["expert_classes"], collapse_share=0.0)
    used.reset()

    def observe(batch: Mapping[str, Any], output: Mapping[str, Any]) -> None:
        used.update((output.get("routing", []), batch.get(task)))

    table = predict(run, cohort, split, device, observe=observe)
    return table, used.compute(), used.classes


def recall_without(
    run: TrainedRun, cohort: Datalist, split: str, device: str | None, table: PredictionTable
) -> dict[str, dict[str, dict[str, float]]]:
    """Compute the change of each class's recall when an expert is taken away, over all labelled visits.

    Args:
        run: Finished run with experts.
        cohort: Cohort whose split is predicted.
        split: Name of the split: `training`, `validation` or `test`.
        device: Device to run on; None takes the GPU if there is one.
        table: Predictions with all experts.

    Returns:
        Change per class for each task and expert; classes without a visit are left out.
    """
    whole = {task: _recalls(table, task) for task in table.classes}
    changes: dict[str, dict[str, dict[str, float]]] = {task: {} for task in whole}
    for name in run.settings["experts"]:
        with without_expert(run.network, name):
            less = predict(run, cohort, split, device)
        for task in whole:
            recalls = _recalls(less, task)
            changes[task][name] = {label: recalls[label] - whole[task][label] for label in whole[task]}
    return changes


def _recalls(table: PredictionTable, task: str) -> dict[str, float]:
    truth, predicted = table.labels(task), table.probabilities(task).argmax(axis=1)
    return {
        label: float((predicted[truth == index] == index).mean())
        for index, label in enumerate(table.classes[task])
        if (truth == index).any()
    }
