from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from drawn_networks import count, make, volume, with_gradient
from timm.layers import trunc_normal_
from torch import nn

from admoe_monai.networks.blocks import (
    AdaptiveFusion,
    ClinicalEncoder,
    HadamardFusion,
    PixelShuffleDecoder,
)
from admoe_monai.networks.blocks.patch_embedding import STEMS
from admoe_monai.networks.nets import AlzheimerMMoE, SwinTransformerV2
from tiny_networks import CLASSES, EXPERTS, tiny_encoder, tiny_network

NAN = float("nan")
CLASSIFICATION = ("diagnosis", "change")
GUIDANCE = {"cn": (0.4, 0.6, 0, 0), "mci": (0.4, 0, 0.6, 0), "ad": (0.4, 0, 0, 0.6)}


def test_the_seeds_preset_has_the_parameters_of_its_log() -> None:
    encoder = SwinTransformerV2(
        2,
        3,
        img_size=256,
        embed_dim=96,
        window_size=16,
        tasks=("reconstruction", *CLASSIFICATION),
        experts=EXPERTS,
        moe_stages=(0, 1, 2, 3),
        task_stages=1,
        final_norm=False,
    )
    decoder = partial(PixelShuffleDecoder, spatial_dims=2, out_channels=3)
    net = AlzheimerMMoE(encoder, CLASSES, decoder=decoder, prior_dim=3, fusion_stage=2)
    components = ("decoder", "clinical_encoder", "clinical_fusion", "head_diagnosis", "head_change")
    counts = {name: count(net.get_submodule(name)) for name in components}
    assert counts == {
        "decoder": 2_362_368,
        "clinical_encoder": 233_216,
        "clinical_fusion": 1_772_546,
        "head_diagnosis": 2_307,
        "head_change": 2_307,
    }
    assert {"decoder.0.weight", "decoder.0.bias"} == {n for n in net.state_dict() if n.startswith("decoder.")}


@pytest.mark.parametrize("dims", [2, 3])
@torch.no_grad()
def test_classification_gives_logits_and_one_record_per_block_and_task(dims: int) -> None:
    outputs = make(dims, classes={"diagnosis": ["CN", "AD"], "change": 3})(volume(dims=dims))
    assert outputs["diagnosis"].shape == (2, 2)
    assert outputs["change"].shape == (2, 3)
    assert [(r.stage, r.block, r.task) for r in outputs["routing"]] == [
        (s, b, t) for s in (0, 1) for b in (0, 1) for t in CLASSIFICATION
    ]
    assert all(
        r.weights.shape == (2, 4) and torch.allclose(r.weights.sum(1), torch.ones(2)) for r in outputs["routing"]
    )


@pytest.mark.parametrize("dims", [2, 3])
@torch.no_grad()
def test_a_reconstruction_has_the_size_of_its_image(dims: int) -> None:
    x = volume(dims=dims)
    outputs = make(dims)(x, tasks=("reconstruction",))
    assert outputs["reconstruction"].shape == x.shape
    assert {r.task for r in outputs["routing"]} == {"reconstruction"}


@torch.no_grad()
@pytest.mark.parametrize("stem", STEMS.values(), ids=list(STEMS))
def test_what_is_masked_has_no_influence(stem: type[nn.Module]) -> None:
    net, x = make(encoder={"patch_embed": stem}).eval(), volume()
    mask = torch.zeros(2, 1, 4, 3, 3, dtype=torch.bool)
    mask[0, 0, 1, 2, 0] = True
    changed = x.clone()
    changed[0, :, 2:4, 4:6, 0:2] += 10
    plain, other = (net(v, tasks=("reconstruction",), mask=mask)["reconstruction"] for v in (x, changed))
    assert torch.equal(plain, other)
    unmasked = net(changed, tasks=("reconstruction",))["reconstruction"]
    assert not torch.allclose(unmasked[0], plain[0])
    assert torch.allclose(unmasked[1], plain[1])


