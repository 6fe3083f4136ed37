from pathlib import Path

import pytest
import yaml

from admoe_monai.data.cohorts.mapping import ColumnMapping, built_in_mappings, load_mapping
from admoe_monai.data.prior import KINDS, ROLES
from admoe_monai.errors import UserError

MAPPING = ColumnMapping(
    name="clinic",
    visit={
        "subject_id": {"column": "ID", "pattern": r"^(\w+)-"},
        "session_id": {"column": ["SESSION", "ID"]},
        "days_from_baseline": {"column": "DAYS", "kind": "number", "empty": 0},
        "diagnosis": {"column": "DX", "values": {0: "CN", 0.5: "MCI", "D": "AD"}},
        "age": {"column": "AGE", "kind": "number"},
    },
    prior={"age": {"column": "AGE", "role": "clinical", "kind": "continuous"}},
    cohort="CLINIC",
)
ROW = {"ID": "p1-a", "DAYS": "", "DX": "0.50", "AGE": " 71.5 "}


def to_visit(row, mapping=MAPPING):
    record, problems = mapping.to_record(row, "scan.nii", "here")
    return record.visit, problems


def test_a_row_becomes_a_visit():
    visit, problems = to_visit(ROW)

    assert problems == []
    assert (visit["subject_id"], visit["session_id"], visit["image"]) == ("p1", "p1-a", "scan.nii")
    assert (visit["days_from_baseline"], visit["diagnosis"], visit["age"]) == (0, "MCI", 71.5)
    assert (visit["cohort"], visit["label_source"], visit["prior"]) == ("CLINIC", "clinical", {"age": 71.5})


def test_fields_without_a_column_are_null():
    visit, _ = to_visit(ROW)

    assert (visit["site"], visit["change"], visit["mask"]) == (None, None, None)


@pytest.mark.parametrize("cell", ["", " ", "n/a", "NA", "NaN", "."])
def test_an_empty_diagnosis_is_unknown_and_has_no_source(cell):
    visit, problems = to_visit({**ROW, "DX": cell})

    assert (visit["diagnosis"], visit["label_source"], problems) == (None, None, [])


def test_the_first_alternative_that_is_present_counts():
    assert to_visit({**ROW, "SESSION": "M0"})[0]["session_id"] == "M0"


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("DX", "3", "column 'DX' holds the unknown code '3'"),
        ("AGE", "71,5", "column 'AGE' holds '71,5', which is not a number"),
        ("AGE", "inf", "column 'AGE' holds 'inf', which is not a number"),
        ("ID", "??", r"column 'ID' holds '??', which does not match ^(\w+)-"),
    ],
)
def test_a_cell_that_is_not_understood_is_named_once(column, cell, problem):
    assert to_visit({**ROW, column: cell})[1] == [f"here: {problem}"]


def test_prior_columns_are_those_that_the_table_has():
    assert MAPPING.prior_columns(["AGE"]) == [{"name": "age", "role": "clinical", "kind": "continuous"}]
    assert MAPPING.prior_columns(["DX"]) == []


def test_a_table_without_a_needed_column_is_refused_naming_the_nearest():
    with pytest.raises(
        UserError, match=r"t.csv has no column 'DX' for diagnosis, did you mean 'DX1'\? \(mapping 'clinic'"
    ):
        MAPPING.check_columns(["ID", "DX1"], "t.csv")


ADNI = load_mapping("adnimerge")
UNKNOWN_CODE = "a visit code that tells no month; the day does"


@pytest.mark.parametrize("code", ["nv", "uns1", "v03", "4_y1"])
def test_a_visit_code_that_tells_no_month_is_needless_where_there_is_a_date(code):
    record, problems = ADNI.to_record({"PTID": "p", "VISCODE": code, "EXAMDATE": "2010-01-01"}, None, "here")

    assert (problems, record.months) == ([], None)
    assert [(reserve.text, reserve.meaning) for reserve in record.reserves] == [(code, UNKNOWN_CODE)]


@pytest.mark.parametrize("date", ["", "XXXX-XX-XX"])
def test_a_visit_code_that_tells_no_month_is_a_problem_where_there_is_no_date(date):
    _, problems = ADNI.to_record({"PTID": "p", "VISCODE": "uns1", "EXAMDATE": date}, None, "here")

    assert problems == ["here: column 'VISCODE' holds 'uns1', which is no visit code such as bl or m12"]


