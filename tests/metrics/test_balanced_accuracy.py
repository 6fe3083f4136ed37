from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from ignite.exceptions import NotComputableError
from monai.engines import SupervisedEvaluator
from monai.handlers import from_engine
from sklearn.metrics import balanced_accuracy_score

from admoe_monai.metrics import BalancedAccuracy, balanced_accuracies


def one_hot(indices: list[int], classes: int = 3) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(indices), classes).float()


def random_epoch(seed: int, items: int = 60, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(items, classes, generator=generator)
    labels = torch.randint(-1, classes, (items,), generator=generator)
    return scores, labels


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_agrees_with_scikit_learn_on_the_labelled_items(classes: int) -> None:
    scores, labels = random_epoch(0, classes=classes)
    metric = BalancedAccuracy({"diagnosis": classes})
    for chunk in (slice(0, 7), slice(7, 60)):
        metric.update(({"diagnosis": scores[chunk]}, {"diagnosis": labels[chunk]}))
    known = labels >= 0
    expected = balanced_accuracy_score(labels[known].numpy(), scores[known].argmax(1).numpy())
    assert metric.compute() == pytest.approx(expected, abs=1e-12)
    assert type(metric.compute()) is float


def test_leaves_out_an_absent_class() -> None:
    metric = BalancedAccuracy({"change": 3})
    metric.update(({"change": one_hot([0, 0, 1, 2])}, {"change": torch.tensor([0, 0, 1, 1])}))
    assert metric.compute() == pytest.approx((1.0 + 0.5) / 2)


def test_averages_tasks_with_different_numbers_of_classes() -> None:
    metric = BalancedAccuracy({"diagnosis": 3, "change": 2})
    predictions = {"diagnosis": one_hot([0, 1, 2]), "change": one_hot([0, 0, 0], 2), "other": torch.zeros(3)}
    labels = {"diagnosis": torch.tensor([0, 1, 2]), "change": torch.tensor([0, 1, -1])}
    metric.update((predictions, labels))
    assert metric.compute() == pytest.approx((1.0 + 0.5) / 2)


def test_leaves_out_a_task_without_labels() -> None:
    metric = BalancedAccuracy({"diagnosis": 3, "change": 3})
    scores = {"diagnosis": one_hot([0, 1]), "change": one_hot([0, 1])}
    metric.update((scores, {"diagnosis": torch.tensor([0, 1]), "change": torch.tensor([-1, -1])}))
    assert metric.compute() == 1.0


def test_no_label_at_all_gives_zero_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    metric = BalancedAccuracy({"diagnosis": 3})
    metric.update(({"diagnosis": one_hot([0])}, {"diagnosis": torch.tensor([-1])}))
    with caplog.at_level(logging.WARNING):
        assert [metric.compute(), metric.compute()] == [0.0, 0.0]
    assert len(caplog.records) == 1


def test_reset_forgets_the_epoch() -> None:
    metric = BalancedAccuracy({"diagnosis": 3})
    metric.update(({"diagnosis": one_hot([1])}, {"diagnosis": torch.tensor([0])}))
    metric.reset()
    with pytest.raises(NotComputableError):
        metric.compute()
    metric.update(({"diagnosis": one_hot([1])}, {"diagnosis": torch.tensor([1])}))
    assert metric.compute() == 1.0


class TwoTasks(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"diagnosis": x, "change": -x}


@pytest.mark.parametrize("decollate", [True, False])
def test_is_the_key_metric_of_a_monai_evaluator(decollate: bool) -> None:
    scores, diagnosis = random_epoch(1)
    change = random_epoch(2)[1]
    batches = [
        {"image": scores[i : i + 16], "label": {"diagnosis": diagnosis[i : i + 16], "change": change[i : i + 16]}}
        for i in range(0, 60, 16)
    ]
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=batches,
        network=TwoTasks(),
        prepare_batch=lambda batch, *_, **__: (batch["image"], batch["label"]),
        key_val_metric={
            "both": BalancedAccuracy({"diagnosis": 3, "change": 3}, output_transform=from_engine(["pred", "label"]))
        },
        decollate=decollate,
    )
    evaluator.run()
    single = [
        balanced_accuracy_score(labels[labels >= 0].numpy(), values[labels >= 0].argmax(1).numpy())
        for values, labels in ((scores, diagnosis), (-scores, change))
    ]
    assert evaluator.state.metrics["both"] == pytest.approx(np.mean(single), abs=1e-12)
    assert evaluator.state.best_metric == evaluator.state.metrics["both"]


@pytest.mark.parametrize("num_classes", [{}, {"diagnosis": 1}])
def test_refuses_tasks_without_classes(num_classes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        BalancedAccuracy(num_classes)


@pytest.mark.parametrize("label", [3, -2])
def test_refuses_a_label_outside_the_classes(label: int) -> None:
    metric = BalancedAccuracy({"diagnosis": 3})
    with pytest.raises(ValueError, match=str(label)):
        metric.update(({"diagnosis": one_hot([0])}, {"diagnosis": torch.tensor([label])}))


def test_refuses_scores_of_another_number_of_classes() -> None:
    metric = BalancedAccuracy({"diagnosis": 3})
    with pytest.raises(ValueError, match=r"\(1, 2\)"):
        metric.update(({"diagnosis": one_hot([0], 2)}, {"diagnosis": torch.tensor([0])}))


def test_each_task_has_a_metric_of_its_own_whose_mean_is_that_of_all() -> None:
    classes = {"diagnosis": ["CN", "MCI", "AD"], "sex": ["F", "M"]}
    scores, labels = random_epoch(0)
    sex_scores, sex_labels = random_epoch(1, classes=2)
    output = ({"diagnosis": scores, "sex": sex_scores}, {"diagnosis": labels, "sex": sex_labels})
    alone = balanced_accuracies(classes)
    assert list(alone) == ["diagnosis_balanced_accuracy", "sex_balanced_accuracy"]
    whole = BalancedAccuracy({"diagnosis": 3, "sex": 2})
    for metric in (*alone.values(), whole):
        metric.update(output)
    values = [metric.compute() for metric in alone.values()]
    assert values[0] != values[1]
    assert whole.compute() == pytest.approx(sum(values) / 2)
