from __future__ import annotations

from typing import Any

import pytest

from admoe_monai.audit.entries import Entry, severity_between
from admoe_monai.audit.overlap import overlaps, scan_of_slice


def visit(subject: str, session: str = "M0", image: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"subject_id": subject, "session_id": session, "image": image or f"/d/{subject}_{session}.nii", **fields}


def found(**splits: list[dict[str, Any]]) -> dict[str, tuple[str, tuple[str, ...]]]:
    entries = [Entry(split, row, item) for split, visits in splits.items() for row, item in enumerate(visits)]
    return {finding.check: (finding.severity, finding.rows) for finding in overlaps(entries)}


def test_subjects_in_one_split_each_are_in_order() -> None:
    assert found(training=[visit("a"), visit("a", "M1"), visit("b")], validation=[visit("c")], test=[visit("d")]) == {}


def test_a_subject_in_two_splits_is_a_leak_with_all_its_rows() -> None:
    findings = found(training=[visit("a"), visit("b")], test=[visit("c"), visit("b", "M1")])
    assert findings == {"subject_overlap": ("leak", ("training[1]", "test[1]"))}


def test_a_person_with_two_subject_numbers_is_one_person() -> None:
    findings = found(training=[visit("a", person_id="p")], test=[visit("b", person_id="p")])
    assert findings["subject_overlap"][0] == "leak"


def test_a_split_by_image_is_called_one() -> None:
    entries = [Entry(s, n, visit(f"s{n}", s)) for s in ("training", "test") for n in range(8)]
    assert "made by image, not by subject" in overlaps(entries)[0].message


@pytest.mark.parametrize(
    ("one", "other"),
    [("sub-0012", "sub-12"), ("OAS2_0001", "oas2-1"), ("002_S_0295", "sub-ADNI002S0295"), ("ab", "AB")],
)
def test_spellings_of_one_identifier_in_two_splits_are_a_warning(one: str, other: str) -> None:
    assert found(training=[visit(one)], test=[visit(other)])["alike_subjects"][0] == "warning"
    assert found(training=[visit(one), visit(other)]) == {}


def test_a_visit_and_an_image_in_two_splits_are_leaks() -> None:
    findings = found(
        training=[visit("a", image="/d/x.nii")], test=[visit("a", image="/d/y.nii"), visit("b", image="/d/../d/x.nii")]
    )
    assert findings["visit_overlap"] == ("leak", ("training[0]", "test[0]"))
    assert findings["image_overlap"] == ("leak", ("training[0]", "test[1]"))


def test_a_visit_listed_twice_in_one_split_is_a_warning() -> None:
    assert found(training=[visit("a", image="/d/x.nii"), visit("a", image="/d/y.nii")])["visit_overlap"][0] == "warning"


def test_slices_of_a_scan_in_two_splits_are_a_leak_even_under_subjects_of_their_own() -> None:
    splits = {
        s: [visit(f"{s}{n}", image=f"/d/s_slice-{n}.png") for n in numbers]
        for s, numbers in (("training", (1, 2)), ("test", (3,)))
    }
    assert set(found(**splits)) == {"slice_level_split"}
    apart = {s: [visit(f"{s}{n}", image=f"/d/{s}_slice-{n}.png") for n in (1, 2)] for s in ("training", "test")}
    assert found(**apart) == {}


@pytest.mark.parametrize(
    ("image", "scan"),
    [
        ("a/s_slice-012.png", "a/s_.png"),
        ("a/coronal_3/s.nii", "a//s.nii"),
        ("a/s_z07.nii", "a/s_.nii"),
        ("a/sub-01_ses-M000_T1w.nii.gz", None),
        ("a/blaze01.nii", None),
    ],
)
def test_a_slice_is_known_by_its_name(image: str, scan: str | None) -> None:
    assert scan_of_slice(image) == scan


@pytest.mark.parametrize(
    ("splits", "severity"),
    [
        (("training", "training"), None),
        (("training", "validation"), "leak"),
        (("pretraining", "training"), None),
        (("pretraining", "validation"), "warning"),
        (("pretraining", "test"), "leak"),
        (("pretraining", "training", "test"), "leak"),
    ],
)
def test_pretraining_may_share_with_training_alone(splits: tuple[str, ...], severity: str | None) -> None:
    assert severity_between(splits) == severity
