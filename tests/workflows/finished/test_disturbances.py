"""What each disturbance does to a scan, in units that can be measured on it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage

from admoe_monai.workflows.finished.stress.disturbances import DISTURBANCES, FWHM, RawScan

SHAPES = {2: (40, 44), 3: (28, 30, 26)}


def blob(axes: int, spacing: float = 2.0, around: float = 0.0) -> MetaTensor:
    """A brain cut out, of two tissues; with something around it, a head that is none."""
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPES[axes]), indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in grid))
    values = 100.0 * (radius < 0.8) + 60.0 * (radius < 0.4)
    values += around * np.random.default_rng(0).uniform(0, 1, values.shape)
    return MetaTensor(torch.as_tensor(values[None], dtype=torch.float32), affine=np.diag([spacing] * 3 + [1.0]))


def disturbed(kind: str, scan: MetaTensor, strength: float, seed: int = 3) -> np.ndarray:
    return np.asarray(DISTURBANCES[kind].apply(RawScan(scan.clone()), strength, seed))[0]


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("kind", list(DISTURBANCES))
def test_the_same_seed_gives_the_same_scan_and_the_scan_itself_stays(kind: str, axes: int) -> None:
    scan, strength = blob(axes), DISTURBANCES[kind].strengths[-1]
    raw = RawScan(scan.clone())
    first, again = (DISTURBANCES[kind].apply(raw, strength, 3) for _ in range(2))
    assert torch.equal(raw.voxels, scan)
    assert torch.equal(first, again)
    assert first.shape == scan.shape
    assert isinstance(first, MetaTensor)
    assert not torch.equal(first, scan)


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("kind", ["noise", "bias_field", "blur", "voxels"])
def test_what_is_around_a_brain_that_was_cut_out_stays_empty_and_its_rim_bright(kind: str, axes: int) -> None:
    scan = blob(axes)
    outside = np.asarray(scan)[0] == 0
    found = disturbed(kind, scan, DISTURBANCES[kind].strengths[0])
    assert (found[outside] == 0).all()
    # Mixed with the nothing around it, the rim would be near 50.
    assert np.quantile(found[~outside], 0.01) > 80


@pytest.mark.parametrize("axes", [2, 3])
def test_noise_has_the_share_of_the_intensity_range_that_was_asked_for(axes: int) -> None:
    scan = blob(axes)
    values = np.asarray(scan)[0]
    noise = (disturbed("noise", scan, 0.1) - values)[values > 0]
    assert noise.std() == pytest.approx(0.1 * 60, rel=0.1)  # the range is from 100 to 160


@pytest.mark.parametrize("axes", [2, 3])
def test_around_a_whole_head_there_is_noise_too(axes: int) -> None:
    scan = blob(axes, around=5.0)
    corner = (slice(0, 3),) * axes
    assert disturbed("noise", scan, 0.1)[corner].std() > 2 * np.asarray(scan)[0][corner].std()


@pytest.mark.parametrize("axes", [2, 3])
def test_shading_is_smooth_and_as_large_as_was_asked_for(axes: int) -> None:
    scan = blob(axes)
    values = np.asarray(scan)[0]
    gain = disturbed("bias_field", scan, 0.4)[values > 0] / values[values > 0]
    assert (gain.min(), gain.max()) == (pytest.approx(0.8, abs=1e-3), pytest.approx(1.2, abs=1e-3))


@pytest.mark.parametrize("axes", [2, 3])
def test_blur_is_in_mm_of_full_width(axes: int) -> None:
    scan = blob(axes, spacing=2.0, around=5.0)
    wanted = ndimage.gaussian_filter(np.asarray(scan, dtype=float)[0], 8.0 / FWHM / 2.0, mode="constant")
    inner = (slice(8, -8),) * axes
    found = disturbed("blur", scan, 8.0)
    assert np.abs(found - wanted)[inner].max() < 1.0
    # Nothing is beyond the image's edge: it doesn't darken there.
    assert found[0].mean() > 0.9 * np.asarray(scan)[0, 0].mean()


@pytest.mark.parametrize("axes", [2, 3])
def test_voxels_that_are_as_coarse_already_stay(axes: int) -> None:
    scan = blob(axes, spacing=4.0, around=5.0)
    assert np.array_equal(disturbed("voxels", scan, 4.0), np.asarray(scan)[0])
    assert disturbed("voxels", scan, 8.0).std() < np.asarray(scan)[0].std()


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("spacing", [[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]])
def test_a_head_turns_by_the_angle_in_mm_and_its_affine_with_it(axes: int, spacing: list[float]) -> None:
    scan = MetaTensor(blob(axes).as_tensor(), affine=np.diag([*spacing, 1.0]))
    affine = np.asarray(DISTURBANCES["turn"].apply(RawScan(scan), 20.0, 1).affine)[:axes, :axes]
    turned = affine / np.asarray(spacing)[:axes]
    assert turned @ turned.T == pytest.approx(np.eye(axes), abs=1e-6)
    # Of a turn in one plane the trace is 2 cos + (axes - 2).
    assert np.rad2deg(np.arccos((np.trace(turned) - axes + 2) / 2)) == pytest.approx(20.0)


def test_a_turned_head_lies_where_the_turn_puts_it() -> None:
    scan = blob(2)
    scan[0, 20:28, 20:24] = 300.0
    raw = RawScan(scan)
    moved = DISTURBANCES["turn"].apply(raw, 20.0, 1)
    middles = []
    for each in (scan, moved):
        bright = np.argwhere(np.asarray(each)[0] > 220).mean(axis=0)
        middles.append(np.asarray(each.affine)[:2, :2] @ bright + np.asarray(each.affine)[:2, -1])
    assert middles[0] == pytest.approx(middles[1], abs=0.5)
    assert not np.array_equal(np.asarray(scan), np.asarray(moved))
