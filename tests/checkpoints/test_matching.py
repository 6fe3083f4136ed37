"""Weights and optimizer state find their parameters by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from admoe_monai.checkpoints import (
    IncompatibleCheckpointError,
    load_matched,
    match_parameters,
    optimizer_state_by_name,
    optimizer_state_from_names,
)


def trained(network: nn.Module, parameters: list[nn.Parameter]) -> torch.optim.AdamW:
    optimizer = torch.optim.AdamW(parameters, lr=0.1)
    for number, parameter in enumerate(network.parameters(), 1):
        parameter.grad = torch.full_like(parameter, float(number))
    optimizer.step()
    return optimizer


def test_match_sorts_names_by_what_is_wrong_with_them() -> None:
    match = match_parameters(
        {"a": torch.zeros(2), "b": torch.zeros(2), "d": torch.zeros(1)},
        {"a": torch.zeros(2), "b": torch.zeros(3), "c": torch.zeros(1)},
    )
    assert match.matched == ("a",)
    assert match.missing == ("c",)
    assert match.unexpected == ("d",)
    assert match.reshaped == (("b", (2,), (3,)),)


def test_differences_name_the_first_of_each_kind() -> None:
    checkpoint = {"b": torch.zeros(2), **{f"d{i}": torch.zeros(1) for i in range(4)}}
    match = match_parameters(checkpoint, {"b": torch.zeros(3), "c": torch.zeros(1)})
    expected = "1 missing (c); 4 unexpected (d0, d1, d2, …); 1 of another shape (b [2] instead of [3])"
    assert match.differences() == expected


def test_equal_networks_have_no_differences() -> None:
    weights = nn.Linear(2, 2).state_dict()
    assert match_parameters(weights, weights).differences() == ""


def test_load_copies_what_matches_and_leaves_the_rest() -> None:
    network = nn.Linear(2, 2)
    bias = network.bias.detach().clone()
    match = load_matched(network, {"weight": torch.full((2, 2), 7.0), "bias": torch.zeros(5), "extra": torch.zeros(1)})
    assert match.matched == ("weight",)
    assert network.weight.tolist() == [[7, 7], [7, 7]]
    assert torch.equal(network.bias, bias)


def test_optimizer_state_is_keyed_by_name() -> None:
    network = nn.Linear(2, 2)
    optimizer = trained(network, list(network.parameters()))
    state, groups = optimizer_state_by_name(optimizer.state_dict(), ["weight", "bias"])
    assert torch.equal(state["bias"]["exp_avg"], optimizer.state[network.bias]["exp_avg"])
    assert groups[0]["params"] == ["weight", "bias"]


def test_optimizer_state_with_another_number_of_names_is_refused() -> None:
    optimizer = torch.optim.AdamW(nn.Linear(2, 2).parameters())
    with pytest.raises(IncompatibleCheckpointError, match="of 2 parameters but 1 are named"):
        optimizer_state_by_name(optimizer.state_dict(), ["weight"])


@pytest.mark.parametrize("state", [{}, {"state": {}}])
def test_a_checkpoint_without_optimizer_state_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(
        IncompatibleCheckpointError, match=r"^the checkpoint holds no optimizer state, without which no"
    ):
        optimizer_state_by_name(state, ["weight"])


def test_moments_follow_their_parameter_into_another_order() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    first, second = network.parameters()
    source = trained(network, [first, second])
    target = torch.optim.AdamW([second, first], lr=0.5)
    names = ["0.weight", "1.weight"]
    target.load_state_dict(
        optimizer_state_from_names(source.state_dict(), names, list(reversed(names)), target.state_dict())
    )
    for parameter in (first, second):
        assert torch.equal(target.state[parameter]["exp_avg"], source.state[parameter]["exp_avg"])
    assert not torch.equal(target.state[first]["exp_avg"], target.state[second]["exp_avg"])
    assert target.param_groups[0]["lr"] == 0.1


def test_a_head_of_the_decoders_shape_does_not_inherit_its_moments() -> None:
    with_decoder = nn.ModuleDict({"encoder": nn.Linear(2, 2), "decoder": nn.Linear(2, 3)})
    with_head = nn.ModuleDict({"encoder": nn.Linear(2, 2), "head": nn.Linear(2, 3)})
    source = trained(with_decoder, list(with_decoder.parameters())).state_dict()
    target = torch.optim.AdamW(with_head.parameters())
    names = [[name for name, _ in network.named_parameters()] for network in (with_decoder, with_head)]
    target.load_state_dict(source)  # by position nothing is noticed
    with pytest.raises(IncompatibleCheckpointError, match=r"decoder\.bias, decoder\.weight, head\.bias, …"):
        optimizer_state_from_names(source, *names, target.state_dict())


def groups_of(network: nn.Linear, *groups: list[str]) -> list[dict[str, Any]]:
    return [{"params": [getattr(network, name) for name in group]} for group in groups]


def test_parameters_grouped_otherwise_are_refused() -> None:
    network = nn.Linear(2, 2)
    source = torch.optim.AdamW(groups_of(network, ["weight"], ["bias"]))
    target = torch.optim.AdamW(groups_of(network, ["bias"], ["weight"]))
    with pytest.raises(
        IncompatibleCheckpointError,
        match=r"state of the checkpoint is of other parameters \(grouped otherwise\)$",
    ):
        optimizer_state_from_names(source.state_dict(), ["weight", "bias"], ["bias", "weight"], target.state_dict())


def test_a_parameter_without_state_stays_without() -> None:
    network = nn.Linear(2, 2)
    source = torch.optim.AdamW(network.parameters())
    network.weight.grad = torch.ones(2, 2)
    source.step()
    names = ["weight", "bias"]
    state = optimizer_state_from_names(source.state_dict(), names, names, source.state_dict())
    assert list(state["state"]) == [0]
