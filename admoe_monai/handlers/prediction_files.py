"""predictions.csv and errors.csv: every scan has a row in one of the two."""

from __future__ import annotations

import csv
import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from admoe_monai.errors import UserError

logger = logging.getLogger(__name__)

PREDICTIONS = "predictions.csv"
ERRORS = "errors.csv"


class PredictionFiles:
    """Collects what an evaluator predicts and writes it once all scans are through, each file whole or not at all.

    The evaluator's items carry "scan" and "problem" (empty for a sound scan), its outputs "pred": the probabilities of
    all tasks side by side.

    Args:
        output_dir: folder to write to, made when needed.
        scans: all scans, with "scan", "subject_id", "session_id" and "flags".
        classes: class names of each task, in the order of the probabilities.
        model_file: of the weights, whose SHA-256 goes into each row.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        scans: Sequence[Mapping[str, Any]],
        classes: Mapping[str, Sequence[str]],
        model_file: str | os.PathLike[str],
    ) -> None:
        self.output_dir = Path(output_dir)
        self.scans = {scan["scan"]: scan for scan in scans}
        self.columns = [f"p_{task}_{name}" for task, names in classes.items() for name in names]
        self.model_file = Path(model_file)
        self._predictions: list[dict[str, Any]] = []
        self._errors: list[dict[str, Any]] = []
        self._checksum = ""

    def attach(self, engine: Engine) -> None:
        """Attach to an evaluator.

        Args:
            engine: whose batches and outputs are decollated.
        """
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def _start(self) -> None:
        # Known at once, not after an hour of predictions.
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
            writable = os.access(self.output_dir, os.W_OK)
        except OSError as error:
            raise UserError(f"cannot make the folder {self.output_dir}: {error.strerror}") from error
        if not writable:
            raise UserError(f"cannot write to {self.output_dir}; name another --output_dir")
        with open(self.model_file, "rb") as file:
            self._checksum = hashlib.file_digest(file, "sha256").hexdigest()
        self._predictions, self._errors = [], []

    def _collect(self, engine: Engine) -> None:
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            scan, probabilities = self.scans[item["scan"]], output["pred"]
            if item["problem"]:
                self._errors.append({"scan": scan["scan"], "error": item["problem"]})
            elif not torch.isfinite(probabilities).all():
                self._errors.append({"scan": scan["scan"], "error": "the network's output for this scan is not finite"})
            else:
                values = [f"{value:.6f}" for value in probabilities.tolist()]
                self._predictions.append(
                    {
                        "scan": scan["scan"],
                        "subject_id": scan["subject_id"],
                        "session_id": scan["session_id"],
                        **dict(zip(self.columns, values, strict=True)),
                        "flags": ";".join(scan["flags"]),
                        "model_sha256": self._checksum,
                    }
                )

    def _finish(self) -> None:
        header = ["scan", "subject_id", "session_id", *self.columns, "flags", "model_sha256"]
        _write(self.output_dir / PREDICTIONS, header, self._predictions)
        _write(self.output_dir / ERRORS, ["scan", "error"], self._errors)
        done = len(self._predictions) + len(self._errors)
        if done != len(self.scans):
            raise RuntimeError(f"{len(self.scans) - done} of {len(self.scans)} scans have no row in {self.output_dir}")
        logger.info("%d scans predicted: %s", len(self._predictions), self.output_dir / PREDICTIONS)
        if self._errors:
            logger.warning("%d scans could not be used: %s", len(self._errors), self.output_dir / ERRORS)


def _write(path: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, header)
            table.writeheader()
            table.writerows(rows)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
