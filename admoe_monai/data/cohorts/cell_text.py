"""Numbers, days and months from the text of a cell, in the forms that cohorts use."""

from __future__ import annotations

import re
from datetime import date, datetime

__all__ = ["plain_number", "read_day", "read_months", "read_number"]

#: Units that a number may carry and that every column of the kind is in.
NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))\s*(?:y|yo|yrs?|years?|t|tesla)?", re.IGNORECASE)
#: Ages above a limit are cut off for privacy: 89+, >89, 90 or older.
AT_LEAST = re.compile(r"(?:[>≥]\s*=?\s*)?(\d+(?:\.\d+)?)\s*(?:\+|(?:and|or) (?:older|over|above|more))?", re.IGNORECASE)
LIMIT = r"\d+(?:\.\d+)?"
RANGE = re.compile(
    rf"[\[(]?\s*{LIMIT}\s*(?:[-\u2013\u2014]|\.\.|to|,)\s*{LIMIT}\s*[\])]|{LIMIT}\s*(?:[-\u2013\u2014]|\.\.|to)\s*{LIMIT}"
    rf"|[<≤]\s*=?\s*{LIMIT}|(?:under|below)\s+{LIMIT}",
    re.IGNORECASE,
)
WITHHELD = frozenset({"unknown", "missing", "masked", "redacted", "withheld", "removed", "-", "--", "?", "*"})
SOLE_NUMBER = "read as the number"
NO_NUMBER = "a range or withheld, counted as unknown"

DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y")
TIME_OF_DAY = re.compile(r"[\dXx?*]{1,2}:[\dXx?*]{2}(:[\dXx?*.,]+)?\s*(Z|[+-]\d{2}:?\d{2}|[AaPp][Mm])?")
COMPACT_TIME = re.compile(r"\d{4}(\d{2}(\.\d+)?)?Z?")
#: A date with X or zeros for what may not be known, or without a day.
MASKED_DATE = re.compile(r"(?=.*[Xx?*]|.*\b0+\b|\d{4}(-(0[1-9]|1[0-2]))?$)[\dXx?*]+([-/][\dXx?*]+){0,2}")
NO_DAY = "no day or a masked one, counted as unknown"

# Screening, baseline and the scan of the screening; "f" is a failed screening.
BASELINE_CODES = frozenset({"bl", "sc", "scmri", "f", "v01", "v02"})


def plain_number(text: str) -> float | None:
    """Convert a text to a finite number; None if it is not one."""
    try:
        number = float(text)
    except ValueError:
        return None
    # Infinity is no measurement, and JSON can't hold it.
    return number if number - number == 0 else None


def read_number(text: str) -> tuple[float | None, str]:
    """Read a measurement.

    Args:
        text: Content of a cell, not empty.

    Returns:
        The number, None where only a range is known, and the assumption made; empty for a plain number.

    Raises:
        ValueError: With what the text is not.
    """
    number = plain_number(text)
    if number is not None:
        return number, ""
    if match := NUMBER.fullmatch(text):
        return float(match[1]), ""
    if match := AT_LEAST.fullmatch(text):
        return float(match[1]), SOLE_NUMBER
    if RANGE.fullmatch(text) or text.lower() in WITHHELD:
        return None, NO_NUMBER
    raise ValueError("which is not a number")


def read_day(text: str) -> tuple[int | None, str]:
    """Read a date, with or without the time of the day.

    Args:
        text: Content of a cell, not empty.

    Returns:
        The proleptic Gregorian ordinal, None where the day is masked, and the assumption made; empty for a plain date.

    Raises:
        ValueError: With what the text is not.
    """
    day, _, time = text.replace("T", " ", 1).partition(" ")
    if not time or TIME_OF_DAY.fullmatch(time.strip()) or COMPACT_TIME.fullmatch(time):
        for form in (*DATE_FORMATS, *(["%Y%m%d"] if re.fullmatch(r"\d{8}", day) else [])):
            try:
                return datetime.strptime(day, form).date().toordinal(), ""
            except ValueError:
                continue
        if MASKED_DATE.fullmatch(day) or TIME_OF_DAY.fullmatch(day):
            return None, NO_DAY
    example = date(2015, 3, 27)
    raise ValueError(f"which is no date: write {example.isoformat()} or {example:%m/%d/%Y}")


def read_months(text: str) -> float:
    """Read a visit code such as ``bl``, ``m12`` or ``ses-M012``; ADNI4 puts ``4_`` before its own.

    Args:
        text: Content of a cell, not empty.

    Raises:
        ValueError: With what the text is not.
    """
    code = re.sub(r"^\d_", "", text.lower())
    if code in BASELINE_CODES:
        return 0.0
    match = re.fullmatch(r"(?:ses-)?m(\d+)", code)
    if match is None:
        raise ValueError("which is no visit code such as bl or m12")
    return float(match[1])
