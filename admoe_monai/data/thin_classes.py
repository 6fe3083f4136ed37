"""Classes that few people have: what can't be learned from a datalist, or said of it, in plain sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from admoe_monai.people import FEWEST_PEOPLE

from .visits import SPLITS, Visit, person_of

__all__ = ["thin_classes"]


def thin_classes(splits: Mapping[str, Sequence[Visit]], classes: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which classes have no person, or fewer than ten, in a split.

    Args:
        splits: visits of each split.
        classes: class names per task.

    Returns:
        One sentence per task and kind; none for a datalist whose every class is well filled.
    """
    said = []
    for task, names in classes.items():
        people = {name: {split: _people(splits, split, task, name) for split in SPLITS} for name in names}
        nowhere = [name for name in names if not any(people[name].values())]
        if nowhere:
            said.append(f"no one has the {task} {_either(nowhere)}: nothing is learned or said of it")
        said += _absent({name: people[name] for name in names if name not in nowhere}, task)
        said += _few(people, task)
        said += _single(splits, task, names)
    return said


def _absent(people: Mapping[str, Mapping[str, Collection[str]]], task: str) -> list[str]:
    absent = {split: [name for name in people if not people[name][split]] for split in SPLITS}
    gaps = [f"{split} has no one with {task} {_either(names)}" for split, names in absent.items() if names]
    if not gaps:
        return []
    unlearned = "what training lacks is never learned, " if absent["training"] else ""
    return [f"missing classes: {', '.join(gaps)}: {unlearned}figures of a split leave out what it lacks"]


def _few(people: Mapping[str, Mapping[str, Collection[str]]], task: str) -> list[str]:
    parts = [
        f"{split} {', '.join(f'{number} {name}' for name, number in few.items())}"
        for split in SPLITS
        if (few := {name: n for name in people if 0 < (n := len(people[name][split])) < FEWEST_PEOPLE})
    ]
    if not parts:
        return []
    return [
        f"few people with a {task}: {'; '.join(parts)}: what is learned and said of so few may be chance "
        f"({FEWEST_PEOPLE} or more people are needed for an interval)"
    ]


def _single(splits: Mapping[str, Sequence[Visit]], task: str, names: Sequence[str]) -> list[str]:
    labels = [visit.get(task) for visit in splits.get("training", ())]
    single = [name for name in names if labels.count(name) == 1]
    return [f"a single visit of training has the {task} {_either(single)}: no network can learn from it"] * bool(single)


def _people(splits: Mapping[str, Sequence[Visit]], split: str, task: str, name: str) -> set[str]:
    return {person_of(visit) for visit in splits.get(split, ()) if visit.get(task) == name}


def _either(names: Sequence[str]) -> str:
    return " or ".join(map(str, names))
