"""The control whose labels belong to other people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.data.permuted_labels import permute_labels


def visit(person: int, session: int, diagnosis: str | None, **fields: Any) -> dict[str, Any]:
    own = {"image": f"{person}-{session}.nii", "subject_id": f"s{person:02}", "session_id": f"{session}"}
    return {
        **own,
        "days_from_baseline": 365 * session,
        "diagnosis": diagnosis,
        "change": None,
        "age": 60 + person,
        **fields,
    }


def cohort() -> Datalist:
    # The diagnosis names its person, so that a test sees whose it is.
    training = [visit(p, s, f"D{p}-{s}", event=f"E{p}") for p in range(12) for s in range(1 + p % 3)]
    splits = {
        "training": [*training, visit(40, 0, None)],
        "validation": [visit(p, 0, f"D{p}-0") for p in range(20, 26)],
        "test": [visit(p, 0, f"D{p}-0") for p in range(30, 36)],
    }
    return Datalist("made up", Path("/"), splits)


def whose(diagnosis: str) -> int:
    return int(diagnosis[1:].partition("-")[0])


def test_labels_go_from_person_to_person_within_a_split() -> None:
    original = cohort()
    permuted = permute_labels(original, seed=3)
    for split, people in (("training", range(12)), ("validation", range(20, 26))):
        givers: dict[str, set[int]] = {}
        for before, after in zip(original.splits[split], permuted.splits[split], strict=True):
            assert {k: before[k] for k in ("image", "subject_id", "age")} == {
                k: after[k] for k in ("image", "subject_id", "age")
            }
            if after["diagnosis"] is not None:
                givers.setdefault(after["subject_id"], set()).add(whose(after["diagnosis"]))
        assert all(len(own) == 1 for own in givers.values())  # all visits of a person have the labels of one other
        assert sorted(number for own in givers.values() for number in own) == [*people]
        assert any(number != int(name[1:]) for name, own in givers.items() for number in own)


def test_the_test_split_and_who_has_no_label_stay_as_they_are() -> None:
    original = cohort()
    permuted = permute_labels(original, seed=3)
    assert permuted.splits["test"] == original.splits["test"]
    assert permuted.splits["training"][-1] == original.splits["training"][-1]
    assert original.splits["training"] == cohort().splits["training"]
    assert permuted.label_definition["permuted"]["seed"] == 3


def test_the_history_of_a_person_goes_as_a_whole() -> None:
    for after in permute_labels(cohort(), seed=3).splits["training"][:-1]:
        giver = whose(after["diagnosis"])
        last = giver % 3  # number of the giver's last visit, whose label is given to all later ones
        assert after["diagnosis"] == f"D{giver}-{min(int(after['session_id']), last)}"
        assert after["event"] == f"E{giver}"


def test_the_seed_alone_decides() -> None:
    original = cohort()
    turned = Datalist("made up", Path("/"), {split: visits[::-1] for split, visits in original.splits.items()})
    first, again = permute_labels(original, seed=1), permute_labels(turned, seed=1)
    assert first.splits["training"] == again.splits["training"][::-1]
    assert first.splits["training"] != permute_labels(original, seed=2).splits["training"]
