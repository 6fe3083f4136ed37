"""Published Swin V2 weights in a network of ours: every name of every file, the same features, in 2D and inflated to 3D."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor

from admoe_monai.networks.nets import AlzheimerMMoE, SwinTransformerV2
from admoe_monai.networks.published import UnsuitableWeightsError, as_network_weights
from published_files import SIMMIM, SUPERVISED, Variant, state_dict
from tiny_networks import CLASSES

SMALL = Variant("small", 8, (2, 2), (2, 4), 4)
TASKS = ("reconstruction", *CLASSES)


def network(variant: Variant, spatial_dims: int = 2, channels: int = 3, **settings: Any) -> AlzheimerMMoE:
    encoder = SwinTransformerV2(
        spatial_dims, channels, 32, 4, variant.width, variant.depths, variant.heads, variant.window,
        drop_path_rate=0.0, tasks=TASKS, final_norm=False, **settings,
    )  # fmt: skip
    return AlzheimerMMoE(encoder, CLASSES)


def loaded(weights: dict[str, Tensor], target: AlzheimerMMoE, **noise: Any) -> AlzheimerMMoE:
    """The network in float64 with these weights, all of whose encoder has found a place."""
    target = target.double().eval()
    own = target.state_dict()
    found = as_network_weights(weights, own, **noise).weights
    kept = {name: weight for name, weight in found.items() if name in own and weight.shape == own[name].shape}
    lacking = {n for n, _ in target.named_parameters() if n.startswith("encoder.")} - kept.keys()
    assert all(".gates." in name for name in lacking)
    target.load_state_dict(kept, strict=False)
    return target


def maps(target: AlzheimerMMoE, image: Tensor) -> list[Tensor]:
    with torch.no_grad():
        found: list[Tensor] = target.encoder.run_stages(target.encoder.embed(image), TASKS[1:])[0]
    return found


@pytest.mark.parametrize("variant", SUPERVISED, ids=lambda variant: variant.name)
@pytest.mark.parametrize("source", ["microsoft", "timm"])
def test_every_name_of_a_supervised_file_is_matched(variant: Variant, source: str) -> None:
    microsoft = source == "microsoft"
    weights = state_dict(variant, merging_at_end=microsoft, buffers=microsoft)
    with torch.device("meta"):
        own = network(variant).state_dict()
    found = as_network_weights(weights, own)
    assert found.layout.name == ("Microsoft's Swin V2" if microsoft else "timm's Swin V2")
    assert (found.layout.licence, found.changes) == ("MIT", ())
    encoder = {name: weight.shape for name, weight in own.items() if name.startswith("encoder.")}
    assert encoder == {name: weight.shape for name, weight in found.weights.items() if name in encoder}
    assert found.weights.keys() - encoder.keys() == {"encoder.norm.weight", "encoder.norm.bias"}


@pytest.mark.parametrize("variant", SIMMIM, ids=lambda variant: variant.name)
@pytest.mark.parametrize("position", ["cpb_mlp", "rpe_mlp"])
def test_every_name_of_a_simmim_file_is_matched_with_its_mask_token(variant: Variant, position: str) -> None:
    weights = state_dict(variant, "encoder.", position=position)
    weights["encoder.mask_token"] = torch.empty(1, 1, variant.width, device="meta")
    weights["decoder.0.weight"] = torch.empty(3072, 8 * variant.width, 1, 1, device="meta")
    with torch.device("meta"):
        own = network(variant).state_dict()
    found = as_network_weights(weights, own)
    assert found.layout.name == "Microsoft's SimMIM of Swin V2"
    expected = {n: w.shape for n, w in own.items() if n.startswith("encoder.") or n == "mask_token"}
    assert expected == {name: weight.shape for name, weight in found.weights.items() if name in expected}


def test_the_list_of_names_is_timms_own() -> None:
    """The lists that these tests make are checked against a model that somebody else built."""
    theirs = timm.create_model("swinv2_tiny_window8_256", num_classes=0).state_dict()
    made = state_dict(SUPERVISED[0], merging_at_end=False, buffers=False)
    assert {name: tuple(weight.shape) for name, weight in theirs.items()} == {
        name: tuple(weight.shape) for name, weight in made.items()
    }


def test_microsofts_places_give_timms_features() -> None:
    theirs = timm.create_model(
        "swinv2_tiny_window8_256",
        img_size=32,
        window_size=4,
        embed_dim=8,
        depths=(2, 2),
        num_heads=(2, 4),
        num_classes=0,
    )
    torch.manual_seed(0)
    published = state_dict(SMALL, device="cpu")
    as_timm = {n.replace("layers.0.downsample", "layers.1.downsample"): w for n, w in published.items()}
    missing = (
        theirs.double()
        .eval()
        .load_state_dict({name: weight for name, weight in as_timm.items() if name in theirs.state_dict()}, strict=True)
    )
    assert not missing.missing_keys
    image = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    expected = theirs.forward_intermediates(image, intermediates_only=True)
    ours = maps(loaded(published, network(SMALL)), image)
    assert all(torch.allclose(a.movedim(-1, 1), b, atol=1e-10) for a, b in zip(ours, expected, strict=True))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("size", [(32, 32), (36, 44)], ids=str)
@pytest.mark.parametrize("slices", [16, 24, 40])
def test_a_volume_that_repeats_a_slice_has_the_slices_features(
    slices: int, size: tuple[int, int], dtype: torch.dtype, tolerance: float
) -> None:
    torch.manual_seed(1)
    published = state_dict(SMALL, device="cpu")
    image = torch.randn(2, 1, *size, dtype=dtype)
    flat = maps(loaded(published, network(SMALL, channels=1)).to(dtype), image)
    volume = image[:, :, None].expand(-1, -1, slices, -1, -1)
    deep = maps(loaded(published, network(SMALL, 3, channels=1)).to(dtype), volume)
    for a, b in zip(flat, deep, strict=True):
        assert (b - a[:, None]).abs().max() <= tolerance * a.abs().max()


def test_a_grey_image_of_one_channel_is_that_image_in_three() -> None:
    torch.manual_seed(2)
    published = state_dict(SMALL, device="cpu")
    image = torch.randn(1, 1, 32, 32, dtype=torch.float64)
    one, three = (maps(loaded(published, network(SMALL, channels=n)), image.expand(-1, n, -1, -1)) for n in (1, 3))
    assert all(torch.allclose(a, b, atol=1e-10) for a, b in zip(one, three, strict=True))


def test_experts_begin_as_copies_and_give_the_plain_networks_features() -> None:
    torch.manual_seed(3)
    published = state_dict(SMALL, device="cpu")
    image = torch.randn(1, 1, 32, 32, dtype=torch.float64)
    plain = maps(loaded(published, network(SMALL, channels=1)), image)
    settings = {"experts": ("shared", "cn", "mci", "ad"), "moe_stages": (0, 1), "task_stages": 1}
    mixed = maps(loaded(published, network(SMALL, channels=1, **settings)), image)
    assert torch.allclose(mixed[0], plain[0], atol=1e-10)
    assert torch.allclose(mixed[1], plain[1].repeat(2, 1, 1, 1), atol=1e-10)


def test_noise_breaks_the_symmetry_of_experts_and_is_the_same_for_a_seed() -> None:
    torch.manual_seed(4)
    published = state_dict(SMALL, device="cpu")
    settings = {"experts": ("shared", "cn", "mci"), "moe_stages": (1,)}
    own = network(SMALL, channels=1, **settings).double().state_dict()
    exact, noisy, again, other = (
        as_network_weights(published, own, expert_noise=noise, seed=seed).weights
        for noise, seed in ((0.0, 1), (0.1, 1), (0.1, 1), (0.1, 2))
    )
    cn, mci, shared = (f"encoder.layers.1.blocks.0.mlp.experts.{e}.fc1.weight" for e in ("cn", "mci", "shared"))
    assert torch.equal(exact[cn], exact[mci])
    assert torch.equal(exact[shared], noisy[shared])
    assert torch.equal(noisy[cn], again[cn])
    assert not torch.equal(noisy[cn], noisy[mci])
    assert not torch.equal(noisy[cn], other[cn])
    ratio = (noisy[cn] - exact[cn]).std() / exact[cn].std()
    assert ratio == pytest.approx(0.1, rel=0.15)
    fewer = network(SMALL, channels=1, experts=("shared", "mci"), moe_stages=(1,)).double().state_dict()
    assert torch.equal(as_network_weights(published, fewer, expert_noise=0.1, seed=1).weights[mci], noisy[mci])


def test_stages_that_the_network_lacks_are_left_over() -> None:
    published = state_dict(Variant("deeper", 8, (2, 2, 2), (2, 4, 8), 4), device="cpu")
    target = loaded(published, network(SMALL, channels=1))
    left = as_network_weights(published, target.state_dict()).weights.keys() - target.state_dict().keys()
    assert all(name.startswith(("encoder.layers.2.", "encoder.norm.")) or name.endswith("attn_mask") for name in left)


def test_swinv2_cr_is_refused_by_name() -> None:
    theirs = timm.create_model("swinv2_cr_tiny_224", num_classes=0).state_dict()
    with pytest.raises(UnsuitableWeightsError, match=r"swinv2_cr, another function than Swin V2 .* take .* swinv2_\*"):
        as_network_weights(theirs, network(SMALL).state_dict())


def test_swinv2_cr_finds_its_place_where_it_is_the_encoder() -> None:
    theirs = timm.create_model("swinv2_cr_tiny_224", num_classes=0).state_dict()
    own = {f"encoder.backbone.{name}": weight for name, weight in theirs.items()}
    assert as_network_weights(theirs, own).weights.keys() == own.keys()


@pytest.mark.parametrize("prefix", ["swinViT.", "encoder.swinViT.", "module.swinViT."])
def test_swin_unetrs_encoder_is_refused_with_the_overlay_that_takes_it(prefix: str) -> None:
    weights = {f"{prefix}layers1.0.blocks.0.attn.qkv.weight": torch.zeros(3, 1)}
    with pytest.raises(UnsuitableWeightsError, match=r"SwinUNETR.*encoder_swin_v1"):
        as_network_weights(weights, network(SMALL).state_dict())


def test_a_swin_v1_is_refused_by_name() -> None:
    theirs = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0).state_dict()
    weights = {**theirs, "layers.0.blocks.0.attn.relative_position_bias_table": torch.zeros(169, 3)}
    with pytest.raises(UnsuitableWeightsError, match="a Swin V1"):
        as_network_weights(weights, network(SMALL).state_dict())
