import itertools
import math

import numpy as np
import pytest
import torch

from admoe_monai.transforms import RandPatchMask, RandPatchMaskd


def masked_cells(mask: torch.Tensor, tokens_per_cell: int) -> list[tuple[int, ...]]:
    """Cells by a plain loop over every token, refusing cells that are masked in part."""
    grid = mask.shape[1:]
    cells = {}
    for token in itertools.product(*(range(size) for size in grid)):
        cell = tuple(index // tokens_per_cell for index in token)
        cells.setdefault(cell, set()).add(bool(mask[(0, *token)]))
    assert all(len(states) == 1 for states in cells.values())
    return sorted(cell for cell, states in cells.items() if states == {True})


@pytest.mark.parametrize(
    ("img_size", "ratio"), [((32, 32), 0.6), ((48, 32), 0.55), ((16, 24, 32), 0.6), ((20, 20, 12), 0.3)]
)
def test_exactly_the_ceiling_of_the_ratio_is_masked_in_whole_cells(img_size, ratio):
    mask = RandPatchMask(img_size, patch_size=2, mask_patch_size=8, mask_ratio=ratio)()

    assert mask.dtype == torch.bool
    assert mask.shape == (1, *(size // 2 for size in img_size))
    cells = math.prod(math.ceil(size / 8) for size in img_size)
    assert len(masked_cells(mask, 4)) == math.ceil(round(ratio * cells, 6))


def test_a_decimal_ratio_is_meant_exactly():
    mask = RandPatchMask((40, 40), patch_size=4, mask_patch_size=4, mask_ratio=0.55)()

    assert int(mask.sum()) == 55


def test_the_grid_covers_a_size_that_no_patch_divides():
    mask = RandPatchMask((30, 17), patch_size=4, mask_patch_size=8)()

    assert mask.shape == (1, 8, 5)


def test_cells_without_foreground_neither_count_nor_are_masked():
    foreground = torch.zeros(1, 32, 32, 32, dtype=torch.uint8)
    foreground[:, 8:24, 8:24, 15:17] = 1  # touches 2 x 2 x 2 cells of 8 voxels
    transform = RandPatchMask((32, 32, 32), patch_size=4, mask_patch_size=8)
    allowed = set(itertools.product((1, 2), (1, 2), (1, 2)))

    for seed in range(5):
        chosen = masked_cells(transform.set_random_state(seed)(foreground), 2)
        assert len(chosen) == math.ceil(0.6 * 8)
        assert set(chosen) <= allowed


def test_every_cell_is_masked_equally_often():
    transform = RandPatchMask((16, 16), patch_size=4, mask_patch_size=4, mask_ratio=0.5).set_random_state(0)
    counts = sum(transform().float() for _ in range(2000)) / 2000

    # Binomial standard deviation is 0.011: five of them.
    assert torch.all((counts - 0.5).abs() < 0.056)


def test_the_same_random_state_gives_the_same_mask():
    first, second = (RandPatchMask((32, 32), mask_patch_size=8) for _ in range(2))
    first.set_random_state(3)
    second.set_random_state(3)
    masks = [first() for _ in range(2)]

    assert torch.equal(masks[0], second())
    assert not torch.equal(masks[0], masks[1])


def test_the_random_state_of_the_twin_governs_its_draws():
    twin = RandPatchMaskd("image", img_size=(32, 32), mask_patch_size=8, foreground_key=None)
    item = {"image": torch.zeros(1, 32, 32)}
    first, second = twin.set_random_state(1)(item), twin.set_random_state(1)(item)

    assert torch.equal(first["mask"], second["mask"])
    assert torch.equal(first["mask"], RandPatchMask((32, 32), mask_patch_size=8).set_random_state(1)())
    assert "mask" not in item


def test_the_twin_respects_the_foreground():
    foreground = np.zeros((1, 16, 16), dtype=bool)
    foreground[:, :4, :4] = True
    twin = RandPatchMaskd("image", img_size=(16, 16), patch_size=4, mask_patch_size=4)
    item = twin({"image": torch.zeros(1, 16, 16), "foreground": foreground})

    assert item["mask"].nonzero().tolist() == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mask_patch_size": 6, "patch_size": 4}, "multiple of patch_size"),
        ({"mask_ratio": 0.0}, "between 0 and 1, got 0.0"),
        ({"mask_ratio": 1.0}, "between 0 and 1, got 1.0"),
        ({"patch_size": 0, "mask_patch_size": 8}, "positive"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandPatchMask((32, 32), **arguments)


def test_a_foreground_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"expected a foreground of shape \(1, 16, 16\), got \(1, 16, 8\)"):
        RandPatchMask((16, 16), mask_patch_size=8)(torch.ones(1, 16, 8))


def test_an_empty_foreground_is_refused():
    with pytest.raises(ValueError, match="foreground is empty"):
        RandPatchMask((16, 16), mask_patch_size=8)(torch.zeros(1, 16, 16))


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"expected 'image' of spatial size \(16, 16\), got \(16, 8\)"):
        RandPatchMaskd("image", img_size=(16, 16), mask_patch_size=8)({"image": torch.zeros(1, 16, 8)})
