from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from admoe_monai.networks.blocks.mmoe import MMoE

EXPERTS = ("shared", "cn", "mci", "ad")
TASKS = ("reconstruction", "diagnosis", "change")
NAN = float("nan")


def make(**settings: Any) -> MMoE:
    torch.manual_seed(0)
    mmoe = MMoE(6, 12, experts=EXPERTS, tasks=TASKS, **settings)
    for gate in mmoe.gates.values():
        gate.weight.data.normal_()
        gate.bias.data.normal_()
    return mmoe


def naive(mmoe: MMoE, x: Tensor, tasks: tuple[str, ...], temperature: float = 1.0) -> Tensor:
    """One token after another, one expert after another."""
    out = torch.zeros_like(x)
    for place in torch.cartesian_prod(*(torch.arange(length) for length in x.shape[:-1])).tolist():
        token = x[tuple(place)]
        gates = [torch.softmax(mmoe.gates[task](token) / temperature, dim=0) for task in tasks]
        for e, name in enumerate(EXPERTS):
            out[tuple(place)] += sum(gate[e] for gate in gates) / len(gates) * mmoe.experts[name](token)
    return out


def trained_experts(mmoe: MMoE) -> set[str]:
    return {n for n, expert in mmoe.experts.items() if any(p.grad is not None for p in expert.parameters())}


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@torch.no_grad()
def test_a_stream_of_one_task_equals_a_naive_loop(temperature: float) -> None:
    mmoe = make(temperature=temperature)
    x = torch.randn(2, 3, 2, 6)
    mixed, _ = mmoe(x, [("diagnosis",)])
    assert torch.allclose(mixed, naive(mmoe, x, ("diagnosis",), temperature), rtol=0, atol=1e-6)


@torch.no_grad()
def test_a_stream_of_two_tasks_takes_the_mean_of_their_gates() -> None:
    mmoe, x = make(), torch.randn(2, 5, 6)
    mixed, _ = mmoe(x, [("diagnosis", "change")])
    assert torch.allclose(mixed, naive(mmoe, x, ("diagnosis", "change")), rtol=0, atol=1e-6)


@torch.no_grad()
def test_parted_streams_each_take_their_own_gate() -> None:
    mmoe, x, y = make(), torch.randn(2, 5, 6), torch.randn(2, 5, 6)
    mixed, _ = mmoe(torch.cat((x, y)), [("diagnosis",), ("change",)])
    expected = torch.cat((naive(mmoe, x, ("diagnosis",)), naive(mmoe, y, ("change",))))
    assert torch.allclose(mixed, expected, rtol=0, atol=1e-6)


@torch.no_grad()
def test_the_record_holds_token_means_of_each_gate() -> None:
    mmoe, x = make(temperature=2.0), torch.randn(2, 3, 4, 6)
    _, means = mmoe(x, [("diagnosis", "change")])
    for task in ("diagnosis", "change"):
        log_weights = torch.log_softmax(mmoe.gates[task](x) / 2.0, dim=-1)
        assert torch.allclose(means[task].weights, log_weights.exp().mean((1, 2)))
        assert torch.allclose(means[task].log_weights, log_weights.mean((1, 2)))


@pytest.mark.parametrize(("row", "touched"), [(1, "cn"), (2, "mci"), (3, "ad")])
def test_a_guided_batch_trains_its_own_expert_and_the_shared_one_alone(row: int, touched: str) -> None:
    mmoe = make()
    guidance = torch.zeros(2, 4)
    guidance[:, 0], guidance[:, row] = 0.4, 0.6
    mixed, _ = mmoe(torch.randn(2, 5, 6), [("reconstruction",)], guidance)
    mixed.square().sum().backward()
    assert trained_experts(mmoe) == {"shared", touched}


def test_guidance_leaves_the_gate_out_of_the_value_but_in_the_record() -> None:
    mmoe = make()
    mixed, means = mmoe(torch.randn(2, 5, 6), [("reconstruction",)], torch.tensor([[0.4, 0.6, 0, 0]]).repeat(2, 1))
    gate = mmoe.gates["reconstruction"]
    (value_gradient,) = torch.autograd.grad(mixed.sum(), gate.weight, retain_graph=True, allow_unused=True)
    (record_gradient,) = torch.autograd.grad(means["reconstruction"].log_weights[:, 1].sum(), gate.weight)
    assert value_gradient is None or not bool(value_gradient.any())
    assert bool(record_gradient.any())


