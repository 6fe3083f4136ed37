"""Calibration lines against scikit-learn, and against networks that are known to be too sure or biased."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from admoe_monai.evaluation.recalibration import calibration_lines


def people(number: int = 4000, factor: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw what happens at true probabilities, of which the network says logits times a factor, and moved."""
    random = np.random.default_rng(0)
    true = random.normal(0, 1.2, number)
    truth = (random.random(number) < expit(true)).astype(int)
    said = expit(factor * true + shift)
    return np.stack([1 - said, said], axis=1), truth


def test_a_calibrated_network_has_slope_one_and_intercept_zero() -> None:
    found = calibration_lines(*people(), ["CN", "AD"])["AD"]
    assert found["slope"]["low"] < 1 < found["slope"]["high"]
    assert found["intercept"]["low"] < 0 < found["intercept"]["high"]


def test_who_is_too_sure_has_a_slope_below_one_and_who_says_too_much_an_intercept_below_zero() -> None:
    sure = calibration_lines(*people(factor=2.0), ["CN", "AD"])["AD"]
    assert sure["slope"]["value"] == pytest.approx(0.5, abs=0.05)
    much = calibration_lines(*people(shift=0.7), ["CN", "AD"])["AD"]
    assert much["intercept"]["value"] == pytest.approx(-0.7, abs=0.1)
    assert calibration_lines(*people(shift=0.7), ["CN", "AD"])["CN"]["intercept"]["value"] == pytest.approx(
        0.7, abs=0.1
    )


def test_the_slope_is_that_of_scikit_learn() -> None:
    probabilities, truth = people(60, factor=1.5)
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(probabilities[:, 1:]), truth)
    found = calibration_lines(probabilities, truth, ["CN", "AD"])["AD"]
    assert found["slope"]["value"] == pytest.approx(fitted.coef_[0, 0], rel=1e-4)


def test_the_interval_of_an_intercept_by_hand() -> None:
    """Of 100 people who are all called at 0.5, 30 are so: log odds -0.847, standard error 1 / sqrt(100 * 0.3 * 0.7)."""
    found = calibration_lines(np.full((100, 2), 0.5), np.repeat([1, 0], [30, 70]), ["CN", "AD"])["AD"]["intercept"]
    assert found["value"] == pytest.approx(-0.8473, abs=1e-4)
    assert found["high"] - found["value"] == pytest.approx(1.96 * 0.21822, abs=1e-3)


def test_what_has_no_line_says_why() -> None:
    apart = calibration_lines(
        np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]), np.array([0, 0, 1, 1]), ["CN", "AD"]
    )
    assert apart["AD"]["slope"]["value"] is None
    assert "overlap" in apart["AD"]["slope"]["note"]
    alone = calibration_lines(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 0]), ["CN", "AD"])
    assert "everybody or nobody" in alone["CN"]["slope"]["note"]
    same = calibration_lines(np.full((4, 2), 0.5), np.array([0, 0, 1, 1]), ["CN", "AD"])["AD"]
    assert same["slope"]["value"] is None
    assert "one probability" in same["slope"]["note"]


def test_people_whom_the_network_calls_next_to_impossible_have_both_lines() -> None:
    """Logits near -6 of a class that 15 of 75 people are of: a shift of log(15 / 60) + 6 makes up for it."""
    across = np.random.default_rng(0).normal(-6, 0.3, 75)
    said = expit(across)
    truth = np.zeros(75, int)
    truth[::5] = 1
    found = calibration_lines(np.stack([1 - said, said], axis=1), truth, ["CN", "AD"])["AD"]
    assert found["intercept"]["value"] == pytest.approx(np.log(15 / 60) + 6, abs=0.1)
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(across[:, None], truth)
    assert found["slope"]["value"] == pytest.approx(fitted.coef_[0, 0], rel=1e-3)
    assert found["slope"]["low"] < found["slope"]["value"] < found["slope"]["high"]


def test_a_flat_network_has_a_steep_line() -> None:
    """Logits of a hundredth of what they should be."""
    found = calibration_lines(*people(400, factor=0.01), ["CN", "AD"])["AD"]
    assert found["slope"]["value"] == pytest.approx(100, rel=0.3)


@pytest.mark.parametrize("seed", range(20))
def test_where_the_class_and_the_rest_overlap_there_is_a_line(seed: int) -> None:
    random = np.random.default_rng(seed)
    across = random.normal(random.uniform(-15, 15), random.choice([0.001, 1.0, 10.0]), 30)
    said, truth = expit(across), (np.arange(30) < random.integers(2, 28)).astype(int)
    found = calibration_lines(np.stack([1 - said, said], axis=1), truth, ["CN", "AD"])["AD"]
    values = [found[kind][end] for kind in ("slope", "intercept") for end in ("low", "value", "high")]
    assert np.isfinite(values).all()


def test_a_fit_that_does_not_arrive_is_told_from_people_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admoe_monai.evaluation.recalibration.STEPS", 1)
    assert "has not converged" in calibration_lines(*people(60), ["CN", "AD"])["AD"]["slope"]["note"]
