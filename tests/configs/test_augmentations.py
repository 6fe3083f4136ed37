"""The augmentations that the setting of this name can choose."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose

from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.resources import resource

SHAPES = {2: (1, 12, 14), 3: (1, 12, 14, 10)}


def augmentations(spatial_dims: int) -> dict[str, list[Any]]:
    parser = ConfigParser(ConfigParser.load_config_file(resource(f"bundle/configs/images_{spatial_dims}d.yaml")))
    return parser.get_parsed_content("augmentations")


def orientations(image: torch.Tensor, seen: torch.Tensor) -> list[bool]:
    """Of the image as it is (False) and mirrored (True), those that an augmented one equals up to a factor."""
    shares = {turned: seen / (image.flip(1) if turned else image) for turned in (False, True)}
    return [turned for turned, share in shares.items() if torch.allclose(share, share.flatten()[0])]


def drawn(spatial_dims: int, name: str) -> tuple[torch.Tensor, list[dict[str, torch.Tensor]]]:
    """An image and twenty draws of an augmentation of it and its foreground."""
    chain = Compose(augmentations(spatial_dims)[name]).set_random_state(0)
    image = torch.rand(SHAPES[spatial_dims], generator=torch.Generator().manual_seed(0)) + 0.5
    items = [chain({"image": image, "foreground": image > 1.0}) for _ in range(20)]
    return image, [
        {key: torch.as_tensor(value).as_subclass(torch.Tensor) for key, value in item.items()} for item in items
    ]


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_the_setting_takes_every_name(spatial_dims: int) -> None:
    for name in augmentations(spatial_dims):
        assert resolved_settings(parser_of([], {"augmentation": name}))["augmentation"] == name


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_flip_resamples_nothing(spatial_dims: int) -> None:
    image, items = drawn(spatial_dims, "flip")
    mirrored = [orientations(image, item["image"]) for item in items]
    assert sorted({tuple(found) for found in mirrored}) == [(False,), (True,)]
    for (turned,), item in zip(mirrored, items, strict=True):
        assert torch.equal(item["foreground"].bool(), (image.flip(1) if turned else image) > 1.0)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_light_resamples_some_images_and_keeps_their_foreground_a_mask(spatial_dims: int) -> None:
    image, items = drawn(spatial_dims, "light")
    assert any(not orientations(image, item["image"]) for item in items)
    assert {float(value) for item in items for value in item["foreground"].unique()} == {0.0, 1.0}
