"""What was read with reserve: cells that say less than they should, counted instead of refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Reserve", "reserve_notes"]


@dataclass(frozen=True)
class Reserve:
    """One such cell.

    Attributes:
        column: it stands in.
        text: of the cell.
        meaning: what it was read as.
    """

    column: str
    text: str
    meaning: str


def reserve_notes(reserves: Iterable[Reserve]) -> list[str]:
    """Say how many such cells there are, by column and by what they were read as, with an example of each.

    Args:
        reserves: of all visits.
    """
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for reserve in reserves:
        texts[reserve.column, reserve.meaning].append(reserve.text)
    return [
        f"column '{column}' holds text such as {found[0]!r} in {len(found)} visits: {meaning}"
        for (column, meaning), found in texts.items()
    ]
