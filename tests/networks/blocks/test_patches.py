from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from admoe_monai.networks.blocks.patch_embedding import STEMS, CNNStem, PatchEmbed, make_stem
from admoe_monai.networks.blocks.patch_merging import PatchMerging
from admoe_monai.networks.nets import SwinTransformerV2


def test_a_patch_that_overhangs_is_filled_with_zeros() -> None:
    embed = PatchEmbed(3, 1, 6, patch_size=4)
    image = torch.randn(1, 1, 7, 8, 5)
    padded = torch.zeros(1, 1, 8, 8, 8)
    padded[..., :7, :8, :5] = image
    assert embed(image).shape == (1, 2, 2, 2, 6)
    assert torch.equal(embed(image), embed(padded))


@pytest.mark.parametrize(("patch_size", "widths"), [(2, (8, 16)), (4, (8, 8, 16)), (16, (8, 8, 8, 8, 16))])
def test_the_cnn_halves_the_grid_and_doubles_the_width_down_to_the_tokens(patch_size: int, widths: tuple[int]) -> None:
    stem = CNNStem(2, 1, 16, patch_size)
    assert tuple(m.out_channels for m in stem.modules() if isinstance(m, nn.Conv2d)) == widths
    torch.manual_seed(0)
    image = torch.randn(2, 1, 4 * patch_size, 3 * patch_size)
    assert torch.equal(stem(image), stem.cnn(image).movedim(1, -1))
    assert stem(image).shape == (2, 4, 3, 16)


def test_a_cnn_can_not_step_by_a_patch_that_is_no_power_of_two() -> None:
    with pytest.raises(ValueError, match="patch_size must be a power of two, got 6"):
        make_stem(3, 1, 8, 6, "cnn")


def test_blocks_begin_as_identities_behind_a_cnn() -> None:
    """What an untrained hybrid hands to its heads is the map of its CNN."""
    torch.manual_seed(0)
    hybrid = SwinTransformerV2(
        2, 1, 16, 4, 16, (2,), (2,), 4, patch_embed=CNNStem, merging_norm=False, final_norm=False
    )
    image = torch.randn(2, 1, 16, 16)
    assert torch.equal(hybrid.eval()(image)[0], hybrid.patch_embed.cnn(image))


def test_merging_without_a_norm_is_its_projection() -> None:
    plain, bare = PatchMerging(2, 4), PatchMerging(2, 4, norm=False)
    bare.reduction.load_state_dict(plain.reduction.state_dict())
    tokens = torch.randn(1, 4, 6, 4)
    assert torch.allclose(plain(tokens), plain.norm(bare(tokens)))
    assert not [name for name in bare.state_dict() if "norm" in name]


@pytest.mark.parametrize("name", STEMS)
@pytest.mark.parametrize(("spatial_dims", "patch_size"), [(2, 2), (2, 8), (3, 4)])
def test_every_stem_makes_the_same_grid_also_where_patches_overhang(
    name: str, spatial_dims: int, patch_size: int
) -> None:
    stem = make_stem(spatial_dims, 1, 16, patch_size, name)
    assert stem(torch.randn(2, 1, *[2 * patch_size + 1] * spatial_dims)).shape == (2, *[3] * spatial_dims, 16)


def test_a_stem_that_is_not_known_is_named() -> None:
    with pytest.raises(ValueError, match="stem must be one of patch, cnn, got 'linear'"):
        make_stem(3, 1, 8, 4, "linear")


def test_merging_concatenates_neighbours_with_the_last_axis_slowest() -> None:
    merging = PatchMerging(3, 2)
    x = torch.randn(1, 4, 3, 2, 2)
    padded = torch.zeros(1, 4, 4, 2, 2)
    padded[:, :, :3] = x
    neighbours = [padded[:, i::2, j::2, k::2] for k, j, i in itertools.product(range(2), repeat=3)]
    expected = merging.norm(merging.reduction(torch.cat(neighbours, dim=-1)))
    assert torch.equal(merging(x), expected)
