"""Epochs computed again: the plan of a run, from one of its checkpoints, in another folder, up to the end of an epoch.

    torchrun --nproc_per_node=2 -m admoe_monai.workflows.verification.computing TASK

does it in several processes; TASK is a JSON file with the arguments of :func:`compute` by name.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from admoe_monai.checkpoints import position_of
from admoe_monai.errors import UserError, one_line_errors
from admoe_monai.handlers import Interrupted, Signals
from admoe_monai.run_files import CONFIG, DIGESTS
from admoe_monai.workflows.run.continuation import forget, missing_best
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.run.processes import is_main
from admoe_monai.workflows.run.resume import ResumePoint
from admoe_monai.workflows.run.run_log import silenced
from admoe_monai.workflows.settings.declared import parser_of

from .record import EpochRecord, read_epochs


class _Until(Signals):
    """Signals of a run that ends itself: at the end of an epoch, or of the first one whose state is another than recorded.

    Args:
        folder: Folder of the run.
        last: The epoch.
        recorded: Records by epoch that the states are compared with.
    """

    def __init__(self, folder: Path, last: int, recorded: Mapping[int, EpochRecord]) -> None:
        super().__init__()
        self.folder = folder
        self.last = last
        self.recorded = recorded
        self.reached = False

    def came(self) -> bool:
        """Tell whether the run has to end, by a signal or because it is where it was meant to get."""
        if self.received is None and is_main() and (self.folder / DIGESTS).exists():
            epoch, found = max(read_epochs(self.folder / DIGESTS).items(), default=(-1, None))
            known = self.recorded.get(epoch)
            if epoch >= self.last or (found is not None and known is not None and found.state != known.state):
                self.received, self.reached = signal.SIGTERM, True
        return super().came()


class _PointOfReplay(ResumePoint):
    """Checkpoint of which is forgotten what the run forgot, whether the files of what was best are still there or not.

    Args:
        forgotten: Names of the best scores that the run forgot.
        point: What a `ResumePoint` takes.
    """

    def __init__(self, forgotten: Sequence[str], *point: Any) -> None:
        super().__init__(*point)
        self.forgotten = list(forgotten)

    def refuse_source(self) -> None:
        """Accept any: who verifies looks at what others have computed."""

    def forget_lost(self, folder: Path) -> list[str]:
        if is_main():
            self._missing = missing_best(self.checkpoint, self.path.parent, folder)
        forget(self.checkpoint, self.forgotten)
        return self.forgotten


def compute(run_dir: str, settings: Mapping[str, Any], last: int, forgotten: Sequence[str] = ()) -> None:
    """Compute epochs in this process.

    Args:
        run_dir: Folder of the run that is verified; nothing is written into it.
        settings: Settings that differ from its config: `run_dir`, an empty folder, and `resume` among them.
        last: Epoch to end with.
        forgotten: Names of the best scores that the run forgot before it went on from its checkpoint.

    Raises:
        UserError: If they can't be computed here.
        Interrupted: If a signal came.
    """
    folder = Path(run_dir)
    signals = _Until(Path(settings["run_dir"]), last, read_epochs(folder / DIGESTS))
    plan = Plan(parser_of([folder / CONFIG], settings), folder, signals, partial(_PointOfReplay, forgotten))
    # What the run would log, and its end in the middle, concern nobody; the bar stays.
    with silenced(logging.CRITICAL):
        try:
            plan.run()
        except Interrupted:
            if not signals.reached and is_main():
                raise


def compute_in_processes(
    number: int, run_dir: str, settings: Mapping[str, Any], last: int, forgotten: Sequence[str] = ()
) -> None:
    """Compute epochs in several processes of this machine, as torchrun starts them; the arguments are those of `compute`.

    Args:
        number: Number of processes.
        run_dir: See there.
        settings: See there.
        last: See there.
        forgotten: See there.

    Raises:
        UserError: With the last line that the processes have said.
    """
    task = Path(settings["run_dir"]).with_suffix(".json")
    arguments = {"run_dir": run_dir, "settings": dict(settings), "last": last, "forgotten": list(forgotten)}
    task.write_text(json.dumps(arguments), encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={number}"]
    done = subprocess.run([*launch, "-m", __name__, str(task)], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if said:
        raise UserError(said[0].removeprefix("error: "))
    reached = Path(settings["run_dir"]) / DIGESTS
    before = -1 if settings["resume"] is None else position_of(settings["resume"])[0]
    if not reached.exists() or max(read_epochs(reached), default=-1) <= before:
        raise RuntimeError(f"{number} processes ended without an epoch (exit code {done.returncode}):\n{done.stderr}")


if __name__ == "__main__":
    with one_line_errors():
        compute(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
