"""One person in two spellings would be trained on and tested."""

import pytest

from admoe_monai.data.cohorts import VisitTable, load_mapping, prepare_cohort
from admoe_monai.data.cohorts.alike_subjects import alike_note, alike_subjects
from admoe_monai.data.cohorts.reading import Record
from admoe_monai.errors import UserError

HEADER = "Subject ID,MRI ID,MR Delay,M/F,Age,CDR,EDUC"


@pytest.fixture
def half_stripped(tmp_path, write_scan):
    """Table of 24 people, each with two visits; a spreadsheet has dropped the zeros of the names in the second ones."""
    rows = []
    for n in range(24):
        for visit, name in enumerate((f"{n:03}", f"{n}")):
            write_scan(tmp_path / f"{n}_MR{visit}.nii", seed=2 * n + visit)
            rows.append(f"{name},{n}_MR{visit},{400 * visit},M,80,0,12")
    table = tmp_path / "table.csv"
    table.write_text("\n".join([HEADER, *rows]) + "\n")
    return VisitTable(table, "{MRI ID}.nii", load_mapping("oasis2"))


def test_zeros_that_a_spreadsheet_dropped_make_nobody_two_people(half_stripped, tmp_path):
    with pytest.raises(UserError) as error:
        prepare_cohort(tmp_path / "d.json", half_stripped)

    assert len(error.value.details) == 24
    assert error.value.details[5] == (
        f"{tmp_path}/table.csv line 13: subject '5' is '005' of {tmp_path}/table.csv line 12 but for zeros, case, prefix or "
        "separators: write one name for one person; if they are two people, --allow_alike_subjects says so"
    )
    assert not (tmp_path / "d.json").exists()


def test_who_says_that_they_are_different_people_is_believed_with_a_note(half_stripped, tmp_path):
    (datalist,) = prepare_cohort(tmp_path / "d.json", half_stripped, allow_alike_subjects=True)

    assert sum(len(part) for part in datalist.splits.values()) == 48
    assert any(note.startswith("24 subjects named like another") for note in datalist.report["notes"])


def records(*names, **fields):
    return [Record({"subject_id": name, **fields}, f"line {row}") for row, name in enumerate(names)]


@pytest.mark.parametrize("names", [("sub-A1", "A1"), ("a_1", "A1"), ("sub-01", "sub-1"), ("OAS2_0001", "oas2-1")])
def test_case_prefix_and_separators_make_nobody_two_people(names):
    assert len(alike_subjects(records(*names))) == 1
    assert alike_note(records(*names)) != []


@pytest.mark.parametrize("names", [("sub-01", "sub-10"), ("1_11", "11_1"), ("a", "b"), ("a", "a")])
def test_others_are_told_apart(names):
    assert alike_subjects(records(*names)) == alike_note(records(*names)) == []


def test_equal_names_of_several_cohorts_are_a_matter_of_the_id_map():
    assert alike_subjects([*records("01", cohort="a"), *records("1", cohort="b")]) == []


def test_persons_who_have_a_name_are_who_they_are():
    known = [*records("01", person_id="p"), *records("1", person_id="p"), *records("001", person_id="q")]
    assert alike_subjects(known) == []
    assert len(alike_subjects([*known, *records("0001")])) == 1
