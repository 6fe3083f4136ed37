from __future__ import annotations

from typing import Any

import pytest

from admoe_monai.audit.entries import entries_of
from admoe_monai.audit.labels import label_findings
from admoe_monai.data import Datalist, load_datalist

THREE_YEARS = {"horizon": "36m", "horizon_days": 1095.75}


def visit(days: float | None, diagnosis: str | None = "CN", **fields: Any) -> dict[str, Any]:
    session = f"M{int((days or 0) / 30):03d}"
    return {
        "subject_id": "a",
        "session_id": session,
        "image": session,
        "days_from_baseline": days,
        "diagnosis": diagnosis,
        **fields,
    }


def found(*visits: dict[str, Any], rule: dict[str, Any] = THREE_YEARS) -> list[str]:
    datalist = Datalist("x", "/x", {"training": list(visits)}, label_definition={"change": rule})  # type: ignore[arg-type]
    findings = label_findings(datalist, entries_of(datalist))
    assert {finding.severity for finding in findings} <= {"warning"}
    return [finding.check for finding in findings]


def test_the_labels_of_a_prepared_cohort_contradict_nothing(clean: Any) -> None:
    datalist = load_datalist(clean)
    assert label_findings(datalist, entries_of(datalist)) == []


@pytest.mark.parametrize(
    ("label", "course", "contradicts"),
    [
        ("stable", ["CN", "MCI"], True),
        ("stable", ["CN", "CN"], False),
        ("conversion", ["CN", "MCI"], False),
        ("conversion", ["CN", "CN"], False),  # the visit that shows it may have no scan
        ("conversion", ["CN", "MCI", "CN"], True),
        ("conversion", ["AD", "AD"], True),
        ("reversion", ["MCI", "AD"], True),
        ("reversion", ["CN"], True),
        (None, ["CN", "MCI"], False),
    ],
)
def test_a_change_label_against_the_course_that_is_seen(
    label: str | None, course: list[str], contradicts: bool
) -> None:
    visits = [visit(365.0 * year, diagnosis) for year, diagnosis in enumerate(course)]
    visits[0]["change"] = label
    assert found(*visits) == (["change_against_diagnoses"] if contradicts else [])


def test_what_happens_after_the_horizon_contradicts_nothing() -> None:
    course = [visit(0, change="stable"), visit(1000), visit(2000, "MCI")]
    assert found(*course) == []
    assert found(*course, rule={"horizon": "6y", "horizon_days": 2191.5}) == ["change_against_diagnoses"]
    assert found(*course, rule={"horizon": "next_visit", "horizon_days": None}) == []


@pytest.mark.parametrize(
    ("diagnosis", "cdr", "contradicts"),
    [("CN", 1.0, True), ("AD", 0, True), ("CN", 0.5, False), ("AD", 1, False), ("MCI", 0, False)],
)
def test_a_diagnosis_against_the_cdr(diagnosis: str, cdr: float, contradicts: bool) -> None:
    assert found(visit(0, diagnosis, prior={"cdr_global": cdr})) == (["diagnosis_against_cdr"] if contradicts else [])
    assert found(visit(0, diagnosis, CDR=cdr)) == (["diagnosis_against_cdr"] if contradicts else [])


def test_a_session_with_two_diagnoses() -> None:
    assert found(visit(0), visit(0, "MCI")) == ["two_diagnoses"]


def test_dates_out_of_order() -> None:
    assert found({**visit(0), "session_id": "ses-M012"}, {**visit(365), "session_id": "ses-M000"}) == [
        "dates_out_of_order"
    ]
    assert found(visit(-30)) == ["dates_out_of_order"]
    assert found({**visit(0), "session_id": "screening"}, {**visit(365), "session_id": "M012"}) == []


def test_ages_that_run_backwards_or_away_from_the_dates() -> None:
    assert found(visit(0, age=70), visit(365, age=70)) == []
    assert found(visit(0, age=70.0), visit(365, age=69.0)) == ["ages_out_of_order"]
    assert found(visit(0, age=70.0), visit(365, age=75.0)) == ["ages_out_of_order"]


def test_mixed_sources_of_labels() -> None:
    assert found(visit(0, label_source="cdr"), visit(365, label_source="clinical")) == ["mixed_label_sources"]
    assert found(visit(0, label_source="cdr"), visit(365, None, label_source=None)) == []
