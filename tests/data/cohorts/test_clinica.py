import pytest

from admoe_monai.data.cohorts import ClinicaTrees, load_mapping
from admoe_monai.data.cohorts.contradictions import contradictions
from admoe_monai.errors import UserError

BIDS = load_mapping("bids")
SPACE = "space-MNI152NLin2009cSym"


@pytest.fixture
def trees(tmp_path, write_table, write_scan):
    """A CAPS and a BIDS folder as Clinica writes them for ADNI; the screening diagnosis is wrong on purpose."""
    bids, caps = tmp_path / "bids", tmp_path / "caps"
    write_table(
        bids / "participants.tsv",
        [{"participant_id": "sub-ADNI002S0001", "sex": "F", "diagnosis_sc": "AD", "age_bl": 70, "education_level": 16}],
    )
    write_table(
        bids / "sub-ADNI002S0001/sub-ADNI002S0001_sessions.tsv",
        [
            {"session_id": "ses-M000", "diagnosis": "CN", "examination_date": "2006-01-01", "cdr_global": 0.0},
            {"session_id": "ses-M012", "diagnosis": "MCI", "examination_date": "2007-01-05", "cdr_global": 0.5},
            {"session_id": "ses-M024", "diagnosis": "MCI", "examination_date": "2008-01-03", "cdr_global": 0.5},
        ],
    )
    for session in ("ses-M000", "ses-M012"):
        name = f"sub-ADNI002S0001_{session}_{SPACE}_desc-Crop_res-1x1x1_T1w.nii.gz"
        write_scan(caps / "subjects/sub-ADNI002S0001" / session / "t1_linear" / name)
    return caps, bids


def test_images_come_from_the_one_tree_and_the_visits_own_diagnoses_from_the_other(trees):
    reading = ClinicaTrees(*trees, BIDS).read()

    assert reading.problems == []
    assert [visit["diagnosis"] for visit in reading.visits] == ["CN", "MCI", "MCI"]
    assert reading.root == trees[0]
    assert reading.visits[1]["image"].startswith("subjects/sub-ADNI002S0001/ses-M012/t1_linear/")
    assert reading.visits[2]["image"] is None
    assert [visit["days_from_baseline"] for visit in reading.visits] == [0, 369, 732]
    assert reading.preprocessing == {"pipeline": "clinica t1-linear", "space": "MNI152NLin2009cSym", "cropped": True}


def test_names_of_older_versions_are_found(trees, write_scan):
    caps, bids = trees
    name = f"sub-ADNI002S0001_ses-M24_T1w_{SPACE}_desc-Crop_res-1x1x1_T1w.nii.gz"
    write_scan(caps / "subjects/sub-ADNI002S0001/ses-M24/t1_linear" / name)

    assert ClinicaTrees(caps, bids, BIDS).read().visits[2]["image"].endswith(name)


def test_cropped_scans_are_preferred_and_a_mixture_is_a_problem(trees, write_scan):
    caps, bids = trees
    folder = caps / "subjects/sub-ADNI002S0001"
    uncropped = f"sub-ADNI002S0001_ses-M000_{SPACE}_res-1x1x1_T1w.nii.gz"
    write_scan(folder / "ses-M000/t1_linear" / uncropped)
    assert "desc-Crop" in ClinicaTrees(caps, bids, BIDS).read().visits[0]["image"]

    write_scan(folder / "ses-M024/t1_linear" / uncropped.replace("M000", "M024"))
    assert "2 of 3 scans are cropped and the others are not" in ClinicaTrees(caps, bids, BIDS).read().problems[0]


def test_the_screening_diagnosis_is_listed_where_it_disagrees(trees):
    reading = ClinicaTrees(*trees, BIDS).read()
    (case,) = contradictions(reading.records, reading.courses)

    assert case.text == "sub-ADNI002S0001: diagnosis_sc says 'AD', but the diagnoses are CN, MCI, MCI"


def test_a_scan_whose_session_no_table_lists_is_a_visit_without_a_diagnosis(trees, write_scan):
    name = f"sub-ADNI002S0001_ses-M036_{SPACE}_desc-Crop_res-1x1x1_T1w.nii.gz"
    write_scan(trees[0] / "subjects/sub-ADNI002S0001/ses-M036/t1_linear" / name)
    visit = ClinicaTrees(*trees, BIDS).read().visits[3]

    assert (visit["session_id"], visit["diagnosis"], visit["days_from_baseline"]) == ("ses-M036", None, 1096)


def test_of_several_runs_the_rule_is_said(trees, write_scan):
    name = f"sub-ADNI002S0001_ses-M000_run-02_{SPACE}_desc-Crop_res-1x1x1_T1w.nii.gz"
    write_scan(trees[0] / "subjects/sub-ADNI002S0001/ses-M000/t1_linear" / name)

    assert ClinicaTrees(*trees, BIDS, ["run-02"]).read().notes == [
        "1 sessions have several T1w scans (sub-ADNI002S0001 ses-M000): preferring run-02, then the first by name"
    ]


def test_other_folders_are_refused(trees, tmp_path):
    bids = trees[1]
    with pytest.raises(UserError, match="is no CAPS folder: it has no folder 'subjects'"):
        ClinicaTrees(bids, bids, BIDS).read()
    (tmp_path / "empty/subjects").mkdir(parents=True)
    with pytest.raises(UserError, match="holds no t1-linear scan of a session"):
        ClinicaTrees(tmp_path / "empty", bids, BIDS).read()


def test_an_empty_tree_comes_after_the_lines_that_are_wrong(trees, tmp_path):
    bids = trees[1]
    table = bids / "sub-ADNI002S0001/sub-ADNI002S0001_sessions.tsv"
    table.write_text(table.read_text().replace("MCI", "EMCI"))
    (tmp_path / "empty/subjects").mkdir(parents=True)
    with pytest.raises(UserError, match="3 problems") as error:
        ClinicaTrees(tmp_path / "empty", bids, BIDS).read()

    assert [line.rpartition("'")[0].rpartition("'")[2] for line in error.value.details[:2]] == ["EMCI", "EMCI"]
    assert "holds no t1-linear scan of a session" in error.value.details[2]
