from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    matthews_corrcoef,
    recall_score,
    roc_auc_score,
)

from admoe_monai.evaluation.metrics import classification_statistics, recalls, weighted_auc, weighted_confusion

CLASSES = ["CN", "MCI", "AD"]
PAIRS = [("CN", "AD")]


def visits(seed: int = 0, n: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities rounded so that scores tie, and integer weights with zeros."""
    rng = np.random.default_rng(seed)
    probabilities = np.round(rng.dirichlet([1, 1, 1], n), 1)
    return rng.integers(0, 3, n), probabilities, rng.integers(0, 4, (5, n)).astype(float)


def test_every_weighting_agrees_with_scikit_learn() -> None:
    truth, probabilities, weights = visits()
    values = classification_statistics(truth, probabilities, CLASSES, PAIRS)(weights)
    predicted = probabilities.argmax(1)
    for row, weight in enumerate(weights):
        kwargs = {"sample_weight": weight}
        assert values["accuracy"][row] == pytest.approx(accuracy_score(truth, predicted, **kwargs))
        assert values["balanced_accuracy"][row] == pytest.approx(balanced_accuracy_score(truth, predicted, **kwargs))
        each = recall_score(truth, predicted, average=None, **kwargs)
        assert [values[f"recall_{name}"][row] for name in CLASSES] == pytest.approx(list(each))
        macro = np.mean([roc_auc_score(truth == k, probabilities[:, k], **kwargs) for k in range(3)])
        assert values["macro_auc"][row] == pytest.approx(macro)
        assert values["macro_f1"][row] == pytest.approx(f1_score(truth, predicted, average="macro", **kwargs))
        assert values["mcc"][row] == pytest.approx(matthews_corrcoef(truth, predicted, **kwargs))
        assert values["brier"][row] == pytest.approx(
            sum(brier_score_loss(truth == k, probabilities[:, k], **kwargs) for k in range(3))
        )
        for k, name in enumerate(CLASSES):
            score, others = probabilities[:, k], recall_score(truth != k, predicted != k, **kwargs)
            assert values[f"specificity_{name}"][row] == pytest.approx(others)
            assert values[f"auc_of_{name}"][row] == pytest.approx(roc_auc_score(truth == k, score, **kwargs))
            precision = average_precision_score(truth == k, score, **kwargs)
            assert values[f"average_precision_{name}"][row] == pytest.approx(precision)


def test_a_classifier_of_one_word_has_no_correlation() -> None:
    probabilities = np.tile([0.2, 0.5, 0.3], (6, 1))
    values = classification_statistics(np.array([0, 1, 2] * 2), probabilities, CLASSES, [])(np.ones((1, 6)))
    assert values["mcc"] == [0.0]
    assert values["average_precision_AD"] == pytest.approx([1 / 3])
    assert values["specificity_MCI"] == [0.0]


def test_pair_auc_ranks_the_two_classes_by_their_share() -> None:
    truth, probabilities, weights = visits(1)
    probabilities = probabilities + 0.01
    value = classification_statistics(truth, probabilities, CLASSES, PAIRS)(weights)["auc_CN_vs_AD"]
    rows = truth != 1
    share = probabilities[rows, 2] / probabilities[rows][:, [0, 2]].sum(1)
    expected = [roc_auc_score(truth[rows] == 2, share, sample_weight=weight[rows]) for weight in weights]
    assert value == pytest.approx(expected)


def test_a_pair_without_any_probability_counts_as_undecided() -> None:
    truth = np.array([0, 2, 0])
    probabilities = np.array([[0.8, 0.0, 0.2], [0.0, 1.0, 0.0], [0.3, 0.1, 0.6]])
    value = classification_statistics(truth, probabilities, CLASSES, PAIRS)(np.ones((1, 3)))["auc_CN_vs_AD"]
    assert value == pytest.approx([0.5])


def test_auc_equals_the_count_of_ordered_pairs() -> None:
    score = np.array([0.1, 0.4, 0.4, 0.8, 0.8, 0.2])
    positive = np.array([False, True, False, True, False, False])
    pairs = [(p > n) + 0.5 * (p == n) for p in score[positive] for n in score[~positive]]
    assert weighted_auc(np.ones((1, 6)), positive, score) == pytest.approx([np.mean(pairs)])


def test_a_class_without_weight_is_nan_not_zero() -> None:
    truth = np.array([0, 1])
    weights = np.array([[1.0, 0.0]])
    confusion = weighted_confusion(weights, truth, truth, 3)
    np.testing.assert_array_equal(confusion, [np.diag([1.0, 0, 0])])
    np.testing.assert_array_equal(recalls(confusion), [[1.0, np.nan, np.nan]])
    assert np.isnan(weighted_auc(weights, truth == 1, np.array([0.2, 0.7]))).all()


def test_macro_figures_keep_their_classes_in_every_resample() -> None:
    truth = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.1, 0.9, 0], [0.3, 0.7, 0]])
    weights = np.array([[1.0, 1, 1, 1], [1.0, 1, 0, 0]])
    values = classification_statistics(truth, probabilities, CLASSES, [])(weights)
    np.testing.assert_allclose(values["balanced_accuracy"], [0.75, np.nan])
    np.testing.assert_allclose(values["macro_auc"], [0.75, np.nan])
