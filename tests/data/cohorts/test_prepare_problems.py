"""What is wrong with a cohort, in what order and in which words."""

import os

import pytest
from prepared import BIDS, all_visits, make

from admoe_monai.data.cohorts import (
    BidsFolder,
    Selection,
)
from admoe_monai.errors import UserError


def problems_of(root, **options):
    with pytest.raises(UserError) as error:
        make(root / "datalist.json", root, **options)
    return [str(error.value), *error.value.details]


def with_tabs(root):
    """Every row of participants.tsv ends with a tab, as some editors leave it."""
    table = root / "participants.tsv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *(f"{row}\t" for row in rows)]) + "\n")


def test_lines_that_are_wrong_come_before_the_visits_that_are_not_left(bids_cohort):
    with_tabs(bids_cohort)
    _, *lines = problems_of(bids_cohort)

    assert len(lines) == 20
    assert lines[0].endswith("participants.tsv line 2 has 5 cells, the header has 4 (a tab at its end?)")


@pytest.mark.parametrize(
    ("option", "row", "last"),
    [
        ("include", {"participant_id": "sub-99"}, "names nobody of this cohort"),
        ("include", {"participants": "sub-01"}, "has no column 'participant_id'"),
        ("qc", {"participant_id": "sub-01", "qc": "maybe"}, "says qc 'maybe'"),
    ],
)
def test_an_error_of_a_list_comes_after_the_lines_that_are_wrong(bids_cohort, write_table, option, row, last):
    table = bids_cohort / "sub-01/sub-01_sessions.tsv"
    table.write_text(table.read_text().replace("CN", "EMCI"))
    listed = write_table(bids_cohort / "list.tsv", [row])
    _, *lines = problems_of(bids_cohort, selection=Selection(**{option: listed}))

    assert lines[0] == "sub-01 ses-0: column 'diagnosis' holds the unknown code 'EMCI'"
    assert last in lines[-1]


def test_what_leaves_nobody_is_counted(bids_cohort, tmp_path, write_table):
    qc = write_table(tmp_path / "qc.tsv", [{"participant_id": f"{n:02}", "qc": "fail"} for n in range(20)])

    assert problems_of(bids_cohort, selection=Selection(qc=qc)) == [
        "no visit of cohort is left: 60 failed quality control"
    ]


def test_the_report_names_the_prior_columns_and_those_that_are_not_read(bids_cohort, tmp_path):
    people = bids_cohort / "participants.tsv"
    header, *rows = people.read_text().splitlines()
    header = header.replace("sex\tage", "Sexe\tAge")
    people.write_text("\n".join([f"{header}\tapoe_4\tHand", *(f"{row}\t1\tR" for row in rows)]) + "\n")
    datalist = make(tmp_path / "datalist.json", bids_cohort)

    assert {visit["prior"]["age"] for visit in all_visits(datalist)} == set(range(60, 80))
    assert "prior columns: age; never used: mmse, days_from_baseline" in datalist.report["notes"]
    assert (
        "columns that are not read: Sexe (did you mean 'sex'?), apoe_4 (did you mean 'apoe4'?), Hand"
        in datalist.report["notes"]
    )


@pytest.mark.parametrize(("person", "session"), [("Age", "age"), ("age", "AGE"), ("AGE", "Age")])
def test_the_column_of_a_session_wins_over_that_of_the_person_in_any_case(bids_cohort, write_table, person, session):
    people = bids_cohort / "participants.tsv"
    people.write_text(people.read_text().replace("age", person))
    write_table(bids_cohort / "sub-03/sub-03_sessions.tsv", [{"Session_ID": "ses-0", "diagnosis": "CN", session: 99.5}])
    visits = BidsFolder(bids_cohort, BIDS).read().visits

    assert [visit["age"] for visit in visits if visit["subject_id"] == "sub-03"] == [99.5, 63, 63]


def test_a_name_that_no_datalist_can_hold_is_a_problem(bids_cohort):
    for number in (3, 4):
        (scan,) = (bids_cohort / f"sub-{number:02}/ses-0/anat").iterdir()
        scan.rename(scan.with_name(os.fsdecode(b"sub-%02d_ses-0_acq-caf\xe9_T1w.nii.gz" % number)))
    _, *lines = problems_of(bids_cohort)

    assert [line.partition(": ")[0] for line in lines] == ["sub-03 ses-0", "sub-04 ses-0"]
    assert lines[0].endswith("acq-caf\udce9_T1w.nii.gz is no UTF-8; rename it")


def test_one_vague_age_stops_nobody(bids_cohort, tmp_path):
    people = bids_cohort / "participants.tsv"
    people.write_text(people.read_text().replace("\t61\t", "\t89+\t").replace("\t62\t", "\t60-65\t"))
    datalist = make(tmp_path / "datalist.json", bids_cohort)
    ages = {visit["subject_id"]: visit["age"] for visit in all_visits(datalist)}

    assert (ages["sub-01"], ages["sub-02"]) == (89, None)
    assert "column 'age' holds text such as '89+' in 3 visits: read as the number" in datalist.report["notes"]


def test_masked_times_of_scans_are_unknown_with_a_note(bids_cohort, tmp_path, write_table):
    for n, time in enumerate(["2012-03-05T10:11:12.345000", "XXXX-XX-XX", "10:11:12", "2012-03-05T10:11:12Z"]):
        name = f"sub-{n:02}_ses-0"
        write_table(
            bids_cohort / f"sub-{n:02}/ses-0/{name}_scans.tsv",
            [{"filename": f"anat/{name}_T1w.nii.gz", "acq_time": time}],
        )

    assert (
        "column 'acq_time' holds text such as 'XXXX-XX-XX' in 2 visits: no day or a masked one, counted as unknown"
        in make(tmp_path / "datalist.json", bids_cohort).report["notes"]
    )


def test_advice_that_would_lose_labels_is_not_given(bids_cohort, tmp_path, write_table):
    people = bids_cohort / "participants.tsv"
    people.write_text(people.read_text().replace("sub-07", "sub-7").replace("sub-08", "sub-88"))
    message, *lines = problems_of(bids_cohort)

    assert "--missing_images" not in message
    assert lines[0].endswith("participants.tsv: 'sub-7' has no folder; did you mean sub-07?")
    assert lines[1].startswith("sub-88: no image: there is no folder ")
