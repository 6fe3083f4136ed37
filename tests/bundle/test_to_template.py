"""The chain onto the template, as the config declares it and as a bundle can put it in front of the chain of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose

from admoe_monai.transforms import load_template
from admoe_monai.workflows.preprocessing.chains import CONFIG, ON_TEMPLATE, TO_TEMPLATE
from admoe_monai.workflows.settings.resources import resource
from synthetic_heads import on_grid_scan, write_scan


@pytest.fixture(scope="module")
def parser() -> ConfigParser:
    config = ConfigParser.load_config_files([resource(CONFIG), resource("bundle/configs/images_3d.yaml")])
    return ConfigParser({**config, "template_spacing_mm": 3.0, "spacing_mm": 3.0, "spatial_size": [52, 64, 56]})


def targets(chain: Compose) -> list[str]:
    return [type(transform).__name__ for transform in chain.transforms]


def test_the_steps_stand_in_their_order(parser: ConfigParser) -> None:
    steps = ["LoadScand", "LoadScand", "Orientationd", "CorrectBiasFieldd", "RegisterToTemplated"]

    assert targets(parser.get_parsed_content(TO_TEMPLATE)) == steps
    assert targets(parser.get_parsed_content(ON_TEMPLATE)) == [step for step in steps if step != "CorrectBiasFieldd"]


@pytest.fixture(scope="module")
def trained_on(parser: ConfigParser, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A scan on the template, and what the chain of training makes of it with the template's mask beside it."""
    folder = tmp_path_factory.mktemp("on_template")
    scan, template = on_grid_scan("raw"), load_template(3.0)
    path = write_scan(folder / "scan.nii.gz", scan)
    brain = MetaTensor(torch.from_numpy(template.brain.copy())[None], affine=scan.affine)
    mask_path = write_scan(folder / "mask.nii.gz", brain, np.uint8)
    item = {"image": str(path), "brain_mask": str(mask_path)}
    return path, parser.get_parsed_content("preprocessing")(item)


def test_the_foreground_of_training_is_the_mask(trained_on: tuple[Path, dict[str, Any]]) -> None:
    _, item = trained_on
    inside = item["foreground"].numpy() > 0

    assert int(inside.sum()) == int(load_template(3.0).brain.sum())
    assert item["image"].shape == (1, 52, 64, 56)
    assert not item["image"].numpy()[~inside].any()
    assert item["image"].numpy()[inside].mean() == pytest.approx(0, abs=1e-4)


def test_in_front_of_the_chain_of_training_it_gives_what_training_saw(
    parser: ConfigParser, trained_on: tuple[Path, dict[str, Any]]
) -> None:
    path, expected = trained_on
    rest = [t for t in parser.get_parsed_content("preprocessing").transforms if type(t).__name__ != "LoadScand"]
    item = Compose([parser.get_parsed_content(ON_TEMPLATE), *rest])({"image": str(path)})

    assert torch.equal(item["foreground"].as_tensor(), expected["foreground"].as_tensor())
    torch.testing.assert_close(item["image"].as_tensor(), expected["image"].as_tensor(), rtol=0, atol=1e-3)
