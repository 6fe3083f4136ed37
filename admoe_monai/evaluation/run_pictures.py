"""Pictures of a run under way: all of its curves in one, and what its validation mistakes for what."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from admoe_monai.evaluation.pages.canvas import legend, plain_text
from admoe_monai.evaluation.pages.curves import PHASE_NAMES, draw_loss, draw_scores, phases_of, scores_of
from admoe_monai.metrics_rows import Row, read_metrics

#: Of training, of validation, and further ones.
COLOURS = ("#8a94a3", "#1f6f8b", "#c98a2b", "#a2403a", "#5a7d3c", "#7a5195")


def curves_figure(rows: Sequence[Row], selection_metric: str = "balanced_accuracy") -> Figure:
    """Draw the loss of each phase, and balanced accuracy of finetuning, over the epochs, and mark the best ones.

    Args:
        rows: Rows of a run's metrics.csv.
        selection_metric: Name of the metric that chooses the best model.
    """
    phases, scores = phases_of(rows), scores_of(rows)
    panels = len(phases) + bool(scores)
    figure, axes = _canvas(4.2 * panels, 3.0, panels)
    for axis, phase in zip(axes, phases, strict=False):
        draw_loss(axis, rows, phase, COLOURS)
        _finish(axis, f"loss, {PHASE_NAMES[phase]}", "epoch")
    if scores:
        draw_scores(axes[-1], rows, selection_metric, COLOURS)
        _finish(axes[-1], "balanced accuracy, validation", "epoch")
    return figure


def curves_png(path: Path, selection_metric: str = "balanced_accuracy") -> bytes:
    """Draw the curves of a run as the bytes of a PNG file.

    Args:
        path: File metrics.csv of the run.
        selection_metric: Name of the metric that chooses the best model.
    """
    return figure_to_png(curves_figure(read_metrics(path), selection_metric))


def confusion_figure(confusions: Mapping[str, tuple[Sequence[str], Sequence[Sequence[int]]]]) -> Figure:
    """Draw a confusion matrix per task, rows being what is true, with counts.

    Args:
        confusions: Class names and counts per task.
    """
    figure, axes = _canvas(3.4 * len(confusions), 3.2, len(confusions))
    for axis, (task, (names, counts)) in zip(axes, confusions.items(), strict=True):
        matrix = np.asarray(counts, dtype=float)
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(matrix.shape):
            dark = shares[row, column] > 0.6
            axis.text(
                column, row, f"{matrix[row, column]:g}", ha="center", va="center", color="white" if dark else "black"
            )
        axis.set_xticks(range(len(names)), names, fontsize=8)
        axis.set_yticks(range(len(names)), names, fontsize=8, rotation=90, va="center")
        axis.set_xlabel("predicted", fontsize=9)
        axis.set_ylabel("true", fontsize=9)
        axis.set_title(task, fontsize=10)
    return figure


def figure_to_png(figure: Figure) -> bytes:
    """Render a figure as the bytes of a PNG file."""
    content = io.BytesIO()
    # Not savefig, which draws everything twice.
    with plain_text(figure):
        FigureCanvasAgg(figure).print_png(content)
    return content.getvalue()


def _canvas(width: float, height: float, panels: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(width, height), dpi=110)
    FigureCanvasAgg(figure)
    # In inches; an automatic layout would take half of the time of drawing, after each epoch.
    left, right, between, top, bottom = 0.55, 0.12, 0.65, 0.3, 0.45
    inner = (width - left - right - between * (panels - 1)) / panels
    margins = {"left": left / width, "right": 1 - right / width, "top": 1 - top / height, "bottom": bottom / height}
    axes = figure.subplots(1, panels, squeeze=False, gridspec_kw={**margins, "wspace": between / inner})
    return figure, list(axes[0])


def _finish(axis: Axes, title: str, below: str) -> None:
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(below, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    legend(axis, axis, fontsize=8, frameon=False)
