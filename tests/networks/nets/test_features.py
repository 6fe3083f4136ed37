"""The features that an objective may contrast."""

from __future__ import annotations

import torch
from torch import nn

from admoe_monai.networks.nets import AlzheimerMMoE
from tiny_networks import tiny_network


def network() -> AlzheimerMMoE:
    torch.manual_seed(0)
    return tiny_network(2).eval()


def test_heads_see_the_features_of_their_tasks() -> None:
    net = network()
    outputs = net(torch.randn(2, 1, 16, 16))
    assert [*outputs["features"]] == ["diagnosis", "change"]
    for task, features in outputs["features"].items():
        head: nn.Module = net.get_submodule(f"head_{task}")
        assert torch.equal(head(features), outputs[task])


def test_the_features_of_a_reconstruction_are_the_average_of_what_the_decoder_sees() -> None:
    net, seen = network(), []
    assert net.decoder is not None
    net.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    outputs = net(torch.randn(2, 1, 16, 16), tasks=("reconstruction",))
    assert torch.allclose(outputs["features"]["reconstruction"], seen[0].mean(dim=(2, 3)), atol=1e-6)
