"""Pictures of a run: its curves over the epochs, and bars per group."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from admoe_monai.evaluation.pages.canvas import DATA_COLOURS, label, panel
from admoe_monai.metrics_rows import Row, best_score, lowest_loss, number_in

PHASE_NAMES = {"pretrain": "pretraining (SimMIM)", "finetune": "finetuning"}


def curves_figures(rows: Sequence[Row], selection_metric: str = "balanced_accuracy") -> dict[str, Figure]:
    """Draw the loss of each phase, and balanced accuracy of finetuning, over the epochs.

    Args:
        rows: Rows of a run's metrics.csv.
        selection_metric: Name of the metric that chooses the best model.

    Returns:
        Figure per title.
    """
    drawn = {}
    for phase in phases_of(rows):
        figure, axis = panel()
        draw_loss(axis, rows, phase, DATA_COLOURS)
        label(figure, axis, "epoch", "loss", columns=3)
        drawn[f"Loss, {PHASE_NAMES[phase]}"] = figure
    if scores_of(rows):
        figure, axis = panel()
        draw_scores(axis, rows, selection_metric, DATA_COLOURS)
        label(figure, axis, "epoch", "balanced accuracy", columns=2)
        drawn["Balanced accuracy, validation split"] = figure
    return drawn


def phases_of(rows: Sequence[Row]) -> list[str]:
    """List the phases that have been trained."""
    return [phase for phase in PHASE_NAMES if any(row["phase"] == phase for row in rows)]


def scores_of(rows: Sequence[Row]) -> list[str]:
    """List the columns with balanced accuracies on the validation split; none before finetuning."""
    if "finetune" not in phases_of(rows):
        return []
    return [n for n in rows[-1] if n.startswith("val_") and n.endswith("_balanced_accuracy")]


def draw_loss(axis: Axes, rows: Sequence[Row], phase: str, colours: Sequence[str]) -> None:
    """Draw the losses of a phase, and mark the lowest.

    Args:
        axis: Axes to draw on.
        rows: Rows of a run's metrics.csv.
        phase: Key of the phase.
        colours: Colours of training, of validation, and further ones.
    """
    epochs = [row for row in rows if row["phase"] == phase]
    axis.plot(*_seen(epochs, "train_loss"), "o-", color=colours[0], ms=3, label="training")
    axis.plot(*_seen(epochs, "val_loss"), "o-", color=colours[1], ms=3, label="validation")
    best = lowest_loss(rows, phase)
    if best is not None:
        lowest = f"lowest, epoch {best.epoch}"
        axis.plot(best.epoch, best.value, "o", ms=8, mfc="none", mec=colours[1], label=lowest)
    _over_epochs(axis, epochs)


def draw_scores(axis: Axes, rows: Sequence[Row], selection_metric: str, colours: Sequence[str]) -> None:
    """Draw balanced accuracies on the validation split, and mark the best model.

    Args:
        axis: Axes to draw on.
        rows: Rows of a run's metrics.csv.
        selection_metric: Name of the metric that chooses the best model.
        colours: Colours of training, of validation, and further ones.
    """
    epochs = [row for row in rows if row["phase"] == "finetune"]
    for name, colour in zip(scores_of(rows), itertools.cycle(colours[1:]), strict=False):
        # That of all tasks has no task before it.
        task = name.removesuffix("balanced_accuracy").removeprefix("val_").removesuffix("_") or "mean of the tasks"
        axis.plot(*_seen(epochs, name), "o-", color=colour, ms=3, label=task)
    best = best_score(rows, selection_metric)
    if best is not None:
        axis.axvline(best.epoch, color=colours[0], linestyle=":", label=f"best model, epoch {best.epoch}")
    axis.set_ylim(-0.02, 1.02)
    _over_epochs(axis, epochs)


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


def _over_epochs(axis: Axes, rows: Sequence[Row]) -> None:
    first, last = int(rows[0]["epoch"]), int(rows[-1]["epoch"])
    axis.xaxis.set_major_locator(FixedLocator([first]) if first == last else MaxNLocator(integer=True))
    axis.set_xlim(first - 0.5 - 0.04 * (last - first), last + 0.5 + 0.04 * (last - first))


def _seen(rows: Sequence[Row], name: str) -> tuple[list[int], list[float]]:
    """Return epochs and values of a column where it has a value: validation may be rarer than epochs."""
    seen = [(int(row["epoch"]), value) for row in rows if (value := number_in(row, name)) is not None]
    return [epoch for epoch, _ in seen], [value for _, value in seen]
