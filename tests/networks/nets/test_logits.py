from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from admoe_monai.networks.blocks import make_stem
from admoe_monai.networks.nets import AlzheimerLogits
from tiny_networks import tiny_network

CLASSES = {"diagnosis": 2, "change": 3}


KINDS: dict[str, dict[str, Any]] = {
    "all experts": {},
    "top_k": {"encoder": {"top_k": 1}},
    "another stem, a prior at the heads": {
        "encoder": {
            "patch_embed": partial(make_stem, name="cnn"),
            "merging_norm": False,
            "img_size": (12, 10, 9),
        },
        "prior_head": nn.Linear,
    },
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def network(kind: str) -> AlzheimerLogits:
    torch.manual_seed(0)
    net = tiny_network(kind=AlzheimerLogits, classes=CLASSES, prior_dim=2, **KINDS[kind])
    for parameter in net.parameters():
        parameter.data.normal_(std=0.3)
    return net.eval()


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    return torch.randn(2, 1, 12, 10, 9), torch.tensor([[0.5, float("nan")], [0.1, 0.2]])


@torch.no_grad()
def test_columns_are_the_classes_of_diagnosis_then_change(
    kind: str, network: AlzheimerLogits, inputs: tuple[Tensor, Tensor]
) -> None:
    trained = tiny_network(classes=CLASSES, prior_dim=2, **KINDS[kind])
    missing = trained.load_state_dict(network.state_dict(), strict=False).missing_keys
    outputs = trained.eval()(inputs[0], prior=inputs[1])

    assert all(name.startswith("decoder.") for name in missing)
    assert torch.equal(network(*inputs), torch.cat((outputs["diagnosis"], outputs["change"]), dim=1))
    assert network(inputs[0]).shape == (2, 5)


@torch.no_grad()
def test_a_further_task_comes_where_the_classes_name_it() -> None:
    classes = {"sex": ["F", "M"], **CLASSES}
    logits = tiny_network(kind=AlzheimerLogits, classes=classes, prior_dim=0).eval()
    trained = tiny_network(classes=classes, prior_dim=0, decoder=None).eval()
    trained.load_state_dict(logits.state_dict())
    image = torch.randn(1, 1, 8, 8, 8)
    assert logits(image).shape == (1, 7)
    assert torch.equal(logits(image)[:, :2], trained(image, tasks=("sex", "diagnosis", "change"))["sex"])


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
