from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from admoe_monai.evaluation.bootstrap import bootstrap, percentile_estimate, subject_resamples, tail
from admoe_monai.evaluation.metrics import weighted_auc


def test_visits_of_a_subject_are_drawn_together() -> None:
    subjects = ["b", "a", "b", "c", "a", "b"]
    weights = np.concatenate(list(subject_resamples(subjects, 40, seed=0)))
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, 1], weights[:, 4])
    np.testing.assert_array_equal(weights[:, [0, 1, 3]].sum(1), 3)


def test_resamples_come_in_bounded_chunks() -> None:
    assert [len(chunk) for chunk in subject_resamples(["a", "b"], 501, seed=0)] == [250, 250, 1]


def test_the_order_of_rows_has_no_influence() -> None:
    rng = np.random.default_rng(0)
    subjects = np.array([f"s{k}" for k in rng.integers(0, 9, 30)])
    shuffled = rng.permutation(30)
    first = np.concatenate(list(subject_resamples(list(subjects), 20, seed=3)))
    second = np.concatenate(list(subject_resamples(list(subjects[shuffled]), 20, seed=3)))
    np.testing.assert_array_equal(first[:, shuffled], second)


def test_the_seed_decides_the_draws() -> None:
    draws = [np.concatenate(list(subject_resamples(list("abcdef"), 5, seed))) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


def test_a_negative_number_of_resamples_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        list(subject_resamples(["a"], -1, seed=0))


def test_interval_of_a_mean_agrees_with_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=400)
    subjects = [f"s{k}" for k in range(400)]
    estimate = bootstrap(lambda w: {"mean": w @ values / w.sum(1)}, subjects, 4000, seed=1)["mean"]
    assert estimate.value == pytest.approx(values.mean())
    half = norm.ppf(0.975) * values.std() / 20
    assert estimate.low is not None
    assert estimate.high is not None
    assert [estimate.low, estimate.high] == pytest.approx([values.mean() - half, values.mean() + half], abs=0.1 * half)


def test_repeated_visits_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(0).normal(size=50)
    subjects = [f"s{k:02d}" for k in range(50)]
    once = bootstrap(lambda w: {"mean": w @ values / w.sum(1)}, subjects, 500, seed=0)["mean"]
    four = np.repeat(values, 4)
    repeated = bootstrap(lambda w: {"mean": w @ four / w.sum(1)}, list(np.repeat(subjects, 4)), 500, seed=0)["mean"]
    assert [repeated.low, repeated.high] == pytest.approx([once.low, once.high])


def delong_standard_error(positive: np.ndarray, score: np.ndarray) -> float:
    """DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), written out pair by pair."""
    kernel = (np.sign(score[positive][:, None] - score[~positive][None, :]) + 1) / 2
    upper, lower = kernel.mean(1), kernel.mean(0)
    return float(np.sqrt(upper.var(ddof=1) / len(upper) + lower.var(ddof=1) / len(lower)))


def test_interval_of_an_auc_agrees_with_delong() -> None:
    rng = np.random.default_rng(2)
    positive = np.arange(300) < 140
    score = rng.normal(size=300) + 1.1 * positive
    subjects = [f"s{k}" for k in range(300)]
    estimate = bootstrap(lambda w: {"auc": weighted_auc(w, positive, score)}, subjects, 4000, seed=0)["auc"]
    assert estimate.low is not None
    assert estimate.high is not None
    width = 2 * norm.ppf(0.975) * delong_standard_error(positive, score)
    assert estimate.high - estimate.low == pytest.approx(width, rel=0.06)


def test_undefined_resamples_are_left_out_and_counted() -> None:
    estimate = percentile_estimate(0.5, np.array([0.4, np.nan, 0.6]), n_subjects=100_000)
    assert estimate.n_resamples == 2
    assert estimate.low == pytest.approx(0.405, abs=1e-5)


@pytest.mark.parametrize(("people", "share"), [(10, 0.00855), (20, 0.01588), (1_000_000, 0.025)])
def test_percentiles_go_further_out_for_few_people(people: int, share: float) -> None:
    """By hand: P(Z < -t * sqrt(n / (n - 1))), with t of Student's table: 2.262 for 10 people, 2.093 for 20."""
    assert tail(people) == pytest.approx(share, abs=1e-5)


def test_the_widened_interval_of_a_mean_is_as_wide_as_students() -> None:
    values = np.random.default_rng(3).normal(size=12)
    subjects = [f"s{k}" for k in range(12)]
    estimate = bootstrap(lambda w: {"mean": w @ values / w.sum(axis=1)}, subjects, 20_000, seed=0)["mean"]
    student = t.interval(0.95, 11, values.mean(), values.std(ddof=1) / np.sqrt(12))
    assert estimate.high - estimate.low == pytest.approx(student[1] - student[0], rel=0.05)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "draws", "subjects", "note"),
    [
        (np.nan, [0.1, 0.2], 3, "undefined"),
        (0.5, [0.1, 0.2], 1, "1 subject"),
        (0.5, [], 3, "0 resamples"),
        (0.5, [np.nan, 0.5], 3, "1 resamples"),
        (1.0, [1.0, 1.0], 3, "same value"),
    ],
)
def test_a_misleading_interval_is_withheld_with_the_reason(
    value: float, draws: list[float], subjects: int, note: str
) -> None:
    estimate = percentile_estimate(value, np.array(draws), subjects)
    assert estimate.low is None
    assert estimate.high is None
    assert note in str(estimate.note)


def coverage(n_per_class: int, visits: int, separation: float, repetitions: int) -> float:
    """Share of simulated studies whose interval holds the true AUC; visits of a subject share most of their score."""
    truth = norm.cdf(separation / np.sqrt(2))
    rng = np.random.default_rng(11)
    subjects = [f"s{k}" for k in range(2 * n_per_class) for _ in range(visits)]
    positive = np.repeat(np.arange(2 * n_per_class) < n_per_class, visits)
    hits = 0
    for repetition in range(repetitions):
        shared = np.repeat(rng.normal(size=2 * n_per_class), visits) * np.sqrt(0.8)
        score = shared + rng.normal(size=len(positive)) * np.sqrt(0.2) + separation * positive

        def statistic(w: np.ndarray, score: np.ndarray = score) -> dict[str, np.ndarray]:
            return {"auc": weighted_auc(w, positive, score)}

        estimate = bootstrap(statistic, subjects, 400, seed=repetition)["auc"]
        hits += bool(estimate.low is not None and estimate.high is not None and estimate.low <= truth <= estimate.high)
    return hits / repetitions


@pytest.mark.slow
@pytest.mark.parametrize("visits", [1, 3])
def test_intervals_hold_the_truth_in_about_95_of_100_studies(visits: int) -> None:
    # Binomial error of 1,000 studies: 0.7 points; percentile intervals of an AUC run slightly short.
    assert 0.92 <= coverage(30, visits, separation=1.0, repetitions=1000) <= 0.97


def test_intervals_hold_the_truth_in_most_of_a_few_studies() -> None:
    assert coverage(30, 3, separation=1.0, repetitions=40) >= 0.85
