"""A picture of which classes a validation mistakes for which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from .epoch_metrics import Epoch

DrawConfusions = Callable[[Mapping[str, tuple[Sequence[str], list[list[int]]]]], np.ndarray]


class ConfusionPicture:
    """Draw the confusion matrices of each validation into TensorBoard.

    Args:
        writer: TensorBoard writer.
        classes: Class names of each task, whose counts are the metric `<task>_confusion`.
        draw: Function of class names and counts per task that returns an RGB picture (height, width, 3).
    """

    def __init__(self, writer: SummaryWriter, classes: Mapping[str, Sequence[str]], draw: DrawConfusions) -> None:
        self.writer = writer
        self.classes = classes
        self.draw = draw

    def __call__(self, epoch: Epoch) -> None:
        """Draw them, if the epoch was validated."""
        found = {task: epoch.matrices.get(f"{task}_confusion") for task in self.classes}
        counts = {task: (self.classes[task], matrix.tolist()) for task, matrix in found.items() if matrix is not None}
        if counts:
            self.writer.add_image(f"{epoch.phase}/confusion", self.draw(counts), epoch.number, dataformats="HWC")
