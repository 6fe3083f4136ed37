from __future__ import annotations

import itertools

import torch

from admoe_monai.networks.blocks.patch_embedding import PatchEmbed
from admoe_monai.networks.blocks.patch_merging import PatchMerging


def test_a_patch_that_overhangs_is_filled_with_zeros() -> None:
    embed = PatchEmbed(3, 1, 6, patch_size=4)
    image = torch.randn(1, 1, 7, 8, 5)
    padded = torch.zeros(1, 1, 8, 8, 8)
    padded[..., :7, :8, :5] = image
    assert embed(image).shape == (1, 2, 2, 2, 6)
    assert torch.equal(embed(image), embed(padded))


def test_merging_concatenates_neighbours_with_the_last_axis_slowest() -> None:
    merging = PatchMerging(3, 2)
    x = torch.randn(1, 4, 3, 2, 2)
    padded = torch.zeros(1, 4, 4, 2, 2)
    padded[:, :, :3] = x
    neighbours = [padded[:, i::2, j::2, k::2] for k, j, i in itertools.product(range(2), repeat=3)]
    expected = merging.norm(merging.reduction(torch.cat(neighbours, dim=-1)))
    assert torch.equal(merging(x), expected)
