"""Difference between what a run says and what it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    """Difference between what a run says and what it is.

    Attributes:
        place: File, and where in it.
        problem: What is not as it was, in words.
        epoch: Epoch that it is of, if of one.
    """

    place: str
    problem: str
    epoch: int | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"
