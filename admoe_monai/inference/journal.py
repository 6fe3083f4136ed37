"""A record on disk of what has been predicted, so that a run of inference that is killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.scan_files import ScanFileError, file_states

__all__ = ["PredictionJournal"]


class PredictionJournal:
    """One line per predicted scan: a digest of all that decides the prediction, and the prediction.

    A line that a kill cut off is not read. Scans that could not be used are not kept: the next run tries them again.

    Args:
        path: Path of the file, made when needed.
        scans: Scans of this run, all of them, as :func:`~admoe_monai.inference.scans_to_predict` returns them.
        digest: Digest of the model and the settings that decide a prediction; lines of another one don't count.
    """

    def __init__(self, path: str | Path, scans: Sequence[Mapping[str, Any]], digest: str) -> None:
        self.path = Path(path)
        self.scans = scans
        self.digest = digest
        known = self._read()
        self.keys = {scan["scan"]: self._key(scan) for scan in scans}
        self.finished: dict[str, dict[str, Any]] = {name: known[key] for name, key in self.keys.items() if key in known}

    def pending(self) -> list[Mapping[str, Any]]:
        """Return the scans that are not predicted yet, in their order."""
        return [scan for scan in self.scans if scan["scan"] not in self.finished]

    def add(self, predictions: Sequence[Mapping[str, Any]]) -> None:
        """Keep predictions, on disk when this returns.

        Args:
            predictions: Items with "scan" and what JSON can hold.

        Raises:
            UserError: If the file can't be written.
        """
        lines = [json.dumps({"key": self.keys[p["scan"]], "prediction": p}, allow_nan=False) for p in predictions]
        try:
            with self.path.open("ab+") as file:
                # After a kill in the middle of a line, the next one begins on a line of its own.
                if file.tell() and not self._ends_whole(file.fileno(), file.tell()):
                    file.write(b"\n")
                file.write("".join(f"{line}\n" for line in lines).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror}") from error
        self.finished |= {prediction["scan"]: dict(prediction) for prediction in predictions}

    @staticmethod
    def _ends_whole(descriptor: int, size: int) -> bool:
        return os.pread(descriptor, 1, size - 1) == b"\n"

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror}; name another --output_dir") from error
        known = {}
        for line in lines:
            try:
                content = json.loads(line)
                known[str(content["key"])] = dict(content["prediction"])
            except (ValueError, KeyError, TypeError):
                continue
        return known

    def _key(self, scan: Mapping[str, Any]) -> str:
        decides = [self.digest, scan["scan"], scan["image"], scan.get("prior", {}), _state(Path(scan["image"]))]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _state(path: Path) -> list[list[Any]]:
    """Return name, size and time of change of each file of a scan; empty if one is missing."""
    try:
        return [[os.path.basename(file), size, modified] for file, size, modified, _ in file_states(path)]
    except (OSError, ScanFileError):
        return []
