"""One session in two spellings, in tables and in folders."""

import pytest

from admoe_monai.data.cohorts import BidsFolder, ClinicaTrees, Selection, load_mapping, prepare_cohort
from admoe_monai.errors import UserError

BIDS = load_mapping("bids")


@pytest.fixture
def cohort(tmp_path, write_table, add_scan):
    """A person with sessions of a table and scans in folders."""

    def make(listed, folders):
        write_table(tmp_path / "participants.tsv", [{"participant_id": "sub-01", "sex": "F"}])
        rows = [{"session_id": label, "diagnosis": "MCI"} for label in listed]
        write_table(tmp_path / "sub-01/sub-01_sessions.tsv", rows)
        for folder in folders:
            add_scan(tmp_path, "sub-01", folder)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("listed", "folder"),
    [
        ("ses-1", "ses-01"),
        ("ses-01", "ses-1"),
        ("ses-M00", "ses-M000"),
        ("M012", "ses-M12"),
        ("ses-m6", "ses-M006"),
        ("Baseline", "ses-baseline"),
        ("SES-02", "ses-2"),
        ("pre op", "ses-preop"),
        ("ses-1", "01"),
    ],
)
def test_a_session_is_found_in_another_spelling(cohort, listed, folder):
    reading = BidsFolder(cohort([listed], [folder]), BIDS).read()

    assert reading.problems == []
    assert [(visit["diagnosis"], visit["image"]) for visit in reading.visits] == [
        ("MCI", f"sub-01/{folder}/anat/sub-01_{folder}_T1w.nii.gz")
    ]


def test_exact_names_that_differ_in_a_zero_are_two_sessions(cohort):
    reading = BidsFolder(cohort(["ses-1", "ses-01"], ["ses-1", "ses-01"]), BIDS).read()

    assert reading.problems == []
    assert len({visit["image"] for visit in reading.visits}) == 2


@pytest.mark.parametrize(
    ("listed", "folders", "named"),
    [
        (["ses-001"], ["ses-1", "ses-01"], ("ses-001", "ses-01 and ses-1")),
        (["ses-1"], ["ses-1", "ses-01"], ("ses-1", "ses-01 and ses-1")),
        (["ses-1", "ses-01"], ["ses-1"], ("ses-01 and ses-1", "ses-1")),
        (["ses-M0", "ses-M00"], ["ses-M000"], ("ses-M0 and ses-M00", "ses-M000")),
    ],
)
def test_a_name_that_may_be_two_is_a_problem_that_names_both(cohort, listed, folders, named):
    reading = BidsFolder(cohort(listed, folders), BIDS).read()

    assert reading.problems == [
        f"sub-01: the tables list {named[0]}, folders are {named[1]}: which of them are one session? give each one name"
    ]


@pytest.mark.parametrize("missing_images", ["error", "drop"])
@pytest.mark.parametrize(
    ("listed", "folder"),
    [("ses-bl", "ses-baseline"), ("ses-1", "ses-M1"), ("ses-M000", "ses-bl"), ("ses-v1", "ses-visit1")],
)
def test_a_name_that_is_alike_is_a_problem_and_is_never_dropped(cohort, listed, folder, missing_images):
    root = cohort([listed], [folder])
    with pytest.raises(UserError) as error:
        prepare_cohort(root / "d.json", BidsFolder(root, BIDS), selection=Selection(missing_images=missing_images))

    assert str(error.value) == (
        f"sub-01: the tables list {listed}, which has no folder, and nothing of {folder}, which has one: give the session "
        "one name"
    )


@pytest.mark.parametrize("listed", [["ses-M000"], ["M000", "ses-M006"], ["ses-M006"]])
def test_two_folders_of_one_name_are_a_problem_and_neither_hides_the_other(cohort, listed):
    (problem,) = BidsFolder(cohort(listed, ["M000", "ses-M000", "ses-M006"]), BIDS).read().problems

    assert problem == "sub-01: folders M000 and ses-M000 are one session by their names: give each one name"


def test_where_a_folder_has_no_row_no_advice_would_lose_the_label_of_a_row_without_a_folder(cohort):
    root = cohort(["ses-1", "ses-2"], ["ses-2", "ses-first"])
    with pytest.raises(UserError) as error:
        prepare_cohort(root / "d.json", BidsFolder(root, BIDS))

    assert str(error.value) == (
        f"sub-01 ses-1: no image: there is no folder {root}/sub-01/ses-1 (ses-first has a scan, and no table lists it)"
    )


def test_labels_that_are_dropped_beside_a_folder_without_a_row_are_said(cohort):
    reading = BidsFolder(cohort(["ses-01"], ["ses-2019"]), BIDS).read()

    assert reading.notes == [
        "1 visits of tables have no folder while a folder of the same subject has a scan and no row (sub-01 ses-01): if "
        "they are one, give them one name, or the labels are lost"
    ]


def test_other_months_are_no_spelling(cohort):
    reading = BidsFolder(cohort(["ses-M000", "ses-M012"], ["ses-M000", "ses-M024"]), BIDS).read()

    assert reading.problems == []
    assert [visit["image"] is None for visit in reading.visits] == [False, True, False]


def test_the_scan_of_a_folder_without_sessions_is_that_of_the_one_session_listed(cohort, write_scan):
    root = cohort(["ses-M000"], [])
    write_scan(root / "sub-01/anat/sub-01_T1w.nii.gz")
    (visit,) = BidsFolder(root, BIDS).read().visits

    assert (visit["session_id"], visit["diagnosis"], visit["image"]) == (
        "ses-M000",
        "MCI",
        "sub-01/anat/sub-01_T1w.nii.gz",
    )


def test_a_scan_without_a_session_beside_several_listed_ones_is_a_problem(cohort, write_scan):
    root = cohort(["ses-1", "ses-2"], [])
    write_scan(root / "sub-01/anat/sub-01_T1w.nii.gz")

    assert "the T1w scan lies in no session's folder" in BidsFolder(root, BIDS).read().problems[0]


def test_a_scan_outside_of_the_sessions_is_said(cohort, write_scan):
    root = cohort(["ses-1"], ["ses-1"])
    write_scan(root / "sub-01/anat/sub-01_T1w.nii.gz")

    assert BidsFolder(root, BIDS).read().notes == [
        "1 subjects have T1w scans outside of their sessions' folders (sub-01): they are not read"
    ]


def test_facts_of_a_scan_are_found_in_another_spelling_of_its_session(cohort, write_table):
    root = cohort(["ses-1"], ["ses-01"])
    write_table(
        root / "sub-01/ses-01/sub-01_ses-01_scans.tsv",
        [
            {"FileName": "anat/sub-01_ses-01_run-2_T1w.nii.gz", "mri_field": 7},
            {"FileName": "anat/sub-01_ses-01_T1w.nii.gz", "mri_field": 3},
        ],
    )

    assert [visit["field_strength"] for visit in BidsFolder(root, BIDS).read().visits] == [3]


def test_clinicas_two_trees_may_spell_a_session_differently(tmp_path, cohort, write_scan):
    root = cohort(["ses-1"], [])
    name = "sub-01_ses-01_space-MNI152NLin2009cSym_desc-Crop_res-1x1x1_T1w.nii.gz"
    write_scan(tmp_path / "caps/subjects/sub-01/ses-01/t1_linear" / name)
    (visit,) = ClinicaTrees(tmp_path / "caps", root, BIDS).read().visits

    assert visit["diagnosis"] == "MCI"
    assert visit["image"].endswith(name)