def test_the_mask_token_learns_from_a_masked_pass() -> None:
    net = make()
    mask = torch.rand(2, 1, 4, 3, 3) < 0.6
    net(volume(), tasks=("reconstruction",), mask=mask)["reconstruction"].square().sum().backward()
    assert "mask_token" in with_gradient(net)


def test_every_gate_of_both_tasks_learns_and_both_streams_reach_their_head() -> None:
    net = make(encoder={"task_stages": 2})
    outputs = net(volume())
    (outputs["diagnosis"].square().sum() + outputs["change"].square().sum()).backward()
    trained = with_gradient(net)
    gates = {
        f"encoder.layers.{s}.blocks.{b}.mlp.gates.{t}.{p}"
        for s in (0, 1)
        for b in (0, 1)
        for t in CLASSIFICATION
        for p in ("weight", "bias")
    }
    assert gates <= trained
    assert not any(".gates.reconstruction." in name for name in trained)


@pytest.mark.parametrize(("task", "other"), [("diagnosis", "change"), ("change", "diagnosis")])
def test_in_parted_stages_a_head_trains_the_gates_of_its_own_task_alone(task: str, other: str) -> None:
    net = make()
    net(volume())[task].square().sum().backward()
    trained = with_gradient(net)
    for block in (0, 1):
        assert f"encoder.layers.1.blocks.{block}.mlp.gates.{task}.weight" in trained
        assert f"encoder.layers.1.blocks.{block}.mlp.gates.{other}.weight" not in trained
        # Before the parting both gates weigh the one stream.
        assert f"encoder.layers.0.blocks.{block}.mlp.gates.{task}.weight" in trained
        assert f"encoder.layers.0.blocks.{block}.mlp.gates.{other}.weight" in trained
    assert f"task_norms.{task}.weight" in trained
    assert f"task_norms.{other}.weight" not in trained


@pytest.mark.parametrize("diagnosis", GUIDANCE)
def test_a_guided_batch_trains_the_expert_of_its_diagnosis_and_the_shared_one_alone(diagnosis: str) -> None:
    net = make()
    guidance = torch.tensor([GUIDANCE[diagnosis]] * 2)
    outputs = net(volume(), tasks=("reconstruction",), guidance=guidance)
    (outputs["reconstruction"].square().sum() - sum(r.log_weights.sum() for r in outputs["routing"])).backward()
    touched = {name.split(".experts.")[1].split(".")[0] for name in with_gradient(net) if ".experts." in name}
    assert touched == {"shared", diagnosis}
    gates = {name for name, _ in net.named_parameters() if ".gates.reconstruction." in name}
    assert len(gates) == 8
    assert gates <= with_gradient(net)


@torch.no_grad()
def test_guidance_of_nan_alone_is_no_guidance() -> None:
    net, x = make(), volume()
    free = net(x, tasks=("reconstruction",))["reconstruction"]
    assert torch.equal(net(x, tasks=("reconstruction",), guidance=torch.full((2, 4), NAN))["reconstruction"], free)


@torch.no_grad()
def test_a_further_task_is_a_further_entry_of_the_classes() -> None:
    net = make(classes={**CLASSES, "sex": ["F", "M"]})
    outputs = net(volume())
    assert [*outputs] == ["diagnosis", "change", "sex", "features", "routing"]
    assert outputs["sex"].shape == (2, 2)
    own = {name for name in net.state_dict() if "sex" in name.split(".") or name.startswith("head_sex.")}
    assert {"head_sex.weight", "task_norms.sex.weight", "encoder.layers.0.blocks.1.mlp.gates.sex.bias"} <= own
    assert torch.allclose(net(volume(), tasks=("sex",))["sex"].isfinite().float(), torch.ones(2, 2))
    with pytest.raises(ValueError, match="age"):
        net(volume(), tasks=("sex", "age"))


