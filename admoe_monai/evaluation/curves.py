"""Pictures of a run: its curves over the epochs, its confusion and how its probabilities are calibrated."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

TRAIN_COLOUR, VALIDATION_COLOUR = "#8a94a3", "#1f6f8b"
BAR_COLOURS = ("#5b6573", "#1f6f8b", "#c98a2b", "#a2403a", "#5a7d3c", "#7a5195")
PHASE_NAMES = {"pretrain": "pretraining (SimMIM)", "finetune": "finetuning"}


def curves_figure(metrics: pd.DataFrame) -> Figure:
    """Draw the loss of each phase, and balanced accuracy of finetuning, over the epochs.

    Args:
        metrics: Contents of a run's metrics.csv.
    """
    phases = [phase for phase in PHASE_NAMES if (metrics["phase"] == phase).any()]
    scores = [str(n) for n in metrics if str(n).startswith("val_") and str(n).endswith("_balanced_accuracy")]
    panels = len(phases) + (1 if scores and "finetune" in phases else 0)
    figure, axes = _canvas(4.2 * panels, 3.0, panels)
    for axis, phase in zip(axes, phases, strict=False):
        rows = metrics[metrics["phase"] == phase]
        axis.plot(rows["epoch"], rows["train_loss"], color=TRAIN_COLOUR, label="training")
        epochs, losses = _seen(rows, "val_loss")
        axis.plot(epochs, losses, color=VALIDATION_COLOUR, label="validation")
        if len(losses):
            best = int(losses.argmin())
            axis.plot(epochs[best], losses[best], "o", color=VALIDATION_COLOUR, label=f"lowest, epoch {epochs[best]:g}")
        _finish(axis, f"loss, {PHASE_NAMES[phase]}", "epoch")
    if panels > len(phases):
        rows = metrics[metrics["phase"] == "finetune"]
        for name, colour in zip(scores, BAR_COLOURS[1:], strict=False):
            axes[-1].plot(*_seen(rows, name), color=colour, label=name[4:].removesuffix("_balanced_accuracy"))
        _finish(axes[-1], "balanced accuracy, validation", "epoch")
        axes[-1].set_ylim(0, 1)
    return figure


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


def bars_figure(title: str, groups: Sequence[str], series: Mapping[str, Sequence[float]], label: str) -> Figure:
    """Draw groups of bars, such as the mean gate weight of each expert per class.

    Args:
        title: Title above the picture.
        groups: Names along the horizontal axis.
        series: One value per group for each name.
        label: Label of the vertical axis.
    """
    figure, (axis,) = _canvas(max(5.0, 1.2 + 0.28 * len(groups) * len(series)), 2.6, 1)
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        at = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        axis.bar(at, values, width, label=name, color=BAR_COLOURS[number % len(BAR_COLOURS)])
    axis.set_xticks(range(len(groups)), groups, fontsize=8)
    axis.axhline(0, color="#1b1f24", linewidth=0.8)
    _finish(axis, title, "")
    # Bars reach the top: the legend stands beside them.
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axis.set_ylabel(label, fontsize=9)
    return figure


def figure_to_png(figure: Figure) -> bytes:
    """Render a figure as the bytes of a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def _seen(rows: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return epochs and values of a column where it has a value: validation may be rarer than epochs."""
    kept = rows[rows[name].notna()]
    return kept["epoch"].to_numpy(dtype=float), kept[name].to_numpy(dtype=float)


def _canvas(width: float, height: float, panels: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def _finish(axis: Axes, title: str, below: str) -> None:
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(below, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8, frameon=False)
