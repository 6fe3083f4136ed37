"""Reliability of probabilities: how often the network is right where it is so sure.

Axis letters: N visits, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from admoe_monai.evaluation.pages.canvas import DATA_COLOURS, INK, QUIET, label, panel

BINS = 10


def reliability_bins(probabilities: np.ndarray, truth: np.ndarray) -> list[dict[str, Any]]:
    """Compare confidence with what was right, in ten bins of equal width.

    Args:
        probabilities: Array (N, K), each row summing to 1.
        truth: Class indices (N,).

    Returns:
        Per bin that holds visits, in rising order, ``confidence`` (mean probability of the most probable class),
        ``right`` (share of visits of that class) and ``n_visits``.
    """
    hit = probabilities.argmax(axis=1) == truth
    confidence = probabilities.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "confidence": float(confidence[bins == number].mean()),
            "right": float(hit[bins == number].mean()),
            "n_visits": int((bins == number).sum()),
        }
        for number in np.unique(bins)
    ]


def reliability_figure(bins: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the bins of a task, each with its number of visits.

    Args:
        bins: Result of :func:`reliability_bins`.
    """
    figure, axis = panel(height=4.0)
    axis.plot([0, 1], [0, 1], "--", color=QUIET, linewidth=1, label="as sure as right")
    confidence, right = ([entry[name] for entry in bins] for name in ("confidence", "right"))
    axis.plot(confidence, right, "o-", color=DATA_COLOURS[1], label="network, with the number of visits")
    for entry in bins:
        at = entry["confidence"], entry["right"]
        above = entry["right"] < 0.9
        axis.annotate(
            str(entry["n_visits"]), at, (0, 7 if above else -7), textcoords="offset points", fontsize=9, color=INK,
            ha="center", va="bottom" if above else "top",
        )  # fmt: skip
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    label(figure, axis, "probability of the class that is called", "share that is right")
    return figure
