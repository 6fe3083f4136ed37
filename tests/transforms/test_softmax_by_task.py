from __future__ import annotations

import pytest
import torch

from admoe_monai.transforms import SoftmaxByTask, SoftmaxByTaskd


def test_each_task_has_a_softmax_of_its_own() -> None:
    probabilities = SoftmaxByTask([2, 3])(torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0]))
    torch.testing.assert_close(probabilities, torch.tensor([0.5, 0.5, 1 / 3, 1 / 3, 1 / 3], dtype=torch.float64))


def test_twin_replaces_the_logits() -> None:
    item = {"pred": torch.zeros(4), "scan": "a"}
    assert SoftmaxByTaskd("pred", [2, 2])(item)["pred"].tolist() == [0.5] * 4
    assert item["pred"].tolist() == [0.0] * 4


@pytest.mark.parametrize("num_classes", [[], [3, 1]])
def test_task_of_fewer_than_two_classes_is_refused(num_classes: list[int]) -> None:
    with pytest.raises(ValueError, match="two or more classes"):
        SoftmaxByTask(num_classes)


def test_other_number_of_logits_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 5 logits"):
        SoftmaxByTask([2, 3])(torch.zeros(6))
