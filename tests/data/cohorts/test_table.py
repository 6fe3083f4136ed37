import pytest

from admoe_monai.data.cohorts import Selection, VisitTable, load_mapping, prepare_cohort
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


@pytest.mark.parametrize("missing_images", ["error", "drop"])
@pytest.mark.parametrize(
    ("written", "there"),
    [("p1_MR1", "p01_MR1"), ("p1_MR1", "P1_mr1"), ("s/p01_MR1", "s/p1_MR1"), ("s1/p1_MR1", "s01/p1_MR1")],
)
def test_an_image_in_another_spelling_is_a_problem_that_names_both(
    tmp_path, write_scan, written, there, missing_images
):
    write_scan(tmp_path / f"{there}.nii")
    source = VisitTable(write(tmp_path, HEADER, f"p1,{written},0,M,80,0,12"), "{MRI ID}.nii", OASIS2)

    with pytest.raises(UserError) as error:
        prepare_cohort(tmp_path / "d.json", source, selection=Selection(missing_images=missing_images))
    assert str(error.value) == (
        f"{tmp_path}/table.csv line 2: image {tmp_path}/{written}.nii is not there; did you mean {there}.nii?"
    )


def test_an_image_that_another_row_names_is_no_spelling_of_this_one(tmp_path, write_scan):
    write_scan(tmp_path / "p01_MR1.nii")
    reading = read(write(tmp_path, HEADER, "p1,p1_MR1,0,M,80,0,12", "p01,p01_MR1,0,M,80,0,12"))

    assert (reading.problems, len(reading.records)) == ([], 2)


def test_columns_are_found_in_any_case_and_the_rest_is_said(tmp_path):
    reading = read(
        write(tmp_path, HEADER.upper() + ",Handed,AGE_YEARS", *(f"{row},R,87" for row in ROWS)), "{MRI ID}.nii"
    )

    assert reading.problems == []
    assert [visit["age"] for visit in reading.visits] == [87, 88]
    assert [column["name"] for column in reading.columns] == ["age", "sex", "education", "mri_id", "mr_delay", "cdr"]
    assert reading.unread == ["Handed (did you mean 'Hand'?)", "AGE_YEARS"]


def test_columns_that_differ_in_case_alone_are_a_problem_unless_one_is_exact(tmp_path):
    table = write(tmp_path, HEADER.replace("Age", "AGE,age"), *(row.replace(",M,", ",M,1,") for row in ROWS))
    assert read(table).problems == [f"{table} has the columns 'AGE' and 'age', of which any may be 'Age'; rename one"]
    table = write(tmp_path, HEADER.replace("Age", "AGE,Age"), *(row.replace(",M,", ",M,1,") for row in ROWS))
    assert [visit["age"] for visit in read(table).visits] == [87, 88]


@pytest.mark.parametrize(
    ("header", "images", "last"),
    [
        (HEADER.replace("CDR", "rating"), "{MRI ID}.nii", "has no column 'CDR' for diagnosis"),
        (HEADER, "{MRI}.nii", "names the unknown column 'MRI'"),
        (HEADER, "../{MRI ID}.nii", "leaves "),
    ],
)
def test_an_early_error_comes_after_the_lines_that_are_wrong(tmp_path, header, images, last):
    table = write(tmp_path, header, *ROWS, "p3,p3_MR1,0")
    with pytest.raises(UserError) as error:
        read(table, images)

    assert error.value.details[0].startswith(f"{table} line 4 has 3 cells")
    assert last in error.value.details[1]


def test_adnis_codes_that_tell_no_month_and_vague_ages_are_counted(tmp_path):
    table = write(
        tmp_path,
        "PTID,VISCODE,EXAMDATE,DX,AGE",
        "p1,sc,2005-09-08T00:00:00.0Z,CN,89+",
        "p1,uns1,2005-10-08,CN,89+",
        "p2,nv,2005-09-08,MCI,70-75",
        "p2,4_m12,2006-09-08,dementia,71",
    )
    reading = VisitTable(table, "{PTID}_{VISCODE}.nii", load_mapping("adnimerge")).read()

    assert reading.problems == []
    assert [visit["days_from_baseline"] for visit in reading.visits] == [0, 30, 0, 365]
    assert [visit["prior"]["age_at_entry"] for visit in reading.visits] == [89, 89, None, 71]
    assert reading.notes == [
        "column 'AGE' holds text such as '89+' in 2 visits: read as the number",
        "column 'VISCODE' holds text such as 'uns1' in 2 visits: a visit code that tells no month; the day does",
        "column 'AGE' holds text such as '70-75' in 1 visits: a range or withheld, counted as unknown",
    ]


def test_several_visits_without_a_number_are_told_apart_by_their_day(tmp_path):
    table = write(
        tmp_path,
        "PTID,VISCODE,EXAMDATE,DX,AGE",
        "p1,bl,2005-09-08,CN,70",
        "p1,nv,2006-01-02,CN,70",
        "p1,nv,2006-09-08,MCI,70",
        "p2,nv,2005-09-08,MCI,70",
    )
    reading = VisitTable(table, "{PTID}_{EXAMDATE}.nii", load_mapping("adnimerge")).read()

    assert [visit["session_id"] for visit in reading.visits] == ["bl", "nv-2006-01-02", "nv-2006-09-08", "nv"]
    assert "2 visits of the code nv are told apart by their day" in reading.notes


def test_visits_without_a_number_on_one_day_are_one_twice(tmp_path):
    table = write(tmp_path, "PTID,VISCODE,EXAMDATE,DX,AGE", *2 * ["p1,nv,2006-01-02,CN,70"])
    source = VisitTable(table, "{PTID}_{EXAMDATE}.nii", load_mapping("adnimerge"))
    with pytest.raises(UserError) as error:
        prepare_cohort(tmp_path / "d.json", source)

    assert f"{table} line 3: visit p1 nv-2006-01-02 stands already at {table} line 2" in error.value.details
