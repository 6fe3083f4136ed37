"""Mistakes in a datalist: each with its place, all in one pass."""

import json
import logging

import pytest
from datalists import AGE, CLASSES, SEX, content, error_of, visit, write

from admoe_monai.data import load_datalist
from admoe_monai.errors import UserError


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"unknown split 'train', did you mean 'training'\?"):
        load_datalist(write(tmp_path, content())).items("train")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": [visit("c", image="none.nii")]}, "test[0]: image not found: "),
        ({"test": [visit("c", image="../c.nii")]}, "test[0]: image '../c.nii' leaves dataset_dir "),
        ({"test": [visit("c", image="/etc/hostname")]}, "test[0]: image '/etc/hostname' leaves dataset_dir "),
        ({"test": [visit("c", mask="none.nii")]}, "test[0]: mask not found: "),
        (
            {"test": [visit("c", diagnosis="LMCI")]},
            "diagnosis that is not one of the classes CN, MCI, AD: 'LMCI' (first test[0])",
        ),
        (
            {"test": [visit("c", change="worse")]},
            "change that is not one of the classes stable, conversion, reversion: 'worse' (first test[0])",
        ),
        ({"test": [visit("a", "3")]}, "test[0]: subject 'a' is also in 'training'"),
        (
            {"test": [visit("c"), visit("c", image="scans/d_1.nii.gz")]},
            "test[1]: visit 'c 1' is listed before, at test[0]",
        ),
        (
            {"test": [visit("c"), visit("c", "2", image="scans/c_1.nii.gz")]},
            "test[1]: image 'scans/c_1.nii.gz' is listed before, at test[0]",
        ),
        ({"test": [visit("c", age="old")]}, "test[0]: field 'age' must be a number, got 'old'"),
        ({"test": [visit("c", age=True)]}, "test[0]: field 'age' must be a number, got True"),
        ({"test": [visit("c", diagnosis=1)]}, "test[0]: field 'diagnosis' must be text, got 1"),
        ({"test": [visit("c", subject_id="")]}, "test[0]: field 'subject_id' is missing"),
        ({"test": [visit("c", diagnosi="CN")]}, "test[0]: unknown field 'diagnosi', did you mean 'diagnosis'?"),
        ({"test": [visit("c", prior={"aeg": 1})]}, "test[0]: prior column 'aeg' is not declared"),
        ({"test": [visit("c", prior={"age": [1]})]}, "test[0]: prior column 'age' must hold a number or text, got [1]"),
        ({"test": ["scan.nii"]}, "test[0]: a visit must be an object, got 'scan.nii'"),
        ({"test": {"a": 1}}, "'test' must be a list of visits, got dict"),
        ({"training": []}, "'training' holds no visit"),
        ({"prior": {"columns": ["age"]}}, "'prior' must be an object whose 'columns' is a list"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, changes, message):
    assert message in error_of(write(tmp_path, content(**changes)))


def test_an_absolute_path_is_refused_even_inside_the_folder(tmp_path):
    path = write(tmp_path, content())
    changed = content(test=[visit("c", image=str(tmp_path / "scans/c_1.nii.gz"))])
    path.write_text(json.dumps(changed))

    assert "leaves dataset_dir" in error_of(path)


def test_all_problems_are_found_in_one_pass(tmp_path, caplog):
    bad = [visit("a", diagnosis="X"), visit("b", image="none.nii"), visit("d", sex=["M"])]
    path = write(tmp_path, content(test=bad))
    with caplog.at_level(logging.INFO), pytest.raises(UserError, match=r"\(and 7 more\)$") as error:
        load_datalist(path, classes=CLASSES)

    # First the labels of all; row 0: subject, visit, image; row 1: image, subject, visit; row 2: sex.
    places = [line.split(": ")[0] for line in error.value.details[1:]]
    assert error.value.details[0] in str(error.value)
    assert places == ["test[0]"] * 3 + ["test[1]"] * 3 + ["test[2]"]
    assert not caplog.records


@pytest.mark.parametrize("field", ["image", "mask"])
def test_many_missing_files_are_one_line_with_their_number_and_what_to_do(tmp_path, field, caplog):
    lost = [visit("c", str(number), **{field: f"none_{number}.nii"}) for number in range(5)]
    with caplog.at_level(logging.INFO):
        message = error_of(write(tmp_path, content(test=lost)))

    assert f"test[0]: {field} not found: {tmp_path}/none_0.nii, like 4 more of " in message
    assert message.count("--dataset_dir") == 1
    assert "not found" not in caplog.text


