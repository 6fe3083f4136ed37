"""What a kill campaign has seen, as counts and files."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

PHASES = ("starting", "pretrain", "switch", "finetune")


@dataclass
class Kill:
    """Where a kill has hit.

    Attributes:
        run: number of the run directory.
        aim: at a save, in the training, or at any moment.
        seconds: from the start of the process.
        phase: one of `PHASES`; of a kill before the first step, starting.
        epoch: of the step under way or just done.
        step: of its phase.
        saving: name of the file that was being written.
        repeated: epochs begun again by the next start.
        torn: files under a final name that could not be read afterwards.
    """

    run: int
    aim: str
    seconds: float
    phase: str
    epoch: int | None
    step: int | None
    saving: str | None
    repeated: int = 0
    torn: int = 0


@dataclass
class Tally:
    """What the campaign has seen.

    Attributes:
        kills: each one.
        starts: of the command, without the reference's.
        differences: per completed run, what differed from the reference.
        strays: names of files in completed runs that the reference lacks.
    """

    kills: list[Kill] = field(default_factory=list)
    starts: int = 0
    differences: list[list[str]] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Counts by phase and over all."""
        rows = {}
        for phase in (*PHASES, "all"):
            kills = [kill for kill in self.kills if phase in (kill.phase, "all")]
            inside = sum(kill.saving is not None for kill in kills)
            rows[phase] = {"number": len(kills), "inside a save": inside, "elsewhere": len(kills) - inside}
        unequal = sum(map(bool, self.differences))
        return {
            "kills by phase": rows,
            "starts": self.starts,
            "runs completed": len(self.differences),
            "runs bit-equal to the uninterrupted one": len(self.differences) - unequal,
            "runs that differ": unequal,
            "torn files under a final name": sum(kill.torn for kill in self.kills),
            "stray files at the end": len(self.strays),
            "largest number of repeated epochs": max((kill.repeated for kill in self.kills), default=0),
        }

    def holds(self, save_interval: int) -> bool:
        """Whether recovery has kept its promise."""
        lost = max((kill.repeated for kill in self.kills), default=0)
        broken = any(self.differences) or self.strays or any(kill.torn for kill in self.kills)
        return not broken and lost <= save_interval


def write_summary(tally: Tally, chosen: Mapping[str, Any], folder: Path) -> str:
    """Write what came out as text, JSON and CSV, and return the text.

    Args:
        tally: of the campaign.
        chosen: its options, and whether recovery held.
        folder: of the three files.
    """
    summary = tally.summary()
    rows = summary.pop("kills by phase")
    lines = [
        *(f"{name}: {value}" for name, value in chosen.items()),
        "",
        f"{'kills':10}" + "".join(f"{name:>16}" for name in rows["all"]),
        *(f"{phase:10}" + "".join(f"{n:>16}" for n in row.values()) for phase, row in rows.items()),
        "",
        *(f"{name}: {value}" for name, value in summary.items()),
    ]
    record = {**chosen, "kills by phase": rows, **summary, "differences": tally.differences}
    (folder / "summary.txt").write_text("\n".join(lines) + "\n")
    (folder / "summary.json").write_text(json.dumps(record, indent=2) + "\n")
    with open(folder / "kills.csv", "w", newline="") as file:
        table = csv.DictWriter(file, [attribute.name for attribute in fields(Kill)])
        table.writeheader()
        table.writerows(map(asdict, tally.kills))
    return "\n".join(lines)
