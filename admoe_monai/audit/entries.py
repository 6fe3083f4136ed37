"""Rows of a datalist, and of the data of pretraining, in the form that the checks compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from admoe_monai.data import Datalist
from admoe_monai.data.visits import SPLITS, Visit, person_of

from .finding import Severity

__all__ = ["PRETRAINING", "Entry", "entries_of", "grouped", "severity_between"]

#: Stands beside the splits for visits that a model was pretrained on.
PRETRAINING = "pretraining"

Key = TypeVar("Key")


@dataclass(frozen=True)
class Entry:
    """One row of a datalist.

    Attributes:
        split: ``training``, ``validation``, ``test`` or ``pretraining``.
        row: Number within the split, from 0.
        visit: Fields of the row.
        datalist: Name of the datalist; empty for visits of pretraining, which are another's.
    """

    split: str
    row: int
    visit: Visit
    datalist: str = ""

    @property
    def place(self) -> str:
        """Place in the datalist, such as ``training[3]``."""
        return f"{self.split}[{self.row}]"

    @property
    def subject(self) -> str:
        """Subject of the visit."""
        return str(self.visit["subject_id"])

    @property
    def person(self) -> str:
        """``person_id`` where a visit has one, which joins subjects of several datasets; else the subject."""
        return person_of(self.visit)

    @property
    def session(self) -> str:
        """Session of the visit."""
        return str(self.visit["session_id"])


def entries_of(datalist: Datalist, pretraining: Sequence[Visit] = ()) -> list[Entry]:
    """List the rows of a datalist and of pretraining.

    Args:
        datalist: Datalist to audit.
        pretraining: Visits that a model was pretrained on.
    """
    splits = {**{split: datalist.splits.get(split, []) for split in SPLITS}, PRETRAINING: pretraining}
    return [
        Entry(split, row, visit, datalist.name) for split, visits in splits.items() for row, visit in enumerate(visits)
    ]


def grouped(entries: Iterable[Entry], key: Callable[[Entry], Key | None]) -> dict[Key, list[Entry]]:
    """Group the rows that share a key, in their order.

    Args:
        entries: Rows of any splits.
        key: Function of a row; rows for which it is None are left out.
    """
    groups: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        if (value := key(entry)) is not None:
            groups[value].append(entry)
    return groups


def severity_between(splits: Iterable[str]) -> Severity | None:
    """Severity of a person or image that is in all these splits; None = it may be.

    Pretraining may hold the training split, and should not hold the validation split, since that chooses the model.

    Args:
        splits: Names of splits, perhaps with ``pretraining``.
    """
    found = set(splits)
    if len(found - {PRETRAINING}) > 1 or found >= {PRETRAINING, "test"}:
        return "leak"
    return "warning" if found >= {PRETRAINING, "validation"} else None