@torch.no_grad()
def test_a_row_of_nan_lets_the_gate_decide() -> None:
    mmoe, x = make(), torch.randn(2, 5, 6)
    mixed, _ = mmoe(x, [("reconstruction",)], torch.tensor([[0.4, 0, 0.6, 0], [NAN] * 4]))
    expected = 0.4 * mmoe.experts["shared"](x[0]) + 0.6 * mmoe.experts["mci"](x[0])
    assert torch.allclose(mixed[0], expected, rtol=0, atol=1e-6)
    assert torch.allclose(mixed[1], naive(mmoe, x[1:], ("reconstruction",))[0], rtol=0, atol=1e-6)


@torch.no_grad()
def test_guidance_reaches_every_parted_stream() -> None:
    mmoe, x = make(), torch.randn(2, 5, 6)
    guidance = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1.0]])
    mixed, _ = mmoe(torch.cat((x, x)), [("diagnosis",), ("change",)], guidance)
    expected = torch.stack((mmoe.experts["shared"](x[0]), mmoe.experts["ad"](x[1])))
    assert torch.allclose(mixed, torch.cat((expected, expected)), rtol=0, atol=1e-6)


@torch.no_grad()
def test_top_k_equals_a_renormalised_dense_mixture() -> None:
    mmoe, x = make(top_k=1), torch.randn(2, 7, 6)
    mixed, _ = mmoe(x, [("diagnosis",)])
    weights = torch.softmax(mmoe.gates["diagnosis"](x), dim=-1)
    best = weights[..., 1:].argmax(-1, keepdim=True) + 1
    kept = torch.zeros_like(weights).scatter(-1, best, weights.gather(-1, best))
    kept[..., 0] = weights[..., 0]
    kept /= kept.sum(-1, keepdim=True)
    expected = sum(kept[..., e, None] * mmoe.experts[name](x) for e, name in enumerate(EXPERTS))
    assert isinstance(expected, Tensor)
    assert torch.allclose(mixed, expected, rtol=0, atol=1e-6)


def test_top_k_computes_the_chosen_experts_only() -> None:
    mmoe = make(top_k=1)
    computed: dict[str, int] = {}
    for name, expert in mmoe.experts.items():
        expert.register_forward_hook(lambda _, inputs, __, name=name: computed.update({name: len(inputs[0])}))
    gate = mmoe.gates["diagnosis"]
    gate.weight.data.zero_()
    gate.bias.data.copy_(torch.tensor([0.0, 0.0, 1.0, 0.0]))
    mmoe(torch.randn(2, 7, 6), [("diagnosis",)])
    assert computed == {"shared": 14, "mci": 14}


def test_a_nan_gate_is_not_silenced() -> None:
    mmoe = make(top_k=1)
    mmoe.gates["diagnosis"].bias.data[0] = NAN
    mixed, _ = mmoe(torch.randn(1, 3, 6), [("diagnosis",)])
    assert bool(mixed.isnan().any())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"experts": ("shared", "shared")}, "distinct names"),
        ({"tasks": ()}, "distinct names"),
        ({"temperature": 0.0}, "positive, got 0.0"),
        ({"top_k": 4}, "top_k=4"),
        ({"top_k": 1, "experts": ("cn", "ad")}, "needs the expert 'shared'"),
    ],
)
def test_settings_that_make_no_mixture_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MMoE(6, 12, **{"experts": EXPERTS, "tasks": TASKS, **settings})


def test_guidance_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        make()(torch.randn(2, 5, 6), [("diagnosis",)], torch.zeros(2, 3))


def test_experts_are_two_layer_gelu_networks() -> None:
    expert = make().experts["cn"]
    x = torch.randn(4, 6)
    hidden = expert.fc1(x)
    gelu = 0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2)))
    assert torch.allclose(expert(x), expert.fc2(gelu), atol=1e-6)
