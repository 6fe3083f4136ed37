import pytest

from admoe_monai.data.cohorts import VisitTable, load_mapping
from admoe_monai.errors import UserError

HEADER = "Subject ID,MRI ID,MR Delay,M/F,Age,CDR,EDUC"
ROWS = ["OAS2_0001,OAS2_0001_MR1,0,M,87,0.0,14", "OAS2_0001,OAS2_0001_MR2,457,M,88,0.5,14"]
OASIS2 = load_mapping("oasis2")


def write(folder, *lines):
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def read(table, images="{MRI ID}.nii", **options):
    return VisitTable(table, images, OASIS2, **options).read()


def test_rows_become_visits_with_their_images(tmp_path):
    reading = read(write(tmp_path, HEADER, *ROWS), "coronal/{MRI ID}.nii.gz")

    assert reading.problems == []
    assert [v["image"] for v in reading.visits] == ["coronal/OAS2_0001_MR1.nii.gz", "coronal/OAS2_0001_MR2.nii.gz"]
    assert [visit["session_id"] for visit in reading.visits] == ["MR1", "MR2"]
    assert [visit["diagnosis"] for visit in reading.visits] == ["CN", "MCI"]
    assert [column["name"] for column in reading.columns] == ["age", "sex", "education", "mri_id", "mr_delay", "cdr"]


def test_a_pattern_may_use_several_columns_and_an_absolute_path(tmp_path):
    table = write(tmp_path, HEADER, *ROWS)

    assert read(table, "{Subject ID}/{MRI ID}.nii").visits[0]["image"] == "OAS2_0001/OAS2_0001_MR1.nii"
    assert read(table, f"{tmp_path}/{{MRI ID}}.nii").visits[0]["image"] == "OAS2_0001_MR1.nii"


def test_every_bad_cell_and_line_is_named_in_one_pass(tmp_path):
    table = write(
        tmp_path, HEADER, "a,a_MR1,0,M,old,0.0,14", ROWS[0] + ",9", "b,b_MR1,0,X,873,4,14", ",c_MR1,0,M,80,0,14"
    )

    assert [problem.removeprefix(f"{table} line ") for problem in read(table).problems] == [
        "3 has 8 cells, the header has 7 (decimal commas need semicolons between cells)",
        "2: column 'Age' holds 'old', which is not a number",
        "4: column 'CDR' holds the unknown code '4'",
        "4: column 'Age' holds '873', outside 15 to 110 (a lost decimal point?)",
        "4: column 'M/F' holds the unknown code 'X'",
        "4: column 'CDR' holds '4', outside 0 to 3 (a lost decimal point?)",
        "5: column 'Subject ID' is empty",
    ]


def test_a_table_of_semicolons_and_decimal_commas_is_read_and_said(tmp_path):
    rows = [row.replace(",", ";").replace("0.5", "0,5") for row in (HEADER, *ROWS)]
    reading = read(write(tmp_path, *rows))

    assert [visit["diagnosis"] for visit in reading.visits] == ["CN", "MCI"]
    assert reading.notes == ["the table is separated by semicolons; decimal commas are read as points"]


def test_an_absolute_pattern_says_where_the_images_are_and_a_relative_one_stays_below(tmp_path):
    table = write(tmp_path, HEADER, *ROWS)
    reading = read(table, "/elsewhere/scans/{Subject ID}/{MRI ID}.nii")
    assert (str(reading.root), reading.visits[0]["image"]) == ("/elsewhere/scans", "OAS2_0001/OAS2_0001_MR1.nii")

    with pytest.raises(UserError, match=r"leaves .*: give the folder of the images as well"):
        read(table, "../scans/{MRI ID}.nii")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("scan.nii", "names no column: write one in braces"),
        ("{MRI_ID}.nii", "unknown column 'MRI_ID', did you mean 'MRI ID'?"),
    ],
)
def test_a_pattern_that_can_not_work_is_refused(tmp_path, images, message):
    with pytest.raises(UserError) as error:
        read(write(tmp_path, HEADER, *ROWS), images)
    assert message in str(error.value)


def test_a_table_without_a_needed_column_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no column 'CDR' for diagnosis"):
        read(write(tmp_path, HEADER.replace("CDR", "cdr_global"), *ROWS))


def test_oasis3_counts_days_by_its_column_or_by_the_label_of_the_visit(tmp_path):
    table = write(
        tmp_path,
        "OASISID,OASIS_session_label,days_to_visit,CDRTOT",
        "OAS30001,OAS30001_UDSb4_d0000,0000,0",
        "OAS30001,OAS30001_UDSb4_d0339,,0.5",
    )
    reading = VisitTable(table, "{OASIS_session_label}.nii", load_mapping("oasis3")).read()

    assert reading.problems == []
    assert [visit["days_from_baseline"] for visit in reading.visits] == [0, 339]


def test_adnimerge_counts_days_from_the_first_examination(tmp_path):
    table = write(
        tmp_path,
        "RID,PTID,VISCODE,EXAMDATE,DX,DX_bl,AGE,PTGENDER,APOE4,MMSE",
        "2,011_S_0002,bl,2005-09-08,CN,CN,74.3,Male,0,28",
        "2,011_S_0002,m12,2006-09-12,MCI,CN,74.3,Male,0,-4",
        "3,011_S_0003,m06,2006-03-13,Dementia,AD,81.3,Female,1,24",
        "3,011_S_0003,bl,2005-09-12,,LMCI,81.3,Female,1,20",
    )
    reading = VisitTable(table, "{PTID}_{VISCODE}.nii", load_mapping("adnimerge")).read()

    assert reading.problems == []
    assert [v["days_from_baseline"] for v in reading.visits] == [0, 369, 182, 0]
    assert [v["diagnosis"] for v in reading.visits] == ["CN", "MCI", "AD", None]
    assert [v["prior"]["mmse"] for v in reading.visits] == [28, None, 24, 20]
