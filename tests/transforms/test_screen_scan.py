"""Screening of synthetic heads of 3 mm, and the arithmetic of scores on made-up numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage
from scipy.spatial.transform import Rotation

from admoe_monai.errors import UserError
from admoe_monai.transforms import ScoreScand, ScreenScand, scan_measures, screen_scan
from admoe_monai.transforms.screen_scan import LEAST_SPREAD, distances
from synthetic_heads import affine_about_the_brain, head_scan

RECORD: dict[str, Any] = {
    "voxel_mm": [1.0, 1.0, 1.2], "scale": 0.95, "stretch": [1.0, 0.97, 0.9], "state": "raw", "flags": [],
    "similarity": {"correlation": 0.6, "coverage": 1.0, "overlap": 0.97},
}  # fmt: skip


@pytest.fixture(scope="module")
def head() -> MetaTensor:
    turned = Rotation.from_euler("xyz", [9, -4, 6], degrees=True).as_matrix()
    return head_scan(affine_about_the_brain(turned, scale=0.93, shift_mm=(8.0, -6.0, 10.0)))


def test_a_head_passes_and_stays_as_it_is(head: MetaTensor) -> None:
    item = ScreenScand("image")({"image": head})
    assert item["image"] is head
    assert item["registration"]["flags"] == []
    assert item["registration"]["voxel_mm"] == [3.0, 3.0, 3.0]
    assert json.loads(json.dumps(item["registration"])) == item["registration"]


def test_a_scan_with_dark_and_bright_exchanged_is_refused(head: MetaTensor) -> None:
    values = head.as_tensor()
    inverted = MetaTensor(torch.where(values > 0, 1000.0 - values, 0.0), affine=head.affine)
    with pytest.raises(UserError, match="dark and bright are exchanged"):
        ScreenScand("image")({"image": inverted})


@pytest.mark.slow
def test_a_blob_of_a_head_s_size_is_refused() -> None:
    random = np.random.default_rng(0)
    axes = np.meshgrid(*[np.linspace(-1, 1, 40)] * 3, indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.8
    blob = inside * (600 + 200 * ndimage.gaussian_filter(random.normal(size=inside.shape), 2) * 20)
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = -100
    scan = MetaTensor(torch.from_numpy(blob.clip(0).astype(np.float32))[None], affine=torch.from_numpy(affine))
    with pytest.raises(UserError, match="no T1w scan of a brain"):
        ScreenScand("image")({"image": scan})


def test_shading_gives_a_second_chance_with_the_bias_field_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    class Registration:
        def register(self, img: str) -> dict[str, Any]:
            seen.append(img)
            return {**RECORD, "flags": ["low_correlation"] if img in refused else []}

    monkeypatch.setattr(screen_scan, "CorrectBiasField", lambda: "corrected {}".format)
    screen, seen, refused = ScreenScand("image"), [], ["shaded"]
    monkeypatch.setattr(screen, "transform", Registration())
    assert screen({"image": "shaded"})["image"] == "shaded"
    assert screen({"image": "even"})["registration"]["flags"] == []
    assert seen == ["shaded", "corrected shaded", "even"]
    refused.append("corrected shaded")
    with pytest.raises(UserError, match="no T1w scan of a brain"):
        screen({"image": "shaded"})


@pytest.mark.slow
def test_a_header_that_lies_about_the_axes_is_refused(head: MetaTensor) -> None:
    affine = head.affine.clone()
    affine[:, [1, 2]] = affine[:, [2, 1]]
    affine[:, 0] *= -1
    with pytest.raises(UserError, match="wrong orientation"):
        ScreenScand("image")({"image": MetaTensor(head.as_tensor(), affine=affine)})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["inverted_contrast"], "dark and bright"),
        (["low_correlation"], "no T1w scan of a brain"),
        (["wrong_orientation"], "wrong orientation"),
    ],
)
def test_what_was_recorded_before_is_judged_and_not_done_again(flags: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ScreenScand("image")({"image": "not even looked at", "registration": {**RECORD, "flags": flags}})
    kept = {"image": "not even looked at", "registration": {**RECORD, "flags": ["poor_coverage"]}}
    assert ScreenScand("image")(kept) == kept


def test_measures_are_of_the_foreground_alone() -> None:
    image = torch.arange(64.0).reshape(1, 4, 4, 4)
    foreground = (image >= 32).to(torch.uint8)
    measures = scan_measures(image, foreground, RECORD)
    assert measures["intensity_p50"] == pytest.approx(47.5)
    assert measures["intensity_p05"] == pytest.approx(np.percentile(np.arange(32, 64), 5))
    assert measures["foreground"] == 0.5
    assert measures["voxel_mm"] == 1.2
    assert measures["stretch"] == pytest.approx(1.0 / 0.9)
    assert scan_measures(image, foreground).keys() < measures.keys()
    assert measures.keys() == LEAST_SPREAD.keys()


def test_distance_is_counted_from_the_nearer_quartile_in_their_distance() -> None:
    reference = {"measures": {"scale": {"q1": 0.9, "q3": 1.0}, "coverage": {"q1": 1.0, "q3": 1.0}}}
    far = distances({"scale": 1.35, "coverage": 0.98, "overlap": 0.1}, reference)
    assert far == {"scale": pytest.approx(3.5), "coverage": pytest.approx(0.02 / LEAST_SPREAD["coverage"])}
    assert distances({"scale": 0.95, "coverage": 1.0}, reference) == {"scale": 0.0, "coverage": 0.0}
    assert distances({"scale": 0.7, "coverage": 1.0}, reference)["scale"] == pytest.approx(2.0)


def test_what_is_far_out_is_flagged_by_name() -> None:
    item = {
        "image": torch.ones(1, 2, 2, 2), "foreground": torch.ones(1, 2, 2, 2),
        "registration": {**RECORD, "flags": ["poor_coverage"]},
    }  # fmt: skip
    measures = scan_measures(item["image"], item["foreground"], RECORD)
    alike = {"measures": {name: {"q1": value, "q3": value} for name, value in measures.items()}, "states": ["raw"]}
    assert ScoreScand("image", alike)(item)["quality"] == {
        "measures": measures, "distance": 0.0, "state": "raw", "flags": ["poor_coverage"],
    }  # fmt: skip
    unlike = {"measures": {**alike["measures"], "scale": {"q1": 1.2, "q3": 1.25}}, "states": ["skull_stripped"]}
    quality = ScoreScand("image", unlike)(item)["quality"]
    assert quality["flags"] == ["poor_coverage", "unlike_training:scale", "unlike_training:state"]
    assert quality["distance"] == pytest.approx(5.0)


def test_without_a_reference_nothing_is_far() -> None:
    item = {"image": torch.ones(1, 2, 2), "foreground": torch.ones(1, 2, 2)}
    quality = ScoreScand("image")(item)["quality"]
    assert (quality["distance"], quality["flags"]) == (None, [])
