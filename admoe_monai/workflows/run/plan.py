"""The plan of a run: its phases in order, the switch between them, and the entry in the middle by resume."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from pathlib import Path

import torch
from ignite import distributed as idist
from monai.bundle import ConfigParser
from torch.nn.parallel import DistributedDataParallel
from torch.utils.tensorboard import SummaryWriter

from admoe_monai.checkpoints import FORMAT_VERSION, load_matched, read_checkpoint
from admoe_monai.data import save_datalist
from admoe_monai.errors import UserError, root_cause
from admoe_monai.handlers import Signals
from admoe_monai.networks.nets import remove_decoder
from admoe_monai.workflows.settings.declared import resolved_settings, write_config
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.overlays import overlays_digest
from admoe_monai.workflows.settings.parts import code_digests

from .cohort import class_weights, cohort_digest, load_cohort
from .components import component_table
from .continuation import complete_files
from .environment import choose_device, environment
from .leakage import check_leakage, subjects_seen
from .phase import Phase, PhaseWorkflow
from .places import find_data, make_lasting, run_folders
from .processes import from_main, is_main, main_first, process_group, world_size
from .restore import load_pretrained, restore_network, restore_phase
from .resume import ResumePoint, chosen_run_directory, resume_point
from .run_directory import BEST_PRETRAIN, FINAL_MODEL, FollowedDirectory, RunDirectory
from .run_log import RunLog, log_lines

logger = logging.getLogger(__name__)


class Plan:
    """One run of all phases, from its beginning or from a checkpoint.

    Args:
        parser: of the entry point, completed.
        config_folder: of the entry point: a run's own config resumes that run.
    """

    def __init__(self, parser: ConfigParser, config_folder: Path) -> None:
        self.parser = parser
        self.settings = resolved_settings(parser)
        self.config_folder = config_folder
        self.moved = find_data(self.settings, run_folders(self.settings, config_folder))
        make_lasting(self.settings)
        self.cohort, self.prior_statistics = load_cohort(self.settings)
        for name in ("datalist", "dataset_dir", "cache_dir", "prior_dim", "phase_overlays"):
            parser[name] = literal(self.settings[name])
        self.phases: list[Phase] = parser.get_parsed_content("phases")
        self.device = choose_device(self.settings["device"])
        self.signals = Signals()

    def run(self) -> None:
        """Run what is left of the plan.

        Raises:
            UserError: for whatever the user can mend; nothing is written before the checks are through.
            Interrupted: if a signal came.
        """
        with process_group(self.device), RunLog() as log, self.signals:
            self._run(log)

    def _run(self, log: RunLog) -> None:
        log_lines(logger, self.moved)
        digests = self._digests()
        point = resume_point(self.settings, self.config_folder, digests, environment(self.device))
        if point is not None and point.finished:
            logger.info("%s", point.finished)
            return
        resumed = None if point is None else point.checkpoint
        leaks = check_leakage(self.cohort, self.settings, self.prior_statistics, resumed)
        network = self._network()
        if point is not None:
            point.check_network(network)
            log_lines(logger, point.announcement())
        elif self.settings["pretrained"] is not None:
            load_pretrained(network, Path(self.settings["pretrained"]))
        chosen = chosen_run_directory(self.settings, point)
        self._rehearse(network, point)
        self.signals.defer()
        run_directory = self._run_directory(chosen)
        try:
            if is_main():
                log.open(run_directory.path / "training.log")
            logger.info("Run directory: %s", run_directory.path)
            self._run_in(run_directory, network, point, digests, leaks)
        finally:
            run_directory.close()

    def _run_directory(self, chosen: RunDirectory | None) -> RunDirectory:
        """Open the folder of the run, which the main process makes and locks."""
        if is_main():
            chosen = chosen or RunDirectory.fresh(str(self.settings["name"]), self.settings["keep_checkpoints"])
            chosen.open()
        path = from_main(chosen.path if chosen is not None else None)
        return chosen if is_main() and chosen is not None else FollowedDirectory(path or Path(os.devnull))

    def _digests(self) -> dict[str, str]:
        """Of what the settings point to: the continuation of a run must find it as it was."""
        overlays = overlays_digest(self.settings["phase_overlays"])
        digests = {"datalist": cohort_digest(self.cohort), "phase_overlays": overlays}
        # One for all phases, unless somebody has them preprocess differently.
        preprocessing = dict.fromkeys(phase.preprocessing_digest(self.settings) for phase in self.phases)
        own = code_digests([self.settings["network"], *(phase.overlay_contents() for phase in self.phases)])
        code = {f"the code of {name}": digest for name, digest in own.items()}
        return {**digests, "preprocessing": " ".join(preprocessing), **code}

    def _rehearse(self, network: torch.nn.Module, point: ResumePoint | None) -> None:
        """Build each phase to come, so that what can't be read or built is found before anything is written."""
        for phase in self._phases_to_come(point):
            workflow = self._build(phase, RunDirectory(Path(os.devnull)), network, None)
            try:
                workflow["train::trainer"]
                if world_size() > 1 and not isinstance(workflow["network"], DistributedDataParallel):
                    raise UserError(
                        f"{world_size()} processes were started, but nothing divides the work among them: "
                        "add configs/overlays/multi_gpu.yaml to --config_file"
                    )
            except Exception as error:
                raise _as_users(error, phase.name) from error
            finally:
                workflow.release()

    def _phases_to_come(self, point: ResumePoint | None) -> list[Phase]:
        return [p for p in self.phases if p.num_epochs > 0 and not (point is not None and point.is_past(p))]

    def _run_in(
        self,
        run_directory: RunDirectory,
        network: torch.nn.Module,
        point: ResumePoint | None,
        digests: dict[str, str],
        leaks: list[str],
    ) -> None:
        run_directory.common = {
            "format_version": FORMAT_VERSION,
            "settings": self.settings,
            "digests": digests,
            "environment": environment(self.device),
            "prior": self.prior_statistics,
            "parent": None if point is None else point.parent_of(run_directory.path),
            "leakage": leaks,
            "pretraining_subjects": subjects_seen(
                self.cohort, self.settings, None if point is None else point.checkpoint
            ),
        }
        if is_main():
            write_config(run_directory.path / "config.yaml", self.settings)
            save_datalist(run_directory.path / "datalist.json", self.cohort)
        start = 0
        if point is not None:
            if is_main():
                complete_files(point, run_directory.path, self.settings["save_interval"])
            # It may have had to forget a best score.
            point.checkpoint["training_state"] = from_main(point.checkpoint["training_state"])
            restore_network(network, point.checkpoint)
            start = point.start_epoch
            logger.info("Resumed from epoch %d", start)
        if self.settings["pretrain_epochs"] == 0:
            remove_decoder(network)
        self._announce(network, start)
        curves = SummaryWriter(str(run_directory.path), purge_step=start) if is_main() else contextlib.nullcontext()
        with curves as writer:
            for phase in self._phases_to_come(point):
                self._run_phase(phase, run_directory, network, writer, point)
        log_lines(logger, component_table(network, "FINAL"))
        logger.info("Finished: %s", run_directory.path)

    def _run_phase(
        self,
        phase: Phase,
        run_directory: RunDirectory,
        network: torch.nn.Module,
        writer: SummaryWriter | None,
        point: ResumePoint | None,
    ) -> None:
        resumed = point is not None and point.is_within(phase)
        if not phase.is_pretrain and not resumed and self.settings["pretrain_epochs"] > 0:
            self._enter_finetuning(run_directory, network)
        if self.settings["warmup_epochs"] > phase.num_epochs:
            logger.warning(
                "warmup_epochs %d is longer than the %d epochs of %s and is clamped to them",
                self.settings["warmup_epochs"],
                phase.num_epochs,
                phase.name,
            )
        self._warn_of_idle_patience(phase)
        workflow = self._build(phase, run_directory, network, writer)
        try:
            if point is not None and resumed:
                restore_phase(workflow, point.checkpoint)
            # One that came since the last step: what the phase before has ended with is on the disk.
            self.signals.leave_if_received()
            if not (point is not None and point.completes(phase)):
                logger.info("Phase: %s, epochs %d to %d", phase.name, phase.first_epoch, phase.end_epoch - 1)
                with warnings.catch_warnings():
                    # The schedule counts batches: under accumulation it moves before the optimizer first does.
                    warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler.step\(\)` before", UserWarning)
                    workflow.run()
            if phase is self.phases[-1] or self.phases[-1].num_epochs == 0:
                workflow["saver"].save(workflow["train::trainer"], FINAL_MODEL)
        finally:
            workflow.release()

    def _build(
        self, phase: Phase, run_directory: RunDirectory, network: torch.nn.Module, writer: SummaryWriter | None
    ) -> PhaseWorkflow:
        objects = {
            "network_def": network,
            "cohort": self.cohort,
            "prior_statistics": literal(self.prior_statistics),
            "class_weight_values": class_weights(self.cohort, self.settings),
            "run_directory": run_directory,
            "writer": writer,
            "signals": self.signals,
        }
        with main_first():  # it fills the store of preprocessed scans
            return phase.build({**self.settings, "device": self.device}, objects)

    def _network(self) -> torch.nn.Module:
        torch.manual_seed(self.settings["seed"])
        try:
            network: torch.nn.Module = self.parser.get_parsed_content("network_def")
        except Exception as error:
            raise _as_users(error, "the network") from error
        return network

    def _enter_finetuning(self, run_directory: RunDirectory, network: torch.nn.Module) -> None:
        """Take the weights that pretraining ends with, without the decoder."""
        remove_decoder(network)
        if self.settings["finetune_from"] == "best":
            idist.barrier()
            path = run_directory.path / BEST_PRETRAIN
            best = read_checkpoint(path)
            weights = {n: w for n, w in best["model_state_dict"].items() if not n.startswith("decoder.")}
            load_matched(network, weights)
            logger.info("Finetuning starts from the best pretraining weights: epoch %d, %s", best["epoch"], path.name)
        log_lines(logger, component_table(network, "AFTER DECODER REMOVAL"))

    def _announce(self, network: torch.nn.Module, start: int) -> None:
        log_lines(logger, component_table(network, "INITIAL"))
        pretrain_epochs = self.settings["pretrain_epochs"]
        log_lines(
            logger,
            [
                "Training plan:",
                f"- Pretraining epochs: {pretrain_epochs} (SimMIM reconstruction)",
                f"- Finetuning epochs: {self.settings['max_epochs'] - pretrain_epochs} (Classification)",
                f"- Starting from epoch: {start}",
            ],
        )

    def _warn_of_idle_patience(self, phase: Phase) -> None:
        validations = -(-phase.num_epochs // self.settings["eval_interval"])
        if self.settings["patience"] >= validations > 1:
            logger.warning(
                "patience %d never ends %s early: it has %d validations",
                self.settings["patience"],
                phase.name,
                validations,
            )


def _as_users(error: Exception, what: str) -> Exception:
    """What a constructor objects to is a value that the user has set; MONAI wraps it, and any other error stays."""
    cause = root_cause(error)
    if isinstance(cause, UserError):
        return cause
    if isinstance(cause, (ValueError, TypeError)):
        return UserError(f"{what} can't be built from these settings: {str(cause).splitlines()[0]}")
    return error
