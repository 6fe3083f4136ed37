"""The battery of planted leaks: each is caught, and the cohort that they were planted in has none."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from admoe_monai.audit import cheap_audit, full_audit, leaks
from admoe_monai.data import Datalist, load_datalist
from admoe_monai.data.subject_digests import subject_digests
from made_up_cohort import TASKS, clean_cohort, write_image

Content = dict[str, Any]


def checks(findings: list[Any]) -> set[str]:
    return {finding.check for finding in findings if finding.severity == "leak"}


def stranger(visit: Content, image: str) -> Content:
    """The same visit under another name, with another image."""
    return {**visit, "subject_id": "sub-9999", "session_id": "ses-M000", "days_from_baseline": 0.0, "image": image}


def same_subject(content: Content, folder: Path) -> None:
    content["test"].append(content["training"].pop(1))


def same_visit(content: Content, folder: Path) -> None:
    content["test"].append(
        {
            **content["training"][0],
            "image": shutil.copy(folder / content["training"][0]["image"], folder / "x.nii.gz").name,
        }
    )


def same_image(content: Content, folder: Path) -> None:
    content["test"].append(stranger(content["training"][0], content["training"][0]["image"]))


def same_file(content: Content, folder: Path) -> None:
    shutil.copy(folder / content["training"][0]["image"], folder / "renamed.nii.gz")
    content["test"].append(stranger(content["training"][0], "renamed.nii.gz"))


def saved_anew(content: Content, folder: Path) -> None:
    voxels = np.asarray(nib.load(folder / content["training"][0]["image"]).dataobj)
    write_image(folder / "anew.nii", voxels.astype(np.float64), spacing=1.0)
    content["test"].append(stranger(content["training"][0], "anew.nii"))


def altered(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Content, Path], None]:
    def plant(content: Content, folder: Path) -> None:
        voxels = np.asarray(nib.load(folder / content["training"][0]["image"]).dataobj)
        write_image(folder / "altered.nii.gz", change(voxels).astype(np.float32))
        content["test"].append(stranger(content["training"][0], "altered.nii.gz"))

    return plant


def slice_level_split(content: Content, folder: Path) -> None:
    visits = content["training"] + content["test"]
    content["training"], content["test"] = [], []
    for visit in visits:
        for number, split in enumerate(("training", "test")):
            name = visit["image"].replace(".nii.gz", f"_slice-{number}.nii.gz")
            shutil.copy(folder / visit["image"], folder / name)
            content[split].append({**visit, "image": name})


def visit_number(content: Content, folder: Path) -> None:
    content["prior"]["columns"].append({"name": "visit", "role": "clinical", "kind": "continuous", "n": 0})
    for visit in itertools.chain(*(content[split] for split in ("training", "validation", "test"))):
        visit["prior"]["visit"] = int(visit["session_id"][5:]) // 12 + 1


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (same_subject, "subject_overlap"),
        (same_visit, "visit_overlap"),
        (same_image, "image_overlap"),
        (slice_level_split, "slice_level_split"),
        (visit_number, "banned_prior"),
    ],
)
def test_a_planted_leak_is_caught_without_reading_images(
    planted: Callable[..., Datalist], plant: Callable[[Content, Path], None], expected: str
) -> None:
    assert expected in checks(cheap_audit(planted(plant), tasks=TASKS))


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (same_file, "file_overlap"),
        (saved_anew, "voxel_overlap"),
        (altered(lambda voxels: 3 * voxels + 7), "near_duplicate"),
        (altered(lambda voxels: ndimage.rotate(voxels, 12, reshape=False, order=1)), "near_duplicate"),
        (altered(np.rot90), "near_duplicate"),
    ],
)
def test_a_copied_image_is_caught_by_its_content_alone(
    planted: Callable[..., Datalist], plant: Callable[[Content, Path], None], expected: str
) -> None:
    datalist = planted(plant)
    assert leaks(cheap_audit(datalist, tasks=TASKS)) == []
    assert checks(full_audit(datalist, tasks=TASKS).leaks) == {expected}


def test_a_test_subject_in_pretraining_is_caught_by_visits_and_by_a_checkpoints_digests(clean: Path) -> None:
    datalist = load_datalist(clean)
    elsewhere = [{**datalist.splits["test"][0], "session_id": "ses-M048", "image": "/elsewhere/other.nii.gz"}]
    assert checks(cheap_audit(datalist, pretraining=elsewhere, tasks=TASKS)) == {"subject_overlap"}
    assert checks(cheap_audit(datalist, pretraining_digests=subject_digests(elsewhere), tasks=TASKS)) == {
        "pretrained_on"
    }


def test_a_test_subject_of_a_merge_that_was_pretrained_on_is_caught(clean: Path) -> None:
    datalist = load_datalist(clean)
    merged = [{**visit, "subject_id": f"{datalist.name}:{visit['subject_id']}"} for visit in datalist.splits["test"]]
    assert checks(cheap_audit(datalist, pretraining_digests=subject_digests(merged), tasks=TASKS)) == {"pretrained_on"}


@pytest.mark.parametrize("code", [{"CN": 3.0, "MCI": 1.0, "AD": 2.0}, {"CN": "b", "MCI": "c", "AD": "a"}])
def test_a_label_coded_prior_is_caught(code: dict[str, Any]) -> None:
    cohort = clean_cohort(60)
    assert cheap_audit(cohort, tasks=TASKS) == []
    cohort.prior.append({"name": "marker", "role": "clinical", "kind": "continuous", "n": 1})
    for visit in itertools.chain(*cohort.splits.values()):
        visit["prior"]["marker"] = code[visit["diagnosis"]]
    assert checks(cheap_audit(cohort, tasks=TASKS)) == {"label_coded_prior"}


def test_the_clean_cohort_has_no_leak_with_all_checks(clean: Path) -> None:
    report = full_audit(load_datalist(clean), pretraining=load_datalist(clean).splits["training"], tasks=TASKS)
    assert {finding.severity for finding in report.findings if finding.check != "thin_classes"} == {"note"}
    assert {"overlap", "near duplicates", "random labels"} <= set(report.checks)


def test_classes_of_few_people_are_a_warning_of_the_whole_audit_alone(clean: Path) -> None:
    cohort = load_datalist(clean)
    kept = [visit for visit in cohort.splits["test"] if visit["diagnosis"] != "MCI"]
    few = replace(cohort, splits={**cohort.splits, "test": kept})
    found = [f for f in full_audit(few, images=False, tasks=TASKS).findings if f.check == "thin_classes"]
    assert {finding.severity for finding in found} == {"warning"}
    assert any("test has no one with diagnosis MCI" in finding.message for finding in found)
    assert "thin_classes" not in {finding.check for finding in cheap_audit(few, tasks=TASKS)}


@pytest.mark.slow
def test_the_tables_of_two_thousand_clean_subjects_pass_without_any_finding() -> None:
    cohort = clean_cohort(2000)
    assert sum(len(visits) for visits in cohort.splits.values()) > 6000
    assert cheap_audit(cohort, tasks=TASKS) == []
