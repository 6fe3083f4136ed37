"""Balanced accuracy over one or several tasks with missing labels: the figure that chooses the best model.

Axis letters: B batch, K classes of a task.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from ignite.exceptions import NotComputableError
from ignite.metrics.metric import Metric, reinit__is_reduced, sync_all_reduce

logger = logging.getLogger(__name__)

Items = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class BalancedAccuracy(Metric):
    """Mean over the tasks of the mean recall over the classes that occur, as a python float.

    ``sklearn.metrics.balanced_accuracy_score`` for each task, over all labelled items of an epoch. Where it deviates
    from ignite's macro ``Recall``: a label of -1 is unknown and is left out, a class without any item is left out
    instead of counting as a recall of 0, and several tasks are averaged. Only counts are accumulated, so that the
    value over several processes is exactly the value over their union.

    A task without any label is left out of the mean. When no task has a label the value is 0.0 and a warning says so:
    the run then chooses its model by the loss, which breaks ties.

    Args:
        num_classes: Number of classes (2 or more) of each task that enters the mean; other tasks are ignored.
        output_transform: Function that turns the engine's output into ``(predictions, labels)``, such as MONAI's
            ``from_engine(["pred", "label"])``.
        device: Device on which the counts are kept; with NCCL, the process's own GPU.

    Raises:
        ValueError: When no task is given or a task has fewer than two classes.

    Example:
        >>> metric = BalancedAccuracy({"diagnosis": 3})
        >>> metric.update(({"diagnosis": torch.eye(3)}, {"diagnosis": torch.tensor([0, 1, -1])}))
        >>> metric.compute()
        1.0
    """

    _state_dict_all_req_keys = ("_counts", "_num_updates")

    def __init__(
        self,
        num_classes: Mapping[str, int],
        output_transform: Callable[..., Any] = lambda output: output,
        device: str | torch.device = "cpu",
    ) -> None:
        if not num_classes:
            raise ValueError(f"num_classes must name at least one task, got {dict(num_classes)}.")
        for task, number in num_classes.items():
            if number < 2:
                raise ValueError(f"task {task!r} needs at least 2 classes, got {number}.")
        self.num_classes = dict(num_classes)
        self._warned = False
        super().__init__(output_transform, device=device, skip_unrolling=True)

    @reinit__is_reduced
    def reset(self) -> None:
        """Forget the epoch."""
        size = max(self.num_classes.values())
        # One tensor for all tasks, (tasks, true class, predicted class): a single all-reduce.
        self._counts = torch.zeros(len(self.num_classes), size, size, dtype=torch.int64, device=self._device)
        self._num_updates = 0

    @reinit__is_reduced
    def update(self, output: tuple[Items, Items]) -> None:
        """Count one batch.

        Args:
            output: Predictions and labels; each a mapping from task to a batched tensor ((B, K) scores, (B,) class indices),
                or a list of such mappings for single items, as MONAI's engines give after decollating.

        Raises:
            ValueError: When a prediction has another number of classes, or a label lies outside the classes.
        """
        predictions, labels = output
        for counts, (task, classes) in zip(self._counts, self.num_classes.items(), strict=True):
            scores = _batched(predictions, task).detach()
            truth = _batched(labels, task).detach().reshape(-1).to(scores.device)
            if scores.shape != (len(truth), classes):
                raise ValueError(
                    f"task {task!r}: scores {tuple(scores.shape)} do not fit {len(truth)} labels of {classes} classes."
                )
            if bool(((truth < -1) | (truth >= classes)).any()):
                raise ValueError(f"task {task!r}: labels {truth.tolist()} are not all in -1..{classes - 1}.")
            known = truth >= 0
            pairs = (truth[known].long() * classes + scores[known].argmax(dim=1)).to(counts.device)
            counts[:classes, :classes] += torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        self._num_updates += 1

    @sync_all_reduce("_counts", "_num_updates")
    def compute(self) -> float:
        """Return the mean over tasks.

        Raises:
            NotComputableError: Before the first batch.
        """
        if self._num_updates == 0:
            raise NotComputableError("BalancedAccuracy has seen no batch.")
        values = [value for value in map(_mean_recall, self._counts) if value is not None]
        if values:
            return sum(values) / len(values)
        if not self._warned:
            logger.warning("No item has a label of %s: balanced accuracy is 0.0.", " or ".join(self.num_classes))
            self._warned = True
        return 0.0


def balanced_accuracies(
    classes: Mapping[str, Sequence[str]], output_transform: Callable[..., Any] = lambda output: output
) -> dict[str, BalancedAccuracy]:
    """Build one metric per task, for a config, which can't repeat a part itself.

    Args:
        classes: Class names of each task.
        output_transform: Function as for :class:`BalancedAccuracy`.

    Returns:
        The metrics by name, ``<task>_balanced_accuracy``.
    """
    return {
        f"{task}_balanced_accuracy": BalancedAccuracy({task: len(names)}, output_transform)
        for task, names in classes.items()
    }


def _mean_recall(counts: torch.Tensor) -> float | None:
    """Average the share on the diagonal over the rows (true classes) with items; None without any item."""
    totals = counts.sum(dim=1)
    present = totals > 0
    if not bool(present.any()):
        return None
    return float((counts.diagonal()[present].double() / totals[present]).mean())


def _batched(items: Items, task: str) -> torch.Tensor:
    if isinstance(items, Mapping):
        return torch.as_tensor(items[task])
    # Decollating turns scalar tensors into numbers.
    return torch.stack([torch.as_tensor(item[task]) for item in items])
