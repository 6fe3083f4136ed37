from __future__ import annotations

from typing import Any

import pytest
import torch
from timm.models.swin_transformer_v2 import SwinTransformerV2 as TimmSwinTransformerV2
from torch import Tensor, nn

from admoe_monai.networks.nets import Fusion, SwinTransformerV2


def make(spatial_dims: int = 3, **settings: Any) -> SwinTransformerV2:
    torch.manual_seed(0)
    defaults = {
        "img_size": 16,
        "patch_size": 2,
        "embed_dim": 4,
        "depths": (2, 2),
        "num_heads": (1, 2),
        "window_size": 3,
    }
    net = SwinTransformerV2(spatial_dims, 1, **{**defaults, **settings})
    for parameter in net.parameters():
        parameter.data.normal_(std=0.3)
    return net.eval()


@pytest.mark.parametrize("size", [(16, 16), (7, 13), (16, 16, 16), (9, 5, 14), (2, 3, 1)])
@torch.no_grad()
def test_any_size_gives_one_map_per_stage_channels_first(size: tuple[int, ...]) -> None:
    net = make(len(size))
    maps = net(torch.randn(2, 1, *size))
    grid = [-(-s // 2) for s in size]
    merged = [-(-g // 2) for g in grid]
    assert [tuple(m.shape) for m in maps] == [(2, 4, *grid), (2, 8, *merged)]


@torch.no_grad()
def test_forward_features_is_the_last_map_with_the_final_norm() -> None:
    net, x = make(), torch.randn(1, 1, 9, 8, 7)
    assert torch.equal(net.forward_features(x), net.norm(net(x)[-1].movedim(1, -1)).movedim(-1, 1))


@torch.no_grad()
def test_samples_of_a_batch_do_not_meet() -> None:
    net, x = make(), torch.randn(3, 1, 9, 8, 7)
    together = net(x)[-1]
    alone = torch.cat([net(sample[None])[-1] for sample in x])
    assert torch.allclose(together, alone, atol=1e-5)


@torch.no_grad()
def test_axes_are_treated_alike() -> None:
    """Exchanging two axes of a volume and of all weights that know them exchanges them in the output."""
    net, x = make(img_size=(8, 12, 10)), torch.randn(1, 1, 8, 12, 10)
    expected = net(x)
    net.patch_embed.proj.weight.data = net.patch_embed.proj.weight.data.transpose(2, 3)
    for name, parameter in net.named_parameters():
        if name.endswith("cpb_mlp.0.weight"):
            parameter.data = parameter.data[:, [1, 0, 2]]
        if name.endswith("reduction.weight"):
            # Columns are ordered (third, second, first axis, channel).
            blocks = parameter.data.reshape(len(parameter), 2, 2, 2, -1)
            parameter.data = blocks.transpose(2, 3).reshape(len(parameter), -1)
    for mine, theirs in zip(net(x.transpose(2, 3)), expected, strict=True):
        assert torch.allclose(mine.transpose(2, 3), theirs, atol=1e-4)


def test_a_new_block_starts_silent() -> None:
    net = SwinTransformerV2(2, 1, 16, embed_dim=4, depths=(2,), num_heads=(2,))
    x = torch.randn(1, 1, 16, 16)
    assert torch.equal(net(x)[0], net.embed(x).movedim(-1, 1))


def test_stochastic_depth_rises_to_its_rate() -> None:
    net = SwinTransformerV2(2, 1, 16, embed_dim=4, depths=(2, 2), num_heads=(1, 1), drop_path_rate=0.3)
    rates = [getattr(block.drop_path, "drop_prob", 0.0) for stage in net.layers for block in stage.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_a_pretrained_window_changes_the_position_bias_of_its_stage() -> None:
    plain, other = make(), make(pretrained_window_sizes=(7, 3))
    with torch.no_grad():
        biases = [[stage.blocks[0].attn.position_bias((3, 3, 3)) for stage in net.layers] for net in (plain, other)]
    assert not torch.equal(biases[0][0], biases[1][0])
    assert torch.equal(biases[0][1], biases[1][1])


@torch.no_grad()
def test_streams_part_at_the_first_task_stage_with_experts() -> None:
    net = make(tasks=("a", "b"), experts=("shared", "x"), moe_stages=(0, 1), task_stages=1)
    maps, routing = net.run_stages(net.embed(torch.randn(3, 1, 8, 8, 8)))
    assert [len(m) for m in maps] == [3, 6]
    assert [(r.stage, r.block, r.task) for r in routing] == [(s, b, t) for s in (0, 1) for b in (0, 1) for t in "ab"]


@torch.no_grad()
def test_streams_that_nothing_tells_apart_stay_one() -> None:
    net = make(tasks=("a", "b"), experts=("shared", "x"), moe_stages=(0,), task_stages=1)
    maps, _ = net.run_stages(net.embed(torch.randn(3, 1, 8, 8, 8)))
    assert [len(m) for m in maps] == [3, 3]


@torch.no_grad()
def test_a_parted_stream_is_what_its_task_alone_would_give() -> None:
    net = make(tasks=("a", "b"), experts=("shared", "x"), moe_stages=(1,), task_stages=1)
    x = torch.randn(2, 1, 8, 8, 8)
    both, _ = net.run_stages(net.embed(x), ("b", "a"))
    alone = [net.run_stages(net.embed(x), (task,))[0][-1] for task in ("b", "a")]
    assert torch.allclose(both[-1], torch.cat(alone), atol=1e-6)
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)


class Seen(nn.Module):
    """Notes the shapes of what it is to fuse, and the prior."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    def forward(self, x: Tensor, prior: Tensor) -> Tensor:
        self.shapes.append((tuple(x.shape), tuple(prior.shape)))
        return x


@pytest.mark.parametrize(
    ("stage", "tokens", "streams"), [(0, (3, 2, 2, 2, 8), 1), (1, (6, 1, 1, 1, 16), 2), (2, (6, 1, 1, 1, 16), 2)]
)
@torch.no_grad()
def test_fusion_meets_the_tokens_of_each_stream_after_its_stage_and_merging(
    stage: int, tokens: tuple[int, ...], streams: int
) -> None:
    three = {"depths": (1, 1, 1), "num_heads": (1, 2, 4)}
    net = make(**three, tasks=("a", "b"), experts=("shared", "x"), moe_stages=(0, 1, 2), task_stages=2)
    seen = Seen()
    fusion = Fusion(stage, seen, torch.zeros(3, net.fusion_dims[stage]))
    net.run_stages(net.embed(torch.randn(3, 1, 8, 8, 8)), fusion=fusion)
    assert seen.shapes == [(tokens, (3 * streams, tokens[-1]))]


@pytest.mark.parametrize("moe_stages", [(), (0, 1)])
def test_checkpointed_stages_compute_the_same_to_the_last_bit(moe_stages: tuple[int, ...]) -> None:
    x, states, random = torch.randn(2, 1, 9, 8, 7), [], []
    for stages in ((), (0,), (0, 1)):
        rates = {"drop_rate": 0.2, "attn_drop_rate": 0.2, "drop_path_rate": 0.4}
        net = make(**rates, moe_stages=moe_stages, experts=("shared", "x"), checkpoint_stages=stages).train()
        torch.manual_seed(3)
        maps, routing = net.run_stages(net.embed(x))
        (maps[-1].square().sum() + sum(gate.weights.square().sum() for gate in routing)).backward()
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        assert len(gradients) > 30
        states.append([*maps, *gradients])
        random.append(torch.rand(1))
    for state, after in zip(states[1:], random[1:], strict=True):
        assert all(torch.equal(one, other) for one, other in zip(states[0], state, strict=True))
        assert torch.equal(random[0], after)


def test_a_checkpointed_stage_keeps_fewer_tensors_for_the_backward_pass() -> None:
    kept = []
    for stages in ((), (1,)):
        net = make(checkpoint_stages=stages).train()
        tensors: list[Tensor] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, seen=tensors: seen.append(t) or t, lambda t: t):
            net(torch.randn(1, 1, 8, 8, 8))
        kept.append(len(tensors))
    assert kept[1] < 0.7 * kept[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spatial_dims": 4}, "got 4"),
        ({"num_heads": (1,)}, "same stages"),
        ({"moe_stages": (2,)}, r"\(2,\) must lie in 0 to 1"),
        ({"checkpoint_stages": (-1, 0)}, r"checkpoint_stages \(-1, 0\) must lie in 0 to 1"),
        ({"task_stages": 3}, "got 3"),
        ({"img_size": (16, 16, 1)}, r"\(16, 16, 1\) voxels is smaller than a patch of 2"),
        ({"img_size": (16, 16)}, "Sequence must have length 3"),
        ({"window_size": 0}, "at least 1"),
        ({"pretrained_window_sizes": (7,)}, "2 stages"),
    ],
)
def test_settings_that_contradict_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**{"spatial_dims": 3, **settings})


def test_an_image_of_other_axes_is_refused() -> None:
    with pytest.raises(ValueError, match="3 spatial axes"):
        make()(torch.zeros(1, 1, 8, 8))


def test_an_unknown_task_is_refused() -> None:
    net = make()
    with pytest.raises(ValueError, match="diagnosis"):
        net.run_stages(net.embed(torch.zeros(1, 1, 8, 8, 8)), ("diagnosis",))


def test_the_same_parameters_as_in_timm_are_exempt_from_weight_decay() -> None:
    sizes: dict[str, Any] = {
        "img_size": 32,
        "patch_size": 4,
        "embed_dim": 8,
        "depths": (2, 2),
        "num_heads": (1, 2),
        "window_size": 4,
    }
    theirs = TimmSwinTransformerV2(in_chans=1, num_classes=0, **sizes)
    ours = SwinTransformerV2(spatial_dims=2, in_channels=1, **sizes)
    assert ours.no_weight_decay() == theirs.no_weight_decay()
    assert len(ours.no_weight_decay()) == 4 * 4
