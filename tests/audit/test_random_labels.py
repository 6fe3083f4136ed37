"""Yagis et al. 2021 (doi 10.1038/s41598-021-01681-w): random labels, slices split at random or by subject."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from admoe_monai.audit import full_audit
from admoe_monai.audit.control import nearest_neighbours, random_label_control
from admoe_monai.data import Datalist
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from made_up_cohort import draw_head, write_image

SUBJECTS, SLICES = 24, 4
CLASSES = ["CN", "AD"]


def random_labels_cohort(folder: Path, by_subject: bool, seed: int = 0) -> Datalist:
    """Four nearly identical slices per subject; labels are drawn at random, so nothing can be learned from an image."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.repeat(CLASSES, SUBJECTS // 2))
    splits: dict[str, list[dict[str, Any]]] = {"training": [], "validation": [], "test": []}
    for subject in range(SUBJECTS):
        for number in range(SLICES):
            voxels = draw_head(subject, number + 1, (32, 34))
            path = write_image(folder / f"sub-{subject:02d}_slice-{number}.nii.gz", voxels)
            in_test = subject % 3 == 0 if by_subject else generator.random() < 1 / 3
            visit = {"image": str(path), "subject_id": f"sub-{subject:02d}", "session_id": f"slice-{number}"}
            splits["test" if in_test else "training"].append({**visit, "diagnosis": str(labels[subject])})
    return Datalist("random labels", folder, splits, simulated=True)


def balanced_accuracy(datalist: Datalist) -> dict[str, Any]:
    """Of the nearest neighbour on pixels, trained on the training split and tested on the test split."""
    pixels, truth = {}, {}
    for split in ("training", "test"):
        visits = datalist.splits[split]
        pixels[split] = np.stack([_read(visit["image"]) for visit in visits])
        truth[split] = np.array([visit["diagnosis"] for visit in visits])
    model = KNeighborsClassifier(1).fit(pixels["training"], truth["training"])
    probabilities = model.predict_proba(pixels["test"])[:, [list(model.classes_).index(name) for name in CLASSES]]
    classes = {"diagnosis": CLASSES}
    table = PredictionTable.from_visits(datalist.splits["test"], {"diagnosis": probabilities}, classes)
    figures = evaluate_predictions(table, classes, one_visit_per_subject=False)["diagnosis"]
    return dict(figures["metrics"]["balanced_accuracy"])


def _read(path: str) -> np.ndarray:
    import nibabel as nib

    return np.asarray(nib.load(path).dataobj).ravel()


def test_random_labels_score_high_on_a_slice_level_split_which_the_audit_refuses(tmp_path: Path) -> None:
    datalist = random_labels_cohort(tmp_path, by_subject=False)
    figure = balanced_accuracy(datalist)
    # No lower end where every resample is right.
    assert (figure["value"] if figure["low"] is None else figure["low"]) > 0.85
    refused = {finding.check for finding in full_audit(datalist).leaks}
    assert {"subject_overlap", "slice_level_split", "random_labels"} <= refused


def test_random_labels_are_at_chance_on_a_subject_level_split_which_the_audit_lets_pass(tmp_path: Path) -> None:
    datalist = random_labels_cohort(tmp_path, by_subject=True)
    figure = balanced_accuracy(datalist)
    assert figure["low"] < 0.5 < figure["high"]
    report = full_audit(datalist)
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
    figures, findings = random_label_control(table, generator.normal(size=(180, 5)), "noise")
    assert figures[0].value == pytest.approx(0.5, abs=0.03)
    assert [finding.severity for finding in findings] == ["note"]  # there is no change label


def test_neighbours_are_the_nearest_of_all_parts() -> None:
    generator = np.random.default_rng(0)
    known, wanted = generator.normal(size=(2500, 3)), generator.normal(size=(7, 3))
    expected = np.linalg.norm(wanted[:, None] - known[None], axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest_neighbours(wanted, known), expected)