def test_a_vague_number_of_days_is_none():
    assert to_visit({**ROW, "DAYS": "365+"})[1] == ["here: column 'DAYS' holds '365+', which is not a number"]


def test_a_vague_age_is_one_reserve_although_it_is_field_and_prior():
    record, problems = MAPPING.to_record({**ROW, "AGE": "89+"}, None, "here")

    assert (record.visit["age"], record.visit["prior"], problems) == (89, {"age": 89}, [])
    assert len(record.reserves) == 1


def test_all_needed_columns_that_are_missing_are_named():
    with pytest.raises(UserError, match="'ID' for subject_id") as error:
        MAPPING.check_columns(["x"], "t.csv")
    assert len(error.value.details) == 3


@pytest.mark.parametrize("name", built_in_mappings())
def test_built_in_mappings_declare_known_roles_and_ban_what_knows_the_label(name):
    mapping = load_mapping(name)

    assert all(cell["role"] in ROLES and cell["kind"] in KINDS for cell in mapping.prior.values())
    for column in ("mmse", "cdr", "cdr_sum_of_boxes", "group", "dx_bl", "dx1"):
        assert mapping.prior.get(column, {}).get("role", "banned") == "banned"
    for column in ("visit", "mr_delay", "delay", "viscode", "days_from_baseline"):
        assert mapping.prior.get(column, {}).get("role", "time") == "time"


def test_oasis2_gives_every_column_a_role():
    published = "Subject ID,MRI ID,Group,Visit,MR Delay,M/F,Hand,Age,EDUC,SES,MMSE,CDR,eTIV,nWBV,ASF"
    mapping = load_mapping("oasis2")
    columns = {cell["column"]: cell["role"] for cell in mapping.prior.values()}

    assert set(columns) == set(published.split(",")) - {"Subject ID"}
    assert {columns[name] for name in ("Group", "MMSE", "CDR")} == {"banned"}
    assert {columns[name] for name in ("Visit", "MR Delay")} == {"time"}
    assert {columns[name] for name in ("eTIV", "nWBV", "ASF")} == {"image_derived"}


def test_a_mapping_of_the_users_own_is_read_from_its_path(tmp_path):
    path = tmp_path / "clinic.yaml"
    path.write_text(yaml.safe_dump({"name": "clinic", "visit": MAPPING.visit, "prior": MAPPING.prior}))

    assert load_mapping(path).visit == MAPPING.visit
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_mapping(path).visit == MAPPING.visit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"name": "x", "visit": {"subject_id": {"column": "ID"}}}, "does not say which column is 'session_id'"),
        ({"name": "x", "visits": {}}, "is not understood"),
        (
            {"name": "x", "visit": {**MAPPING.visit, "agee": {"column": "A"}}},
            "unknown field 'agee', did you mean 'age'",
        ),
        ({"name": "x", "visit": {**MAPPING.visit, "age": "AGE"}}, "'age' needs column, got 'AGE'"),
        ({"name": "x", "visit": {**MAPPING.visit, "age": {"column": "A", "unit": "y"}}}, "has the unknown word 'unit'"),
        ({"name": "x", "visit": {**MAPPING.visit, "age": {"column": "A", "kind": "years"}}}, "unknown kind 'years'"),
        (
            {"name": "x", "visit": {k: v for k, v in MAPPING.visit.items() if k != "days_from_baseline"}},
            "does not say when a visit was",
        ),
        ({"name": "x", "visit": MAPPING.visit, "prior": {"age": {"column": "A"}}}, "'age' needs column, kind, role"),
        ("name: [", "is not understood"),
    ],
)
def test_a_mapping_that_is_none_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "clinic.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))

    with pytest.raises(UserError) as error:
        load_mapping(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_mapping_of_the_documentation_is_one(tmp_path):
    text = (Path(__file__).parents[3] / "docs/cohorts.md").read_text()
    block = text[text.index("    name: mine") :].partition("\n\n- ")[0]
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(line[4:] for line in block.splitlines()))

    assert load_mapping(path).prior["gds"]["banned_for"] == ["diagnosis"]


def test_an_unknown_name_is_refused_naming_the_nearest():
    with pytest.raises(UserError, match=r"unknown mapping 'oasis', did you mean 'oasis[123]'.*built in are adni_dxsum"):
        load_mapping("oasis")
