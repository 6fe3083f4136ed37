from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from admoe_monai.networks.nets import AlzheimerLogits, AlzheimerMMoE

SIZES = (3, 1, 12, 2, 4, (2, 2), (1, 2), 3)
SETTINGS = {"moe_stages": (0, 1), "prior_dim": 2, "fusion_stage": 0, "num_classes_diagnosis": 2}


@pytest.fixture(scope="module", params=[None, 1], ids=["all experts", "top_k"])
def network(request: pytest.FixtureRequest) -> AlzheimerLogits:
    torch.manual_seed(0)
    net = AlzheimerLogits(*SIZES, **SETTINGS, top_k=request.param)
    for parameter in net.parameters():
        parameter.data.normal_(std=0.3)
    return net.eval()


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    return torch.randn(2, 1, 12, 10, 9), torch.tensor([[0.5, float("nan")], [0.1, 0.2]])


@torch.no_grad()
def test_columns_are_the_classes_of_diagnosis_then_change(
    network: AlzheimerLogits, inputs: tuple[Tensor, Tensor]
) -> None:
    trained = AlzheimerMMoE(*SIZES, **SETTINGS, top_k=next(m.top_k for m in network.modules() if hasattr(m, "top_k")))
    missing = trained.load_state_dict(network.state_dict(), strict=False).missing_keys
    outputs = trained.eval()(inputs[0], prior=inputs[1])

    assert all(name.startswith("decoder.") for name in missing)
    assert torch.equal(network(*inputs), torch.cat((outputs["diagnosis"], outputs["change"]), dim=1))
    assert network(inputs[0]).shape == (2, 5)


# torch 2.15 deprecates TorchScript, which MONAI 1.6 exports to; the other warning says that a trace holds for one size.
@pytest.mark.filterwarnings("ignore:`torch.jit.trace:FutureWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@torch.no_grad()
def test_a_trace_computes_the_same_for_another_batch(network: AlzheimerLogits, inputs: tuple[Tensor, Tensor]) -> None:
    traced = torch.jit.trace(network, tuple(tensor[:1] for tensor in inputs))
    other = (torch.randn(3, 1, 12, 10, 9), torch.tensor([[float("nan"), -1.0], [0.0, 1.0], [float("nan")] * 2]))
    assert torch.allclose(traced(*other), network(*other), atol=1e-6)


@torch.no_grad()
def test_an_exported_program_computes_the_same_for_another_batch(
    network: AlzheimerLogits, inputs: tuple[Tensor, Tensor]
) -> None:
    batch = torch.export.Dim("batch", min=1, max=64)
    sizes = ({0: batch}, {0: batch})
    exported = torch.export.export(copy.deepcopy(network), inputs, dynamic_shapes=sizes).module()
    other = (torch.randn(3, 1, 12, 10, 9), torch.tensor([[float("nan"), -1.0], [0.0, 1.0], [float("nan")] * 2]))
    assert torch.allclose(exported(*other), network(*other), atol=1e-6)
