import json
import logging
import time
from pathlib import Path

import pytest

from admoe_monai.data import Datalist, load_datalist, save_datalist
from admoe_monai.errors import UserError

CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}


def visit(subject: str, session: str = "1", **fields) -> dict:
    return {
        "image": f"scans/{subject}_{session}.nii.gz",
        "subject_id": subject,
        "session_id": session,
        "days_from_baseline": 0,
        "diagnosis": "CN",
        "change": None,
        "prior": {"age": 70, "sex": None},
        **fields,
    }


def content(**fields) -> dict:
    return {
        "name": "tiny",
        "simulated": True,
        "prior": {"columns": [{"name": "age"}, {"name": "sex"}]},
        "training": [visit("a", "1"), visit("a", "2")],
        "validation": [visit("b")],
        "test": [visit("c")],
        **fields,
    }


def write(folder: Path, data: dict) -> Path:
    (folder / "scans").mkdir(exist_ok=True)
    for split in ("training", "validation", "test"):
        for entry in data.get(split) or []:
            if isinstance(entry, dict) and str(entry.get("image")).startswith("scans/"):
                (folder / entry["image"]).touch()
    path = folder / "datalist.json"
    path.write_text(json.dumps(data))
    return path


def error_of(path: Path, **arguments) -> str:
    with pytest.raises(UserError) as error:
        load_datalist(path, classes=CLASSES, **arguments)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_byte_order_mark_stands_in_nobodys_way(tmp_path):
    path = write(tmp_path, content())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert load_datalist(path, classes=CLASSES).name == "tiny"


def test_images_become_absolute_and_the_rest_stays(tmp_path):
    datalist = load_datalist(write(tmp_path, content()), classes=CLASSES)

    assert [len(datalist.splits[split]) for split in ("training", "validation", "test")] == [2, 1, 1]
    assert datalist.splits["test"][0] == visit("c", image=str(tmp_path / "scans/c_1.nii.gz"))
    assert (datalist.name, datalist.simulated, datalist.dataset_dir) == ("tiny", True, tmp_path)
    assert datalist.prior == [{"name": "age"}, {"name": "sex"}]


def test_items_carry_what_the_transforms_read(tmp_path):
    item = load_datalist(write(tmp_path, content()), classes=CLASSES).items("validation")[0]
    image = str(tmp_path / "scans/b_1.nii.gz")

    assert item == {
        "image": image,
        "image_path": image,
        "subject_id": "b",
        "session_id": "1",
        "diagnosis": "CN",
        "change": None,
        "prior": {"age": 70, "sex": None},
    }


def test_items_carry_the_label_of_every_task_and_no_other(tmp_path):
    visits = [visit("a", "1", sex="F"), visit("a", "2", sex=None)]
    path = write(tmp_path, content(training=visits, validation=[visit("b", sex="M")], test=[visit("c", sex="M")]))
    datalist = load_datalist(path, classes={"sex": ["F", "M"]})

    assert [item["sex"] for item in datalist.items("training")] == ["F", None]
    assert "diagnosis" not in datalist.items("training")[0]
    assert [item["session_id"] for item in datalist.labelled("training")] == ["1"]


def test_one_label_of_any_task_makes_an_item_labelled(tmp_path):
    visits = [visit("a", "1", diagnosis=None), visit("a", "2", diagnosis=None, change="stable"), visit("a", "3")]
    datalist = load_datalist(write(tmp_path, content(training=visits)), classes=CLASSES)

    assert [item["session_id"] for item in datalist.labelled("training")] == ["2", "3"]


def content_with(field: str, training: object, test: object) -> dict:
    labels = {"training": ("a", training), "validation": ("b", None), "test": ("c", test)}
    return content(**{split: [visit(subject, **{field: label})] for split, (subject, label) in labels.items()})


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("female", "1 visit of 1 person has a sex that is not one of the classes F, M: 'female' (first test[0]); "),
        (
            1,
            "1 visit of 1 person has a sex that is not one of the classes F, M: 1 (first test[0]); classes are texts: ",
        ),
        (["F"], "test[0]: field 'sex' must be text or a number, got ['F']"),
    ],
)
def test_a_label_of_any_task_that_is_none_of_its_classes_is_refused(tmp_path, label, message):
    with pytest.raises(UserError) as error:
        load_datalist(write(tmp_path, content_with("sex", "F", label)), classes={"sex": ["F", "M"]})
    assert f": {message}" in str(error.value)


def test_a_task_without_a_field_is_named(tmp_path):
    path = write(tmp_path, content())
    with pytest.raises(
        UserError, match="no visit has the field 'sex', which classes names as a task; it is null where"
    ):
        load_datalist(path, classes={"sex": ["F", "M"]})
    with pytest.raises(
        UserError, match="no visit has the field 'chnge', which classes names as a task, did you mean 'change'"
    ):
        load_datalist(path, classes={"chnge": ["stable", "worse"]})


