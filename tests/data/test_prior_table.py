from __future__ import annotations

import logging
from pathlib import Path

import pytest

from admoe_monai.data.prior_table import attach_prior
from admoe_monai.errors import UserError

COLUMNS = [
    {"name": "age", "kind": "continuous"},
    {"name": "sex", "kind": "categorical", "categories": ["F", "M"]},
    {"name": "field", "kind": "categorical", "categories": [1.5, 3.0]},
]
SCANS = [
    {"scan": "a.nii", "subject_id": "sub-1", "session_id": "ses-1"},
    {"scan": "b.nii", "subject_id": "sub-1", "session_id": "ses-2"},
]


def table(folder: Path, *lines: str) -> Path:
    (folder / "prior.csv").write_text("\n".join(lines) + "\n")
    return folder / "prior.csv"


def test_rows_are_found_by_scan(tmp_path: Path) -> None:
    first, second = attach_prior(SCANS, COLUMNS, table(tmp_path, "scan,age,sex,field", "b.nii,70,F,3"))
    assert first["flags"] == ["prior_absent"]
    assert first["prior"] == {"age": None, "sex": None, "field": None}
    assert second["prior"] == {"age": "70", "sex": "F", "field": 3.0}
    assert second["flags"] == []


def test_rows_are_found_by_subject_and_session(tmp_path: Path) -> None:
    path = table(tmp_path, "subject_id,session_id,age,sex,field", "sub-1,ses-1,70,,", "sub-1,ses-2,71,,")
    assert [scan["prior"]["age"] for scan in attach_prior(SCANS, COLUMNS, path)] == ["70", "71"]


def test_row_of_a_subject_holds_for_all_sessions(tmp_path: Path) -> None:
    path = table(tmp_path, "subject_id,age,sex,field", "sub-1,70,,")
    assert [scan["prior"]["age"] for scan in attach_prior(SCANS, COLUMNS, path)] == ["70", "70"]


def test_missing_and_unknown_values_are_flagged(tmp_path: Path) -> None:
    scan = attach_prior(SCANS, COLUMNS, table(tmp_path, "scan,age,sex,field", "a.nii,n/a,X,1.50"))[0]
    assert scan["flags"] == ["prior_missing:age", "prior_unknown:sex"]
    assert scan["prior"] == {"age": None, "sex": None, "field": 1.5}


def test_network_without_a_prior_has_nothing_to_flag() -> None:
    assert [(scan["prior"], scan["flags"]) for scan in attach_prior(SCANS, [])] == [({}, [])] * 2


def test_rows_without_a_scan_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = table(tmp_path, "scan,age,sex,field", "a.nii,70,F,3", "c.nii,70,F,3")
    with caplog.at_level(logging.WARNING):
        attach_prior(SCANS, COLUMNS, path)
    assert "1 of 2 rows" in caplog.text


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["age,sex,field", "70,F,3"], "needs the column 'scan' or 'subject_id'"),
        (["scan,age,sex", "a.nii,70,F"], "no column 'field'"),
        (["scan,age,sex,field", "a.nii,70,F,3", "a.nii,71,F,3"], "lists a.nii twice"),
        (["scan,age,sex,field", "c.nii,70,F,3"], "no row .* which is a.nii for the first scan"),
    ],
)
def test_table_that_can_not_be_used_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        attach_prior(SCANS, COLUMNS, table(tmp_path, *lines))


def test_table_for_a_network_without_a_prior_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="takes no clinical values"):
        attach_prior(SCANS, [], table(tmp_path, "scan,age", "a.nii,70"))
