import pytest

from admoe_monai.data.cohorts import load_mapping
from admoe_monai.data.cohorts.contradictions import contradictions, visit_number_notes
from admoe_monai.data.cohorts.reading import Record

COURSES = load_mapping("oasis2").courses


def history(*visits, subject="s"):
    records = []
    for number, fields in enumerate(visits, start=1):
        visit = {
            "subject_id": subject, "session_id": f"MR{number}", "days_from_baseline": 400.0 * (number - 1),
            "diagnosis": "CN", "change": None, "age": None, "sex": None, "prior": {},
        } | {key: value for key, value in fields.items() if key not in ("group", "visit_number")}  # fmt: skip
        checks = {key: fields[key] for key in ("group", "visit_number") if key in fields}
        records.append(Record(visit, f"line {number}", checks))
    return records


CLEAN = history(
    {"age": 70, "sex": "F", "prior": {"cdr": 0.0}, "group": "Converted", "visit_number": "1"},
    {"age": 71, "sex": "F", "prior": {"cdr": 0.5}, "diagnosis": "MCI", "group": "Converted", "visit_number": "2"},
)


def test_a_history_that_agrees_with_itself_has_none():
    assert contradictions(CLEAN, COURSES) == []


@pytest.mark.parametrize(
    ("visits", "line"),
    [
        ([{"prior": {"cdr": 1.0}}], "MR1 is CN with a CDR of 1"),
        ([{"diagnosis": "AD", "prior": {"cdr": 0.0}}], "MR1 is AD with a CDR of 0"),
        (
            [{"change": "stable"}, {"diagnosis": "MCI"}],
            "MR1 is labelled stable, but its diagnoses say conversion (next diagnosis after 400 days)",
        ),
        (
            [{"diagnosis": "MCI", "group": "Converted"}, {"group": "Converted"}],
            "group says 'Converted', but the diagnoses are MCI, CN",
        ),
        ([{"group": "Demented"}], "group says 'Demented', but the diagnoses are CN"),
        (
            [{"days_from_baseline": 500.0}, {"days_from_baseline": 100.0}],
            "dates are out of order: MR2 (100 days) comes after MR1 (500 days)",
        ),
        ([{"days_from_baseline": -30.0}], "MR1 lies 30 days before the first visit"),
        (
            [{"days_from_baseline": 0.0}, {"days_from_baseline": 0.0, "diagnosis": "AD"}],
            "MR1 and MR2 lie on one day with the diagnoses CN and AD",
        ),
        ([{"age": 80}, {"age": 70}], "the age goes from 80 (MR1) to 70 (MR2) in 1.1 years"),
        ([{"sex": "F"}, {"sex": "M"}], "sex is F and M"),
    ],
)
def test_each_contradiction_is_named(visits, line):
    assert contradictions([*CLEAN, *history(*visits, subject="x")], COURSES) == [f"x: {line}"]


def test_everybodys_age_at_baseline_alone_is_no_contradiction():
    assert contradictions(history({"age": 70}, {"age": 70}, {"age": 70}), {}) == []


def test_visit_numbers_that_skip_are_noted():
    skipping = history({"visit_number": "1"}, {"visit_number": "3"}, subject="x")

    assert visit_number_notes(CLEAN) == []
    assert visit_number_notes([*CLEAN, *skipping]) == [
        "visit numbers of 1 subjects skip (x: 1, 3): some of their visits are not in the table"
    ]
