"""Pictures of a run: its curves over the epochs, and bars per group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from admoe_monai.evaluation.canvas import DATA_COLOURS, INK, label, panel

PHASE_NAMES = {"pretrain": "pretraining (SimMIM)", "finetune": "finetuning"}


def curves_figures(metrics: pd.DataFrame) -> dict[str, Figure]:
    """Draw the loss of each phase, and balanced accuracy of finetuning, over the epochs.

    Args:
        metrics: Contents of a run's metrics.csv.

    Returns:
        Figure per title.
    """
    drawn = {}
    for phase, name in PHASE_NAMES.items():
        rows = metrics[metrics["phase"] == phase]
        if len(rows):
            drawn[f"Loss, {name}"] = _loss_figure(rows)
    rows = metrics[metrics["phase"] == "finetune"]
    scores = [str(n) for n in metrics if str(n).startswith("val_") and str(n).endswith("_balanced_accuracy")]
    if len(rows) and scores:
        figure, axis = panel()
        for name, colour in zip(scores, DATA_COLOURS[1:], strict=False):
            task = name.removeprefix("val_").removesuffix("balanced_accuracy").rstrip("_")
            axis.plot(*_seen(rows, name), "o-", color=colour, ms=3, label=task or "mean of tasks")
        axis.set_ylim(0, 1)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        label(figure, axis, "epoch", "balanced accuracy", columns=3)
        drawn["Balanced accuracy, validation split"] = figure
    return drawn


def bars_figure(groups: Sequence[str], series: Mapping[str, Sequence[float]], upward: str) -> Figure:
    """Draw groups of bars, such as the mean gate weight of each expert per class.

    Args:
        groups: Names along the horizontal axis.
        series: One value per group for each name.
        upward: Label of the vertical axis.
    """
    figure, axis = panel()
    width = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        at = np.arange(len(groups)) + (number - (len(series) - 1) / 2) * width
        axis.bar(at, values, width, label=name, color=DATA_COLOURS[number % len(DATA_COLOURS)])
    axis.set_xticks(range(len(groups)), groups)
    label(figure, axis, "", upward, columns=3)
    return figure


def _loss_figure(rows: pd.DataFrame) -> Figure:
    figure, axis = panel()
    axis.plot(rows["epoch"], rows["train_loss"], "o-", color=DATA_COLOURS[0], ms=3, label="training")
    epochs, losses = _seen(rows, "val_loss")
    axis.plot(epochs, losses, "o-", color=DATA_COLOURS[1], ms=3, label="validation")
    if len(losses):
        best = int(losses.argmin())
        lowest = f"lowest, epoch {epochs[best]:g}"
        axis.plot(epochs[best], losses[best], "o", ms=8, mfc="none", mec=INK, label=lowest)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    label(figure, axis, "epoch", "loss", columns=3)
    return figure


def _seen(rows: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return epochs and values of a column where it has a value: validation may be rarer than epochs."""
    kept = rows[rows[name].notna()]
    return kept["epoch"].to_numpy(dtype=float), kept[name].to_numpy(dtype=float)
