from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from admoe_monai.networks.blocks.patch_embedding import STEMS, ConvolutionalStem, PatchEmbed, make_stem
from admoe_monai.networks.blocks.patch_merging import PatchMerging


def test_a_patch_that_overhangs_is_filled_with_zeros() -> None:
    embed = PatchEmbed(3, 1, 6, patch_size=4)
    image = torch.randn(1, 1, 7, 8, 5)
    padded = torch.zeros(1, 1, 8, 8, 8)
    padded[..., :7, :8, :5] = image
    assert embed(image).shape == (1, 2, 2, 2, 6)
    assert torch.equal(embed(image), embed(padded))


def test_the_stem_is_its_convolution_written_out() -> None:
    torch.manual_seed(0)
    stem = ConvolutionalStem(3, 1, 6, patch_size=4, channels=5).eval()
    image = torch.randn(2, 1, 8, 12, 8)
    (convolution,) = (m for m in stem.modules() if isinstance(m, nn.Conv3d))
    # Untrained batch norm divides by the root of one and a little.
    found = (F.conv3d(image, convolution.weight, padding=1) / (1 + 1e-5) ** 0.5).relu()
    expected = stem.proj(found.reshape(2, 5, 2, 4, 3, 4, 2, 4).mean((3, 5, 7)).movedim(1, -1))
    assert stem(image).shape == (2, 2, 3, 2, 6)
    assert torch.allclose(stem(image), expected, atol=1e-6)


def test_a_patch_of_more_tissue_keeps_more_of_it_in_its_token() -> None:
    torch.manual_seed(0)
    images = torch.zeros(3, 1, 8, 8, 8)
    images[1, ..., 6:] = images[2, ..., 4:] = 1
    empty, half, whole = ConvolutionalStem(3, 1, 12, 4).eval()(images)[:, 0, 0, 1]
    assert 0 < (half - empty).norm() < (whole - empty).norm()


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
    with pytest.raises(ValueError, match="stem must be one of patch, convolution, got 'linear'"):
        make_stem(3, 1, 8, 4, "linear")


def test_merging_concatenates_neighbours_with_the_last_axis_slowest() -> None:
    merging = PatchMerging(3, 2)
    x = torch.randn(1, 4, 3, 2, 2)
    padded = torch.zeros(1, 4, 4, 2, 2)
    padded[:, :, :3] = x
    neighbours = [padded[:, i::2, j::2, k::2] for k, j, i in itertools.product(range(2), repeat=3)]
    expected = merging.norm(merging.reduction(torch.cat(neighbours, dim=-1)))
    assert torch.equal(merging(x), expected)
