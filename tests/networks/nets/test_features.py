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


@torch.no_grad()
def test_a_prior_at_the_heads_adds_its_logits() -> None:
    torch.manual_seed(0)
    plain = tiny_network().eval()
    torch.manual_seed(0)
    network = tiny_network(prior_head=nn.Linear).eval()
    image, prior = torch.randn(2, 1, 16, 16, 16), torch.tensor([[1.0, 2.0, 3.0], [float("nan"), 0.0, 1.0]])
    tasks = ("diagnosis", "change")
    before, added = plain(image, prior=prior), network(image, prior=prior)
    assert all(torch.equal(before[task], added[task]) for task in tasks)
    assert {
        "prior_heads.diagnosis.weight",
        "prior_heads.change.bias",
    } <= network.state_dict().keys() - plain.state_dict().keys()
    assert "prior_heads.change.weight" in network.no_weight_decay()
    assert network.prior_heads is not None
    for task in tasks:
        network.get_submodule(f"prior_heads.{task}").weight.fill_(0.5)
    network.prior_stand_in.copy_(torch.tensor([4.0, 0.0, 0.0]))
    plain.prior_stand_in.copy_(network.prior_stand_in)
    before, added = plain(image, prior=prior), network(image, prior=prior)
    assert torch.allclose(added["diagnosis"] - before["diagnosis"], torch.tensor([[3.0], [2.5]]).expand(-1, 3))
