"""Nobody whom a BIDS folder names is lost in silence, and nobody's label is."""

import pytest

from admoe_monai.data.cohorts import BidsFolder, ClinicaTrees, Selection, load_mapping, prepare_cohort
from admoe_monai.errors import UserError

BIDS = load_mapping("bids")
PUT_ASIDE = "the diagnosis in participants.tsv is put aside for {} people who came more than once"


@pytest.fixture
def people(tmp_path, write_table, add_scan):
    """Twelve people with a diagnosis in participants.tsv, each with one session of MRI."""
    names = [f"sub-{n:02}" for n in range(1, 13)]
    write_table(tmp_path / "participants.tsv", [{"participant_id": name, "diagnosis": "AD"} for name in names])
    for name in names:
        add_scan(tmp_path, name, "ses-mri")
    return tmp_path


def read(root, **options):
    return BidsFolder(root, BIDS, **options).read()


def add_row(root, row):
    table = root / "participants.tsv"
    table.write_text(table.read_text() + row)


def prepare(root, missing_images="error"):
    source = BidsFolder(root, BIDS)
    (datalist,) = prepare_cohort(root / "d.json", source, selection=Selection(missing_images=missing_images))
    return datalist


@pytest.mark.parametrize("other", ["ses-meg/meg", "ses-pet/pet", "ses-mri2/func", "ses-2/anat"])
def test_a_session_of_another_modality_leaves_the_diagnosis_where_it_is(people, other):
    for subject in people.glob("sub-*"):
        (subject / other).mkdir(parents=True)
    reading = read(people)

    assert [visit["diagnosis"] for visit in reading.visits] == ["AD"] * 12
    assert reading.notes == []


def test_a_session_that_is_a_phase_image_alone_is_no_visit(people, write_scan):
    write_scan(people / "sub-01/ses-b/anat/sub-01_ses-b_part-phase_T1w.nii.gz")

    assert [visit["diagnosis"] for visit in read(people).visits] == ["AD"] * 12


@pytest.mark.parametrize("listed", [True, False])
def test_diagnoses_that_are_put_aside_are_counted(people, add_scan, write_table, listed):
    for name in ("sub-02", "sub-05"):
        if listed:
            write_table(people / f"{name}/{name}_sessions.tsv", [{"session_id": "mri"}, {"session_id": "later"}])
        else:
            add_scan(people, name, "ses-later")
    reading = read(people)

    assert sum(visit["diagnosis"] is None for visit in reading.visits) == 4
    assert sum(PUT_ASIDE.format(2) in note for note in reading.notes) == 1


def test_advice_to_leave_visits_out_says_whose_diagnosis_stays_put_aside(people, add_scan, write_table):
    write_table(people / "sub-02/sub-02_sessions.tsv", [{"session_id": "mri"}, {"session_id": "later"}])
    add_scan(people, "sub-05", "ses-later")

    with pytest.raises(UserError, match="sub-02 ses-later: no image") as error:
        prepare(people)
    assert str(error.value).endswith(
        "; --missing_images drop goes on without those; the diagnosis in participants.tsv stays put aside for 1 people of "
        "whom tables list more visits than have a scan (sub-02)"
    )


def test_who_has_no_diagnosis_to_put_aside_is_not_counted(people, add_scan, write_table):
    write_table(
        people / "participants.tsv", [{"participant_id": f"sub-{n:02}", "diagnosis": "n/a"} for n in range(1, 13)]
    )
    add_scan(people, "sub-02", "ses-later")

    assert read(people).notes == []


def test_people_without_a_folder_are_missing_images(people):
    add_row(people, "sub-77\tMCI\n")

    with pytest.raises(UserError, match=r"sub-77: no image: there is no folder .*sub-77; --missing_images drop"):
        prepare(people)
    assert prepare(people, "drop").report["exclusions"] == {"no image": {"visits": 1, "subjects": 1}}


