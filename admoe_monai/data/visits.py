"""One visit of a datalist: its fields, their kinds and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from admoe_monai.errors import nearest

__all__ = ["SPLITS", "VISIT_FIELDS", "Visit", "first_visits", "is_boundless", "nearest", "person_of", "visit_problems"]

Visit = dict[str, Any]

SPLITS = ("training", "validation", "test")

_TEXT: tuple[type, ...] = (str,)
_NUMBER: tuple[type, ...] = (int, float)
_CODE: tuple[type, ...] = (str, int, float)

#: Kinds that a field may hold beside null; the first three may not be null.
VISIT_FIELDS: dict[str, tuple[type, ...]] = {
    "image": _TEXT,
    "subject_id": _TEXT,
    "person_id": _TEXT,
    "session_id": _TEXT,
    "days_from_baseline": _NUMBER,
    "diagnosis": _TEXT,
    "change": _TEXT,
    "label_source": _TEXT,
    "diagnosis_reason": _TEXT,
    "change_reason": _TEXT,
    "event": _TEXT,
    "event_days": _NUMBER,
    "followup_days": _NUMBER,
    "prior": (dict,),
    "age": _NUMBER,
    "sex": _CODE,
    "site": _CODE,
    "scanner": _CODE,
    "field_strength": _CODE,
    "cohort": _CODE,
    "mask": _TEXT,
    "qc": _CODE,
}
REQUIRED_FIELDS = ("image", "subject_id", "session_id")
#: Bound of all numbers of a visit.
LARGEST = 1e30

_KIND_NAMES = {_TEXT: "text", _NUMBER: "a number", _CODE: "text or a number", (dict,): "an object"}


def person_of(visit: Mapping[str, Any]) -> str:
    """Who a visit is of: the person where several cohorts name one differently, else the subject.

    Args:
        visit: of a datalist.
    """
    return str(visit.get("person_id") or visit["subject_id"])


def first_visits(visits: Sequence[Mapping[str, Any]]) -> list[int]:
    """Find the first visit of each person: by days, unknown ones last, then by session, as the figures take it.

    Args:
        visits: of a split, or some of them.

    Returns:
        Their places in the list, in the order of time.
    """

    def time(place: int) -> tuple[bool, float, str]:
        days = visits[place].get("days_from_baseline")
        return days is None, days or 0.0, str(visits[place].get("session_id") or "")

    first: dict[str, int] = {}
    for place in sorted(range(len(visits)), key=time):
        first.setdefault(person_of(visits[place]), place)
    return [*first.values()]


def visit_problems(visit: Any, tasks: Collection[str], prior_names: Sequence[str] | None) -> Iterator[str]:
    """Yield what is wrong with one visit by itself, one line each; labels are looked at all together.

    Args:
        visit: as read from the file.
        tasks: fields that hold labels.
        prior_names: names that ``prior`` may hold; ``None`` leaves them unchecked.
    """
    if not isinstance(visit, dict):
        yield f"a visit must be an object, got {visit!r}"
        return
    for name in REQUIRED_FIELDS:
        if visit.get(name) in (None, ""):
            yield f"field '{name}' is missing"
    for name, value in visit.items():
        kinds = VISIT_FIELDS.get(name)
        if kinds is None:
            # A field of the user's own is welcome; one that nearly hits a known name would be lost in silence.
            if name not in tasks and (hint := nearest(name, list(VISIT_FIELDS), cutoff=0.8)):
                yield f"unknown field '{name}'{hint}"
        elif value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            yield f"field '{name}' must be {_KIND_NAMES[kinds]}, got {value!r}"
        elif is_boundless(value):
            yield f"field '{name}' is {_shown(value)}, larger than any number that can be right"
    yield from _prior_problems(visit.get("prior"), prior_names)


def _prior_problems(prior: Any, names: Sequence[str] | None) -> Iterator[str]:
    if not isinstance(prior, dict):
        return
    for name, value in prior.items():
        if names is not None and name not in names:
            yield f"prior column '{name}' is not declared in the datalist's 'prior'{nearest(name, names)}"
        if value is not None and (not isinstance(value, _CODE) or isinstance(value, bool)):
            yield f"prior column '{name}' must hold a number or text, got {value!r}"
        elif is_boundless(value):
            yield f"prior column '{name}' holds {_shown(value)}, larger than any number that can be right"


def is_boundless(value: Any) -> bool:
    """Tell a number that is infinite or far beyond any measurement; NaN stands for a missing one.

    Args:
        value: anything; what is no number is not boundless.
    """
    return isinstance(value, (int, float)) and abs(value) > LARGEST


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, float) else f"a whole number of {value.bit_length()} bits"
