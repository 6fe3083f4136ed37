"""People of one cohort whose names are perhaps two spellings of one name, which would put a person on both sides."""

from __future__ import annotations

from collections.abc import Sequence

from ..identifiers import plain_identifier
from ..visits import person_of
from .reading import Record

__all__ = ["alike_note", "alike_subjects"]


def alike_subjects(records: Sequence[Record]) -> list[str]:
    """Say which subjects of a cohort differ in zeros, case, prefix or separators alone; a line for each further spelling.

    Where both have a ``person_id``, that says who is who. People of several cohorts are told apart by
    ``--id_map``.

    Args:
        records: All visits, before any filter.
    """
    groups: dict[tuple[str, str], dict[str, Record]] = {}
    for record in records:
        if not (subject := record.visit["subject_id"]):
            continue
        key = (str(record.visit.get("cohort")), plain_identifier(subject))
        groups.setdefault(key, {}).setdefault(subject, record)
    lines = []
    for spellings in groups.values():
        (first, known), *others = spellings.items()
        lines += [
            f"{record.place}: subject '{other}' is '{first}' of {known.place} but for zeros, case, prefix or separators: "
            "write one name for one person; if they are two people, --allow_alike_subjects says so"
            for other, record in others
            if not (record.visit.get("person_id") and known.visit.get("person_id"))
            and person_of(record.visit) != person_of(known.visit)
        ]
    return lines


def alike_note(records: Sequence[Record]) -> list[str]:
    """Note how many subjects count as different people although they may be one in two spellings.

    Args:
        records: As for :func:`alike_subjects`.
    """
    count = len(alike_subjects(records))
    if not count:
        return []
    return [f"{count} subjects named like another but for zeros, case, prefix or separators count as different people"]
