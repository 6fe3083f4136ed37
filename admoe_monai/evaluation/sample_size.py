"""How many people an interval of a given width would take, judged from one that was measured."""

from __future__ import annotations

import math


def people_for_width(low: float, high: float, number: int, width: float) -> int:
    """Estimate a number of people, for the width of an interval falls with the root of it, other things being equal.

    Args:
        low: Lower end of the measured interval.
        high: Upper end of it.
        number: Number of people behind it.
        width: Width that is wanted, above 0.

    Raises:
        ValueError: If the width is not above 0.
    """
    if not width > 0:
        raise ValueError(f"the width of an interval must be above 0, got {width}")
    return math.ceil(number * ((high - low) / width) ** 2 - 1e-9)
