import json

import pytest

from admoe_monai.data.cohorts.bids import read_bids, read_description
from admoe_monai.data.cohorts.mapping import load_mapping
from admoe_monai.errors import UserError

BIDS = load_mapping("bids")


def write_table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["\t".join(names), *("\t".join(str(row.get(name, "n/a")) for name in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def add_scan(root, subject, session, suffix=""):
    path = root / subject / session / "anat" / f"{subject}_{session}{suffix}_T1w.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def two_subjects(root):
    write_table(
        root / "participants.tsv",
        [
            {"participant_id": "sub-01", "sex": "F", "age": 70, "diagnosis_sc": "AD", "site": "a"},
            {"participant_id": "sub-02", "sex": "M", "age": 65, "diagnosis_sc": "AD", "site": "b"},
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
        write_table(root / subject / f"{subject}_sessions.tsv", rows)
        for row in rows:
            add_scan(root, subject, row["session_id"])
    return root


def test_sessions_become_visits(tmp_path):
    visits, columns, problems = read_bids(two_subjects(tmp_path), BIDS)

    assert problems == []
    assert [(v["subject_id"], v["session_id"], v["days_from_baseline"]) for v in visits] == [
        ("sub-01", "ses-M000", 0),
        ("sub-01", "ses-M012", 365),
        ("sub-02", "ses-M000", 0),
        ("sub-02", "ses-M012", 365),
    ]
    assert visits[1]["image"] == "sub-01/ses-M012/anat/sub-01_ses-M012_T1w.nii.gz"
    assert (visits[3]["sex"], visits[3]["site"]) == ("M", "b")
    assert {column["name"]: column["role"] for column in columns} == {
        "age": "clinical",
        "sex": "clinical",
        "mmse": "banned",
        "days_from_baseline": "banned",
    }


def test_the_visits_own_diagnosis_and_age_win(tmp_path):
    visits = read_bids(two_subjects(tmp_path), BIDS)[0]

    assert [visit["diagnosis"] for visit in visits] == ["CN", "MCI", "AD", None]
    assert [visit["age"] for visit in visits] == [70.5, 71.5, 70.5, 71.5]


def test_a_session_without_a_scan_is_a_visit_all_the_same(tmp_path):
    root = two_subjects(tmp_path)
    (root / "sub-01/ses-M012/anat/sub-01_ses-M012_T1w.nii.gz").unlink()

    assert read_bids(root, BIDS)[0][1]["image"] is None


def test_a_scan_without_a_row_has_no_diagnosis_but_days_from_its_label(tmp_path):
    root = two_subjects(tmp_path)
    add_scan(root, "sub-01", "ses-M024")
    visit = read_bids(root, BIDS)[0][2]

    assert (visit["session_id"], visit["diagnosis"], visit["days_from_baseline"]) == ("ses-M024", None, 730)


def test_of_several_scans_in_a_session_the_first_by_name_counts(tmp_path):
    root = two_subjects(tmp_path)
    add_scan(root, "sub-02", "ses-M000", "_run-2")
    add_scan(root, "sub-02", "ses-M000", "_run-1")
    (root / "sub-02/ses-M000/anat/sub-02_ses-M000_T1w.nii.gz").unlink()

    assert read_bids(root, BIDS)[0][2]["image"].endswith("_run-1_T1w.nii.gz")


@pytest.mark.parametrize(("sessions", "diagnosis"), [(["ses-1"], "MCI"), (["ses-1", "ses-2"], None)])
def test_a_diagnosis_of_the_person_holds_only_for_a_single_visit(tmp_path, sessions, diagnosis):
    write_table(tmp_path / "participants.tsv", [{"participant_id": "sub-01", "diagnosis": "MCI"}])
    for session in sessions:
        add_scan(tmp_path, "sub-01", session)

    assert {visit["diagnosis"] for visit in read_bids(tmp_path, BIDS)[0]} == {diagnosis}


def test_bad_cells_are_named_with_subject_and_session(tmp_path):
    root = two_subjects(tmp_path)
    write_table(root / "sub-01/sub-01_sessions.tsv", [{"session_id": "M000", "age": "x", "diagnosis": "EMCI"}])

    assert read_bids(root, BIDS)[2] == [
        "sub-01 ses-M000: column 'diagnosis' holds the unknown code 'EMCI'",
        "sub-01 ses-M000: column 'age' holds 'x', which is not a number",
    ]


def test_a_session_that_is_listed_twice_is_refused(tmp_path):
    root = two_subjects(tmp_path)
    write_table(root / "sub-01/sub-01_sessions.tsv", [{"session_id": "M000", "diagnosis": "CN"}] * 2)

    with pytest.raises(UserError, match=r"sub-01_sessions.tsv lists a session twice"):
        read_bids(root, BIDS)


def test_a_table_without_sessions_or_diagnoses_is_refused(tmp_path):
    root = two_subjects(tmp_path)
    write_table(root / "sub-01/sub-01_sessions.tsv", [{"session": "M000"}])
    with pytest.raises(UserError, match="has no column 'session_id'"):
        read_bids(root, BIDS)

    for subject in ("sub-01", "sub-02"):
        write_table(root / subject / f"{subject}_sessions.tsv", [{"session_id": "M000", "diagnos": "CN"}])
    with pytest.raises(UserError, match="has no column 'diagnosis' for diagnosis"):
        read_bids(root, BIDS)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is no BIDS folder: it has no participants.tsv"):
        read_bids(tmp_path, BIDS)


def test_the_description_says_whether_a_cohort_is_simulated(tmp_path):
    assert read_description(tmp_path) == {}
    (tmp_path / "dataset_description.json").write_text(json.dumps({"simulated": True}))
    assert read_description(tmp_path)["simulated"] is True
    (tmp_path / "dataset_description.json").write_text("{")
    with pytest.raises(UserError, match=r"dataset_description.json is not valid JSON"):
        read_description(tmp_path)