@pytest.mark.parametrize("other", ["anat", "ses-1/anat", "ses-meg/meg"])
def test_people_without_a_scan_are_missing_images(people, other):
    add_row(people, "sub-emptyroom\tCN\n")
    (people / "sub-emptyroom" / other).mkdir(parents=True)

    with pytest.raises(UserError, match=r"sub-emptyroom: no image: no T1w scan in .*sub-emptyroom; "):
        prepare(people)


def test_people_without_a_scan_of_clinica_are_missing_images(tmp_path, write_table, write_scan):
    write_table(
        tmp_path / "bids/participants.tsv", [{"participant_id": f"sub-A{n}", "diagnosis": "CN"} for n in (1, 2)]
    )
    name = "sub-A1_ses-M000_space-MNI152NLin2009cSym_desc-Crop_res-1x1x1_T1w.nii.gz"
    write_scan(tmp_path / "caps/subjects/sub-A1/ses-M000/t1_linear" / name)
    records = ClinicaTrees(tmp_path / "caps", tmp_path / "bids", BIDS).read().records

    assert [(r.visit["subject_id"], r.visit["diagnosis"], r.visit["image"] is None) for r in records] == [
        ("sub-A1", "CN", False),
        ("sub-A2", "CN", True),
    ]
    assert records[1].absence == f"there is no folder {tmp_path / 'caps/subjects/sub-A2'}"


def test_a_person_whom_a_derivative_lacks_is_a_missing_image(people, write_scan):
    write_scan(people / "derivatives/prep/sub-01/ses-mri/anat/sub-01_ses-mri_desc-preproc_T1w.nii.gz")
    records = read(people, derivative="prep").records

    assert sum(record.visit["image"] is None for record in records) == 11
    assert records[1].absence.startswith("there is no folder")


@pytest.mark.parametrize(("spelled", "meant"), [("{:02}", "sub-01"), ("sub-{}", "sub-01"), ("SUB{:03}", "sub-01")])
def test_a_table_none_of_whose_names_has_a_folder_is_one_problem(people, write_table, spelled, meant):
    rows = [{"participant_id": spelled.format(n), "diagnosis": "CN"} for n in range(1, 10)]
    write_table(people / "participants.tsv", rows)

    with pytest.raises(UserError) as error:
        prepare(people, "drop")
    assert str(error.value) == (
        f"none of the 9 names in {people}/participants.tsv has a folder; did you mean {meant} in place of "
        f"{spelled.format(1)}?"
    )


def test_a_name_that_is_alike_a_folder_without_a_row_is_a_problem_and_no_missing_image(people, write_table):
    names = ["sub-1", *(f"sub-{n:02}" for n in range(2, 13)), "sub-99"]
    write_table(people / "participants.tsv", [{"participant_id": name, "diagnosis": "CN"} for name in names])

    with pytest.raises(UserError) as error:
        prepare(people)
    assert error.value.details[0] == f"{people}/participants.tsv: 'sub-1' has no folder; did you mean sub-01?"
    assert error.value.details[1].startswith("sub-99: no image: there is no folder")
    assert "--missing_images drop" not in str(error.value)


def test_a_folder_without_any_diagnosis_is_a_cohort_for_pretraining(people, write_table):
    write_table(people / "participants.tsv", [{"participant_id": f"sub-{n:02}", "age": 70} for n in range(1, 13)])
    datalist = prepare(people)

    assert sum(len(split) for split in datalist.splits.values()) == 12
    assert "no table has a column 'diagnosis', which would hold the diagnoses" in datalist.report["notes"]
    assert "nobody has a label: this cohort is for pretraining alone" in datalist.report["notes"]


def test_a_folder_without_a_table_of_people_is_a_cohort_for_pretraining(people):
    (people / "participants.tsv").unlink()
    (people / "sub-eeg/eeg").mkdir(parents=True)
    datalist = prepare(people)

    assert sum(len(split) for split in datalist.splits.values()) == 12
    assert "there is no participants.tsv: people are the subjects' folders" in datalist.report["notes"]
    assert "1 subjects' folders hold no T1w scan (sub-eeg)" in datalist.report["notes"]


