"""The cells of a study and their commands."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from written_study import SETTINGS, write_folds, write_study

from admoe_monai.data import load_datalist
from admoe_monai.errors import UserError
from admoe_monai.workflows.studies.cells import cells_of, write_cells
from admoe_monai.workflows.studies.expected import expected
from admoe_monai.workflows.studies.reading import read_study

ARMS = {
    "full": None,
    "from scratch": {"overlays": ["from_scratch"], "settings": {"max_epochs": 1}},
    "regression": {"model": "regression"},
    "labels permuted": {"labels": "permuted"},
}


@pytest.fixture
def folder(tmp_path: Path, tiny_cohort: Path) -> Path:
    write_folds(tmp_path, tiny_cohort)
    return tmp_path


def test_each_arm_has_a_cell_per_fold_and_seed_and_a_regression_one_per_fold(folder: Path) -> None:
    study = read_study(str(write_study(folder, arms=ARMS, seeds=[1, 2])))
    names = [cell.name for cell in cells_of(study, folder / "out")]
    assert len(names) == len({*names}) == 2 * 2 * 3 + 2
    assert names[:4] == [
        "full_fold1_seed1",
        "from-scratch_fold1_seed1",
        "regression_fold1_seed1",
        "labels-permuted_fold1_seed1",
    ]


def test_the_command_of_a_cell_goes_on_and_sets_what_is_its_own(folder: Path) -> None:
    out = folder / "out"
    write_cells(read_study(str(write_study(folder, arms=ARMS))), out)
    scripts = json.loads((out / "plan.json").read_text())["cells"]
    train, evaluate = (shlex.split(line) for line in scripts["from-scratch_fold2_seed1"].splitlines()[-2:])
    files = [Path(word).name for word in train if word.endswith(".yaml")]
    # Overlays and settings of an arm come behind those of all, which they may change.
    assert files == ["train.yaml", "_all_arms.yaml", "from_scratch.yaml", "from-scratch.yaml"]
    given = dict(pairwise(train))
    assert given["--resume"] == "auto"
    assert given["--seed"] == "1"
    assert given["--datalist"] == str(folder / "fold1.json")
    assert given["--run_dir"] == str(out / "cells" / "from-scratch_fold2_seed1")
    assert evaluate[-2:] == ["evaluate", given["--run_dir"]]
    assert "admoe_monai.workflows.studies.regression" in scripts["regression_fold1_seed1"]


def test_labels_are_permuted_once_per_fold_and_seed_and_the_test_keeps_the_truth(folder: Path) -> None:
    study = read_study(str(write_study(folder, arms=ARMS, seeds=[1, 2])))
    cells = [cell for cell in write_cells(study, folder / "out") if cell.arm.labels == "permuted"]
    assert len({cell.datalist for cell in cells}) == 4
    own, original = load_datalist(cells[0].datalist), load_datalist(folder / "fold0.json")
    assert own.splits["test"] == original.splits["test"]
    labels, true = ([v["diagnosis"] for v in d.splits["training"]] for d in (own, original))
    assert sorted(labels) == sorted(true)
    assert labels != true


def test_labels_of_further_tasks_are_permuted_too_however_an_arm_names_them(folder: Path) -> None:
    arms = {"full": None, "permuted": {"labels": "permuted", "settings": {"classes_sex": ["F", "M"]}}}
    cells = write_cells(read_study(str(write_study(folder, arms=arms))), folder / "out")
    own = load_datalist(next(cell.datalist for cell in cells if cell.arm.labels == "permuted"))
    original = load_datalist(folder / "fold0.json")
    labels, true = ([v["sex"] for v in d.splits["training"]] for d in (own, original))
    assert sorted(labels) == sorted(true)
    assert labels != true


def test_a_cell_whose_run_was_removed_is_no_longer_done(folder: Path) -> None:
    study = read_study(str(write_study(folder)))
    first, second, *_ = write_cells(study, folder / "out")
    for cell in (first, second):
        cell.marker.touch()
    second.run_dir.mkdir()
    write_cells(study, folder / "out")
    assert (first.marker.exists(), second.marker.exists()) == (False, True)


def test_a_cell_that_was_begun_with_something_else_is_refused(folder: Path) -> None:
    out = folder / "out"
    cells = write_cells(read_study(str(write_study(folder))), out)
    cells[1].run_dir.mkdir()
    write_cells(read_study(str(write_study(folder))), out)
    more = {"full": None, "image alone": {"overlays": ["image_alone"]}, "dense": {"overlays": ["dense"]}}
    write_cells(read_study(str(write_study(folder, arms=more))), out)  # an arm more changes no other
    changed = write_study(folder, settings={**SETTINGS, "base_lr": 0.5})
    with pytest.raises(UserError, match=r"image-alone_fold1_seed1 was begun with other settings or data"):
        write_cells(read_study(str(changed)), out)


def test_two_arms_of_one_short_name_are_refused(folder: Path) -> None:
    study = read_study(str(write_study(folder, arms={"a b": None, "a-b": None})))
    with pytest.raises(UserError, match="would share the name a-b"):
        cells_of(study, folder / "out")


def test_what_a_cell_takes_is_told_from_the_first_that_is_done(folder: Path, tiny_run: Path) -> None:
    study = read_study(str(write_study(folder)))
    cells = cells_of(study, folder / "out")
    assert [row["seconds"] for row in expected(cells, folder / "out")] == [None, None]
    cells[0].run_dir.parent.mkdir(parents=True)
    cells[0].run_dir.symlink_to(tiny_run)
    assert [row["begun"] for row in expected(cells, folder / "out")] == [1, 0]
    cells[0].marker.touch()
    rows = expected(cells, folder / "out")
    assert [(row["arm"], row["cells"], row["done"], row["of"]) for row in rows] == [
        ("full", 2, 1, "full"),
        ("image alone", 2, 0, "full"),
    ]
    assert rows[0]["bytes"] == sum(path.stat().st_size for path in tiny_run.rglob("*") if path.is_file())
    assert rows[1]["seconds_left"] == pytest.approx(2 * rows[0]["seconds"])