def test_a_visit_without_the_field_of_a_task_is_named(tmp_path):
    path = write(tmp_path, content(test=[visit("c", sex="F")]))
    with pytest.raises(UserError, match=r"training\[0\]: field 'sex' is missing; it is null where .* \(and 2 more\)"):
        load_datalist(path, classes={"sex": ["F", "M"]})


def test_a_task_may_be_a_field_that_is_named_almost_like_another(tmp_path):
    path = write(tmp_path, content_with("change_2y", "stable", "worse"))
    with pytest.raises(UserError, match="unknown field 'change_2y', did you mean 'change'"):
        load_datalist(path)
    assert load_datalist(path, classes={"change_2y": ["stable", "worse"]}).labelled("training")


def test_items_carry_the_mask_of_a_visit_that_has_one(tmp_path):
    (tmp_path / "mask.nii.gz").touch()
    visits = [visit("a", "1", mask="mask.nii.gz"), visit("a", "2", mask=None)]
    masked, bare = load_datalist(write(tmp_path, content(training=visits))).items("training")

    assert masked["brain_mask"] == str(tmp_path / "mask.nii.gz")
    assert "brain_mask" not in bare


def test_an_unknown_split_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"unknown split 'train', did you mean 'training'\?"):
        load_datalist(write(tmp_path, content())).items("train")


def test_the_folder_of_images_is_a_key_of_the_file_and_an_argument(tmp_path):
    path = write(tmp_path, content())
    elsewhere = tmp_path / "lists"
    elsewhere.mkdir()
    moved = elsewhere / "datalist.json"

    moved.write_text(path.read_text())
    assert load_datalist(moved, dataset_dir=tmp_path).splits["test"][0]["image"] == str(tmp_path / "scans/c_1.nii.gz")
    moved.write_text(json.dumps(content(dataset_dir="..")))
    assert load_datalist(moved).dataset_dir == tmp_path


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


def test_a_field_of_the_users_own_is_welcome(tmp_path):
    datalist = load_datalist(write(tmp_path, content(test=[visit("c", handedness="left")])))

    assert datalist.splits["test"][0]["handedness"] == "left"


def test_labels_are_free_where_no_classes_are_given(tmp_path):
    assert load_datalist(write(tmp_path, content(test=[visit("c", diagnosis="LMCI")])))


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


def test_brackets_within_brackets_are_no_datalist(tmp_path):
    (tmp_path / "d.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match=r"d\.json is not valid JSON: maximum recursion depth exceeded"):
        load_datalist(tmp_path / "d.json")


def test_a_missing_file_says_how_to_make_one(tmp_path):
    assert "make one with `admoe prepare`" in error_of(tmp_path / "none.json")


def test_what_is_saved_is_what_is_loaded(tmp_path):
    datalist = load_datalist(
        write(tmp_path, content(label_definition={"change": {"horizon": "36m"}}, preprocessing={"a": 1}))
    )
    save_datalist(tmp_path / "copy.json", datalist)
    copy = load_datalist(tmp_path / "copy.json")

    assert copy == Datalist(**{**vars(datalist), "path": tmp_path / "copy.json"})
    written = json.loads((tmp_path / "copy.json").read_text())
    assert (written["dataset_dir"], written["test"][0]["image"]) == (".", "scans/c_1.nii.gz")


def test_a_datalist_saved_in_another_folder_still_finds_its_images(tmp_path):
    cohort = tmp_path / "cohort"
    cohort.mkdir()
    datalist = load_datalist(write(cohort, content()))

    for target in (tmp_path / "above.json", tmp_path / "run" / "datalist.json"):
        save_datalist(target, datalist)
        assert load_datalist(target).splits == datalist.splits


def test_nothing_is_left_of_a_save_that_fails(tmp_path, monkeypatch):
    datalist = load_datalist(write(tmp_path, content()))
    before = sorted(tmp_path.iterdir())
    old = (tmp_path / "datalist.json").read_text()

    def full(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="disk full"):
        save_datalist(tmp_path / "datalist.json", datalist)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "datalist.json").read_text() == old


@pytest.mark.parametrize("fields", [{"image": "/elsewhere/x.nii"}, {"age": float("nan")}])
def test_what_could_not_be_read_again_is_not_saved(tmp_path, fields):
    datalist = Datalist("tiny", tmp_path, {"training": [visit("a", **fields)]})
    with pytest.raises(ValueError, match=r"outside dataset_dir|not JSON compliant"):
        save_datalist(tmp_path / "datalist.json", datalist)
    assert not (tmp_path / "datalist.json").exists()


def test_thousands_of_visits_take_about_a_second(tmp_path):
    many = [visit(f"s{number // 3}", str(number)) for number in range(6000)]
    path = write(tmp_path, content(training=many))
    start = time.perf_counter()
    load_datalist(path, classes=CLASSES)

    assert time.perf_counter() - start < 3
