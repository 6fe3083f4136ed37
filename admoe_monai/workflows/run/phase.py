"""A phase as data: a list of config files with MONAI's canonical ids, and the epochs that it takes of the run."""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow, ReferenceResolver

from admoe_monai.checkpoints import PHASES
from admoe_monai.errors import UserError
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.names import DOORS, refuse_unknown
from admoe_monai.workflows.settings.overlays import overlay_file
from admoe_monai.workflows.settings.preprocessing_digest import preprocessing_digest
from admoe_monai.workflows.settings.resources import resource
from admoe_monai.workflows.settings.written import read_written

from .unbuilt import in_words

#: What a run brings along for the config of a phase, beside the settings; bundle/configs/common.yaml says what each is.
BROUGHT = (
    "network_def", "cohort", "prior_statistics", "class_weight_values", "run_directory", "writer", "signals",
    "steps_to_follow", "first_epoch", "num_epochs", "phase_key", "phase_name", "preprocessing_digest",
)  # fmt: skip


class Phase:
    """Phase of the plan.

    Args:
        key: Key of `PHASES`, by which the phase is known.
        config_file: Files of `bundle/configs`, merged in order.
        first_epoch: First epoch in the count of the run, from 0.
        end_epoch: Epoch after the last one.
        overlays: Config files of the user, appended to these.
    """

    def __init__(
        self,
        key: str,
        config_file: Sequence[str],
        first_epoch: int,
        end_epoch: int,
        overlays: Sequence[str] = (),
    ) -> None:
        self.key = key
        self.config_file = [str(resource(f"bundle/configs/{file}")) for file in config_file]
        self.overlays = [overlay_file(name) for name in overlays]
        self.first_epoch = first_epoch
        self.end_epoch = end_epoch

    @property
    def name(self) -> str:
        """Return the name that checkpoints and the log give the phase."""
        return PHASES[self.key]

    @property
    def is_pretrain(self) -> bool:
        """Tell whether this is the phase that checkpoints call pretraining."""
        return self.key == "pretrain"

    @property
    def num_epochs(self) -> int:
        """Return the largest number of epochs of the phase."""
        return self.end_epoch - self.first_epoch

    def preprocessing_digest(self, settings: Mapping[str, Any]) -> str:
        """Digest what decides how the phase preprocesses a scan; nothing is built for it.

        Args:
            settings: Settings, resolved.

        Raises:
            UserError: If an overlay has a key that nothing reads.
        """
        files, parser = self._checked_files(settings), ConfigParser()
        with in_words(self.name, bool(self.overlays)):
            parser.read_config(files)
            parser.update(literal({name: value for name, value in settings.items() if name not in DOORS.values()}))
            return preprocessing_digest(parser)

    def build(self, settings: Mapping[str, Any], objects: Mapping[str, Any]) -> PhaseWorkflow:
        """Parse the phase's config; its components are made when they are asked for.

        Args:
            settings: Resolved settings, which the config refers to by name.
            objects: Objects of the run by name: network, data, run directory, ...

        Raises:
            UserError: If an overlay has a key that nothing reads.
        """
        files = self._checked_files(settings)
        # The entry point has set up logging; MONAI warns that a phase does not do so again.
        logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
        with in_words(self.name, bool(self.overlays)):
            workflow = PhaseWorkflow(
                config_file=files,
                logging_file=False,
                workflow_type="train",
                **literal({name: value for name, value in settings.items() if name not in DOORS.values()}),
                **objects,
                phase_key=self.key,
                phase_name=self.name,
                first_epoch=self.first_epoch,
                num_epochs=self.num_epochs,
            )
            _check_augmentation(workflow.parser)
            workflow.parser["preprocessing_digest"] = preprocessing_digest(workflow.parser)
            workflow.initialize()
        return workflow

    def overlay_contents(self) -> list[dict[str, Any]]:
        """Read the user's overlays as they are written.

        Raises:
            UserError: If one of them can't be read.
        """
        for overlay in self.overlays:
            if not overlay.endswith((".yaml", ".yml", ".json")):
                raise UserError(f"the phase overlay {overlay} is neither .yaml nor .json")
        return [dict(read_written(Path(overlay)).content) for overlay in self.overlays]

    def files(self) -> list[str]:
        """List the files of the phase and the user's overlays, but for those of comments alone: MONAI stumbles over them.

        Raises:
            UserError: If an overlay can't be read.
        """
        contents = zip(self.overlays, self.overlay_contents(), strict=True)
        return [*self.config_file, *(overlay for overlay, given in contents if given)]

    def _checked_files(self, settings: Mapping[str, Any]) -> list[str]:
        known = [*ConfigParser.load_config_files(self.config_file), *settings]
        for overlay, given in zip(self.overlays, self.overlay_contents(), strict=True):
            top = [ReferenceResolver.split_id(str(key).lstrip("+"))[0] for key in given]
            refuse_unknown(top, known, f"key in the phase overlay {overlay}:")
        return self.files()


def _check_augmentation(parser: ConfigParser) -> None:
    # The files of the phase know the names, and an overlay may add one.
    known, chosen = parser["augmentations"], parser.get_parsed_content("augmentation")
    if chosen not in known:
        raise UserError(f"augmentation must be one of {', '.join(known)}, got {chosen!r}")


class PhaseWorkflow(ConfigWorkflow):
    """MONAI's workflow over a phase's config, with components by id."""

    def __getitem__(self, component: str) -> Any:
        """Return the component with this id, made on first use."""
        return self.parser.get_parsed_content(component)

    def release(self) -> None:
        """Let go of every component, so that optimizer, loaders and their workers leave the memory."""
        for loader in ("train::dataloader", "validate::dataloader"):
            _stop_workers(self.parser.ref_resolver.resolved_content.get(loader))
        self.parser.ref_resolver.reset()
        for key in ("network_def", "network"):
            self.parser.config.pop(key, None)
        gc.collect()


def _stop_workers(loader: Any) -> None:
    # The loader sits in a cycle with its engine, and the garbage collector closes the queues before torch (2.15) can tell
    # the workers to leave: each of them was waited for in vain, for 5 s.
    workers = getattr(loader, "_iterator", None)
    if workers is not None:
        workers._shutdown_workers()
