"""The run that all others are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiny_runs import MICRO_PLAN, make_run

# Of the micro plan.
STEPS_PER_EPOCH = 3
STEPS = 12


@dataclass(frozen=True)
class Whole:
    """An uninterrupted run, and how to start the same one elsewhere.

    Attributes:
        folder: not to be written to.
        datalist: of its cohort.
        settings: in the place of those of a tiny run.
    """

    folder: Path
    datalist: Path
    settings: dict[str, Any]

    @classmethod
    def make(cls, folder: Path, datalist: Path, **settings: Any) -> Whole:
        """Run the micro plan from its beginning to its end."""
        settings = {**MICRO_PLAN, **settings}
        return cls(make_run(folder, datalist, **settings), datalist, settings)

    def start(self, folder: Path, **settings: Any) -> Path:
        """Start the same run in another folder."""
        return make_run(folder, self.datalist, **{**self.settings, **settings})

    def resume(self, folder: Path, **settings: Any) -> Path:
        """Go on with the newest checkpoint of a folder."""
        return self.start(folder, resume="auto", **settings)