def test_diagnoses_of_sessions_need_no_table_of_people(people, write_table):
    (people / "participants.tsv").unlink()
    write_table(people / "sub-01/sub-01_sessions.tsv", [{"session_id": "mri", "diagnosis": "MCI"}])

    assert [visit["diagnosis"] for visit in read(people).visits] == ["MCI", *[None] * 11]


@pytest.mark.parametrize("column", ["diagnos", "Diagnose", "clinical_diagnosis", "dx"])
def test_a_column_that_seems_to_hold_the_diagnoses_is_no_cohort_for_pretraining(people, write_table, column):
    write_table(people / "participants.tsv", [{"participant_id": f"sub-{n:02}", column: "AD"} for n in range(1, 13)])

    with pytest.raises(UserError, match="has no column 'diagnosis' for diagnosis"):
        read(people)


def test_the_diagnosis_of_the_screening_is_neither_a_diagnosis_nor_in_the_way(people, write_table):
    rows = [{"participant_id": f"sub-{n:02}", "diagnosis_sc": "AD"} for n in range(1, 13)]
    write_table(people / "participants.tsv", rows)

    assert {visit["diagnosis"] for visit in read(people).visits} == {None}


@pytest.mark.parametrize("column", ["session_id", "Session_ID"])
def test_a_table_with_a_row_per_session_is_one_of_visits(people, write_table, add_scan, column):
    add_scan(people, "sub-01", "ses-2")
    rows = [
        {"participant_id": "sub-01", column: "mri", "sex": "F", "age": 70, "diagnosis": "CN"},
        {"participant_id": "sub-01", column: "ses-02", "sex": "F", "age": 71, "diagnosis": "MCI"},
        {"participant_id": "sub-02", column: "mri", "sex": "M", "age": 80, "diagnosis": "AD"},
    ]
    write_table(people / "participants.tsv", rows)
    reading = read(people)

    assert reading.problems == []
    assert [(v["subject_id"], v["session_id"], v["age"], v["diagnosis"]) for v in reading.visits] == [
        ("sub-01", "ses-mri", 70, "CN"),
        ("sub-01", "ses-02", 71, "MCI"),
        ("sub-02", "ses-mri", 80, "AD"),
    ]
    assert reading.visits[1]["image"] == "sub-01/ses-2/anat/sub-01_ses-2_T1w.nii.gz"


def test_what_all_rows_of_a_person_say_alike_holds_for_a_session_without_a_row_but_no_diagnosis_does(
    people, write_table, add_scan
):
    add_scan(people, "sub-01", "ses-2")
    row = {"participant_id": "sub-01", "session_id": "mri", "sex": "F", "diagnosis": "CN"}
    write_table(people / "participants.tsv", [row])

    assert [(visit["sex"], visit["diagnosis"]) for visit in read(people).visits] == [("F", "CN"), ("F", None)]


def test_one_session_twice_in_such_a_table_is_a_problem(people, write_table):
    row = {"participant_id": "sub-01", "session_id": "mri", "diagnosis": "CN"}
    write_table(people / "participants.tsv", [row, row])

    assert read(people).problems == [f"{people}/participants.tsv line 3: 'sub-01 ses-mri' stands already at line 2"]


def test_a_row_per_session_without_a_column_of_sessions_names_the_remedy(people, write_table):
    write_table(people / "participants.tsv", [{"participant_id": "sub-01", "diagnosis": dx} for dx in ("CN", "MCI")])

    assert read(people).problems == [
        f"{people}/participants.tsv line 3: 'sub-01' stands already at line 2; rows of sessions need a column 'session_id'"
    ]


def test_a_byte_order_mark_stands_in_nobodys_way(people):
    for name, text in (("participants.tsv", None), ("dataset_description.json", '{"Name": "Ärzte"}')):
        content = (people / name).read_bytes() if text is None else text.encode()
        (people / name).write_bytes(b"\xef\xbb\xbf" + content)
    reading = read(people)

    assert (reading.description, len(reading.visits)) == ("Ärzte", 12)


def test_a_description_that_is_no_object_is_refused(people):
    (people / "dataset_description.json").write_text("[1]")
    with pytest.raises(UserError, match=r"dataset_description.json must hold an object"):
        read(people)
