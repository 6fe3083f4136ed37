"""Yagis et al. 2021 (doi 10.1038/s41598-021-01681-w): random labels, slices split at random or by subject."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from admoe_monai.audit import full_audit
from admoe_monai.audit.control import nearest_neighbours, random_label_control
from admoe_monai.data import Datalist
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from made_up_cohort import TASKS, draw_head, write_image

SUBJECTS, SLICES = 20, 3
CLASSES = ["CN", "AD"]


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Three nearly identical slices per subject."""
    folder = tmp_path_factory.mktemp("slices")
    visits = []
    for subject, number in itertools.product(range(SUBJECTS), range(SLICES)):
        path = folder / f"sub-{subject:02d}_slice-{number}.nii.gz"
        write_image(path, draw_head(subject, number + 1, (32, 34)))
        visits.append({"image": str(path), "subject_id": f"sub-{subject:02d}", "session_id": f"slice-{number}"})
    return visits


def cohort(slices: list[dict[str, Any]], by_subject: bool, seed: int = 0) -> Datalist:
    """Deal out labels to subjects, so that nothing can be learned from an image but whose it is; half is for testing."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.repeat(CLASSES, SUBJECTS // 2))
    subjects = np.repeat(generator.permutation(SUBJECTS) % 2 == 0, SLICES)
    in_test = subjects if by_subject else generator.permutation(subjects)
    splits: dict[str, list[dict[str, Any]]] = {"training": [], "validation": [], "test": []}
    for visit, chosen in zip(slices, in_test, strict=True):
        label = str(labels[int(visit["subject_id"][4:])])
        splits["test" if chosen else "training"].append({**visit, "diagnosis": label})
    return Datalist("random labels", Path(slices[0]["image"]).parent, splits, simulated=True)


def balanced_accuracy(datalist: Datalist) -> dict[str, Any]:
    """Of the nearest neighbour on pixels, trained on the training split and tested on the test split."""
    pixels = {
        s: np.stack([nib.load(v["image"]).get_fdata().ravel() for v in datalist.splits[s]])
        for s in ("training", "test")
    }
    model = KNeighborsClassifier(1).fit(
        pixels["training"], [visit["diagnosis"] for visit in datalist.splits["training"]]
    )
    probabilities = model.predict_proba(pixels["test"])[:, [list(model.classes_).index(name) for name in CLASSES]]
    classes = {"diagnosis": CLASSES}
    table = PredictionTable.from_visits(datalist.splits["test"], {"diagnosis": probabilities}, classes)
    figures = evaluate_predictions(table, classes, one_visit_per_subject=False, fewest=2)["diagnosis"]
    return dict(figures["metrics"]["balanced_accuracy"])


@pytest.mark.slow
def test_random_labels_score_high_on_a_slice_level_split_which_the_audit_refuses(slices: list[dict[str, Any]]) -> None:
    figures = [balanced_accuracy(cohort(slices, False, seed)) for seed in range(10)]
    # Every figure's interval lies high; it has none where every resample is right.
    assert min(figure["value"] if figure["low"] is None else figure["low"] for figure in figures) > 0.6
    assert np.mean([figure["value"] for figure in figures]) > 0.85
    refused = {finding.check for finding in full_audit(cohort(slices, False), tasks=TASKS).leaks}
    assert {"subject_overlap", "slice_level_split", "random_labels"} <= refused


def test_random_labels_are_at_chance_on_a_subject_level_split_which_the_audit_lets_pass(
    slices: list[dict[str, Any]],
) -> None:
    figures = [balanced_accuracy(cohort(slices, True, seed)) for seed in range(10)]
    assert np.mean([figure["low"] < 0.5 < figure["high"] for figure in figures]) >= 0.8
    assert np.mean([figure["value"] for figure in figures]) == pytest.approx(0.5, abs=0.1)
    report = full_audit(cohort(slices, True), tasks=TASKS)
    assert report.leaks == []
    control = next(p for p in report.probes if p.name == "random labels by 2D images" and p.task == "diagnosis")
    assert control.low is not None
    assert control.high is not None
    assert control.low < 0.5 < control.high


def test_the_mean_over_deals_is_chance_with_unequal_classes_and_many_visits() -> None:
    generator = np.random.default_rng(0)
    subjects = np.repeat([f"s{n:02d}" for n in range(60)], 3)
    split = np.where(np.arange(180) < 120, "training", "test")
    labels = np.repeat(np.where(np.arange(60) < 45, "CN", "AD"), 3)
    table = pd.DataFrame({"subject_id": subjects, "split": split, "diagnosis": labels, "change": None})
    figures, findings = random_label_control(table, TASKS, generator.normal(size=(180, 5)), "noise")
    assert figures[0].value == pytest.approx(0.5, abs=0.03)
    assert [finding.severity for finding in findings] == ["note"]  # there is no change label


def test_neighbours_are_the_nearest_of_all_parts() -> None:
    generator = np.random.default_rng(0)
    known, wanted = generator.normal(size=(2500, 3)), generator.normal(size=(7, 3))
    expected = np.linalg.norm(wanted[:, None] - known[None], axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest_neighbours(wanted, known), expected)
