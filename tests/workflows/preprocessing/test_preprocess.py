"""`admoe preprocess` on scans that lie on the template's grid already, which need no registration and take a second each."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from preprocessed import results, run, table

from admoe_monai.data import load_datalist, save_datalist
from admoe_monai.data.visits import SPLITS
from admoe_monai.errors import UserError
from admoe_monai.transforms import load_template
from admoe_monai.workflows.preprocessing import scan as preprocess_scan_module
from admoe_monai.workflows.preprocessing.chains import ON_TEMPLATE
from admoe_monai.workflows.preprocessing.cohort import Choices
from admoe_monai.workflows.preprocessing.preprocess import preprocess
from synthetic_heads import on_grid_scan, write_scan


def test_the_new_datalist_has_the_same_visits_on_the_template(cohort: Path, tmp_path: Path) -> None:
    written = run(cohort, tmp_path / "out")
    assert written == tmp_path / "out" / "datalist.json"
    before, after = load_datalist(cohort), load_datalist(written)

    for split in SPLITS:
        assert [v["subject_id"] for v in after.splits[split]] == [v["subject_id"] for v in before.splits[split]]
    visit = after.splits["test"][0]
    assert visit["image"] == str(tmp_path / "out" / "d" / "1" / "d_space-MNI152_T1w.nii.gz")
    assert visit["mask"] == str(tmp_path / "out" / "template_mask.nii.gz")
    assert visit["qc"] == "pass"
    assert (after.name, after.simulated) == ("four", True)
    assert after.preprocessing["template"] == "MNI152NLin2009aSym"
    assert after.preprocessing["spacing_mm"] == 3.0
    assert after.preprocessing["crop"]["shape"] == [56, 68, 56]
    assert after.preprocessing["states"] == ["skull_stripped"]
    template, image = load_template(3.0), nib.load(visit["image"])
    np.testing.assert_array_equal(np.asarray(nib.load(visit["mask"]).dataobj), template.brain)
    np.testing.assert_allclose(image.affine, template.affine)
    source = np.asarray(nib.load(before.splits["test"][0]["image"]).dataobj)
    np.testing.assert_allclose(np.asarray(image.dataobj), source, atol=0.02)


def test_the_table_and_the_page_have_a_row_per_scan(cohort: Path, tmp_path: Path) -> None:
    run(cohort, tmp_path / "out")
    rows = table(tmp_path / "out" / "quality.tsv")
    page = (tmp_path / "out" / "quality.html").read_text()

    assert [row["subject_id"] for row in rows] == ["a", "b", "c", "d"]
    assert {row["qc"] for row in rows} == {"pass"}
    assert all(float(row["correlation"]) > 0.9 for row in rows)
    assert page.count("data:image/png;base64,") == 4
    assert "http" not in page
    assert table(tmp_path / "out" / "errors.tsv") == []


def test_a_second_run_computes_nothing(cohort: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(cohort, tmp_path / "out")
    before = results(tmp_path / "out")
    with caplog.at_level(logging.INFO):
        run(cohort, tmp_path / "out")

    assert results(tmp_path / "out") == before
    assert "0 scans computed, 4 were there already" in caplog.text


@pytest.mark.parametrize(
    "damage",
    [
        lambda source, result: result.write_bytes(result.read_bytes()[:-9]),
        lambda source, result: result.unlink(),
        lambda source, result: result.with_name(result.name.replace(".nii.gz", ".png")).unlink(),
        lambda source, result: result.with_name(result.name.replace(".nii.gz", ".json")).write_text("{"),
        lambda source, result: write_scan(source, on_grid_scan(seed=9)),
    ],
    ids=["cut", "gone", "no picture", "no record", "another scan"],
)
def test_what_is_not_whole_or_of_another_scan_is_computed_anew(
    damage: Callable[[Path, Path], object], cohort: Path, tmp_path: Path
) -> None:
    run(cohort, tmp_path / "out")
    before = results(tmp_path / "out")
    damage(cohort.parent / "b_T1w.nii.gz", tmp_path / "out" / "b" / "1" / "b_space-MNI152_T1w.nii.gz")
    run(cohort, tmp_path / "out")
    after = results(tmp_path / "out")

    assert [name for name in after if after[name] != before.get(name)] == ["b_space-MNI152_T1w.nii.gz"]


@pytest.mark.parametrize("at", [1, 2, 3, 6])
def test_a_run_stopped_at_any_write_goes_on_where_it_was(
    at: int, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = 0
    write_atomic = preprocess_scan_module.write_atomic

    def stopped(path: Path, content: bytes | str) -> None:
        nonlocal writes
        writes += 1
        if writes == at:
            # As a kill leaves it: the temporary file is there, cut short, and nothing tidies up.
            path.with_name(f"{path.name}.0123abcd.tmp").write_bytes(b"cut")
            raise KeyboardInterrupt
        write_atomic(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(preprocess_scan_module, "write_atomic", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(cohort, tmp_path / "out")
    finished = {p.name for p in (tmp_path / "out").rglob("*_T1w.json")}
    before = results(tmp_path / "out")
    run(cohort, tmp_path / "out")
    after = results(tmp_path / "out")

    assert len(finished) == (at - 1) // 3
    assert all(after[name.replace(".json", ".nii.gz")] == before[name.replace(".json", ".nii.gz")] for name in finished)
    assert len(after) == 4
    # It may be another run's that is at work there, until it is too old for that.
    [stray] = (tmp_path / "out").rglob("*.tmp")
    os.utime(stray, (0, 0))
    run(cohort, tmp_path / "out")
    assert results(tmp_path / "out") == after
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_shares_are_disjoint_and_the_last_one_writes_the_datalist(cohort: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run(cohort, output, share=(1, 3)) is None
    first = results(output)
    assert run(cohort, output, share=(3, 3)) is None
    second = results(output)
    assert not (output / "datalist.json").exists()
    written = run(cohort, output, share=(2, 3))

    assert [len(first), len(second)] == [2, 3]
    assert {name: time for name, time in results(output).items() if name in second} == second
    assert sum(len(visits) for visits in load_datalist(written).splits.values()) == 4


def test_shares_give_what_one_run_gives(cohort: Path, tmp_path: Path) -> None:
    run(cohort, tmp_path / "one")
    for part in (1, 2):
        run(cohort, tmp_path / "two", share=(part, 2))
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path


def test_a_broken_scan_stops_none_of_the_others(cohort: Path, tmp_path: Path) -> None:
    scan = cohort.parent / "b_T1w.nii.gz"
    scan.write_bytes(scan.read_bytes()[:3000])
    with pytest.raises(UserError, match=r"^1 of 4 scans could not be processed, .*errors.tsv says why.*--drop_failed$"):
        run(cohort, tmp_path / "out")

    assert len(results(tmp_path / "out")) == 3
    [row] = table(tmp_path / "out" / "errors.tsv")
    assert row["scan"] == "b_T1w.nii.gz"
    assert "is unreadable: " in row["error"]
    assert "b_T1w.nii.gz" in (tmp_path / "out" / "quality.html").read_text()
    assert not (tmp_path / "out" / "datalist.json").exists()
    written = run(cohort, tmp_path / "out", choices=Choices(drop_failed=True))
    assert [visit["subject_id"] for visit in load_datalist(written).splits["training"]] == ["a"]


def test_scans_of_several_states_are_counted_and_refused_unless_forced(cohort: Path, tmp_path: Path) -> None:
    write_scan(cohort.parent / "c_T1w.nii.gz", on_grid_scan("raw"))
    with pytest.raises(UserError, match=r"of several states.*: 1 raw, 3 skull_stripped; .*--force$"):
        run(cohort, tmp_path / "out")

    assert [row["state"] for row in table(tmp_path / "out" / "quality.tsv")].count("raw") == 1
    assert not (tmp_path / "out" / "datalist.json").exists()
    written = run(cohort, tmp_path / "out", choices=Choices(force=True))
    assert load_datalist(written).preprocessing["states"] == ["raw", "skull_stripped"]


def test_flagged_scans_stay_with_their_flags_unless_they_are_dropped(cohort: Path, tmp_path: Path) -> None:
    scan = on_grid_scan()
    write_scan(cohort.parent / "b_T1w.nii.gz", torch.where(scan > 0, 1000 - scan, scan))
    written = run(cohort, tmp_path / "out")
    assert [visit["qc"] for visit in load_datalist(written).splits["training"]] == ["pass", "inverted_contrast"]
    page = (tmp_path / "out" / "quality.html").read_text()
    assert page.index("b_T1w.nii.gz") < page.index("a_T1w.nii.gz")

    run(cohort, tmp_path / "out", choices=Choices(drop_flagged=True))
    assert [visit["subject_id"] for visit in load_datalist(written).splits["training"]] == ["a"]


def test_a_mask_of_a_visit_s_own_comes_along(cohort: Path, tmp_path: Path) -> None:
    scan = on_grid_scan()
    inside = (scan > 500).to(torch.uint8)
    write_scan(cohort.parent / "mask.nii.gz", inside, np.uint8)
    datalist = load_datalist(cohort)
    datalist.splits["test"][0]["mask"] = str(cohort.parent / "mask.nii.gz")
    save_datalist(cohort, datalist)
    after = load_datalist(run(cohort, tmp_path / "out"))
    masks = [after.splits[split][0]["mask"] for split in ("training", "test")]

    assert [Path(mask).name for mask in masks] == ["template_mask.nii.gz", "d_space-MNI152_desc-brain_mask.nii.gz"]
    np.testing.assert_array_equal(np.asarray(nib.load(masks[1]).dataobj), inside[0].numpy())


def test_processes_give_the_bits_of_a_single_one(cohort: Path, tmp_path: Path) -> None:
    run(cohort, tmp_path / "one")
    run(cohort, tmp_path / "two", num_workers=2)
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path


def test_a_preprocessed_cohort_enters_at_the_end(cohort: Path, tmp_path: Path) -> None:
    once = load_datalist(run(cohort, tmp_path / "once"))
    twice = load_datalist(preprocess(once.path, tmp_path / "twice", spacing_mm=3.0))
    before, after = (np.asarray(nib.load(c.splits["test"][0]["image"]).dataobj) for c in (once, twice))

    np.testing.assert_allclose(after, before, atol=0.02)
    assert {row["chain"] for row in table(tmp_path / "twice" / "quality.tsv")} == {ON_TEMPLATE}
