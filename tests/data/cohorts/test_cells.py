import pytest

from admoe_monai.data.cohorts import load_mapping
from admoe_monai.data.cohorts.cells import read_cell
from admoe_monai.data.cohorts.reserves import Reserve, reserve_notes

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
    ("text", "day"),
    [
        ("2015-03-27", 0),
        ("03/28/2015", 1),
        ("20150329", 2),
        ("2015-03-30T10:11:12", 3),
        ("2015-03-27T10:11:12.345000", 0),
        ("2015-03-27T10:11:12.345000123", 0),
        ("2015-03-27T23:59:59Z", 0),
        ("2015-03-27T10:11:12+01:00", 0),
        ("2015-03-27 10:11", 0),
        ("20150327T101112", 0),
        ("2015-03-27TXX:XX:XX", 0),
    ],
)
def test_dates_are_read_in_the_forms_of_the_field(text, day):
    first = read_cell({"d": "2015-03-27"}, {"column": "d", "kind": "date"})

    assert read_cell({"d": text}, {"column": "d", "kind": "date"}) == first + day


@pytest.mark.parametrize(
    ("code", "months"),
    [("bl", 0), ("sc", 0), ("m06", 6), ("M120", 120), ("ses-M012", 12), ("4_m12", 12), ("4_sc", 0), ("4_bl", 0)],
)
def test_visit_codes_are_months(code, months):
    assert read_cell({"v": code}, {"column": "v", "kind": "viscode"}) == months


@pytest.mark.parametrize(
    ("text", "cell", "message"),
    [
        ("27.03.2015", {"kind": "date"}, "holds '27.03.2015', which is no date: write 2015-03-27 or 03/27/2015"),
        ("13/27/2015", {"kind": "date"}, "holds .*, which is no date"),
        ("2015-13-01", {"kind": "date"}, "holds .*, which is no date"),
        ("2015-02-30T10:11:12.5", {"kind": "date"}, "holds .*, which is no date"),
        ("2015-13", {"kind": "date"}, "holds .*, which is no date"),
        ("XXXX-XX-XX", {"kind": "date"}, "holds .*, which is no date"),
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


@pytest.mark.parametrize(
    "text", ["XXXX-XX-XXT10:11:12", "2012-XX-XX", "10:11:12", "XX:XX:XX", "0000-00-00", "2012", "2012-03", "??/??/2012"]
)
def test_a_masked_date_or_the_time_alone_is_unknown_with_reserve(text):
    reserves = []

    assert read_cell({"d": text}, {"column": "d", "kind": "date"}, (), reserves) is None
    assert reserves == [Reserve("d", text, "no day or a masked one, counted as unknown")]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("89+", 89),
        ("90+", 90),
        (">89", 89),
        (">= 90", 90),
        ("90 or older", 90),
        ("89.5+", 89.5),
        ("35-40", None),
        ("35 to 40", None),
        ("<60", None),
        ("[60, 65)", None),
        ("withheld", None),
    ],
)
@pytest.mark.parametrize("kind", ["number", "continuous"])
def test_a_vague_number_is_read_with_reserve(text, number, kind):
    reserves = []

    assert read_cell({"a": text}, {"column": "a", "kind": kind, "range": [0, 120]}, (), reserves) == number
    assert [(reserve.column, reserve.text) for reserve in reserves] == [("a", text)]


@pytest.mark.parametrize("text", ["072Y", "72 years", "72y", "72 yrs", "72.0"])
def test_the_unit_of_an_age_is_no_reserve(text):
    reserves = []

    assert read_cell({"a": text}, {"column": "a", "kind": "number"}, (), reserves) == 72
    assert reserves == []


@pytest.mark.parametrize("text", ["890+", "200 years"])
def test_a_vague_number_out_of_range_is_a_problem(text):
    with pytest.raises(ValueError, match="outside 0 to 120"):
        read_cell({"a": text}, {"column": "a", "kind": "number", "range": [0, 120]}, (), [])


@pytest.mark.parametrize("text", ["072M", "old", "7O", "--5", "1e"])
def test_what_is_no_number_at_all_stays_a_problem(text):
    with pytest.raises(ValueError, match="which is not a number"):
        read_cell({"a": text}, {"column": "a", "kind": "number"}, (), [])


def test_reserves_are_counted_by_column_and_meaning():
    cells = [Reserve("age", "89+", "read as the number"), Reserve("age", "90+", "read as the number")]

    assert reserve_notes([*cells, Reserve("age", "<60", "unknown")]) == [
        "column 'age' holds text such as '89+' in 2 visits: read as the number",
        "column 'age' holds text such as '<60' in 1 visits: unknown",
    ]


@pytest.mark.parametrize(
    ("text", "sex"),
    [("FEMALE", "F"), ("MALE", "M"), ("Other", "O"), ("OTHER", "O"), ("m", "M"), ("Female", "F"), ("o", "O")],
)
def test_codes_are_read_in_any_case(text, sex):
    assert read_cell({"sex": text}, load_mapping("bids").visit["sex"]) == sex


@pytest.mark.parametrize(
    ("text", "diagnosis"), [("cn", "CN"), ("mci", "MCI"), ("dementia", "AD"), ("ad", "AD"), ("nl", "CN")]
)
def test_diagnoses_are_read_in_any_case(text, diagnosis):
    assert read_cell({"diagnosis": text}, load_mapping("bids").visit["diagnosis"]) == diagnosis


def test_a_code_in_its_own_case_wins():
    cell = {"column": "x", "values": {"a": 1, "A": 2}}

    assert (read_cell({"x": "A"}, cell), read_cell({"x": "a"}, cell)) == (2, 1)
