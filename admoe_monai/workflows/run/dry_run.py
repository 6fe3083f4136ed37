"""Dry run: all that a run checks and builds, and one step of each phase with two scans, on a place that is gone afterwards."""

from __future__ import annotations

import copy
import dataclasses
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn
from torch.utils.tensorboard import SummaryWriter

from admoe_monai.errors import UserError, root_cause, user_error
from admoe_monai.run_files import periodic
from admoe_monai.workflows.machine.hardware import machine_at_hand
from admoe_monai.workflows.machine.step_memory import kept_by_scan

from .disk import disk_of_plan
from .dry_run_text import PhaseFacts, report
from .few_visits import few_visits
from .overview import opening_lines
from .phase import Phase, PhaseWorkflow
from .plan import Checked, Plan
from .processes import from_main, is_main, world_size
from .run import phases_to_come
from .run_directory import FollowedDirectory, RunDirectory
from .run_log import RunLog, log_lines, silenced
from .start import Start
from .step_watch import StepWatch

logger = logging.getLogger(__name__)

TRAINED_ON = ("training", "validation")


class DryRun(Plan):
    """Plan of which nothing is kept: neither the run directory nor a preprocessed scan; arguments as there.

    Its steps are as large as those of the run: two scans fill a batch, over and over.
    """

    #: What is done with each phase that is built.
    look: Callable[[Phase, PhaseWorkflow], None]

    def _build(
        self, phase: Phase, directory: RunDirectory, network: nn.Module, writer: SummaryWriter | None
    ) -> PhaseWorkflow:
        workflow = super()._build(phase, directory, network, writer)
        self.look(phase, workflow)
        return workflow

    def _carry_out(self, log: RunLog, checked: Checked) -> None:
        phases = phases_to_come(self.phases, checked.start)
        with _place_for_a_while() as place:
            self.settings["cache_dir"] = str(place / "preprocessed")
            found = self._on_the_whole_cohort(checked)
            watches = self._with_few_visits(phases)._steps(checked, place / "run")
            sizes = {p: (place / "run" / periodic(p.first_epoch)).stat().st_size for p in phases if is_main()}
        log_lines(logger, opening_lines(self.cohort, self.settings, self.prior_statistics, self.device))
        if is_main():
            for phase in phases:
                dry = found[phase.key]
                dry.epochs = phase.end_epoch - max(phase.first_epoch, checked.start.epoch)
                dry.step, dry.checkpoint_bytes = watches[phase.key], sizes[phase]
                dry.memory = machine_at_hand(self.device.type).memory
            report(list(found.values()), disk_of_plan(sizes, self.settings), self.settings)

    def _on_the_whole_cohort(self, checked: Checked) -> dict[str, PhaseFacts]:
        """Build each phase to come as the run would, but preprocess no scan."""
        self.replaced = {"initialize": []}
        people: dict[str, dict[str, list[str]]] = {}

        def look(phase: Phase, workflow: PhaseWorkflow) -> None:
            people[phase.key] = {
                split: [visit["subject_id"] for visit in workflow[f"visits::{split}"]] for split in TRAINED_ON
            }

        self.look = look
        steps = self._rehearse(checked.network, checked.start)
        return {p.key: PhaseFacts(p.name, steps[p.key], people[p.key]) for p in self.phases if p.key in steps}

    def _with_few_visits(self, phases: list[Phase]) -> DryRun:
        """Make a plan of one epoch of each of these phases, which is one step."""
        trial = copy.copy(self)
        trial.replaced = {}
        trial.phases = [copy.copy(phase) for phase in phases]
        for phase in trial.phases:
            phase.end_epoch = phase.first_epoch + 1
        trial.steps_per_epoch = {phase.key: 1 for phase in phases}
        labelled = any(not phase.is_pretrain for phase in phases)
        trial.cohort = few_visits(self.cohort, self.settings["batch_size"] * world_size(), labelled)
        if not any(phase.is_pretrain for phase in phases):
            # Where pretraining is over, finetuning finds no weights of it here.
            trial.settings = {**self.settings, "pretrain_epochs": 0}
        return trial

    def _steps(self, checked: Checked, folder: Path) -> dict[str, StepWatch]:
        """Run the phases; whatever ends a step is the user's to know in one line."""
        watches: dict[str, StepWatch] = {}

        def look(phase: Phase, workflow: PhaseWorkflow) -> None:
            kept = self._kept_by_scan(checked.network, phase)
            watches[phase.key] = StepWatch(phase.name, self.device, checked.network, kept)
            watches[phase.key].attach(workflow["train::trainer"])

        self.look = look
        start = Start(self.settings)
        directory = (RunDirectory if is_main() else FollowedDirectory)(folder)
        directory.open()
        try:
            # What a run says of itself would be said of this one epoch.
            with silenced(logging.WARNING):
                self._record(directory, dataclasses.replace(checked, start=start))
                self._run(checked.network, directory, start, self.phases).to_its_end()
        except Exception as error:
            if user_error(error) is not None:
                raise
            cause = root_cause(error)
            where = [watch.name for watch in watches.values()][-1:] or ["the run"]
            said = next(iter(str(cause).splitlines()), "")
            raise UserError(f"the first step of {where[0]} fails: {type(cause).__name__}: {said}") from error
        finally:
            directory.close()
        return watches

    def _kept_by_scan(self, network: nn.Module, phase: Phase) -> int | None:
        try:
            return kept_by_scan(network, self.settings, phase.is_pretrain)
        except Exception as error:  # a network of somebody's own may need values, or a prior
            logger.debug("no batch is estimated for %s: %s", phase.name, error)
            return None


@contextmanager
def _place_for_a_while() -> Iterator[Path]:
    """Make a folder that all processes of this machine know and that is removed at the end."""
    if not is_main():
        yield from_main(Path())
        return
    try:
        place = tempfile.TemporaryDirectory(prefix="admoe_dry_run_")
    except OSError as error:
        raise UserError(f"cannot make a folder for the while: {error}; TMPDIR names where") from error
    with place as name:
        yield from_main(Path(name))
