"""ROC curves of each class against the rest.

Axis letters: N visits, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import auc, roc_curve

from admoe_monai.evaluation.pages.canvas import DATA_COLOURS, QUIET, label, panel
from admoe_monai.evaluation.pages.wording import in_digits


def roc_curves(probabilities: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Compute the curve of each class that occurs, unless all visits are of it.

    Args:
        probabilities: Array (N, K), each row summing to 1.
        truth: Class indices (N,).
        classes: Names of the K classes.

    Returns:
        Per class, in their order, ``auc``, ``n_class`` and ``n_rest`` (visits) and the points of the curve,
        ``false_positive_rate`` and ``true_positive_rate``.
    """
    curves = {}
    for index, name in enumerate(classes):
        members = truth == index
        if members.any() and not members.all():
            false, true, _ = roc_curve(members, probabilities[:, index])
            curves[name] = {
                "auc": float(auc(false, true)),
                "n_class": int(members.sum()),
                "n_rest": int((~members).sum()),
                "false_positive_rate": false.tolist(),
                "true_positive_rate": true.tolist(),
            }
    return curves


def roc_in_words(name: str, curve: Mapping[str, Any]) -> str:
    """Name a curve by its class, with its area and the numbers that it rests on.

    Args:
        name: Name of the class.
        curve: Its part of the result of :func:`roc_curves`.
    """
    # The smaller side bounds how sure it is.
    digits = in_digits(curve["auc"], min(curve["n_class"], curve["n_rest"]))
    return f"{name}: AUC {digits} ({curve['n_class']} against {curve['n_rest']})"


def roc_figure(curves: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the curves of a task.

    Args:
        curves: Result of :func:`roc_curves`.
    """
    figure, axis = panel(height=4.0)
    axis.plot([0, 1], [0, 1], "--", color=QUIET, linewidth=1)
    for number, (name, curve) in enumerate(curves.items(), start=1):
        colour = DATA_COLOURS[number % len(DATA_COLOURS)]
        points = curve["false_positive_rate"], curve["true_positive_rate"]
        axis.plot(*points, color=colour, label=roc_in_words(name, curve))
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    label(figure, axis, "share of the rest that is called so", "share of the class that is called so")
    return figure
