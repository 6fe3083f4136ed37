"""From facts to settings, rule by rule."""

from __future__ import annotations

import math

import pytest

from admoe_monai.workflows.proposal import rules


@pytest.mark.parametrize(
    ("axes", "device", "people", "names"),
    [
        (3, "cpu", 5000, ["tiny"]),
        (2, "cpu", 5000, ["tiny_2d"]),
        (3, "cuda", 1000, ["base", "train", "tiny"]),
        (3, "cuda", 299, ["train", "tiny"]),
        (3, "cuda", 10, ["tiny"]),
        (2, "cuda", 1000, ["seed_2d", "tiny_2d"]),
        (2, "cuda", 59, ["tiny_2d"]),
    ],
)
def test_the_largest_network_that_device_and_people_carry_comes_first(
    axes: int, device: str, people: int, names: list[str]
) -> None:
    assert rules.presets_for(axes, device, people) == names


@pytest.mark.parametrize(
    ("extent", "scanned", "spacing", "size"),
    [
        ((144, 176, 144), 1.0, 3.0, [48, 64, 48]),  # the preset's voxels
        ((145, 192, 144), 1.0, 3.0, [56, 64, 48]),  # one mm more is another multiple
        ((144, 176, 144), 4.2, 4.0, [40, 48, 40]),  # no finer than scanned
        ((200, 250, 200), 1.0, 4.0, [56, 64, 56]),  # a whole head takes coarser voxels
    ],
)
def test_the_field_of_view_holds_the_head_in_voxels_that_are_no_finer_than_needed(
    extent: tuple[float, ...], scanned: float, spacing: float, size: list[int]
) -> None:
    most = 1.5 * 48 * 60 * 48
    assert rules.grid_of_volumes(extent, scanned, 3.0, most, 8) == (spacing, size)
    assert math.prod(size) <= most
    assert all(edge * spacing >= reach for edge, reach in zip(size, extent, strict=True))


@pytest.mark.parametrize(
    ("extent", "size"),
    [
        ((200, 200), [128, 128]),
        ((200, 100), [128, 64]),
        ((150, 200), [96, 128]),
        ((20, 10), [32, 16]),
        ((9, 9), [16, 16]),
    ],
)
def test_slices_keep_their_shape_within_the_preset(extent: tuple[float, ...], size: list[int]) -> None:
    assert rules.grid_of_slices(extent, 128, 16) == size


@pytest.mark.parametrize(
    ("size", "spacing", "cell"),
    [
        ([96] * 3, 2.0, 16),
        ([48] * 3, 3.0, 12),
        ([128] * 3, 1.5, 20),
        ([128] * 2, None, 16),
        ([256] * 2, None, 32),
        ([16] * 2, None, 8),
    ],
)
def test_cells_are_whole_patches_of_about_one_size(size: list[int], spacing: float | None, cell: int) -> None:
    assert rules.mask_cell(size, 4, spacing) == cell


def test_a_patch_that_is_larger_than_a_cell_is_one() -> None:
    assert rules.mask_cell([48, 60, 48], 16, 3.0) == 16


@pytest.mark.parametrize(("visits", "scans"), [(1, 2), (9, 2), (49, 4), (147, 8), (160, 16), (100_000, 16)])
def test_an_epoch_has_enough_steps(visits: int, scans: int) -> None:
    assert rules.scans_per_step(visits) == scans


def test_the_largest_batch_that_fits_and_none_if_none_does() -> None:
    needed = {1: 10.0, 2: 20.0, 4: 40.0, 8: 80.0}
    assert [rules.fitting_batch(4, needed, memory) for memory in (1000, 39, 10, 9)] == [4, 2, 1, 0]


@pytest.mark.parametrize(
    ("visits", "scans", "device", "epochs"),
    [(150, 4, "cpu", 40), (9, 2, "cpu", 300), (2, 2, "cpu", 300), (1000, 4, "cuda", 48), (100_000, 16, "cuda", 10)],
)
def test_epochs_follow_from_the_steps_within_bounds(visits: int, scans: int, device: str, epochs: int) -> None:
    assert rules.epochs_of(visits, scans, device) == epochs


@pytest.mark.parametrize(("epochs", "warmup"), [([50, 50], 5), ([300], 10), ([10, 200], 1), ([3], 1)])
def test_warmup_is_a_tenth_of_the_shorter_phase(epochs: list[int], warmup: int) -> None:
    assert rules.warmup_of(epochs) == warmup


@pytest.mark.parametrize(
    ("counts", "value", "reason"),
    [
        ({"a": {"x": 14, "y": 10}}, None, "most frequent class of a has 1.4 times"),
        ({"a": {"x": 40, "y": 10}}, "balanced", "most frequent class of a has 4.0 times"),
        ({"a": {"x": 40}}, None, "y (a) has too few training visits to be weighed: 0"),
        ({"a": {"x": 65, "y": 1}}, None, "y (a) has too few training visits to be weighed: 1"),
        ({"a": {}}, None, "no labels"),
    ],
)
def test_classes_are_weighted_where_they_differ_and_there_are_enough(
    counts: dict[str, dict[str, int]], value: str | None, reason: str
) -> None:
    chosen, said = rules.weights_of_classes(counts, {"a": ["x", "y"]})
    assert chosen == value
    assert reason in said


@pytest.mark.parametrize("cores", [1, 2, 8, 64])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_threads_and_loaders_share_the_cores(cores: int, device: str) -> None:
    threads, workers = rules.threads_and_workers(cores, device)
    assert threads >= 1
    assert workers >= 0
    assert threads + workers == cores or cores == 1
    assert device == "cuda" or threads > workers
