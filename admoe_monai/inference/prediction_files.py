"""predictions.csv, predictions.json and errors.csv: every scan stands in the predictions or among the errors."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from ignite.engine import Engine, Events

from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic

__all__ = ["Journal", "PredictionFiles"]

logger = logging.getLogger(__name__)

PREDICTIONS = "predictions.csv"
PREDICTIONS_JSON = "predictions.json"
ERRORS = "errors.csv"


class Journal(Protocol):
    """Place in which predictions are kept until all are there, such as :class:`~admoe_monai.inference.PredictionJournal`."""

    finished: dict[str, dict[str, Any]]

    def add(self, predictions: Sequence[Mapping[str, Any]]) -> None:
        """Keep predictions, safe from a kill."""


class PredictionFiles:
    """Collector of an evaluator's predictions, which writes the tables after the last scan, each complete or not at all.

    The evaluator's items carry "scan", "problem" (empty for a sound scan) and "quality" (a JSON object, see
    :class:`~admoe_monai.transforms.ScoreScand`), its outputs "pred": the probabilities of all tasks side by side.

    Args:
        output_dir: Folder to write to, made when needed.
        scans: Scans of the run, all of them, with "scan", "subject_id", "session_id" and "flags".
        classes: Class names of each task, in the order of the probabilities.
        model_file: File of the weights, whose SHA-256 goes into each row.
        journal: Journal that keeps each batch as it comes, and knows what an earlier run predicted.
        set_thresholds: Per task, in the order of its classes, the probability from which on a class is in the prediction set,
            which then has a column `<task>_set`; None for no sets.
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        scans: Sequence[Mapping[str, Any]],
        classes: Mapping[str, Sequence[str]],
        model_file: str | os.PathLike[str],
        journal: Journal,
        set_thresholds: Sequence[Sequence[float]] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.scans = {scan["scan"]: scan for scan in scans}
        self.classes = classes
        self.model_file = Path(model_file)
        self.journal = journal
        self.set_thresholds = None
        if set_thresholds is not None:
            tasks = zip(classes.items(), set_thresholds, strict=True)
            self.set_thresholds = {task: dict(zip(names, least, strict=True)) for (task, names), least in tasks}
        self._errors: dict[str, str] = {}

    def attach(self, engine: Engine) -> None:
        """Attach to an evaluator.

        Args:
            engine: Evaluator whose batches and outputs are decollated.
        """
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def _start(self) -> None:
        # Known at once, not after an hour of predictions.
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
            writable = os.access(self.output_dir, os.W_OK)
        except OSError as error:
            raise UserError(f"cannot make the folder {self.output_dir}: {error.strerror}") from error
        if not writable:
            raise UserError(f"cannot write to {self.output_dir}; name another --output_dir")
        self._errors = {}

    def _collect(self, engine: Engine) -> None:
        predictions = []
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            scan, probabilities = self.scans[item["scan"]], output["pred"]
            if item["problem"]:
                self._errors[scan["scan"]] = item["problem"]
            elif not torch.isfinite(probabilities).all():
                self._errors[scan["scan"]] = "the network's output for this scan is not finite"
            else:
                predictions.append(self._prediction(scan, probabilities.tolist(), json.loads(item["quality"])))
        self.journal.add(predictions)

    def _prediction(
        self, scan: Mapping[str, Any], probabilities: Sequence[float], quality: Mapping[str, Any]
    ) -> dict[str, Any]:
        values = iter(probabilities)
        by_task = {task: {name: next(values) for name in names} for task, names in self.classes.items()}
        return {
            "scan": scan["scan"],
            "subject_id": scan["subject_id"],
            "session_id": scan["session_id"],
            "probabilities": by_task,
            **({} if self.set_thresholds is None else {"sets": _sets(by_task, self.set_thresholds)}),
            "flags": [*scan["flags"], *quality.get("flags", [])],
            "distance_from_training": quality.get("distance"),
            "state": quality.get("state"),
            "measures": quality.get("measures", {}),
        }

    def write(self) -> None:
        """Write the files, in the order of the scans.

        Raises:
            UserError: If one can't be written.
            RuntimeError: If a scan is in neither.
        """
        lost = self.scans.keys() - self.journal.finished.keys() - self._errors.keys()
        if lost:
            raise RuntimeError(f"{len(lost)} of {len(self.scans)} scans have neither a prediction nor an error")
        predictions = [self.journal.finished[name] for name in self.scans if name not in self._errors]
        errors = [{"scan": name, "error": self._errors[name]} for name in self.scans if name in self._errors]
        with open(self.model_file, "rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        content = {
            "model_sha256": checksum,
            "classes": {task: list(names) for task, names in self.classes.items()},
            "predictions": predictions,
            "errors": errors,
        }
        rows = [_row(prediction, checksum) for prediction in predictions]
        columns = [f"p_{task}_{name}" for task, names in self.classes.items() for name in names]
        columns += [f"{task}_set" for task in self.set_thresholds or {}]
        header = [
            "scan", "subject_id", "session_id", *columns, "flags", "distance_from_training", "model_sha256",
        ]  # fmt: skip
        _write(self.output_dir / PREDICTIONS_JSON, json.dumps(content, indent=1, allow_nan=False) + "\n")
        _write(self.output_dir / ERRORS, _csv(["scan", "error"], errors))
        _write(self.output_dir / PREDICTIONS, _csv(header, rows))
        flagged = sum(bool(prediction["flags"]) for prediction in predictions)
        logger.info(
            "%d scans predicted, %d of them with flags: %s", len(predictions), flagged, self.output_dir / PREDICTIONS
        )
        if errors:
            logger.warning("%d scans could not be used: %s", len(errors), self.output_dir / ERRORS)


def _sets(
    probabilities: Mapping[str, Mapping[str, float]], thresholds: Mapping[str, Mapping[str, float]]
) -> dict[str, list[str]]:
    return {
        task: [name for name, value in values.items() if value >= thresholds[task][name]]
        for task, values in probabilities.items()
    }


def _row(prediction: Mapping[str, Any], checksum: str) -> dict[str, Any]:
    distance = prediction["distance_from_training"]
    return {
        **{name: prediction[name] for name in ("scan", "subject_id", "session_id")},
        **{
            f"p_{task}_{name}": f"{value:.6f}"
            for task, values in prediction["probabilities"].items()
            for name, value in values.items()
        },
        **{f"{task}_set": "|".join(names) for task, names in prediction.get("sets", {}).items()},
        "flags": ";".join(prediction["flags"]),
        "distance_from_training": "" if distance is None else f"{distance:.2f}",
        "model_sha256": checksum,
    }


def _csv(header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    # As RFC 4180 and every spreadsheet has it.
    table = csv.DictWriter(text, header)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    try:
        write_atomic(path, text)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error