def test_the_parts_are_drawn_in_the_order_that_makes_the_weights_of_a_seed() -> None:
    torch.manual_seed(5)
    net = tiny_network(clinical_fusion=HadamardFusion, clinical_encoder=partial(ClinicalEncoder, hidden=6))
    after = torch.rand(1)

    torch.manual_seed(5)
    encoder = tiny_encoder()
    mask_token = trunc_normal_(torch.zeros(4), std=0.02)
    decoder = PixelShuffleDecoder(8, 4, spatial_dims=3, out_channels=1)
    prior = [ClinicalEncoder(3, 8, hidden=6), HadamardFusion(8)]
    heads = [nn.Linear(8, 3), nn.Linear(8, 3)]
    for head in heads:
        trunc_normal_(head.weight, std=0.02)
    assert torch.equal(after, torch.rand(1))
    assert torch.equal(net.mask_token, mask_token)
    parts = (net.encoder, net.decoder, net.clinical_encoder, net.clinical_fusion)
    for part, expected in zip(parts, (encoder, decoder, *prior), strict=True):
        weights = part.state_dict()
        assert all(torch.equal(weights[name], tensor) for name, tensor in expected.state_dict().items())
    assert torch.equal(net.get_parameter("head_diagnosis.weight"), heads[0].weight)
    assert torch.equal(net.get_parameter("head_change.weight"), heads[1].weight)


def test_parts_stand_in_the_order_that_an_optimizer_numbers_them_in() -> None:
    names = [name for name, _ in tiny_network().named_parameters()]
    assert [*dict.fromkeys(name.partition(".")[0] for name in names)] == [
        "mask_token",
        "prior_stand_in",
        "encoder",
        "task_norms",
        "decoder",
        "clinical_encoder",
        "clinical_fusion",
        "head_diagnosis",
        "head_change",
    ]


def test_parts_of_ones_own_are_made_to_the_measure_of_the_encoder() -> None:
    made: dict[str, dict[str, int]] = {}

    def decoder(**measure: int) -> nn.Module:
        made["decoder"] = measure
        return PixelShuffleDecoder(**measure, spatial_dims=3, out_channels=1)

    def fusion(**measure: int) -> nn.Module:
        made["fusion"] = measure
        return AdaptiveFusion(**measure)

    net = tiny_network(decoder=decoder, clinical_fusion=fusion, encoder={"embed_dim": 8})
    assert made == {"decoder": {"in_channels": 16, "stride": 4}, "fusion": {"dim": 16}}
    assert isinstance(net.clinical_fusion, AdaptiveFusion)


def test_a_module_that_is_no_encoder_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"Conv3d is no Encoder; .* FeatureMapEncoder"):
        AlzheimerMMoE(nn.Conv3d(1, 8, 3), CLASSES)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": {"diagnosis": 3, "change": ["stable"]}}, "got 1 of change"),
        ({"classes": {"reconstruction": 2}, "encoder": {"tasks": ("a",)}}, "'reconstruction' has no classes"),
        ({"encoder": {"tasks": CLASSIFICATION}}, "are diagnosis, change: it lacks reconstruction"),
        ({"encoder": {"tasks": ("reconstruction", "diagnosis")}}, "it lacks change"),
        ({"fusion_stage": 2}, "got 2"),
        ({"fusion_stage": -1}, "got -1"),
    ],
)
def test_settings_that_contradict_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": ("reconstruction", "diagnosis")}, "or for classification"),
        ({"tasks": ("prognosis",)}, "prognosis"),
        ({"tasks": ()}, "one or more"),
        ({"mask": torch.zeros(2, 1, 4, 4, 4)}, r"grid of \(4, 3, 3\)"),
        ({"prior": torch.zeros(2, 4)}, r"got \(2, 4\)"),
    ],
)
def test_calls_that_do_not_fit_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()(volume(), **arguments)
