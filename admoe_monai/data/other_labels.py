"""Labels of a datalist that are not among the classes of their task: left out on request, else refused.

A class list of one's own is a request where each of its classes occurs in the datalist: CN and AD of a cohort that has MCI
too. A class that never occurs is more likely a slip of the pen, and a label that differs from a class in its spelling alone
is one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from admoe_monai.people import people

from .visits import SPLITS, VISIT_FIELDS, Visit, person_of

__all__ = ["OtherLabels", "label_problems", "labels_left_out", "left_out_lines", "without_labels"]

#: Most labels that a message names one by one.
NAMED = 5


@dataclass(frozen=True)
class OtherLabels:
    """Request to treat labels that are not among the classes as unknown.

    Attributes:
        named: labels of each task to leave out.
        chosen: tasks whose classes are somebody's choice: where each of them occurs, all other labels are left out.
    """

    named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    chosen: Collection[str] = ()


@dataclass
class _Label:
    """A label that is not among the classes: its value, its first place, its visits and their people."""

    value: Any
    place: str
    visits: int = 0
    people: set[str] = field(default_factory=set)


def labels_left_out(
    splits: Mapping[str, Any], classes: Mapping[str, Sequence[str]], others: OtherLabels
) -> dict[str, list[str]]:
    """Find the labels that occur and count as unknown; tasks without such labels are left out.

    Args:
        splits: visits of each split, as the datalist has them.
        classes: class names per task.
        others: what is asked for.
    """
    found = {}
    for task, names in classes.items():
        labels = _other_labels(splits, task, names)
        left_out = _left_out(labels, splits, task, names, others)
        if left_out:
            found[task] = left_out
    return found


def label_problems(
    splits: Mapping[str, Any], classes: Mapping[str, Sequence[str]], others: OtherLabels
) -> Iterator[str]:
    """Yield one line per task with labels that are neither among its classes nor left out: how many, and the ways out.

    Args:
        splits: visits of each split, as the datalist has them; what is no visit is passed over.
        classes: class names per task.
        others: what is asked for.
    """
    for task, names in classes.items():
        labels = _other_labels(splits, task, names)
        left_out = _left_out(labels, splits, task, names, others)
        refused = {shown: label for shown, label in labels.items() if label.value not in left_out}
        if refused:
            have = f"{_counted(refused.values())} {'has' if sum(label.visits for label in refused.values()) == 1 else 'have'}"
            listed = ", ".join(f"{shown} (first {label.place})" for shown, label in [*refused.items()][:NAMED])
            more = f" and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
            known = ", ".join(map(str, names))
            labels_at_hand = f"{have} a {task} that is not one of the classes {known}: {listed}{more}"
            values = [label.value for label in refused.values()]
            if (slip := _slip(splits, task, names, values)) is not None:
                yield f"{slip} ({labels_at_hand})"
            else:
                yield f"{labels_at_hand}; {_remedy(splits, task, names, values, task in others.chosen)}"


def without_labels(visits: Sequence[Visit], left_out: Mapping[str, Sequence[str]]) -> list[Visit]:
    """Return the visits with these labels unknown.

    Args:
        visits: of one split.
        left_out: labels per task.
    """
    return [
        {**visit, **{task: None for task, labels in left_out.items() if visit.get(task) in labels}} for visit in visits
    ]


def left_out_definition(splits: Mapping[str, Any], task: str, labels: Sequence[str]) -> str:
    """Say how many visits lose their label, for the definition of a task's labels.

    Args:
        splits: visits of each split, as the datalist has them.
        task: whose labels.
        labels: those that are left out.
    """
    label = _Label(None, "")
    for _, visit in _visits(splits):
        if visit.get(task) in labels:
            label.visits += 1
            label.people.add(person_of(visit))
    return f"{_counted([label])} whose {task} is {' or '.join(labels)}"


def left_out_lines(label_definition: Mapping[str, Any], classes: Mapping[str, Sequence[str]]) -> list[str]:
    """Say which labels of a datalist were left out, one line per task.

    Args:
        label_definition: of the datalist as it was loaded.
        classes: class names per task.
    """
    said = {task: (label_definition.get(task) or {}).get("left_out") for task in classes}
    return [
        f"left out: {text}, not among the classes {', '.join(map(str, classes[task]))}"
        for task, text in said.items()
        if text
    ]


def _visits(splits: Mapping[str, Any]) -> Iterator[tuple[str, Visit]]:
    for split in SPLITS:
        visits = splits.get(split)
        for row, visit in enumerate(visits if isinstance(visits, list) else []):
            if isinstance(visit, dict):
                yield f"{split}[{row}]", visit


def _other_labels(splits: Mapping[str, Any], task: str, names: Sequence[str]) -> dict[str, _Label]:
    """Labels that are not among the classes, as messages show them; what is no label at all is a problem of its visit."""
    kinds = VISIT_FIELDS.get(task)
    found: dict[str, _Label] = {}
    for place, visit in _visits(splits):
        value = visit.get(task)
        wrong_kind = kinds is not None and (not isinstance(value, kinds) or isinstance(value, bool))
        if value is None or value in names or wrong_kind:
            continue
        label = found.setdefault(repr(value), _Label(value, place))
        label.visits += 1
        label.people.add(person_of({"subject_id": None, **visit}))
    return found


def _left_out(
    labels: Mapping[str, _Label], splits: Mapping[str, Any], task: str, names: Sequence[str], others: OtherLabels
) -> list[str]:
    values = [label.value for label in labels.values()]
    named = [value for value in values if value in (others.named.get(task) or ())]
    rest = [value for value in values if value not in named]
    # Of codes that are numbers nobody can tell whether they mean one of the classes.
    apart = all(isinstance(value, str) and _same_spelling(value, names) is None for value in rest)
    is_request = task in others.chosen and apart and not _absent(splits, task, names)
    return values if is_request else named


def _absent(splits: Mapping[str, Any], task: str, names: Sequence[str]) -> list[str]:
    occurring = [visit.get(task) for _, visit in _visits(splits)]
    return [name for name in names if name not in occurring]


def _slip(splits: Mapping[str, Any], task: str, names: Sequence[str], values: Sequence[Any]) -> str | None:
    """What looks like a slip of the pen, among the labels or the classes; None if nothing does."""
    absent = _absent(splits, task, names)
    for value in values:
        if (meant := _same_spelling(value, names)) is not None and meant not in absent:
            return f"is the {task} {value!r} the class '{meant}'? Give it one spelling in the datalist"
    texts = [value for value in values if isinstance(value, str)]
    for name in absent:
        if (meant := _same_spelling(name, texts) or _nearest(name, texts)) is not None:
            return f"no visit has the class '{name}' of classes_{task}, did you mean '{meant}'?"
    return None


def _remedy(splits: Mapping[str, Any], task: str, names: Sequence[str], values: Sequence[Any], chosen: bool) -> str:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        return "classes are texts: write these labels as such, or as null where they are unknown"
    add, leave = f"add them to classes_{task}", "name them in left_out_labels"
    if len(texts) <= NAMED:
        add = f'add with --classes_{task} "{[*names, *texts]}"'
        leave = f'leave out with --left_out_labels "{ {task: texts} }"'
    if chosen:
        absent = _absent(splits, task, names)[0]
        unasked = f"no visit has the class '{absent}', so others are not left out unasked"
        return f"{unasked}: in training {leave}, else make them null"
    return f"in training {add} or {leave}, else make them null"


def _counted(labels: Collection[_Label]) -> str:
    visits, names = sum(label.visits for label in labels), {name for label in labels for name in label.people}
    return f"{visits} visit{'' if visits == 1 else 's'} of {people(len(names))}"


def _same_spelling(name: Any, known: Sequence[str]) -> str | None:
    """The known name that has the same letters and digits in the same order, whatever their case."""
    plain = _plain(name)
    return next((other for other in known if _plain(other) == plain), None)


def _plain(name: Any) -> str:
    return re.sub(r"[\W_]+", "", str(name)).casefold()


def _nearest(name: str, known: Sequence[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)
