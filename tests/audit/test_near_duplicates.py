from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from admoe_monai.audit.contents import Content, content_overlaps, read_contents
from admoe_monai.audit.entries import Entry
from admoe_monai.audit.fingerprints import fingerprint, similarities
from admoe_monai.audit.images import Image, read_image
from admoe_monai.audit.near_duplicates import COPY, copy_threshold, near_duplicates
from admoe_monai.audit.registration import detail_correlation
from made_up_cohort import draw_head, write_image

SHAPES = [(56, 60), (30, 34, 28)]


def compare(first: Image, second: Image) -> float:
    prints = [fingerprint(first), fingerprint(second)]
    _, form, matrices = similarities(prints)
    return detail_correlation([first, second], [item.pose for item in prints], matrices[form[0, 1]])


def image(voxels: np.ndarray, spacing: float = 2.0) -> Image:
    return Image(np.ascontiguousarray(voxels, dtype=np.float32), np.full(voxels.ndim, spacing))


def turned(voxels: np.ndarray, degrees: float) -> np.ndarray:
    return np.asarray(ndimage.rotate(voxels, degrees, axes=(0, 1), reshape=False, order=1))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_copy_is_known_whatever_was_done_to_it(shape: tuple[int, ...]) -> None:
    head = draw_head(1, shape=shape)
    copies = {
        "rescaled": image(0.4 * head + 30),
        "turned": image(turned(head, 10)),
        "turned by 90 degrees": image(np.rot90(head)),
        "mirrored": image(head[::-1]),
        "shifted": image(ndimage.shift(head, 1.6, order=1)),
        "sampled anew": image(ndimage.zoom(head, 1.25, order=1), 1.6),
        "without its header": image(ndimage.zoom(head, 1.25, order=1), 1.0),
        "noisy": image(head + np.random.default_rng(0).normal(0, 2, shape)),
    }
    figures = {what: compare(image(head), copy) for what, copy in copies.items()}
    assert {what: figure for what, figure in figures.items() if figure < COPY} == {}


@pytest.mark.parametrize("shape", SHAPES)
def test_repeat_visits_and_other_people_are_no_copies(shape: tuple[int, ...]) -> None:
    first = image(draw_head(1, 0, shape))
    repeats = [image(draw_head(1, visit, shape)) for visit in (1, 2)]
    strangers = [image(draw_head(seed, 0, shape)) for seed in (2, 3)]
    assert max(compare(first, other) for other in repeats + strangers) < COPY


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_pair_always_gives_the_same_figure(shape: tuple[int, ...]) -> None:
    pair = image(draw_head(1, shape=shape)), image(turned(draw_head(1, shape=shape), 7))
    assert compare(*pair) == compare(*pair)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fingerprint_is_that_of_the_turned_and_mirrored_image(shape: tuple[int, ...]) -> None:
    head = draw_head(1, shape=shape)
    prints = [fingerprint(image(voxels)) for voxels in (head, np.rot90(head)[::-1], draw_head(2, shape=shape))]
    alike, _, _ = similarities(prints)
    assert alike[0, 1] > 0.97
    assert alike[0, 1] > alike[0, 2] + 0.1


def test_an_image_with_next_to_nothing_in_it_is_like_no_other() -> None:
    dot = np.zeros((20, 20), dtype=np.float32)
    dot[10, 10] = 1
    assert compare(image(dot), image(draw_head(1))) == 0.0


def test_where_repeat_visits_are_close_copies_must_be_closer() -> None:
    assert copy_threshold([]) == copy_threshold([0.0] * 30) == copy_threshold([0.99] * 3 + [0.0] * 30) == COPY
    assert copy_threshold([0.5, 0.6] * 10) == COPY
    close = [0.97 + 0.001 * (n % 5) for n in range(30)]
    assert max(close) < copy_threshold(close) < 0.98
    # A few copies among the repeat visits don't hide the others.
    assert copy_threshold([*close, 1.0, 1.0, 1.0]) < 0.985


def contents_of(folder: Path, *images: tuple[str, np.ndarray]) -> tuple[list[Entry], dict[str, Content]]:
    """Entries named `split subject`."""
    entries = []
    for number, (name, voxels) in enumerate(images):
        split, subject = name.split()
        path = write_image(folder / f"{number}.nii", voxels)
        entries.append(Entry(split, number, {"subject_id": subject, "session_id": str(number), "image": str(path)}))
    contents, unreadable = read_contents(entries)
    assert unreadable == []
    return entries, contents


