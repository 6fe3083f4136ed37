"""Kill a micro run of both phases at random moments, let it go on, and compare its end with an uninterrupted run's.

    python scripts/faults/kill_campaign.py --kills 100 --spatial_dims 3 --num_workers 0 --seed 0 --output FOLDER
    python scripts/faults/kill_campaign.py --kills 10 --fresh        # each start a new interpreter, with 8 s of imports

Every start is the command `python -m monai.bundle run training ... --resume auto --run_dir DIR` in a process of its own.
Half of the kills aim at a save: 0 to 5 ms after it has begun. Four in ten come at any moment after the first step, the
rest at any moment at all. A run that ends before it is killed is compared, and the next one begins in a new folder.
FOLDER receives summary.txt, summary.json, kills.csv and what the processes printed.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

# Before torch is imported: a process with one thread can be copied.
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

import attempts
from tally import Kill, Tally, write_summary

from admoe_monai.checkpoints import CheckpointError, read_checkpoint
from admoe_monai.run_files import periodic
from admoe_monai.workflows.run import plan
from admoe_monai.workflows.settings.resources import resource
from run_comparison import run_differences, run_files
from tiny_runs import MICRO_PLAN, SLICES, TINY_SETTINGS, make_cohort

assert plan.Plan  # the parent imports what its copies need

LONGEST = 600.0  # seconds that a run may take
FRESH = "a new interpreter each"
COPIES = "copies (fork) of one with a single thread that had imported torch, MONAI and admoe_monai and run nothing"


class Campaign:
    """Runs, kills and compares.

    Args:
        options: of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder: Path = options.output
        self.draw = random.Random(options.seed)
        self.tally = Tally()
        cohort = make_cohort(self.folder / "cohort", options.spatial_dims)
        self.settings = {**TINY_SETTINGS, **MICRO_PLAN, "datalist": cohort, "num_workers": options.num_workers}
        if options.spatial_dims == 2:
            self.settings |= SLICES
        self.training = self.duration = 0.0

    def run(self) -> None:
        """Make the reference, kill until there were enough kills, and let the last run end."""
        self._make_reference()
        number = 0
        while len(self.tally.kills) < self.options.kills:
            self._run_killed(number)
            number += 1

    def _start(self, run: str) -> attempts.Attempt:
        arguments = ["run", "training", "--config_file", str(resource("configs/train.yaml")), "--resume", "auto"]
        for name, value in {**self.settings, "run_dir": self.folder / run}.items():
            arguments += [f"--{name}", str(value)]
        return attempts.start(arguments, self.folder / "output.txt", self.options.fresh)

    def _make_reference(self) -> None:
        # Twice: the first one fills the store of preprocessed scans, and its time is not that of the others.
        for run in ("first", "reference"):
            started = time.monotonic()
            attempt = self._start(run)
            attempt.follow(LONGEST, until=_has_stepped)
            lead = time.monotonic() - started
            self._finish(attempt)
            self.duration = time.monotonic() - started
            self.training = self.duration - lead
        if run_differences(self.folder / "first", self.folder / "reference"):
            raise RuntimeError("two uninterrupted runs differ: nothing can be said about interrupted ones")

    def _finish(self, attempt: attempts.Attempt) -> None:
        if attempt.follow(LONGEST):
            attempt.kill()
            raise RuntimeError(f"a run took longer than {LONGEST:.0f} s")
        self._check_exit(attempt.kill())

    def _check_exit(self, status: int) -> None:
        if status != 0:
            raise RuntimeError(f"a run left with {status}; see {self.folder / 'output.txt'}")

    def _run_killed(self, number: int) -> None:
        run = f"run_{number:03d}"
        furthest: attempts.Step | None = None
        while True:
            attempt = self._start(run)
            self.tally.starts += 1
            ended = not self._kill_or_end(attempt, number)
            if furthest and attempt.steps and attempt.steps[0].epoch <= furthest.epoch:
                self.tally.kills[-1 if ended else -2].repeated = furthest.epoch - attempt.steps[0].epoch + 1
            furthest = max(filter(None, (furthest, *attempt.steps)), key=lambda step: step.epoch, default=None)
            if ended:
                break
            self.tally.kills[-1].torn = self._torn(self.folder / run)
        reference = self.folder / "reference"
        self.tally.differences.append(run_differences(self.folder / run, reference))
        self.tally.strays += sorted(run_files(self.folder / run) - run_files(reference))

    def _kill_or_end(self, attempt: attempts.Attempt, run: int) -> bool:
        """Whether the process was killed, and where."""
        started = time.monotonic()
        if len(self.tally.kills) == self.options.kills:
            self._finish(attempt)
            return False
        aim = self.draw.choices(("save", "training", "any"), weights=(5, 4, 1))[0]
        if aim == "save":
            number = self.draw.randint(1, 6)
            attempt.follow(LONGEST, until=lambda attempt: attempt.saves >= number)
            time.sleep(self.draw.uniform(0.0, 0.005))
        elif aim == "training":
            attempt.follow(LONGEST, until=_has_stepped)
            attempt.follow(self.draw.uniform(0.0, self.training))
        else:
            attempt.follow(self.draw.uniform(0.0, self.duration))
        seconds = time.monotonic() - started
        status = attempt.kill()
        if status != -signal.SIGKILL:
            self._check_exit(status)
            return False
        latest = attempt.steps[-1] if attempt.steps else None
        epoch, step = (latest.epoch, latest.iteration) if latest else (None, None)
        kill = Kill(run, aim, round(seconds, 4), self._phase(attempt), epoch, step, attempt.saving)
        self.tally.kills.append(kill)
        print(f"kill {len(self.tally.kills)}: {kill}", flush=True)
        return True

    def _phase(self, attempt: attempts.Attempt) -> str:
        if not attempt.steps:
            return "starting"
        first, switch = attempt.steps[-1].first_epoch, self.settings["pretrain_epochs"]
        if first == switch:
            return "finetune"
        over = attempt.saving is None and attempt.saved == periodic(switch - 1)
        return "switch" if over else "pretrain"

    def _torn(self, run: Path) -> int:
        torn = 0
        for path in run.glob("*.pth"):
            try:
                read_checkpoint(path)
            except CheckpointError:
                torn += 1
        return torn


def _has_stepped(attempt: attempts.Attempt) -> bool:
    return bool(attempt.steps)


def main() -> int:
    """Run the campaign; 1 if recovery has broken its promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--spatial_dims", type=int, choices=(2, 3), default=3)
    parser.add_argument("--num_workers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="start a new interpreter each time")
    parser.add_argument("--output", type=Path, help="an empty folder; by default a temporary one")
    options = parser.parse_args()
    options.output = (options.output or Path(tempfile.mkdtemp(prefix="kill_campaign_"))).resolve()
    options.output.mkdir(parents=True, exist_ok=True)
    if any(options.output.iterdir()):
        parser.error(f"{options.output} is not empty")
    started = time.monotonic()
    campaign = Campaign(options)
    gc.freeze()  # what the copies have imported already is no garbage of theirs to look through
    campaign.run()
    gc.unfreeze()
    held = campaign.tally.holds(campaign.settings["save_interval"])
    chosen = {name: getattr(options, name) for name in ("spatial_dims", "num_workers", "seed")}
    chosen |= {"processes": FRESH if options.fresh else COPIES, "seconds": round(time.monotonic() - started)}
    print(write_summary(campaign.tally, {**chosen, "recovery held": "yes" if held else "NO"}, options.output))
    print(f"written to {options.output}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
