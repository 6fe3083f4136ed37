"""Labels that are not among the classes: left out where somebody asks for it, refused with a way out elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.data import OtherLabels, load_datalist, save_datalist
from admoe_monai.data.other_labels import left_out_lines
from admoe_monai.errors import UserError

CHOSEN = OtherLabels(chosen=["diagnosis"])


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a datalist of these labels, two visits of a person after the other, all in training but the last two."""

    def write(*labels: Any) -> Path:
        visits = []
        for number, label in enumerate(labels):
            (tmp_path / f"{number}.nii").touch()
            subject = f"p{number // 2}"
            visits.append(
                {"image": f"{number}.nii", "subject_id": subject, "session_id": str(number), "diagnosis": label}
            )
        splits = {"training": visits[:-2], "validation": visits[-2:], "test": []}
        path = tmp_path / "datalist.json"
        path.write_text(json.dumps({"label_definition": {"diagnosis": {"source": "clinical"}}, **splits}))
        return path

    return write


def labels_of(cohort: Any) -> list[Any]:
    return [visit["diagnosis"] for split in cohort.splits.values() for visit in split]


def error_of(path: Path, names: list[str], others: OtherLabels = CHOSEN) -> str:
    with pytest.raises(UserError) as error:
        load_datalist(path, classes={"diagnosis": names}, other_labels=others)
    return str(error.value)


def test_the_others_of_a_choice_among_the_labels_are_unknown_and_counted(write: Any) -> None:
    cohort = load_datalist(
        write("CN", "MCI", "MCI", "FTD", "AD", None), None, {"diagnosis": ["CN", "AD"]}, True, CHOSEN
    )
    assert labels_of(cohort) == ["CN", None, None, None, "AD", None]
    assert cohort.left_out == {"diagnosis": ["MCI", "FTD"]}
    assert left_out_lines(cohort.label_definition, cohort.classes) == [
        "left out: 3 visits of 2 people whose diagnosis is MCI or FTD, not among the classes CN, AD"
    ]
    assert cohort.label_definition["diagnosis"]["source"] == "clinical"


def test_what_was_left_out_stays_said_when_the_datalist_is_read_again(write: Any, tmp_path: Path) -> None:
    classes = {"diagnosis": ["CN", "AD"]}
    cohort = load_datalist(write("CN", "MCI", "AD", "AD"), classes=classes, other_labels=CHOSEN)
    save_datalist(tmp_path / "run/datalist.json", cohort)
    again = load_datalist(tmp_path / "run/datalist.json", classes=classes)
    assert again.splits == cohort.splits
    assert left_out_lines(again.label_definition, classes) == left_out_lines(cohort.label_definition, classes)


def test_where_no_other_label_occurs_nothing_is_left_out_nor_said(write: Any) -> None:
    classes = {"diagnosis": ["CN", "MCI", "AD"]}
    cohort = load_datalist(write("CN", None, "AD", None), classes=classes, other_labels=CHOSEN)
    assert cohort.left_out == {}
    assert cohort.label_definition == {"diagnosis": {"source": "clinical"}}
    assert cohort.splits == load_datalist(cohort.path, classes=classes).splits


def test_named_labels_are_left_out_and_others_beside_them_are_not(write: Any) -> None:
    path = write("CN", "MCI", "FTD", "PSP", "AD", "AD")
    names = ["CN", "MCI", "AD"]
    message = error_of(path, names, OtherLabels({"diagnosis": ["FTD"]}))
    assert (
        "1 visit of 1 person has a diagnosis that is not one of the classes CN, MCI, AD: 'PSP' (first training[3])"
        in message
    )
    both = OtherLabels({"diagnosis": ["FTD", "PSP"]})
    assert labels_of(load_datalist(path, None, {"diagnosis": names}, True, both)) == [
        "CN",
        "MCI",
        None,
        None,
        "AD",
        "AD",
    ]


def test_a_label_beside_classes_that_nobody_chose_is_refused_with_both_ways_out(write: Any) -> None:
    message = error_of(write("CN", "FTD", "MCI", "FTD", "AD", "FTD"), ["CN", "MCI", "AD"], OtherLabels())
    assert (
        "3 visits of 3 people have a diagnosis that is not one of the classes CN, MCI, AD: 'FTD' (first training[1])"
        in message
    )
    assert """--classes_diagnosis "['CN', 'MCI', 'AD', 'FTD']\"""" in message
    assert """--left_out_labels "{'diagnosis': ['FTD']}\"""" in message


@pytest.mark.parametrize(("typed", "meant"), [("Ad", "AD"), ("pMCi", "pMCI"), ("sMCI ", "sMCI"), ("NC", None)])
def test_a_class_that_never_occurs_is_no_choice_and_the_nearest_label_is_named(
    write: Any, typed: str, meant: str | None
) -> None:
    message = error_of(write("CN", "sMCI", "pMCI", "AD", "AD", "AD"), ["CN", typed])
    if meant:
        assert f"no visit has the class '{typed}' of classes_diagnosis, did you mean '{meant}'?" in message
    else:
        assert "no visit has the class 'NC'" in message
        assert """leave out with --left_out_labels "{'diagnosis': ['sMCI', 'pMCI', 'AD']}\"""" in message


@pytest.mark.parametrize("label", ["Ad", " AD", "a-d"])
def test_a_label_that_is_a_class_in_another_spelling_is_not_left_out(write: Any, label: str) -> None:
    message = error_of(write("CN", "MCI", label, "AD"), ["CN", "AD"])
    assert f"is the diagnosis {label!r} the class 'AD'? Give it one spelling in the datalist" in message


def test_codes_that_are_numbers_are_not_left_out(write: Any) -> None:
    path = write("CN", "CN", "AD", "AD")
    content = json.loads(path.read_text())
    for split in ("training", "validation"):
        for number, visit in enumerate(content[split]):
            visit["sex"] = ["F", "M", 1][number % 3] if split == "training" else 1
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"2 visits of 1 person have a sex .* F, M: 1 .*classes are texts"):
        load_datalist(path, None, {"sex": ["F", "M"]}, True, OtherLabels(chosen=["sex"]))


def test_many_bad_labels_are_one_line(write: Any) -> None:
    message = error_of(
        write("CN", "MCI", "AD", "AD", *(f"bad {n}" for n in range(200))), ["CN", "MCI", "AD"], OtherLabels()
    )
    assert "200 visits of 100 people have a diagnosis" in message
    assert (
        "'bad 4' (first training[8]) and 195 more; in training add them to classes_diagnosis or name them in left_out_labels"
        in message
    )
    assert "more)" not in message
