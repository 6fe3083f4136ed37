"""Imprecise cells, such as an age of 89+, which are read with reserve and counted instead of refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Reserve", "reserve_notes"]


@dataclass(frozen=True)
class Reserve:
    """One imprecise cell.

    Attributes:
        column: Column of the cell.
        text: Its content.
        meaning: The reading that was chosen.
    """

    column: str
    text: str
    meaning: str


def reserve_notes(reserves: Iterable[Reserve]) -> list[str]:
    """Notes on the number of imprecise cells by column and reading, with an example of each."""
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for reserve in reserves:
        texts[reserve.column, reserve.meaning].append(reserve.text)
    return [
        f"column '{column}' holds text such as {found[0]!r} in {len(found)} visits: {meaning}"
        for (column, meaning), found in texts.items()
    ]