def test_copies_count_by_their_splits(tmp_path: Path) -> None:
    head = draw_head(1)
    strangers = [(f"training s{seed}", draw_head(seed)) for seed in range(2, 6)]
    for split, severity in (("test", "leak"), ("training", "warning")):
        images = [("training a", head), (f"{split} b", turned(head, 9)), *strangers]
        found = near_duplicates(*contents_of(tmp_path, *images))
        assert [(finding.check, finding.severity) for finding in found] == [("near_duplicate", severity)]
        assert found[0].rows == ("training[0]", f"{split}[1]")


def test_visits_of_one_subject_are_not_compared(tmp_path: Path) -> None:
    head = draw_head(1)
    assert near_duplicates(*contents_of(tmp_path, ("training a", head), ("test a", turned(head, 9)))) == []


def test_a_copy_among_simulated_repeat_visits_stands_out_and_a_repeat_visit_is_a_lookalike(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)

    def scan(seed: int) -> np.ndarray:
        """The same head each time, with new noise: closer than any two real scans."""
        head = draw_head(seed)
        return np.asarray(head + generator.normal(0, 4, head.shape) * (head > 0))

    images = [(f"training s{seed}", scan(seed)) for seed in range(12) for _ in range(2)]
    original = images[0][1]
    found = near_duplicates(*contents_of(tmp_path, *images, ("test copy", original[::-1]), ("test again", scan(5))))
    by_check = {finding.check: finding for finding in found}
    assert by_check["near_duplicate"].severity == "leak"
    assert set(by_check["near_duplicate"].rows) == {"training[0]", "test[24]"}
    assert by_check["lookalike"].severity == "warning"
    assert "test[25]" in by_check["lookalike"].rows


def test_contents_find_bytes_and_voxels(tmp_path: Path) -> None:
    head = np.round(draw_head(1))
    entries, contents = contents_of(tmp_path, ("training a", head), ("test b", head), ("test c", head.astype(np.int16)))
    found = {finding.check: finding.rows for finding in content_overlaps(entries, contents)}
    assert found == {"file_overlap": ("training[0]", "test[1]"), "voxel_overlap": ("training[0]", "test[1]", "test[2]")}


@pytest.mark.parametrize("voxels", [np.zeros((9, 9)), np.full((9, 9), np.nan), np.ones((4, 4, 4, 3))])
def test_an_image_that_can_not_be_compared_is_named(tmp_path: Path, voxels: np.ndarray) -> None:
    path = write_image(tmp_path / "a.nii", voxels.astype(np.float32))
    broken = tmp_path / "b.nii.gz"
    broken.write_bytes(b"no image")
    visits = [{"subject_id": "a", "session_id": str(n), "image": str(p)} for n, p in enumerate((path, broken))]
    contents, found = read_contents([Entry("training", n, visit) for n, visit in enumerate(visits)])
    assert contents == {}
    assert [(finding.severity, finding.rows) for finding in found] == [("warning", ("training[0]", "training[1]"))]


def test_images_are_read_in_every_form_that_training_reads(
    tmp_path: Path, write_dicom_series: Callable[..., Path]
) -> None:
    voxels = np.random.default_rng(0).integers(0, 500, (12, 9, 5)).astype(np.float32)
    nib.save(nib.MGHImage(voxels, np.diag([1.5, 2.0, 3.0, 1.0])), tmp_path / "scan.mgz")
    for path in (tmp_path / "scan.mgz", write_dicom_series(tmp_path / "series", voxels, (1.5, 2.0, 3.0))):
        found = read_image(path)
        assert np.array_equal(found.voxels, voxels)
        assert np.allclose(found.spacing, (1.5, 2.0, 3.0))
    np.savez(tmp_path / "slice.npz", slice=voxels[..., 0])
    assert np.array_equal(read_image(tmp_path / "slice.npz").voxels, voxels[..., 0])


def test_formats_do_not_matter_and_colours_are_averaged(tmp_path: Path) -> None:
    from PIL import Image as Picture

    grey = draw_head(1).clip(0, 255).astype(np.uint8)
    Picture.fromarray(grey).save(tmp_path / "grey.png")
    Picture.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(tmp_path / "colour.png")
    write_image(tmp_path / "volume.nii", grey.T[..., None].astype(np.uint8))
    names = ("grey.png", "colour.png", "volume.nii")
    entries = [
        Entry("training", n, {"subject_id": name, "session_id": "0", "image": str(tmp_path / name)})
        for n, name in enumerate(names)
    ]
    contents, _ = read_contents(entries)
    assert len({content.voxel_digest for content in contents.values()}) == 1
    assert all(a.shape == b.shape for a, b in itertools.pairwise(contents.values()))
