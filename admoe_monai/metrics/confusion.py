"""Counts of each class taken for each, and what they say of each class: ignite's metrics, one per task.

Axis letters: K classes of a task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from ignite.metrics import ConfusionMatrix, MetricsLambda
from ignite.metrics.metric import Metric

SUFFIX = "_confusion"


def class_metrics(
    classes: Mapping[str, Sequence[str]], output_transform: Callable[..., Any] = lambda output: output
) -> dict[str, Metric]:
    """Build the confusion matrix of each task, and from them the recall of each class.

    Args:
        classes: Class names of each task.
        output_transform: Function that turns the engine's output into predictions and labels, each a mapping from task to a
            batched tensor; a label of -1 is unknown and left out.

    Returns:
        The metrics by name: ``<task>_confusion``, counts (K, K) whose rows are the true classes, and ``recall``, a dictionary
        with ``<task>_<class>`` for each class that occurs.
    """
    confusions = {
        task: ConfusionMatrix(len(names), output_transform=_OfTask(task, output_transform))
        for task, names in classes.items()
    }

    def recalls(*matrices: torch.Tensor) -> dict[str, float]:
        return {
            f"{task}_{name}": (row[index] / row.sum()).item()
            for (task, names), matrix in zip(classes.items(), matrices, strict=True)
            for index, (name, row) in enumerate(zip(names, matrix.double(), strict=True))
            if row.sum() > 0
        }

    matrices = {f"{task}{SUFFIX}": confusion for task, confusion in confusions.items()}
    return {**matrices, "recall": MetricsLambda(recalls, *confusions.values())}


class _OfTask:
    """Predictions and labels of one task."""

    def __init__(self, task: str, output_transform: Callable[..., Any]) -> None:
        self.task = task
        self.output_transform = output_transform

    def __call__(self, output: Any) -> tuple[torch.Tensor, torch.Tensor]:
        predictions, labels = self.output_transform(output)
        return predictions[self.task], labels[self.task]
