import pytest

from admoe_monai.data.cohorts.mapping import load_mapping
from admoe_monai.data.cohorts.table import read_table
from admoe_monai.data.tables import read_rows
from admoe_monai.errors import UserError

HEADER = "Subject ID,MRI ID,MR Delay,M/F,Age,CDR,EDUC"
ROWS = ["OAS2_0001,OAS2_0001_MR1,0,M,87,0.0,14", "OAS2_0001,OAS2_0001_MR2,457,M,88,0.5,14"]
OASIS2 = load_mapping("oasis2")


def write(folder, *lines, name="table.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_become_visits_with_their_images(tmp_path):
    visits, columns, problems = read_table(write(tmp_path, HEADER, *ROWS), "coronal/{MRI ID}.nii.gz", OASIS2)

    assert problems == []
    assert [visit["image"] for visit in visits] == ["coronal/OAS2_0001_MR1.nii.gz", "coronal/OAS2_0001_MR2.nii.gz"]
    assert [visit["session_id"] for visit in visits] == ["MR1", "MR2"]
    assert [visit["diagnosis"] for visit in visits] == ["CN", "MCI"]
    assert [column["name"] for column in columns] == ["age", "sex", "education", "mri_id", "mr_delay", "cdr"]


def test_a_pattern_may_use_several_columns_and_an_absolute_path(tmp_path):
    table = write(tmp_path, HEADER, *ROWS)

    assert read_table(table, "{Subject ID}/{MRI ID}.nii", OASIS2)[0][0]["image"] == "OAS2_0001/OAS2_0001_MR1.nii"
    assert read_table(table, f"{tmp_path}/{{MRI ID}}.nii", OASIS2)[0][0]["image"] == "OAS2_0001_MR1.nii"


def test_every_bad_cell_is_named_with_line_and_column(tmp_path):
    table = write(tmp_path, HEADER, "a,a_MR1,0,M,old,0.0,14", ROWS[0], "b,b_MR1,0,X,70,4,14")
    problems = read_table(table, "{MRI ID}.nii", OASIS2)[2]

    assert [problem.removeprefix(str(table)) for problem in problems] == [
        " line 2: column 'Age' holds 'old', which is not a number",
        " line 4: column 'CDR' holds the unknown code '4'",
        " line 4: column 'M/F' holds the unknown code 'X'",
    ]


def test_tabs_separate_a_tsv_and_cells_stay_text(tmp_path):
    assert read_rows(write(tmp_path, "a\tb", "01\t", "NA\t2", name="t.tsv")) == [
        {"a": "01", "b": ""},
        {"a": "NA", "b": "2"},
    ]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("scan.nii", "names no column: write one in braces"),
        ("{MRI_ID}.nii", "unknown column 'MRI_ID', did you mean 'MRI ID'?"),
    ],
)
def test_a_pattern_that_can_not_work_is_refused(tmp_path, images, message):
    with pytest.raises(UserError) as error:
        read_table(write(tmp_path, HEADER, *ROWS), images, OASIS2)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEADER.replace("CDR", "cdr_global"), *ROWS], "has no column 'CDR' for diagnosis"),
        (ROWS, "has no column 'Subject ID'"),
        ([HEADER], "has no rows"),
        ([HEADER.replace(",", ";"), *(row.replace(",", ";") for row in ROWS)], "has no column 'Subject ID'"),
        ([HEADER, ROWS[0] + ",9,9"], "line 2 has 9 cells, the header has 7"),
        ([HEADER + ",CDR", ROWS[0] + ",0"], "has two columns named 'CDR'"),
        ([HEADER, '"' + ROWS[0]], "can't be read"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(tmp_path, lines, message):
    with pytest.raises(UserError) as error:
        read_table(write(tmp_path, *lines), "{MRI ID}.nii", OASIS2)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"table not found: .*none.csv"):
        read_rows(tmp_path / "none.csv")
