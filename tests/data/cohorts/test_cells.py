import pytest

from admoe_monai.data.cohorts import load_mapping
from admoe_monai.data.cohorts.cells import read_cell

DX = load_mapping("adni_dxsum").visit["diagnosis"]


@pytest.mark.parametrize(
    ("row", "diagnosis"),
    [
        ({"DIAGNOSIS": "3", "DXCHANGE": "1", "DXCURREN": "1"}, "AD"),  # from ADNI3 on
        ({"DIAGNOSIS": "", "DXCHANGE": "5", "DXCURREN": ""}, "AD"),  # ADNI2: a step from MCI to dementia
        ({"DIAGNOSIS": "-4", "DXCHANGE": "7", "DXCURREN": ""}, "CN"),
        ({"DXCHANGE": "8"}, "MCI"),
        ({"DXCURREN": "2"}, "MCI"),  # ADNI1
        ({"DIAGNOSIS": "-4", "DXCHANGE": "-1", "DXCURREN": "NA"}, None),
    ],
)
def test_the_column_of_adnis_diagnosis_changes_with_the_phase_of_the_study(row, diagnosis):
    assert read_cell(row, DX, missing=[-1, -4]) == diagnosis


def test_an_unknown_code_of_the_first_filled_column_is_no_reason_to_read_the_next():
    with pytest.raises(ValueError, match="column 'DIAGNOSIS' holds the unknown code '9'"):
        read_cell({"DIAGNOSIS": "9", "DXCURREN": "1"}, DX)


@pytest.mark.parametrize(
    ("text", "day"), [("2015-03-27", 0), ("03/28/2015", 1), ("20150329", 2), ("2015-03-30T10:11:12", 3)]
)
def test_dates_are_read_in_the_forms_of_the_field(text, day):
    first = read_cell({"d": "2015-03-27"}, {"column": "d", "kind": "date"})

    assert read_cell({"d": text}, {"column": "d", "kind": "date"}) == first + day


@pytest.mark.parametrize(("code", "months"), [("bl", 0), ("sc", 0), ("m06", 6), ("M120", 120), ("ses-M012", 12)])
def test_visit_codes_are_months(code, months):
    assert read_cell({"v": code}, {"column": "v", "kind": "viscode"}) == months


@pytest.mark.parametrize(
    ("text", "cell", "message"),
    [
        ("27.03.2015", {"kind": "date"}, "holds '27.03.2015', which is no date: write 2015-03-27 or 03/27/2015"),
        ("13/27/2015", {"kind": "date"}, "holds .*, which is no date"),
        ("uns1", {"kind": "viscode"}, "holds 'uns1', which is no visit code such as bl or m12"),
        ("736", {"kind": "number", "range": [0.5, 1]}, r"holds '736', outside 0.5 to 1 \(a lost decimal point\?\)"),
        ("0,736", {"kind": "number"}, "holds '0,736', which is not a number"),
    ],
)
def test_what_is_not_understood_is_named(text, cell, message):
    with pytest.raises(ValueError, match=f"column 'x' {message}"):
        read_cell({"x": text}, {"column": "x", **cell})


def test_codes_for_missing_are_nothing_in_one_column_or_in_all():
    cell = {"column": "x", "kind": "number", "missing": [7]}

    assert read_cell({"x": "7.0"}, cell) is None
    assert read_cell({"x": "-4"}, cell, missing=[-4]) is None
    assert read_cell({"x": "-4"}, cell) == -4
