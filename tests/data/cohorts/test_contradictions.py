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
    ("visits", "kind", "line"),
    [
        ([{"prior": {"cdr": 1.0}}], "diagnosis_against_cdr", "MR1 is CN with cdr 1"),
        ([{"diagnosis": "AD", "prior": {"cdr_global": 0.0}}], "diagnosis_against_cdr", "MR1 is AD with cdr_global 0"),
        (
            [{"change": "stable"}, {"diagnosis": "MCI"}],
            "change_against_diagnoses",
            "MR1 is labelled stable, but its diagnoses say conversion (next diagnosis after 400 days)",
        ),
        (
            [{"diagnosis": "MCI", "group": "Converted"}, {"group": "Converted"}],
            "course_against_diagnoses",
            "group says 'Converted', but the diagnoses are MCI, CN",
        ),
        ([{"group": "Demented"}], "course_against_diagnoses", "group says 'Demented', but the diagnoses are CN"),
        (
            [{"days_from_baseline": 500.0}, {"days_from_baseline": 100.0}],
            "dates_out_of_order",
            "MR2 comes 400 days before MR1",
        ),
        (
            [{"days_from_baseline": 0.0, "session_id": "a", "visit_number": "2"},
             {"days_from_baseline": 9.0, "session_id": "b", "visit_number": "1"}],
            "dates_out_of_order",
            "a comes 9 days before b",
        ),
        ([{"days_from_baseline": -30.0}], "dates_out_of_order", "MR1 lies 30 days before the first visit"),
        (
            [{"days_from_baseline": 0.0}, {"days_from_baseline": 0.0, "diagnosis": "AD"}],
            "two_diagnoses",
            "MR1 and MR2 on one day is AD and CN",
        ),
        ([{"age": 80}, {"age": 70}], "ages_out_of_order", "MR2 is -10.0 years older than MR1, 1.1 years later"),
        ([{"sex": "F"}, {"sex": "M"}], "two_sexes", "sex is F and M"),
    ],
)  # fmt: skip
def test_each_contradiction_is_named(visits, kind, line):
    (case,) = contradictions([*CLEAN, *history(*visits, subject="x")], COURSES)

    assert (case.kind, case.text) == (kind, f"x: {line}")
    assert set(case.places) <= {"line 1", "line 2"}


def test_of_an_excerpt_only_what_no_missing_visit_explains_is_held_against_a_label():
    converts_unseen = history({"change": "conversion"}, {})
    stays_unseen = history({"change": "stable"}, {"diagnosis": "MCI"})

    assert len(contradictions(converts_unseen)) == 1
    assert contradictions(converts_unseen, whole=False) == []
    assert len(contradictions(stays_unseen, whole=False)) == 1


def test_everybodys_age_at_baseline_alone_is_no_contradiction():
    assert contradictions(history({"age": 70}, {"age": 70}, {"age": 70}), {}) == []


@pytest.mark.parametrize("number", ["two", "n/a", "nan", "inf", ""])
def test_a_visit_number_that_is_none_counts_for_nothing(number):
    records = history({"visit_number": "1"}, {"visit_number": number})

    assert contradictions(records) == []
    assert visit_number_notes(records) == []


def test_visit_numbers_that_skip_are_noted():
    skipping = history({"visit_number": "1"}, {"visit_number": "3"}, subject="x")

    assert visit_number_notes(CLEAN) == []
    assert visit_number_notes([*CLEAN, *skipping]) == [
        "visit numbers of 1 subjects skip (x: 1, 3): some of their visits are not in the table"
    ]
