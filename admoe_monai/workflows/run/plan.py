"""Plan of a run: its data, its phases in order, and all that is checked before anything is written."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch.nn.parallel import DistributedDataParallel
from torch.utils.tensorboard import SummaryWriter

from admoe_monai.data.other_labels import left_out_lines
from admoe_monai.errors import UserError
from admoe_monai.handlers import Signals
from admoe_monai.run_files import CONFIG, LOG
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.settings.command_line import as_word
from admoe_monai.workflows.settings.declared import resolved_settings
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.overlays import copy_overlays, overlays_digest
from admoe_monai.workflows.settings.own_parts import remember
from admoe_monai.workflows.settings.parts import code_digests
from admoe_monai.workflows.settings.written import read_written

from .cohort import class_remarks, class_weights, cohort_digest, load_cohort
from .components import ComponentTable
from .environment import choose_device, environment
from .leakage import check_leakage, subjects_seen
from .overview import opening_lines
from .phase import Phase, PhaseWorkflow
from .places import find_data, make_lasting, run_folders
from .processes import from_main, is_main, main_first, process_group, world_size
from .record_files import write_record
from .resume import MakePoint, ResumePoint, start_of
from .run import Run, phases_to_come
from .run_directory import FollowedDirectory, RunDirectory, common_contents
from .run_log import RunLog, log_lines
from .start import Start
from .unbuilt import ENCODER_HINT, in_words

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """What the checks of a run have found.

    Attributes:
        start: Point from which the run begins.
        chosen: Folder that the settings name; None for one that is made.
        network: Network, into which the weights fit.
        digests: Digests of what the settings point to.
        leaks: Leaks that were allowed.
    """

    start: Start
    chosen: RunDirectory | None
    network: torch.nn.Module
    digests: dict[str, str]
    leaks: list[str]


class Plan:
    """Plan of a run, from its beginning or from a checkpoint.

    Args:
        parser: Parser of the entry point, completed.
        config_folder: Folder of the entry point: a run's own config resumes that run.
        signals: What ends the run; None for the signals of the process alone.
        resume_point: Class, or function, that makes the point that a run goes on from.
    """

    def __init__(
        self,
        parser: ConfigParser,
        config_folder: Path,
        signals: Signals | None = None,
        resume_point: MakePoint = ResumePoint,
    ) -> None:
        self.parser = parser
        self.settings = resolved_settings(parser)
        self.config_folder = config_folder
        self.moved = find_data(self.settings, run_folders(self.settings, config_folder))
        make_lasting(self.settings)
        self.cohort, self.prior_statistics = load_cohort(self.settings)
        self.class_weights = class_weights(self.cohort, self.settings)
        for name in ("datalist", "dataset_dir", "cache_dir", "prior_dim", "phase_overlays"):
            parser[name] = literal(self.settings[name])
        self.phases: list[Phase] = parser.get_parsed_content("phases")
        self.device = choose_device(self.settings["device"])
        self.signals = signals or Signals()
        self.resume_point = resume_point
        self.steps_per_epoch: dict[str, int] = {}
        #: Parts of every phase that others take the place of.
        self.replaced: dict[str, Any] = {}

    def run(self) -> None:
        """Run what is left of the plan.

        Raises:
            UserError: For every mistake that the user can correct; nothing is written before the checks are through.
            Interrupted: If a signal came.
        """
        with process_group(self.device), RunLog() as log, self.signals:
            log_lines(logger, [*self.moved, *left_out_lines(self.cohort.label_definition, self.cohort.classes)])
            digests = self._digests()
            start = start_of(self.settings, self.config_folder, digests, environment(self.device), self.resume_point)
            if start.finished:
                logger.info("%s", start.finished)
                return
            # Before anything is computed, and in every process the number that the checkpoints record.
            use_threads(from_main(start.threads))
            leaks = check_leakage(self.cohort, self.settings, self.prior_statistics, start.checkpoint)
            network = self._network()
            start.fit(network)
            if start.checkpoint is None:  # who goes on has read them
                for remark in class_remarks(self.cohort, self.settings):
                    logger.warning("%s", remark)
            self._carry_out(log, Checked(start, start.run_directory(), network, digests, leaks))

    def _carry_out(self, log: RunLog, checked: Checked) -> None:
        """Make the folder of the run and run what is left, once all phases could be built."""
        self.steps_per_epoch = self._rehearse(checked.network, checked.start)
        self.signals.defer()
        directory = self._open(checked.chosen)
        try:
            if is_main():
                log.open(directory.path / LOG)
            self.signals.ahead = f"continue it with admoe resume {as_word(directory.path)}"
            logger.info("Run directory: %s", directory.path)
            log_lines(logger, opening_lines(self.cohort, self.settings, self.prior_statistics, self.device))
            self._record(directory, checked)
            if is_main():
                overlaid = [content for phase in self.phases for content in phase.overlay_contents()]
                remember([read_written(directory.path / CONFIG).content, *overlaid])
            self._run(checked.network, directory, checked.start, self.phases).to_its_end()
        finally:
            directory.close()

    def _run(self, network: torch.nn.Module, directory: RunDirectory, start: Start, phases: list[Phase]) -> Run:
        return Run(
            self.settings,
            phases,
            start,
            directory,
            network,
            self.signals,
            lambda phase, writer: self._build(phase, directory, network, writer),
            self.steps_per_epoch,
            ComponentTable(network),
        )

    def _digests(self) -> dict[str, str]:
        """Digest what the settings point to: the continuation of a run must find it as it was."""
        overlays = overlays_digest(self.settings["phase_overlays"])
        digests = {"datalist": cohort_digest(self.cohort), "phase_overlays": overlays}
        # One for all phases, unless a user has them preprocess differently.
        preprocessing = dict.fromkeys(phase.preprocessing_digest(self.settings) for phase in self.phases)
        own = code_digests([self.settings["network"], *(phase.overlay_contents() for phase in self.phases)])
        code = {f"the code of {name}": digest for name, digest in own.items()}
        return {**digests, "preprocessing": " ".join(preprocessing), **code}

    def _network(self) -> torch.nn.Module:
        torch.manual_seed(self.settings["seed"])
        with in_words("the network", bool(self.settings["network"]), ENCODER_HINT):
            network: torch.nn.Module = self.parser.get_parsed_content("network_def")
        return network

    def _rehearse(self, network: torch.nn.Module, start: Start) -> dict[str, int]:
        """Build each phase to come, so that what can't be read or built is found before anything is written.

        Returns:
            Number of steps per epoch of each of these phases, by its key.
        """
        steps = {}
        for phase in phases_to_come(self.phases, start):
            workflow = self._build(phase, RunDirectory(Path(os.devnull)), network, None)
            try:
                with in_words(phase.name, bool(phase.overlays)):
                    workflow["train::trainer"]
                    steps[phase.key] = len(workflow["train::dataloader"])
                    divided = isinstance(workflow["network"], DistributedDataParallel)
                if world_size() > 1 and not divided:
                    raise UserError(
                        f"{world_size()} processes were started, but nothing divides the work among them: "
                        "add configs/overlays/multi_gpu.yaml to --config_file"
                    )
            finally:
                workflow.release()
        return steps

    def _open(self, chosen: RunDirectory | None) -> RunDirectory:
        """Open the folder of the run, which the main process makes and locks."""
        if is_main():
            chosen = chosen or RunDirectory.fresh(str(self.settings["name"]), self.settings["keep_checkpoints"])
            chosen.open()
        path = from_main(chosen.path if chosen is not None else None)
        return chosen if is_main() and chosen is not None else FollowedDirectory(path or Path(os.devnull))

    def _record(self, directory: RunDirectory, checked: Checked) -> None:
        """State in the folder, and in every checkpoint to come, what this run is."""
        overlays = from_main(copy_overlays(self.settings["phase_overlays"], directory.path) if is_main() else {})
        for phase in self.phases:
            # What happens to the originals from here on concerns this run no more.
            phase.overlays = [str(directory.path / name) for name in overlays[phase.key]]
        settings = {**self.settings, "phase_overlays": overlays}
        directory.common = common_contents(
            settings,
            checked.digests,
            environment(self.device),
            prior=self.prior_statistics,
            parent=checked.start.parent,
            leakage=checked.leaks,
            pretraining_subjects=subjects_seen(self.cohort, self.settings, checked.start.checkpoint),
            origin=checked.start.origin,
        )
        forgotten = checked.start.forget_lost(directory.path)
        if is_main():
            write_record(directory, checked.start, forgotten, settings, self.cohort)

    def _build(
        self, phase: Phase, directory: RunDirectory, network: torch.nn.Module, writer: SummaryWriter | None
    ) -> PhaseWorkflow:
        objects = {
            "network_def": network,
            "cohort": self.cohort,
            "prior_statistics": literal(self.prior_statistics),
            "class_weight_values": self.class_weights,
            "run_directory": directory,
            "writer": writer,
            "signals": self.signals,
            "steps_to_follow": sum(
                self.steps_per_epoch.get(later.key, 0) * later.num_epochs
                for later in self.phases
                if later.first_epoch >= phase.end_epoch
            ),
            **self.replaced,
        }
        with main_first():  # it fills the store of preprocessed scans
            return phase.build({**self.settings, "device": self.device}, objects)
