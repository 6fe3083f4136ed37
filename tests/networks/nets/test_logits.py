from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from admoe_monai.networks.nets import AlzheimerMMoE, SideBySideLogits


@pytest.fixture(scope="module")
def network() -> SideBySideLogits:
    torch.manual_seed(0)
    net = AlzheimerMMoE(
        3, 1, 12, 2, 4, (2, 2), (1, 2), 3, moe_stages=(0, 1), prior_dim=2, fusion_stage=0, num_classes_diagnosis=2
    )
    for parameter in net.parameters():
        parameter.data.normal_(std=0.3)
    return SideBySideLogits(net).eval()


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    return torch.randn(1, 1, 12, 10, 9), torch.tensor([[0.5, float("nan")]])


@torch.no_grad()
def test_columns_are_the_classes_of_diagnosis_then_change(
    network: SideBySideLogits, inputs: tuple[Tensor, Tensor]
) -> None:
    outputs = network.network(inputs[0], prior=inputs[1])
    assert torch.equal(network(*inputs), torch.cat((outputs["diagnosis"], outputs["change"]), dim=1))
    assert network(inputs[0]).shape == (1, 5)


# torch 2.15 deprecates TorchScript, which MONAI 1.6 exports to; the other warning says that a trace holds for one size.
@pytest.mark.filterwarnings("ignore:`torch.jit.trace:FutureWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@torch.no_grad()
def test_a_trace_computes_the_same(network: SideBySideLogits, inputs: tuple[Tensor, Tensor]) -> None:
    traced = torch.jit.trace(network, inputs)
    other = (torch.randn_like(inputs[0]), torch.tensor([[float("nan"), -1.0]]))
    assert torch.allclose(traced(*other), network(*other), atol=1e-6)


@torch.no_grad()
def test_an_exported_program_computes_the_same(network: SideBySideLogits, inputs: tuple[Tensor, Tensor]) -> None:
    exported = torch.export.export(copy.deepcopy(network), inputs).module()
    other = (torch.randn_like(inputs[0]), torch.tensor([[float("nan"), -1.0]]))
    assert torch.allclose(exported(*other), network(*other), atol=1e-6)
