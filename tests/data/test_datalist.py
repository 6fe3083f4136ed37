import json

import pytest
from datalists import CLASSES, content, visit, write

from admoe_monai.data import Datalist, load_datalist, save_datalist
from admoe_monai.errors import UserError


def test_a_byte_order_mark_stands_in_nobodys_way(tmp_path):
    path = write(tmp_path, content())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert load_datalist(path, classes=CLASSES).name == "tiny"


def test_images_become_absolute_and_the_rest_stays(tmp_path):
    datalist = load_datalist(write(tmp_path, content()), classes=CLASSES)

    assert [len(datalist.splits[split]) for split in ("training", "validation", "test")] == [2, 1, 1]
    assert datalist.splits["test"][0] == visit("c", image=str(tmp_path / "scans/c_1.nii.gz"))
    assert (datalist.name, datalist.simulated, datalist.dataset_dir) == ("tiny", True, tmp_path)
    assert datalist.prior == content()["prior"]["columns"]


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


def test_the_folder_of_images_is_a_key_of_the_file_and_an_argument(tmp_path):
    path = write(tmp_path, content())
    elsewhere = tmp_path / "lists"
    elsewhere.mkdir()
    moved = elsewhere / "datalist.json"

    moved.write_text(path.read_text())
    assert load_datalist(moved, dataset_dir=tmp_path).splits["test"][0]["image"] == str(tmp_path / "scans/c_1.nii.gz")
    moved.write_text(json.dumps(content(dataset_dir="..")))
    assert load_datalist(moved).dataset_dir == tmp_path


def test_a_field_of_the_users_own_is_welcome(tmp_path):
    datalist = load_datalist(write(tmp_path, content(test=[visit("c", handedness="left")])))

    assert datalist.splits["test"][0]["handedness"] == "left"


def test_labels_are_free_where_no_classes_are_given(tmp_path):
    assert load_datalist(write(tmp_path, content(test=[visit("c", diagnosis="LMCI")])))


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


def test_a_name_that_is_no_utf8_is_one_line_and_leaves_nothing(tmp_path):
    datalist = Datalist("tiny", tmp_path, {"training": [visit("a", image="caf\udce9.nii")]})
    with pytest.raises(UserError, match=r"d\.json: it would hold a name that is no UTF-8; rename it: .*caf"):
        save_datalist(tmp_path / "d.json", datalist)
    assert list(tmp_path.iterdir()) == []
