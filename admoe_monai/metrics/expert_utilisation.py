"""Choice of experts by the gates, overall and per class: a collapsed expert must be seen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine
from ignite.metrics.metric import Metric, reinit__is_reduced

logger = logging.getLogger(__name__)


class ExpertUtilisation(Metric):
    """Mean gate weight per stage, task, class and expert over an epoch, as a dictionary of floats.

    Its keys read `stage2_diagnosis_ad` (all visits) and `stage2_diagnosis_ad_of_CN` (visits of a class), and for the mean over
    all stages and tasks `mean_ad` and `mean_ad_of_CN`.

    Args:
        experts: Names in the network's order.
        classes: Class names of the task that visits are told apart by, in the order of its labels; none by default.
        label_key: Key of these labels in the batch, which may lack it.
        collapse_share: Mean weight below which an expert is named in a warning, once per epoch.
        device: Device on which the sums are kept.
    """

    _state_dict_all_req_keys = ("_sums", "_counts")

    def __init__(
        self,
        experts: Sequence[str],
        classes: Sequence[str] = (),
        label_key: str | None = None,
        collapse_share: float = 0.01,
        device: str | torch.device = "cpu",
        output_transform: Callable[[Any], Any] = lambda output: output,
    ) -> None:
        self.experts = tuple(experts)
        self.classes = tuple(classes)
        self.label_key = label_key
        self.collapse_share = collapse_share
        super().__init__(output_transform, device=device, skip_unrolling=True)

    @reinit__is_reduced
    def reset(self) -> None:
        """Forget the epoch."""
        self._sums: dict[tuple[int, str], torch.Tensor] = {}
        self._counts: dict[tuple[int, str], torch.Tensor] = {}

    def iteration_completed(self, engine: Engine) -> None:
        """Add a batch; the labels stand in the batch, whatever the loss was given."""
        output = engine.state.output
        labels = engine.state.batch.get(self.label_key) if isinstance(engine.state.batch, dict) else None
        self.update((output["pred"].get("routing", []), labels))

    @reinit__is_reduced
    def update(self, output: tuple[Sequence[Any], torch.Tensor | None]) -> None:
        """Add the routing records of a batch.

        Args:
            output: Records with `stage`, `task` and `weights` (B, E), and labels (B,), -1 where unknown.
        """
        records, labels = output
        rows = len(self.classes) + 1
        for record in records:
            weights = record.weights.detach().double().to(self._device)
            key = (record.stage, record.task)
            sums = self._sums.setdefault(key, weights.new_zeros(rows, len(self.experts)))
            counts = self._counts.setdefault(key, weights.new_zeros(rows))
            sums[0] += weights.sum(0)
            counts[0] += len(weights)
            if labels is not None:
                for i in range(len(self.classes)):
                    of_class = torch.as_tensor(labels, device=self._device) == i
                    sums[i + 1] += weights[of_class].sum(0)
                    counts[i + 1] += of_class.sum()

    def compute(self) -> dict[str, float]:
        """Return the mean weights; classes without a visit are left out."""
        result: dict[str, float] = {}
        everywhere: dict[str, list[float]] = {}
        collapsed: list[str] = []
        for (stage, task), own_sums in self._sums.items():
            sums, counts = idist.all_reduce(own_sums), idist.all_reduce(self._counts[stage, task])
            for row, name in enumerate(("", *(f"_of_{c}" for c in self.classes))):
                count = counts[row]
                if count > 0:
                    for expert, total in zip(self.experts, sums[row], strict=True):
                        key, weight = f"stage{stage}_{task}_{expert}{name}", float(total / count)
                        result[key] = weight
                        everywhere.setdefault(f"mean_{expert}{name}", []).append(weight)
                        if row == 0 and weight < self.collapse_share:
                            collapsed.append(key)
        if collapsed:
            logger.warning(
                "Collapsed experts (mean gate weight below %g): %s", self.collapse_share, ", ".join(collapsed)
            )
        return result | {key: sum(weights) / len(weights) for key, weights in everywhere.items()}
