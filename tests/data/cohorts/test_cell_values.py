"""Each word of a mapping holds what its meaning needs: each of these ended in a traceback."""

import pytest
import yaml

from admoe_monai.data.cohorts.mapping import load_mapping
from admoe_monai.errors import UserError

VISIT = {
    "subject_id": {"column": "ID"},
    "session_id": {"column": "SES"},
    "months": {"column": "SES", "kind": "viscode"},
    "diagnosis": {"column": "DX"},
}
AGE = {"column": "AGE", "role": "clinical", "kind": "continuous"}


def written(folder, **changes):
    path = folder / "m.yaml"
    path.write_text(yaml.safe_dump({"name": "clinic", "visit": VISIT, **changes}))
    return path


@pytest.mark.parametrize(
    ("word", "value", "message"),
    [
        ("column", 3, "has the column 3: it must be a name, or a list of names"),
        ("column", [], r"has the column \[\]: it must be a name, or a list of names"),
        ("values", ["CN"], r"has the values \['CN'\]: it must be codes and their values, each text, a number or null"),
        (
            "values",
            {1: True},
            r"has the values \{1: True\}: it must be codes and their values, each .*quote yes, no and dates",
        ),
        ("pattern", "(", r"has the pattern '\(': it must be a regular expression with a group"),
        ("pattern", "a", "has the pattern 'a': it must be a regular expression with a group"),
        ("empty", ["x"], r"has the empty \['x'\]: it must be text, a number or null"),
        ("missing", -4, "has the missing -4: it must be a list of codes"),
        ("range", [110, 15], r"has the range \[110, 15\]: it must be two numbers, the smaller first"),
        ("range", 3, "has the range 3: it must be two numbers, the smaller first"),
        ("banned_for", "change", "has the banned_for 'change': it must be a list of tasks"),
    ],
)
def test_a_word_that_holds_something_else_is_named(tmp_path, word, value, message):
    with pytest.raises(UserError, match=rf"m\.yaml: 'age' {message}"):
        load_mapping(written(tmp_path, prior={"age": {**AGE, word: value}}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"visit": ["ID"]}, r"'visit' must hold cells by name, got \['ID'\]"),
        ({"prior": {3: AGE}}, "'prior' must hold cells by name"),
        ({"checks": "x"}, "'checks' must hold cells by name, got 'x'"),
        ({"checks": {"group": {"column": ["a", "b"]}}}, "'group' needs one column, got"),
        (
            {"checks": {"group": {"column": "a", "course": {"x": "("}}}},
            "'group' has the course .*a regular expression per value",
        ),
        ({"missing": 3}, "'missing' holds 3: it must be a list of codes"),
        ({"cohort": 3}, "'cohort' must be text, got 3"),
        ({"visit": {**VISIT, "age": {"any_of": "AGE"}}}, "'age' has the any_of 'AGE': it must be a list of cells"),
    ],
)
def test_a_part_that_holds_something_else_is_named(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        load_mapping(written(tmp_path, **changes))


def test_a_word_without_a_value_is_one_that_is_not_there(tmp_path):
    assert load_mapping(written(tmp_path, prior=None, description=None)).prior == {}


@pytest.mark.parametrize(
    ("field", "cell", "text", "message"),
    [
        ("age", {"column": "AGE"}, "70", "column 'AGE' gives '70' for age, which must be a number: name its kind"),
        (
            "age",
            {"column": "AGE", "kind": "number"},
            "9" * 400,
            "column 'AGE' gives a number for age that is larger than any",
        ),
        (
            "subject_id",
            {"column": "AGE", "kind": "number"},
            "70",
            "column 'AGE' gives 70.0 for subject_id, which must be text",
        ),
        ("date", {"column": "AGE"}, "2010-01-01", "column 'AGE' gives '2010-01-01' for date, which must be a number"),
        (
            "date",
            {"column": "AGE", "values": {"70": 10**7}},
            "70",
            "column 'AGE' gives a number for date that is larger than any",
        ),
        (
            "months",
            {"column": "AGE", "kind": "viscode"},
            f"m{'9' * 400}",
            "column 'AGE' gives a number for months that is larger than any",
        ),
        ("session_id", {"column": "AGE", "pattern": "(a)|b"}, "b", "column 'AGE' holds 'b', which does not match"),
    ],
)
def test_a_cell_that_gives_what_its_field_can_not_hold_is_named(tmp_path, field, cell, text, message):
    mapping = load_mapping(written(tmp_path, visit={**VISIT, field: cell}))
    _, problems = mapping.to_record({"ID": "p", "SES": "m0", "DX": "CN", "AGE": text}, None, "here")
    assert [problem for problem in problems if problem.startswith(f"here: {message}")]


def test_a_prior_that_overflows_is_named(tmp_path):
    mapping = load_mapping(written(tmp_path, prior={"age": AGE}))
    _, problems = mapping.to_record({"ID": "p", "SES": "m0", "DX": "CN", "AGE": "1e200"}, None, "here")
    assert problems == ["here: prior column 'age' is larger than any number that can be right"]
