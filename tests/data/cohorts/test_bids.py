import json

import pytest

from admoe_monai.data.cohorts import BidsFolder, load_mapping
from admoe_monai.data.cohorts.bids import read_description
from admoe_monai.errors import UserError

BIDS = load_mapping("bids")


@pytest.fixture
def two_subjects(tmp_path, write_table, add_scan):
    write_table(
        tmp_path / "participants.tsv",
        [
            {"participant_id": "sub-01", "sex": "F", "age": 70, "diagnosis_sc": "AD", "site": "a"},
            {"participant_id": "sub-02", "sex": "male", "age": 65, "diagnosis_sc": "AD", "site": "b"},
        ],
    )
    for subject, diagnoses in {"sub-01": ["CN", "MCI"], "sub-02": ["AD", "n/a"]}.items():
        rows = [
            {
                "session_id": f"ses-M{12 * i:03}",
                "days_from_baseline": 365 * i,
                "age": 70.5 + i,
                "diagnosis": diagnoses[i],
                "mmse": 29,
            }
            for i in range(2)
        ]
        write_table(tmp_path / subject / f"{subject}_sessions.tsv", rows)
        for row in rows:
            add_scan(tmp_path, subject, row["session_id"])
    return tmp_path


def visits(root, **options):
    return BidsFolder(root, BIDS, **options).read().visits


def test_sessions_become_visits(two_subjects):
    reading = BidsFolder(two_subjects, BIDS).read()

    assert reading.problems == []
    assert [(v["subject_id"], v["session_id"], v["days_from_baseline"]) for v in reading.visits] == [
        ("sub-01", "ses-M000", 0),
        ("sub-01", "ses-M012", 365),
        ("sub-02", "ses-M000", 0),
        ("sub-02", "ses-M012", 365),
    ]
    assert reading.visits[1]["image"] == "sub-01/ses-M012/anat/sub-01_ses-M012_T1w.nii.gz"
    assert (reading.visits[3]["sex"], reading.visits[3]["site"]) == ("M", "b")
    assert {column["name"]: column["role"] for column in reading.columns} == {
        "age": "clinical",
        "sex": "clinical",
        "mmse": "banned",
        "days_from_baseline": "time",
    }


def test_the_visits_own_diagnosis_and_age_win(two_subjects):
    assert [visit["diagnosis"] for visit in visits(two_subjects)] == ["CN", "MCI", "AD", None]
    assert [visit["age"] for visit in visits(two_subjects)] == [70.5, 71.5, 70.5, 71.5]


def test_a_session_without_a_scan_is_a_visit_all_the_same(two_subjects):
    (two_subjects / "sub-01/ses-M012/anat/sub-01_ses-M012_T1w.nii.gz").unlink()

    assert visits(two_subjects)[1]["image"] is None


def test_a_scan_without_a_row_has_no_diagnosis_but_days_from_its_label(two_subjects, add_scan):
    add_scan(two_subjects, "sub-01", "ses-M024")
    visit = visits(two_subjects)[2]

    assert (visit["session_id"], visit["diagnosis"], visit["days_from_baseline"]) == ("ses-M024", None, 730)


def test_dates_count_from_the_first_dated_visit_at_its_nominal_month(tmp_path, write_table):
    write_table(tmp_path / "participants.tsv", [{"participant_id": "sub-ADNI1", "sex": "F"}])
    write_table(
        tmp_path / "sub-ADNI1/sub-ADNI1_sessions.tsv",
        [
            {"session_id": "ses-M000", "diagnosis": "CN"},
            {"session_id": "ses-M006", "diagnosis": "CN", "examination_date": "2010-07-01"},
            {"session_id": "ses-M012", "diagnosis": "MCI", "examination_date": "01/10/2011"},
        ],
    )

    assert [visit["days_from_baseline"] for visit in visits(tmp_path)] == [0, 183, 183 + 193]


def test_of_several_scans_in_a_session_the_first_by_name_counts_and_is_said(two_subjects, add_scan):
    add_scan(two_subjects, "sub-02", "ses-M000", "_run-2")
    add_scan(two_subjects, "sub-02", "ses-M000", "_run-1")
    (two_subjects / "sub-02/ses-M000/anat/sub-02_ses-M000_T1w.nii.gz").unlink()
    reading = BidsFolder(two_subjects, BIDS).read()

    assert reading.visits[2]["image"].endswith("_run-1_T1w.nii.gz")
    assert any("1 sessions have several T1w scans (sub-02 ses-M000" in note for note in reading.notes)
    assert visits(two_subjects, prefer=["run-2"])[2]["image"].endswith("_run-2_T1w.nii.gz")


def test_scans_of_a_derivative_take_the_place_of_the_raw_ones(two_subjects, write_scan):
    folder = two_subjects / "derivatives/prep"
    write_scan(folder / "sub-01/ses-M000/anat/sub-01_ses-M000_desc-preproc_T1w.nii.gz")
    reading = BidsFolder(two_subjects, BIDS, derivative="prep").read()

    assert reading.root == folder
    assert [visit["image"] for visit in reading.visits] == [
        "sub-01/ses-M000/anat/sub-01_ses-M000_desc-preproc_T1w.nii.gz", None, None, None
    ]  # fmt: skip
    with pytest.raises(UserError, match="there is no derivative 'pre'"):
        visits(two_subjects, derivative="pre")


