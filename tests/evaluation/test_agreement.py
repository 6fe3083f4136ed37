import numpy as np
import pytest

from admoe_monai.evaluation.agreement import agreement, intraclass_correlation

#: Shrout and Fleiss 1979, table 2: six targets, four judges; table 4 gives ICC(2,1) = 0.29.
RATED = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def test_the_example_of_the_paper_has_its_value() -> None:
    assert intraclass_correlation(RATED) == pytest.approx(0.29, abs=0.005)


def test_a_value_by_hand() -> None:
    # The mean squares of Shrout and Fleiss, spelled out: 11/3 is the mean of all.
    scores = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    between = 2 * sum((mean - 11 / 3) ** 2 for mean in (1.5, 3.5, 6.0)) / 2
    drift = 3 * sum((mean - 11 / 3) ** 2 for mean in (3.0, 13 / 3))
    total = sum((value - 11 / 3) ** 2 for value in scores.ravel())
    error = (total - 2 * between - drift) / 2
    wanted = (between - error) / (between + error + 2 * (drift - error) / 3)
    assert intraclass_correlation(scores) == pytest.approx(wanted)
    assert 0.8 < wanted < 0.95


def test_a_shift_between_measurements_is_no_agreement() -> None:
    people = np.arange(20.0)
    assert intraclass_correlation(np.stack([people, people], axis=1)) == pytest.approx(1)
    assert intraclass_correlation(np.stack([people, people + 10], axis=1)) < 0.5


def test_the_interval_is_over_people_and_the_same_seed_gives_the_same() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(size=(60, 1)) + random.normal(scale=0.3, size=(60, 2))
    found = agreement(scores, n_boot=500)
    assert found == agreement(scores, n_boot=500)
    assert found != agreement(scores, n_boot=500, seed=1)
    assert found.value == intraclass_correlation(scores)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 1 / 1.09 < found.high  # 1 is the variance between people, 0.09 within


def test_few_people_get_no_interval() -> None:
    found = agreement(RATED, n_boot=100)
    assert (found.low, found.high, found.note) == (None, None, "no interval: 6 subjects")


@pytest.mark.parametrize("scores", [np.ones((1, 2)), np.ones((3, 1)), np.array([[1.0, np.nan], [2.0, 3.0]])])
def test_what_is_no_repeated_measurement_is_refused(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="two people and two finite measurements"):
        intraclass_correlation(scores)
