"""Registration of synthetic heads of 3 mm whose affine is known; the last level is 3 mm too, which takes seconds."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from admoe_monai.errors import UserError
from admoe_monai.transforms import (
    RegisterToTemplate,
    RegisterToTemplated,
    load_template,
    register_to_template,
    template_grid,
)
from admoe_monai.transforms.registration import Alignment
from synthetic_heads import affine_about_the_brain, head_scan, on_grid_scan

LEVELS = (8.0, 4.0, 3.0)
# Turned about all axes, smaller than the template and elsewhere, as heads are.
KNOWN = affine_about_the_brain(
    Rotation.from_euler("xyz", [14, -6, 9], degrees=True).as_matrix(), scale=0.91, shift_mm=(12.0, -9.0, 15.0)
)


def error_mm(matrix: np.ndarray, known: np.ndarray) -> float:
    """Largest distance between where two affines put points of the brain."""
    template = load_template(4.0)
    points = np.argwhere(template.brain) @ template.affine[:3, :3].T + template.affine[:3, 3]
    difference = points @ (matrix - known)[:3, :3].T + (matrix - known)[:3, 3]
    return float(np.linalg.norm(difference, axis=1).max())


@pytest.fixture(scope="module")
def head() -> MetaTensor:
    return head_scan(KNOWN)


@pytest.fixture(scope="module")
def registered(head: MetaTensor) -> dict[str, Any]:
    return RegisterToTemplated("image", spacing_mm=3.0, levels_mm=LEVELS)({"image": head, "subject_id": "a"})


def test_a_known_affine_is_found(registered):
    record = registered["registration"]

    assert error_mm(np.array(record["matrix"]), KNOWN) < 1.0
    assert record["scale"] == pytest.approx(0.91, abs=0.005)
    np.testing.assert_allclose(record["stretch"], [0.91] * 3, atol=0.01)
    assert record["flags"] == []
    assert record["state"] == "raw"
    assert record["similarity"]["correlation"] > 0.95
    assert record["similarity"]["coverage"] == 1.0


def test_the_record_is_plain(registered):
    assert json.loads(json.dumps(registered["registration"])) == registered["registration"]


def test_the_volume_lies_on_the_grid_of_the_template_and_looks_like_it(registered):
    template = load_template(3.0)
    image, inside = registered["image"], template.brain > 0

    assert image.shape == (1, *template_grid(3.0)[0])
    assert image.dtype == torch.float32
    np.testing.assert_allclose(image.affine, template.affine)
    assert np.corrcoef(image[0].numpy()[inside], template.intensity[inside])[0, 1] > 0.95


def test_without_a_mask_of_its_own_an_item_gets_the_template_s(registered):
    np.testing.assert_array_equal(registered["brain_mask"][0], load_template(3.0).brain)
    assert registered["subject_id"] == "a"


def test_the_same_scan_gives_the_same_bits(head, registered):
    again = RegisterToTemplate(3.0, levels_mm=LEVELS)
    assert again.register(head) == registered["registration"]


@pytest.mark.slow
@pytest.mark.parametrize("turn", [("y", 180), ("x", 90)])
def test_a_header_that_lies_about_the_orientation_is_noticed_and_another_one_found(head, turn):
    lie = np.eye(4)
    lie[:3, :3] = Rotation.from_euler(*turn, degrees=True).as_matrix().round()
    lying = MetaTensor(head.as_tensor(), affine=torch.from_numpy(lie @ np.asarray(head.affine)))
    record = RegisterToTemplate(3.0, levels_mm=LEVELS).register(lying)

    assert record["flags"] == ["wrong_orientation"]
    assert error_mm(np.array(record["matrix"]), lie @ KNOWN) < 1.0


def test_an_aligned_scan_is_not_registered_again():
    scan = on_grid_scan()
    item = RegisterToTemplated("image", spacing_mm=3.0, aligned=True)({"image": scan})

    assert item["registration"]["matrix"] == np.eye(4).tolist()
    assert item["registration"]["flags"] == []
    assert item["registration"]["state"] == "skull_stripped"
    assert item["registration"]["similarity"]["mutual_information"] > 0.5
    torch.testing.assert_close(item["image"].as_tensor(), scan.as_tensor(), rtol=1e-5, atol=1e-3)


def test_a_mask_made_elsewhere_goes_where_the_scan_goes():
    scan = on_grid_scan()
    mask = (scan > 500).to(torch.uint8)
    item = RegisterToTemplated("image", spacing_mm=3.0, aligned=True)({"image": scan, "brain_mask": mask})

    assert item["brain_mask"].dtype == torch.uint8
    assert torch.equal(item["brain_mask"].as_tensor(), mask.as_tensor())


def test_beyond_the_edge_of_a_scan_stands_its_background():
    scan = on_grid_scan() + 7.0
    cut = MetaTensor(scan.as_tensor()[:, :, :, :40], affine=scan.affine)
    image = RegisterToTemplate(3.0, aligned=True)(cut)

    assert (image[:, :, :, 41:] == 7).all()


def test_a_scan_in_which_no_start_finds_a_brain_is_the_user_s_in_one_line(head, monkeypatch):
    monkeypatch.setattr("admoe_monai.transforms.register_to_template.align", lambda *_, **__: None)
    with pytest.raises(UserError, match="nothing in it resembles a brain"):
        RegisterToTemplate(3.0)(head)


@pytest.mark.parametrize("levels", [(8.0, 4.0), (2.0, 4.0, 8.0), (8.0, 4.0, 0.0)])
def test_levels_go_from_coarse_to_fine(levels):
    with pytest.raises(ValueError, match="three spacings from coarse to fine"):
        RegisterToTemplate(levels_mm=levels)


def test_one_registration_belongs_to_one_volume():
    with pytest.raises(ValueError, match="one registration belongs to one volume"):
        RegisterToTemplated(["image", "other"])


@pytest.mark.parametrize(
    ("angle", "flags"), [(0, []), (35, []), (60, ["wrong_orientation"]), (90, ["wrong_orientation"])]
)
def test_a_head_that_the_search_itself_turned_is_told_like_one_of_another_orientation(
    monkeypatch: pytest.MonkeyPatch, angle: float, flags: list[str]
) -> None:
    turned = affine_about_the_brain(Rotation.from_euler("x", angle, degrees=True).as_matrix(), scale=0.9)
    head = head_scan(turned)
    monkeypatch.setattr(register_to_template, "align", lambda *_, **__: Alignment(turned, 1.0))
    assert RegisterToTemplate(3.0, levels_mm=LEVELS).register(head)["flags"] == flags
