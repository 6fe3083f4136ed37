"""Pictures of a run under way: all of its curves in one, and what its validation mistakes for what."""

from __future__ import annotations

import io
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from admoe_monai.evaluation.best_epochs import best_score, lowest_loss, read_metrics
from admoe_monai.evaluation.curves import PHASE_NAMES

TRAIN_COLOUR, VALIDATION_COLOUR = "#8a94a3", "#1f6f8b"
TASK_COLOURS = ("#1f6f8b", "#c98a2b", "#a2403a", "#5a7d3c", "#7a5195")


def curves_figure(metrics: pd.DataFrame, selection_metric: str = "balanced_accuracy") -> Figure:
    """Draw the loss of each phase, and balanced accuracy of finetuning, over the epochs, and mark the best ones.

    Args:
        metrics: Contents of a run's metrics.csv.
        selection_metric: Name of the metric that chooses the best model.
    """
    phases = [phase for phase in PHASE_NAMES if (metrics["phase"] == phase).any()]
    scores = [str(n) for n in metrics if str(n).startswith("val_") and str(n).endswith("_balanced_accuracy")]
    panels = len(phases) + (1 if scores and "finetune" in phases else 0)
    figure, axes = _canvas(4.2 * panels, 3.0, panels)
    for axis, phase in zip(axes, phases, strict=False):
        rows = metrics[metrics["phase"] == phase]
        axis.plot(rows["epoch"], rows["train_loss"], ".-", color=TRAIN_COLOUR, label="training")
        axis.plot(*_seen(rows, "val_loss"), ".-", color=VALIDATION_COLOUR, label="validation")
        best = lowest_loss(metrics, phase)
        if best is not None:
            label = f"lowest, epoch {best['epoch']}"
            axis.plot(best["epoch"], best["val_loss"], "o", color=VALIDATION_COLOUR, label=label)
        _finish(axis, f"loss, {PHASE_NAMES[phase]}", "epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if panels > len(phases):
        _draw_scores(axes[-1], metrics[metrics["phase"] == "finetune"], scores, best_score(metrics, selection_metric))
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
    FigureCanvasAgg(figure).print_png(content)
    return content.getvalue()


def _draw_scores(axis: Axes, rows: pd.DataFrame, scores: Sequence[str], best: pd.Series[Any] | None) -> None:
    for name, colour in zip(scores, itertools.cycle(TASK_COLOURS), strict=False):
        # That of all tasks has no task before it.
        label = name.removesuffix("balanced_accuracy").removeprefix("val_").removesuffix("_") or "mean of the tasks"
        axis.plot(*_seen(rows, name), ".-", color=colour, label=label)
    if best is not None:
        axis.axvline(best["epoch"], color=TRAIN_COLOUR, linestyle=":", label=f"best model, epoch {best['epoch']}")
    _finish(axis, "balanced accuracy, validation", "epoch")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.margins(x=0.08)
    axis.set_ylim(-0.02, 1.02)


def _seen(rows: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return epochs and values of a column where it has a value: validation may be rarer than epochs."""
    kept = rows[rows[name].notna()]
    return kept["epoch"].to_numpy(dtype=float), kept[name].to_numpy(dtype=float)


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
    axis.legend(fontsize=8, frameon=False)