def test_a_dataset_without_sessions_has_one_visit_per_person(tmp_path, write_table, write_scan):
    write_table(tmp_path / "participants.tsv", [{"participant_id": "sub-01", "diagnosis": "AD"}])
    write_scan(tmp_path / "sub-01/anat/sub-01_T1w.nii.gz")

    assert [(v["session_id"], v["diagnosis"], v["image"]) for v in visits(tmp_path)] == [
        ("ses-1", "AD", "sub-01/anat/sub-01_T1w.nii.gz")
    ]


def test_field_strength_and_day_of_a_scan_come_from_its_scans_table(two_subjects, write_table):
    write_table(
        two_subjects / "sub-01/ses-M000/sub-01_ses-M000_scans.tsv",
        [{"filename": "anat/sub-01_ses-M000_T1w.nii.gz", "mri_field": 1.5}],
    )

    assert [visit["field_strength"] for visit in visits(two_subjects)] == [1.5, None, None, None]


@pytest.mark.parametrize(("sessions", "diagnosis"), [(["ses-1"], "MCI"), (["ses-1", "ses-2"], None)])
def test_a_diagnosis_of_the_person_holds_only_for_a_single_visit(tmp_path, write_table, add_scan, sessions, diagnosis):
    write_table(tmp_path / "participants.tsv", [{"participant_id": "sub-01", "diagnosis": "MCI"}])
    for session in sessions:
        add_scan(tmp_path, "sub-01", session)

    assert {visit["diagnosis"] for visit in visits(tmp_path)} == {diagnosis}


def test_bad_cells_are_named_with_subject_and_session(two_subjects, write_table):
    write_table(two_subjects / "sub-01/sub-01_sessions.tsv", [{"session_id": "M000", "age": "x", "diagnosis": "EMCI"}])

    assert BidsFolder(two_subjects, BIDS).read().problems == [
        "sub-01 ses-M000: column 'diagnosis' holds the unknown code 'EMCI'",
        "sub-01 ses-M000: column 'age' holds 'x', which is not a number",
    ]


def test_a_wrong_table_does_not_hide_the_next(two_subjects, write_table):
    people = two_subjects / "participants.tsv"
    people.write_text(people.read_text() + people.read_text().splitlines()[1] + "\n")
    write_table(two_subjects / "sub-01/sub-01_sessions.tsv", [{"session_id": "M000", "diagnosis": "CN"}] * 2)
    write_table(two_subjects / "sub-02/sub-02_sessions.tsv", [{"session": "M000"}])
    facts = two_subjects / "sub-01/ses-M000/sub-01_ses-M000_scans.tsv"
    facts.write_text("filename\tmri_field\nanat/sub-01_ses-M000_T1w.nii.gz\n")
    problems = BidsFolder(two_subjects, BIDS).read().problems

    assert [problem.removeprefix(f"{two_subjects}/") for problem in problems] == [
        "participants.tsv line 4: 'sub-01' stands already at line 2; rows of sessions need a column 'session_id'",
        "sub-01/sub-01_sessions.tsv line 3: 'ses-M000' stands already at line 2",
        "sub-01/ses-M000/sub-01_ses-M000_scans.tsv line 2 has 1 cells, the header has 2",
        "sub-02/sub-02_sessions.tsv has no column 'session_id', did you mean 'session'? (columns session)",
    ]


def test_a_session_without_row_and_scan_is_no_visit_and_people_without_row_are_noted(two_subjects, add_scan):
    (two_subjects / "sub-01/ses-M036/pet").mkdir(parents=True)
    add_scan(two_subjects, "sub-77", "ses-M000")
    reading = BidsFolder(two_subjects, BIDS).read()

    assert len(reading.records) == 4
    assert reading.notes == ["1 subjects have a folder but no row in participants.tsv (sub-77): they are not read"]


def test_participants_without_a_header_are_refused(two_subjects):
    people = two_subjects / "participants.tsv"
    people.write_text("\n".join(people.read_text().splitlines()[1:]) + "\n")

    with pytest.raises(UserError, match=r"participants.tsv has no column 'participant_id' \(columns sub-0"):
        visits(two_subjects)


def test_a_table_without_diagnoses_is_refused(two_subjects, write_table):
    for subject in ("sub-01", "sub-02"):
        write_table(two_subjects / subject / f"{subject}_sessions.tsv", [{"session_id": "M000", "diagnos": "CN"}])
    with pytest.raises(UserError, match="has no column 'diagnosis' for diagnosis"):
        visits(two_subjects)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is no BIDS folder: it has no participants.tsv"):
        visits(tmp_path)


def test_the_description_says_whether_a_cohort_is_simulated(tmp_path):
    assert read_description(tmp_path) == {}
    (tmp_path / "dataset_description.json").write_text(json.dumps({"simulated": True}))
    assert read_description(tmp_path)["simulated"] is True
    (tmp_path / "dataset_description.json").write_text("{")
    with pytest.raises(UserError, match=r"dataset_description.json is not valid JSON"):
        read_description(tmp_path)
    (tmp_path / "dataset_description.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"dataset_description.json is not valid JSON: maximum recursion depth"):
        read_description(tmp_path)
