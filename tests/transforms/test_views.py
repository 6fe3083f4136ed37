from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import Compose, RandFlipd, RandGaussianNoise, RandScaleIntensityd

from admoe_monai.data import SeededDataset
from admoe_monai.transforms import RandPatchMaskd, RandViews, RandViewsd


def views_of(spatial_dims: int) -> RandViewsd:
    """Two views of what a training item is made of."""
    size = (16,) * spatial_dims
    transforms = [
        RandFlipd(keys=["image", "foreground"], prob=0.5, spatial_axis=0),
        RandScaleIntensityd(keys="image", prob=1.0, factors=0.5),
        RandPatchMaskd(keys="image", img_size=size, patch_size=4, mask_patch_size=8),
    ]
    return RandViewsd(keys=["image", "foreground", "mask"], transform=Compose(transforms))


def item(spatial_dims: int) -> dict[str, object]:
    generator = torch.Generator().manual_seed(0)
    shape = (1, *(16,) * spatial_dims)
    return {
        "image": torch.rand(shape, generator=generator),
        "foreground": torch.rand(shape, generator=generator) > 0.2,
        "image_path": "a.nii",
    }


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_each_view_has_random_numbers_of_its_own(spatial_dims: int) -> None:
    transform = views_of(spatial_dims)
    transform.set_random_state(seed=3)
    seen = transform(item(spatial_dims))
    assert seen["image"].shape == (2, 1, *(16,) * spatial_dims)
    assert seen["mask"].shape == (2, 1, *(4,) * spatial_dims)
    assert seen["image_path"] == "a.nii"
    assert not torch.equal(seen["image"][0], seen["image"][1])
    assert not torch.equal(seen["mask"][0], seen["mask"][1])
    for view in range(2):
        # What belongs together has been flipped together.
        original, flipped = item(spatial_dims), item(spatial_dims)
        for key in ("image", "foreground"):
            flipped[key] = torch.flip(flipped[key], [1])
        ratio = [float((seen["image"][view] / other["image"]).std()) for other in (original, flipped)]
        whole = (original, flipped)[int(np.argmin(ratio))]
        assert min(ratio) < 1e-5
        assert torch.equal(seen["foreground"][view].bool(), whole["foreground"])


def test_the_item_is_left_as_it_is() -> None:
    transform, given = views_of(2), item(2)
    before = {key: given[key].clone() for key in ("image", "foreground")}
    transform(given)
    assert all(torch.equal(given[key], tensor) for key, tensor in before.items())
    assert "mask" not in given


def test_the_views_of_an_item_follow_from_seed_epoch_and_index() -> None:
    dataset = SeededDataset([item(2), item(2)], Compose([views_of(2)]), seed=7)
    first = dataset[3, 1]
    for key in ((0, 0), (3, 0), 1):
        assert not torch.equal(dataset[key]["image"], first["image"])
    again = SeededDataset([item(2), item(2)], Compose([views_of(2)]), seed=7)[3, 1]
    for key in ("image", "foreground", "mask"):
        assert torch.equal(first[key], again[key])


def test_the_array_twin_returns_one_array_per_view() -> None:
    transform = RandViews(RandGaussianNoise(prob=1.0), views=3)
    transform.set_random_state(seed=1)
    image = torch.zeros(1, 4, 4)
    views = transform(image)
    assert len({float(view.sum()) for view in views}) == 3
    assert not image.any()


def test_one_view_is_refused() -> None:
    with pytest.raises(ValueError, match="two or more views, got 1"):
        RandViews(RandGaussianNoise(), views=1)


def test_a_view_may_lack_a_key_only_where_that_is_allowed() -> None:
    transform = Compose([RandScaleIntensityd(keys="image", prob=1.0, factors=0.5)])
    with pytest.raises(KeyError, match="mask"):
        RandViewsd(["image", "mask"], transform)(item(2))
    assert "mask" not in RandViewsd(["image", "mask"], transform, allow_missing_keys=True)(item(2))
