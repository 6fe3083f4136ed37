"""Days since a subject's first visit, from the days, dates or months that the cohort has."""

from __future__ import annotations

from collections.abc import Iterable

from .reading import Record, group_by_subject

__all__ = ["DAYS_PER_MONTH", "fill_days"]

DAYS_PER_MONTH = 365.25 / 12


def fill_days(records: Iterable[Record]) -> None:
    """Fill in ``days_from_baseline`` of visits that have none, in place.

    Dates count from the subject's first dated visit, which itself lies at its nominal month if that is known: a first
    scan at month 12 is a year after baseline. Without a date the nominal month counts.
    """
    for history in group_by_subject(records).values():
        dated = [record for record in history if record.date is not None]
        first = min(dated, key=lambda record: (record.date or 0, record.months or 0.0), default=None)
        for record in history:
            if record.visit["days_from_baseline"] is not None:
                continue
            if record.date is not None and first is not None and first.date is not None:
                offset = round((first.months or 0.0) * DAYS_PER_MONTH)
                record.visit["days_from_baseline"] = record.date - first.date + offset
            elif record.months is not None:
                record.visit["days_from_baseline"] = round(record.months * DAYS_PER_MONTH)
