from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from admoe_monai.losses import MultiTaskLoss

WEIGHTS = {"diagnosis": 1.0, "change": 0.5}


def batch() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    torch.manual_seed(0)
    logits = {"diagnosis": torch.randn(4, 3, requires_grad=True), "change": torch.randn(4, 2, requires_grad=True)}
    return logits, {"diagnosis": torch.tensor([0, 2, -1, 1]), "change": torch.tensor([-1, 1, -1, 0])}


def by_hand(logits: Tensor, labels: list[int], rows: list[int], smoothing: float, weights: list[float]) -> Tensor:
    """Label smoothing as a mixture with the uniform target, class weights on every class of the target."""
    total, norm = torch.zeros(()), 0.0
    for label, row in zip(labels, rows, strict=True):
        target = torch.full((logits.shape[1],), smoothing / logits.shape[1])
        target[label] += 1 - smoothing
        total = total - (target * torch.tensor(weights) * logits[row].log_softmax(0)).sum()
        norm += weights[label]
    return total / norm


def test_it_is_the_weighted_sum_over_labelled_items() -> None:
    logits, labels = batch()
    loss = MultiTaskLoss(WEIGHTS, label_smoothing=0.1, class_weights={"diagnosis": [1.0, 2.0, 4.0]})
    diagnosis = by_hand(logits["diagnosis"], [0, 2, 1], [0, 1, 3], 0.1, [1.0, 2.0, 4.0])
    change = by_hand(logits["change"], [1, 0], [1, 3], 0.1, [1.0, 1.0])
    parts = loss.components(logits, labels)
    assert torch.allclose(parts["diagnosis"], diagnosis)
    assert torch.allclose(parts["change"], change)
    assert torch.allclose(loss(logits, labels), diagnosis + 0.5 * change)


def test_a_missing_label_has_no_gradient() -> None:
    logits, labels = batch()
    MultiTaskLoss(WEIGHTS)(logits, labels).backward()
    assert logits["diagnosis"].grad is not None
    assert (logits["diagnosis"].grad != 0).any(1).tolist() == [True, True, False, True]


def test_a_task_without_any_label_is_zero_with_a_gradient() -> None:
    logits, labels = batch()
    labels["change"] = torch.full((4,), -1)
    loss = MultiTaskLoss(WEIGHTS, label_smoothing=0.1)
    assert float(loss.components(logits, labels)["change"].detach()) == 0.0
    loss(logits, labels).backward()
    assert logits["change"].grad is not None
    assert not bool(logits["change"].grad.any())


def test_class_weights_are_no_state_of_a_checkpoint() -> None:
    assert MultiTaskLoss(WEIGHTS, class_weights={"change": [1.0, 2.0]}).state_dict() == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": {}}, "weights of zero or more"),
        ({"weights": {"diagnosis": -1.0}}, "-1.0"),
        ({"weights": WEIGHTS, "label_smoothing": 1.5}, "got 1.5"),
        ({"weights": WEIGHTS, "class_weights": {"sex": [1.0]}}, "sex"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiTaskLoss(**settings)
