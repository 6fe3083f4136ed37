"""Decision curves: what acting on the network's probabilities would be worth, beside acting on everyone and on no one.

Vickers, A. J. and Elkin, E. B., "Decision curve analysis", Med. Decis. Making 26 (2006), doi 10.1177/0272989X06295361. Who acts
from a probability t on takes t / (1 - t) false alarms for as bad as one miss; the net benefit counts the people who are rightly
acted on, less false alarms at that price, per person.

Axis letters: N visits, K classes, T thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from admoe_monai.evaluation.pages.canvas import DATA_COLOURS, QUIET, label, panel

#: Probabilities from which on one might act.
THRESHOLDS = tuple(number / 100 for number in range(1, 100))
#: How far below no benefit a curve is drawn, as a share of the highest.
BELOW = 0.4


def net_benefit(probability: np.ndarray, members: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Compute the net benefit of acting from each threshold on.

    Args:
        probability: Probability (N,) of the class.
        members: Whether a visit is of the class (N,), of booleans.
        thresholds: Probabilities (T,), between 0 and 1.

    Returns:
        Net benefit (T,) per visit: at most the share of the class.

    Raises:
        ValueError: If a threshold is not between 0 and 1.
    """
    at = np.asarray(thresholds, dtype=float)
    if not ((at > 0) & (at < 1)).all():
        raise ValueError(f"thresholds must be between 0 and 1, got {thresholds}")
    acted = probability >= at[:, None]
    right, wrong = (acted & members).mean(axis=1), (acted & ~members).mean(axis=1)
    benefit: np.ndarray = right - wrong * at / (1 - at)
    return benefit


def decision_curves(probabilities: np.ndarray, truth: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Compute the curve of each class that occurs against the rest, unless all visits are of it.

    Args:
        probabilities: Array (N, K), each row summing to 1.
        truth: Class indices (N,).
        classes: Names of the K classes.

    Returns:
        Per class, in their order, ``n_class`` and ``n_rest`` (visits), ``thresholds``, ``network`` (its net benefit at each)
        and ``everyone`` (that of acting on everyone); acting on no one has 0.
    """
    curves = {}
    for place, name in enumerate(classes):
        members = truth == place
        if members.any() and not members.all():
            curves[name] = {
                "n_class": int(members.sum()),
                "n_rest": int((~members).sum()),
                "thresholds": list(THRESHOLDS),
                "network": net_benefit(probabilities[:, place], members, THRESHOLDS).tolist(),
                "everyone": net_benefit(np.ones(len(truth)), members, THRESHOLDS).tolist(),
            }
    return curves


def decision_in_words(name: str, curve: Mapping[str, Any]) -> str:
    """Say at which thresholds the network is worth more than acting on everyone or on no one.

    Args:
        name: Name of the class.
        curve: Its part of the result of :func:`decision_curves`.
    """
    points = zip(curve["thresholds"], curve["network"], curve["everyone"], strict=True)
    better = [at for at, network, everyone in points if network > max(everyone, 0) + 1e-12]
    found = f"at {len(better)} of {len(curve['thresholds'])} thresholds" if better else "at no threshold"
    within = f", between {better[0]:.2f} and {better[-1]:.2f}" if better else ""
    return f"{name} ({curve['n_class']} against {curve['n_rest']}): {found}{within}"


def decision_figure(curves: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the curves of a task, each with that of acting on everyone in the same colour, dashed.

    Args:
        curves: Result of :func:`decision_curves`.
    """
    figure, axis = panel(height=4.0)
    highest = max(curve["n_class"] / (curve["n_class"] + curve["n_rest"]) for curve in curves.values())
    axis.axhline(0, color=QUIET, linewidth=1, label="no one")
    for number, (name, curve) in enumerate(curves.items(), start=1):
        colour = DATA_COLOURS[number % len(DATA_COLOURS)]
        axis.plot(curve["thresholds"], curve["network"], color=colour, label=f"network, {name} ({curve['n_class']})")
        axis.plot(
            curve["thresholds"], curve["everyone"], "--", color=colour, linewidth=1, label=f"everyone, as if {name}"
        )
    axis.set(xlim=(0, 1), ylim=(-BELOW * highest, 1.05 * highest))
    label(figure, axis, "probability from which on one acts", "net benefit per person", columns=2)
    return figure
