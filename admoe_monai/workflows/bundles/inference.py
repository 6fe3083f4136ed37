"""Functions that the inference config of an exported bundle calls."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import admoe_monai
from admoe_monai.errors import UserError, one_line_errors, reason_of
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.run.environment import choose_device
from admoe_monai.workflows.settings.command_line import refuse_stray_words
from admoe_monai.workflows.settings.declared import calling_workflow

from .runs import check_bundle, parser_at_hand

logger = logging.getLogger(__name__)

CONFIG = "configs/inference.json"
PRIOR = "configs/prior.json"
REFERENCE = "configs/reference.json"
#: Settings that can be changed without changing a prediction.
NO_MATTER = ("imports", "bundle_root", "dataset_dir", "output_dir", "prior_table", "num_workers", "overlays")
#: Packages whose arithmetic decides the bits of a prediction.
PACKAGES = ("torch", "monai", "numpy", "scipy", "SimpleITK", "nibabel", "pydicom")


def infer() -> None:
    """Predict the scans; `inference` of an exported bundle."""
    with one_line_errors():
        parser = parser_at_hand()
        check_bundle(parser, Path(str(parser.get_parsed_content("bundle_root"))), [CONFIG])
        choose_device(str(parser.get_parsed_content("device")))
        use_threads()
        journal = parser.get_parsed_content("journal")
        pending = len(journal.pending())
        if pending < len(journal.scans):
            logger.info("%d of %d scans were predicted already", len(journal.scans) - pending, len(journal.scans))
        if pending:
            try:
                parser.get_parsed_content("evaluator").run()
            except KeyboardInterrupt:
                raise SystemExit(
                    f"stopped: {len(journal.finished)} of {len(journal.scans)} scans are predicted and kept; "
                    "the same command goes on"
                ) from None
        else:
            from admoe_monai.inference import PredictionFiles  # the evaluator's imports, which cost seconds

            handlers = parser.get_parsed_content("handlers")
            next(handler for handler in handlers if isinstance(handler, PredictionFiles)).write()


def prior_columns(bundle_root: str | Path) -> list[dict[str, Any]]:
    """Read the statistics of the prior columns that a bundle's network takes; empty for a network without a prior.

    They stand in a file of their own, because MONAI (1.6.1) replaces every # in the strings of a config.

    Args:
        bundle_root: Folder of the bundle.

    Raises:
        UserError: If the file is absent or damaged.
    """
    columns: list[dict[str, Any]] = _read(Path(bundle_root) / PRIOR, "columns")
    return columns


def training_reference(bundle_root: str | Path) -> dict[str, Any] | None:
    """Read the quartiles of what was measured on scans of training; None where a bundle has none.

    Args:
        bundle_root: Folder of the bundle.

    Raises:
        UserError: If the file is absent or damaged.
    """
    reference: dict[str, Any] | None = _read(Path(bundle_root) / REFERENCE, "reference")
    return reference


def inference_digest(bundle_root: str | Path) -> str:
    """Digest what decides a prediction, beside the scan and its prior: config as it runs, weights, code.

    Args:
        bundle_root: Folder of the bundle.
    """
    parser = calling_workflow().parser
    digest = hashlib.sha256()
    config = {key: value for key, value in parser.config.items() if key not in NO_MATTER}
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    for path in (Path(parser.get_parsed_content("model_file")), Path(bundle_root, PRIOR), Path(bundle_root, REFERENCE)):
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise UserError(f"{path} can't be read ({error.strerror}); name the bundle with --bundle_root") from error
    versions = [f"admoe_monai {admoe_monai.__version__}", *(f"{name} {version(name)}" for name in PACKAGES)]
    digest.update("\n".join(versions).encode())
    return digest.hexdigest()


def _read(path: Path, key: str) -> Any:
    _refuse_to_initialise()
    try:
        return json.loads(path.read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} can't be read ({reason_of(error)}); name the bundle with --bundle_root") from error


def _refuse_to_initialise() -> None:
    """Leave where a stray word of the command line, such as `scans`, has MONAI make parts before it calls `infer`."""
    with contextlib.suppress(RuntimeError):  # other tools of MONAI make parts too, without a workflow
        workflow = calling_workflow()
        with one_line_errors():
            refuse_stray_words(workflow)
