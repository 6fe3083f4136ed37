"""Numbers of people, on which every figure rests."""

from __future__ import annotations

#: A figure of fewer people gets no interval, which would be too wide to mean much; a class of fewer is counted.
FEWEST_PEOPLE = 10


def people(number: int) -> str:
    """Count people in words.

    Args:
        number: Number of people.
    """
    return f"{number} person" if number == 1 else f"{number} people"
