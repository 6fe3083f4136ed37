"""Picture curves.png: the run so far, without a further program."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from admoe_monai.files import write_atomic

from .epoch_metrics import Epoch

logger = logging.getLogger(__name__)

DrawCurves = Callable[[Path], bytes]


class CurvesPicture:
    """Draw the rows of metrics.csv anew after each epoch; listed behind the tracker that writes these.

    Drawn from the file, so that a run that goes on shows all of itself. No run ends for want of a picture.

    Args:
        path: Picture to write.
        metrics: Table metrics.csv of the run.
        draw: Function of the path of the table that returns the bytes of the picture.
    """

    def __init__(self, path: str | os.PathLike[str], metrics: str | os.PathLike[str], draw: DrawCurves) -> None:
        self.path = Path(path)
        self.metrics = Path(metrics)
        self.draw = draw
        self._warned = False

    def __call__(self, epoch: Epoch) -> None:
        """Write the picture with the epoch that has just ended."""
        self.write()

    def write(self) -> None:
        """Write the picture, or say once why there is none."""
        try:
            write_atomic(self.path, self.draw(self.metrics))
        except Exception as error:
            if not self._warned:
                logger.warning("%s can't be drawn, and the run goes on without it: %r", self.path.name, error)
            self._warned = True
