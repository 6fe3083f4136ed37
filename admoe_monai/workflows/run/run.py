"""One run of what is left of a plan: its phases in order, in the folder that it has, with one network for all of them."""

from __future__ import annotations

import contextlib
import logging
import textwrap
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ignite import distributed as idist
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from admoe_monai.checkpoints import load_matched, read_checkpoint, weights_to_evaluate
from admoe_monai.evaluation import run_pictures
from admoe_monai.handlers import CurvesPicture, Signals
from admoe_monai.networks.nets import remove_decoder, without_decoder
from admoe_monai.run_files import BEST_PRETRAIN, CONFIG, CURVES, FINAL_MODEL, METRICS

from .components import ComponentTable
from .curves_writer import curves_in
from .overview import closing_lines, parameter_line, step_line
from .phase import Phase, PhaseWorkflow
from .processes import is_main
from .run_directory import RunDirectory
from .run_log import FILE_ALONE, log_lines
from .start import Start

logger = logging.getLogger(__name__)

#: Function that makes the components of a phase, with curves in this writer.
Build = Callable[[Phase, SummaryWriter | None], PhaseWorkflow]


@dataclass(frozen=True)
class Run:
    """Run of a plan that has been checked.

    Attributes:
        settings: Resolved settings.
        phases: Phases of the plan, all of them, in order.
        start: Point from which the run begins.
        directory: Run directory, open.
        network: Network, one object for all phases.
        signals: Signals that end the run.
        build: Function that makes the components of a phase.
        steps_per_epoch: Number of steps of each phase to come, by its key.
        table: Table of the network's components, as the log has had it last.
    """

    settings: Mapping[str, Any]
    phases: Sequence[Phase]
    start: Start
    directory: RunDirectory
    network: nn.Module
    signals: Signals
    build: Build
    steps_per_epoch: Mapping[str, int]
    table: ComponentTable

    def to_its_end(self) -> None:
        """Run the phases that are left.

        Raises:
            Interrupted: If a signal came.
        """
        began = time.monotonic()
        self.start.enter(self.directory.path, self.network)
        if is_main():
            self._draw_what_is_there()
        if self.settings["pretrain_epochs"] == 0:
            remove_decoder(self.network)
        self._announce()
        with contextlib.ExitStack() as stack:
            writer = stack.enter_context(curves_in(self.directory.path, self.start.epoch)) if is_main() else None
            if writer is not None:
                # As code of Markdown, in which TensorBoard shows texts.
                config = textwrap.indent((self.directory.path / CONFIG).read_text(encoding="utf-8"), "    ")
                writer.add_text("settings", config, self.start.epoch)
            for phase in phases_to_come(self.phases, self.start):
                self._run_phase(phase, writer)
        log_lines(FILE_ALONE, self.table.lines("FINAL"))
        if is_main():
            log_lines(logger, closing_lines(self.directory.path, self.settings, time.monotonic() - began))

    def _draw_what_is_there(self) -> None:
        """Draw the epochs that were taken along; each further one draws itself."""
        folder, metric = self.directory.path, self.settings["selection_metric"]
        if (folder / METRICS).exists():
            CurvesPicture(folder / CURVES, folder / METRICS, lambda path: run_pictures.curves_png(path, metric)).write()

    def _run_phase(self, phase: Phase, writer: SummaryWriter | None) -> None:
        if not phase.is_pretrain and not self.start.is_within(phase) and self.settings["pretrain_epochs"] > 0:
            self._enter_finetuning()
        self._warn_of_short_phase(phase)
        workflow = self.build(phase, writer)
        try:
            self.start.enter_phase(workflow, phase)
            # One that came since the last step: what the phase before has ended with is on the disk.
            self.signals.leave_if_received()
            if not self.start.completes(phase):
                logger.info("Phase: %s, epochs %d to %d", phase.name, phase.first_epoch, phase.end_epoch - 1)
                with warnings.catch_warnings():
                    # The schedule counts batches: under accumulation it moves before the optimizer first does.
                    warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler.step\(\)` before", UserWarning)
                    workflow.run()
            if phase is self.phases[-1] or self.phases[-1].num_epochs == 0:
                workflow["saver"].save(workflow["train::trainer"], FINAL_MODEL)
        finally:
            workflow.release()

    def _enter_finetuning(self) -> None:
        """Take the weights that pretraining ends with, without the decoder."""
        remove_decoder(self.network)
        if self.settings["finetune_from"] == "best":
            idist.barrier()
            path = self.directory.path / BEST_PRETRAIN
            best = read_checkpoint(path)
            load_matched(self.network, without_decoder(weights_to_evaluate(best)))
            logger.info("Finetuning starts from the best pretraining weights: epoch %d, %s", best["epoch"], path.name)
        log_lines(FILE_ALONE, self.table.lines("AFTER DECODER REMOVAL"))

    def _announce(self) -> None:
        log_lines(FILE_ALONE, self.table.lines("INITIAL"))
        logger.info("%s", parameter_line(self.network))
        pretrain_epochs = self.settings["pretrain_epochs"]
        log_lines(
            logger,
            [
                "Training plan:",
                f"- Pretraining epochs: {pretrain_epochs} (SimMIM reconstruction)",
                f"- Finetuning epochs: {self.settings['max_epochs'] - pretrain_epochs} (Classification)",
                f"- Starting from epoch: {self.start.epoch}",
            ],
        )
        epochs = {
            phase.key: phase.end_epoch - max(phase.first_epoch, self.start.epoch)
            for phase in phases_to_come(self.phases, self.start)
        }
        logger.info("%s", step_line(self.steps_per_epoch, epochs))

    def _warn_of_short_phase(self, phase: Phase) -> None:
        if self.settings["warmup_epochs"] > phase.num_epochs:
            logger.warning(
                "warmup_epochs %d is longer than the %d epochs of %s and is clamped to them",
                self.settings["warmup_epochs"],
                phase.num_epochs,
                phase.name,
            )
        validations = -(-phase.num_epochs // self.settings["eval_interval"])
        if self.settings["patience"] >= validations > 1:
            logger.warning(
                "patience %d never ends %s early: it has %d validations",
                self.settings["patience"],
                phase.name,
                validations,
            )


def phases_to_come(phases: Sequence[Phase], start: Start) -> list[Phase]:
    """Leave out phases without epochs and those that are over.

    Args:
        phases: Phases of the plan, all of them, in order.
        start: Point from which the run begins.
    """
    return [phase for phase in phases if phase.num_epochs > 0 and not start.is_past(phase)]
