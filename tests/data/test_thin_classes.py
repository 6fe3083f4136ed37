"""Classes with few people are said: one sentence per task and kind, counted by person."""

from __future__ import annotations

from typing import Any

from admoe_monai.data.thin_classes import thin_classes

CLASSES = {"diagnosis": ["CN", "MCI", "AD"]}


def people(label: str, number: int, visits: int = 1, start: int = 0) -> list[dict[str, Any]]:
    return [{"subject_id": f"{label}{start + n}", "diagnosis": label} for n in range(number) for _ in range(visits)]


def split(**counts: int) -> list[dict[str, Any]]:
    return [visit for label, number in counts.items() for visit in people(label, number, visits=2)]


def test_nothing_is_said_of_classes_of_ten_people() -> None:
    full = split(CN=10, MCI=10, AD=10)
    assert thin_classes({"training": full, "validation": full, "test": full}, CLASSES) == []


def test_people_count_and_not_their_visits() -> None:
    full = split(CN=10, MCI=10, AD=10)
    few = [*split(CN=10, AD=10), *people("MCI", 9, visits=5)]
    (line,) = thin_classes({"training": full, "validation": few, "test": few}, CLASSES)
    assert line == (
        "few people with a diagnosis: validation 9 MCI; test 9 MCI: what is learned and "
        "said of so few may be chance (10 or more people are needed for an interval)"
    )


def test_one_person_with_two_names_counts_once() -> None:
    twice = [{"subject_id": name, "person_id": "p", "diagnosis": "AD"} for name in "ab"]
    splits = {"training": [*split(CN=10, MCI=10), *twice], "validation": [], "test": []}
    assert any("training 1 AD:" in line for line in thin_classes(splits, CLASSES))


def test_a_held_out_site_without_a_class_is_said_without_a_word_on_training() -> None:
    full = split(CN=10, MCI=10, AD=10)
    (line,) = thin_classes({"training": full, "validation": full, "test": split(CN=10, AD=10)}, CLASSES)
    assert line == ("missing classes: test has no one with diagnosis MCI: figures of a split leave out what it lacks")


def test_a_class_that_training_lacks_is_never_learned() -> None:
    full = split(CN=10, MCI=10, AD=10)
    (line,) = thin_classes({"training": split(CN=10), "validation": full, "test": full}, CLASSES)
    assert line.startswith(
        "missing classes: training has no one with diagnosis MCI or AD: what training lacks is never"
    )


def test_a_class_that_is_absent_everywhere_is_one_line() -> None:
    full = split(CN=10, AD=10)
    assert thin_classes({"training": full, "validation": full, "test": full}, CLASSES) == [
        "no one has the diagnosis MCI: nothing is learned or said of it"
    ]


def test_a_label_of_a_single_visit_of_training_is_said() -> None:
    full = split(CN=10, MCI=10, AD=10)
    lines = thin_classes(
        {"training": [*split(CN=10, MCI=10), *people("AD", 1)], "validation": full, "test": full}, CLASSES
    )
    assert lines[-1] == "a single visit of training has the diagnosis AD: no network can learn from it"