def test_overlaps_can_be_read_for_the_audit_and_nothing_else_that_is_wrong(tmp_path):
    twice = [visit("a"), visit("c"), visit("c", image="scans/a_1.nii.gz")]
    datalist = load_datalist(write(tmp_path, content(test=twice)), refuse_overlaps=False)

    assert [entry["subject_id"] for entry in datalist.splits["test"]] == ["a", "c", "c"]
    with pytest.raises(UserError, match="image not found"):
        load_datalist(write(tmp_path, content(test=[visit("a", image="none.nii")])), refuse_overlaps=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not valid JSON"), ("[]", "must hold an object"), ("\udcff", "is not valid JSON")],
)
def test_a_file_that_is_no_datalist_is_refused(tmp_path, text, message):
    path = tmp_path / "datalist.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")

    assert message in error_of(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"label_definition": 1}, "'label_definition' must be an object, got 1"),
        ({"label_definition": {"diagnosis": "cdr"}}, "'label_definition' must hold an object per task, got 'cdr' for"),
        ({"preprocessing": ["n4"]}, r"'preprocessing' must be an object, got \['n4'\]"),
        ({"report": "fine"}, "'report' must be an object, got 'fine'"),
        ({"dataset_dir": 3}, "'dataset_dir' must be text, got 3"),
        ({"name": ["a"]}, r"'name' must be text, got \['a'\]"),
        ({"prior": {"columns": [{"name": None}]}}, "'prior' must be an object whose 'columns' is a list of objects"),
        ({"validation": [visit("b", age=10**400)]}, "field 'age' is a whole number of 1329 bits, larger than any"),
        ({"validation": [visit("b", prior={"age": 1e400})]}, "prior column 'age' holds inf, larger than any number"),
    ],
)
def test_what_stands_beside_the_visits_is_looked_at_too(tmp_path, fields, message):
    with pytest.raises(UserError, match=message):
        load_datalist(write(tmp_path, content(**fields)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": None}, "'age' has no role, expected one of clinical, image_derived, time, identifier, banned"),
        ({"role": "Clinical"}, "'age' has the role 'Clinical', expected one of clinical"),
        ({"kind": None}, "'age' has no kind, expected one of continuous, categorical"),
        ({"kind": ["continuous"]}, "'age' has the kind ['continuous'], expected"),
        (
            {"n": None},
            "'age' has 'n' None, expected the number of training visits with a value; `admoe prepare` fits it",
        ),
        ({"n": -1}, "'age' has 'n' -1"),
        ({"mean": None}, "'age' has 'mean' None, expected a number"),
        ({"std": "1.0"}, "'age' has 'std' '1.0', expected a number"),
        ({"mean": 1e40}, "'age' has 'mean' 1e+40, expected a number"),
        ({"kind": "categorical"}, "'age' has 'categories' None, expected a list of values"),
        ({"banned_for": "change"}, "'age' has 'banned_for' 'change', expected a list of tasks"),
        ({"name": "sex"}, "'sex' is declared twice"),
    ],
)
def test_a_declared_column_must_say_what_its_encoding_needs(tmp_path, change, message):
    column = {name: value for name, value in {**AGE, **change}.items() if value is not None}
    path = write(tmp_path, content(prior={"columns": [column, SEX]}, training=[visit("a", prior=None)]))

    assert f"prior column {message}" in error_of(path)


def test_a_column_that_is_no_input_needs_no_statistics(tmp_path):
    columns = [{"name": "age", "role": "banned", "kind": "continuous"}, {**SEX, "n": 0, "categories": None}]

    assert load_datalist(write(tmp_path, content(prior={"columns": columns})), classes=CLASSES)


def test_brackets_within_brackets_are_no_datalist(tmp_path):
    (tmp_path / "d.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"d\.json is not valid JSON: maximum recursion depth exceeded"):
        load_datalist(tmp_path / "d.json")


def test_a_missing_file_says_how_to_make_one(tmp_path):
    assert "make one with `admoe prepare`" in error_of(tmp_path / "none.json")
