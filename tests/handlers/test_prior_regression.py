from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from admoe_monai.evaluation.baselines import regression_logits
from admoe_monai.handlers import PriorRegression

CLASSES = {"diagnosis": 3, "change": 2}


def visits(number: int = 60) -> list[dict[str, Any]]:
    random = np.random.default_rng(0)
    made = []
    for index in range(number):
        label = index % 3
        prior = torch.tensor(random.normal(label, 1.0, 2), dtype=torch.float32)
        if index % 7 == 0:
            prior[1] = float("nan")
        made.append(
            {"prior": prior, "diagnosis": torch.tensor(label), "change": torch.tensor(index % 2 if index % 5 else -1)}
        )
    return made


def heads(width: int) -> dict[str, nn.Linear]:
    return {task: nn.Linear(width, number) for task, number in CLASSES.items()}


def begin(
    prior_heads: dict[str, nn.Linear], image_heads: dict[str, nn.Linear], iteration: int = 0, **data: Any
) -> None:
    engine: Any = SimpleNamespace(state=SimpleNamespace(iteration=iteration))
    PriorRegression(prior_heads, image_heads, data.get("visits", visits()), regression_logits)(engine)


@pytest.fixture
def of_prior() -> dict[str, nn.Linear]:
    made = heads(2)
    for head in made.values():
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    return made


def test_the_network_begins_with_the_answer_of_the_regression(of_prior: dict[str, nn.Linear]) -> None:
    of_image = heads(5)
    begin(of_prior, of_image)
    for task in CLASSES:
        known = [visit for visit in visits() if visit[task] >= 0]
        values = torch.stack([visit["prior"] for visit in known]).nan_to_num(0.0)
        labels = np.array([int(visit[task]) for visit in known])
        expected = LogisticRegression(max_iter=2000).fit(values.double().numpy(), labels)
        answer = of_prior[task](values).softmax(-1).detach().numpy()
        assert np.allclose(answer, expected.predict_proba(values.double().numpy()), atol=1e-4)
        assert not of_image[task].weight.any()
        assert not of_image[task].bias.any()


def test_classes_weigh_in_the_regression_what_they_weigh_in_the_loss(of_prior: dict[str, nn.Linear]) -> None:
    weights = {"diagnosis": (0.2, 1.0, 3.0)}
    engine: Any = SimpleNamespace(state=SimpleNamespace(iteration=0))
    PriorRegression(of_prior, heads(5), visits(), regression_logits, weights)(engine)
    head, values = of_prior["diagnosis"], torch.stack([visit["prior"] for visit in visits()]).nan_to_num(0.0)
    labels = torch.stack([visit["diagnosis"] for visit in visits()])
    # Where the weighted loss, with scikit-learn's penalty of half the squared weights, has no slope.
    weight, bias = (part.detach().double().requires_grad_() for part in (head.weight, head.bias))
    each = nn.functional.cross_entropy(values.double() @ weight.T + bias, labels, reduction="none")
    (torch.tensor(weights["diagnosis"]).double()[labels] @ each + 0.5 * weight.square().sum()).backward()
    assert weight.grad is not None
    assert bias.grad is not None
    assert max(weight.grad.abs().max().item(), bias.grad.abs().max().item()) < 0.02
    unweighted = regression_logits(values.double().numpy(), labels.numpy(), 3)
    assert not np.allclose(unweighted[0], head.weight.detach().numpy(), atol=0.05)


def test_a_phase_under_way_and_heads_that_were_trained_are_left_alone(of_prior: dict[str, nn.Linear]) -> None:
    of_image = heads(5)
    before = of_image["change"].weight.clone()
    begin(of_prior, of_image, iteration=3)
    assert not of_prior["diagnosis"].weight.any()
    nn.init.ones_(of_prior["change"].weight)
    begin(of_prior, of_image)
    assert of_prior["diagnosis"].weight.any()
    assert bool((of_prior["change"].weight == 1).all())
    assert torch.equal(of_image["change"].weight, before)


def test_one_class_alone_is_said_and_leaves_zeros(
    of_prior: dict[str, nn.Linear], caplog: pytest.LogCaptureFixture
) -> None:
    same = [{**visit, "change": torch.tensor(0)} for visit in visits()]
    begin(of_prior, heads(5), visits=same)
    assert "change: fewer than two classes" in caplog.text
    assert not of_prior["change"].weight.any()


def test_a_class_that_does_not_occur_is_unlikely_and_not_impossible() -> None:
    values = np.random.default_rng(1).normal(size=(40, 2))
    weight, bias = regression_logits(values, np.arange(40) % 2 * 2, 3)
    logits = values @ weight.T + bias
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert 0 < shares[:, 1].mean() < 1 / 40
