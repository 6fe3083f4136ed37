"""Calibration slope and intercept: the straight line between the logits of a class and what happens.

Cox, D. R., "Two further applications of a model for binary regression", Biometrika 45 (1958); Van Calster, B. et al.,
"Calibration: the Achilles heel of predictive analytics", BMC Med. 17 (2019): a slope below 1 means that the network is too
sure, an intercept below 0 that it calls the class too probable on the whole.

Axis letters: N people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from warnings import catch_warnings

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from admoe_monai.evaluation.bootstrap import LEVEL, Estimate

#: A smaller probability, or one that is nearer to 1, counts as this.
SMALLEST = 1e-9
#: Steps of Newton's method, of which a handful suffices, and the gradient at which it has arrived.
STEPS, ARRIVED = 100, 1e-8
#: Logits that differ by less are one.
ALIKE = 1e-9


def calibration_lines(probabilities: np.ndarray, truth: np.ndarray, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Fit both lines for each class against the rest, with Wald's intervals.

    Args:
        probabilities: Array (N, K) of people counted once, each row summing to 1.
        truth: Class indices (N,).
        names: Names of the K classes.

    Returns:
        Per class ``slope`` and ``intercept``, each the fields of ``Estimate``; the intercept is that of a slope of 1
        (calibration in the large).
    """
    found = {}
    for k, name in enumerate(names):
        across, happens = logit(np.clip(probabilities[:, k], SMALLEST, 1 - SMALLEST)), (truth == k).astype(float)
        if not 0 < happens.sum() < len(happens):
            nothing = Estimate(None, note="everybody or nobody is of this class").as_dict()
            found[name] = {"slope": nothing, "intercept": nothing}
            continue
        found[name] = {"slope": _slope(across, happens).as_dict(), "intercept": _intercept(across, happens).as_dict()}
    return found


def _slope(across: np.ndarray, happens: np.ndarray) -> Estimate:
    """Fit a logistic regression without penalty, which has a slope just where the class and the rest overlap."""
    if np.ptp(across) < ALIKE:
        return Estimate(None, note="no line: all have one probability of this class")
    own, rest = across[happens == 1], across[happens == 0]
    if own.min() >= rest.max() or own.max() <= rest.min():
        return Estimate(None, note="no line: the class and the rest don't overlap")
    # In standard deviations, so that logits which hardly differ are as easy as others.
    wide = across.std()
    standard = (across - across.mean()) / wide
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=ARRIVED, max_iter=STEPS)
    with catch_warnings(action="error", category=ConvergenceWarning):
        try:
            model.fit(standard[:, None], happens)
        except ConvergenceWarning:
            return Estimate(None, note="the fit of the line has not converged")
    chance = model.predict_proba(standard[:, None])[:, 1]
    design = np.stack([np.ones(len(across)), standard], axis=1)
    covariance = np.linalg.inv(design.T @ (design * (chance * (1 - chance))[:, None]))
    return _with_wald(model.coef_[0, 0] / wide, covariance[1, 1] / wide**2)


def _intercept(across: np.ndarray, happens: np.ndarray) -> Estimate:
    """Find the shift of all logits after which as many are expected as there are."""
    # With all logits at the highest or at the lowest of them, the shift would be one of these.
    ends = logit(happens.mean()) - across.max() - 1, logit(happens.mean()) - across.min() + 1
    shift = float(brentq(lambda at: float((expit(across + at) - happens).sum()), *ends))
    chance = expit(across + shift)
    return _with_wald(shift, 1 / (chance * (1 - chance)).sum())


def _with_wald(value: float, variance: float) -> Estimate:
    half = norm.ppf((1 + LEVEL) / 2) * np.sqrt(variance)
    return Estimate(float(value), float(value - half), float(value + half))
