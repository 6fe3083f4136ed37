import pytest

from admoe_monai.data.cohorts.reading import Record
from admoe_monai.data.cohorts.selection import Exclusions, Selection, read_key_table
from admoe_monai.errors import UserError


@pytest.fixture
def cohort(tmp_path, write_scan):
    """Two subjects of two visits, each with a scan."""
    records = []
    for subject in ("sub-01", "sub-02"):
        for session in ("ses-M000", "ses-M012"):
            name = f"{subject}_{session}.nii.gz"
            write_scan(tmp_path / name)
            visit = {"subject_id": subject, "session_id": session, "image": name, "qc": None}
            records.append(Record(visit, f"{subject} {session}"))
    return records


def kept(cohort, root, **options):
    exclusions = Exclusions()
    records, problems = Selection(**options).apply(cohort, root, exclusions)
    return [record.place for record in records], problems, exclusions.as_dict()


def test_a_list_names_people_or_single_visits_in_any_spelling(cohort, tmp_path, write_table):
    people = write_table(tmp_path / "people.tsv", [{"participant_id": "02"}])
    visits = write_table(tmp_path / "visits.tsv", [{"participant_id": "sub-01", "session_id": "M0"}])

    assert kept(cohort, tmp_path, include=people) == (
        ["sub-02 ses-M000", "sub-02 ses-M012"], [], {"not in the include list": {"visits": 2, "subjects": 1}},
    )  # fmt: skip
    assert kept(cohort, tmp_path, include=visits)[0] == ["sub-01 ses-M000"]


def test_a_visit_that_failed_quality_control_is_left_out_and_others_carry_the_verdict(cohort, tmp_path, write_table):
    table = write_table(
        tmp_path / "qc.tsv",
        [
            {"participant_id": "sub-01", "session_id": "ses-M012", "qc": "fail"},
            {"participant_id": "sub-02", "session_id": "ses-M000", "qc": "1"},
        ],
    )
    names, _, lost = kept(cohort, tmp_path, qc=table)

    assert names == ["sub-01 ses-M000", "sub-02 ses-M000", "sub-02 ses-M012"]
    assert lost == {"failed quality control": {"visits": 1, "subjects": 0}}
    assert [record.visit["qc"] for record in cohort] == [None, "fail", "pass", None]


@pytest.mark.parametrize("verdicts", [("fail", "pass"), ("pass", "fail"), ("1", "0", "1")])
def test_quality_control_that_contradicts_itself_is_refused(cohort, tmp_path, write_table, verdicts):
    visit = {"participant_id": "sub-01", "session_id": "ses-M000"}
    table = write_table(tmp_path / "visits.tsv", [{**visit, "qc": verdict} for verdict in verdicts])
    with pytest.raises(UserError) as error:
        kept(cohort, tmp_path, qc=table)
    said = f"sub-01 ses-M000: qc is {verdicts[0]} and {verdicts[1]}"
    assert (str(error.value), error.value.details) == (f"{table} contradicts itself about {said}", ())

    table = write_table(tmp_path / "people.tsv", [{"participant_id": "sub-01", "qc": verdict} for verdict in verdicts])
    with pytest.raises(UserError) as error:
        kept(cohort, tmp_path, qc=table)
    assert str(error.value) == f"{table} contradicts itself about {said} (and 1 more)"
    assert error.value.details == (said, said.replace("M000", "M012"))


def test_a_verdict_that_is_repeated_or_left_out_in_other_rows_stays(cohort, tmp_path, write_table):
    rows = [{"participant_id": "sub-01", "qc": verdict} for verdict in ("fail", "0", "")]
    names, _, _ = kept(cohort, tmp_path, qc=write_table(tmp_path / "qc.tsv", rows))

    assert names == ["sub-02 ses-M000", "sub-02 ses-M012"]


def test_rows_that_speak_of_nobody_are_noted(cohort, tmp_path, write_table):
    people = write_table(tmp_path / "people.tsv", [{"participant_id": name} for name in ("01", "sub-1", "sub-09")])
    exclusions = Exclusions()
    Selection(include=people).apply(cohort, tmp_path, exclusions)

    assert exclusions.notes == [f"2 of 3 rows of {people} fit no visit of this cohort (1, 09)"]


def test_missing_images_are_all_named_or_dropped_and_counted(cohort, tmp_path):
    (tmp_path / "sub-01_ses-M000.nii.gz").unlink()
    cohort[1].visit["image"] = None

    names, problems, _ = kept(cohort, tmp_path)
    assert [problem.partition(": no image")[0] for problem in problems] == ["sub-01 ses-M000", "sub-01 ses-M012"]
    assert problems[1].endswith("no T1w scan")
    names, problems, lost = kept(cohort, tmp_path, missing_images="drop")
    assert (names, problems) == (["sub-02 ses-M000", "sub-02 ses-M012"], [])
    assert lost == {"no image": {"visits": 2, "subjects": 1}}


@pytest.mark.parametrize(
    ("rows", "option", "message"),
    [
        ([{"participant_id": "sub-09"}], "include", "names nobody of this cohort; its first row is 09"),
        ([{"participants": "sub-01"}], "include", "has no column 'participant_id', did you mean 'participants'?"),
        ([{"participant_id": "sub-01"}], "qc", "has no column 'qc'"),
        ([{"participant_id": "sub-01", "qc": "maybe"}], "qc", "says qc 'maybe' of sub-01 ses-M000; write pass or fail"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(cohort, tmp_path, write_table, rows, option, message):
    table = write_table(tmp_path / "table.tsv", rows)
    with pytest.raises(UserError) as error:
        kept(cohort, tmp_path, **{option: table})
    assert message in str(error.value)


def test_missing_images_has_two_choices():
    with pytest.raises(UserError, match="missing_images must be one of error, drop, got 'ignore'"):
        Selection(missing_images="ignore")


def test_a_value_per_person_is_read(tmp_path, write_table):
    table = write_table(tmp_path / "ids.csv", [{"participant_id": "sub-01", "person_id": "p1"}])

    assert read_key_table(table, "person_id") == {"01": "p1"}


@pytest.mark.parametrize(
    ("subject", "session"),
    [("sub-1", "ses-M00"), ("1", "m0"), ("SUB-01", "ses-m000"), ("sub01", "M0")],
)
def test_a_verdict_finds_its_visit_in_another_spelling(cohort, tmp_path, write_table, subject, session):
    rows = [{"Participant_ID": subject, "SESSION_ID": session, "QC": "fail"}]

    assert kept(cohort, tmp_path, qc=write_table(tmp_path / "qc.tsv", rows))[2] == {
        "failed quality control": {"visits": 1, "subjects": 0}
    }


@pytest.mark.parametrize(
    ("subject", "session", "message"),
    [
        ("sub-001", "ses-M000", "'sub-001' may be sub-01 or sub-1"),
        ("sub-2", "ses-0012", "'sub-02 ses-0012' may be ses-012 or ses-12"),
    ],
)
def test_a_row_that_may_speak_of_two_is_refused(cohort, tmp_path, write_table, subject, session, message):
    for name, label in (("sub-1", "ses-M000"), ("sub-02", "ses-12"), ("sub-02", "ses-012")):
        visit = {"subject_id": name, "session_id": label, "image": None, "qc": None}
        cohort.append(Record(visit, f"{name} {label}"))
    rows = [{"participant_id": subject, "session_id": session}]

    with pytest.raises(UserError, match=f"{message}; write it as the cohort does"):
        kept(cohort, tmp_path, include=write_table(tmp_path / "list.tsv", rows))
