"""BIDS folders: labels from the tables, T1w scans from the raw data or a derivative."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

from ..json_files import read_json
from .bids_subject import ScanTree
from .bids_visits import read_visits
from .mapping import ColumnMapping
from .reading import Reading
from .t1w import ScanChoice, t1w_scans

__all__ = ["BidsFolder", "read_description"]


@dataclass(frozen=True)
class BidsFolder:
    """A BIDS dataset.

    Args:
        directory: Root of the dataset.
        mapping: Meaning of the columns.
        derivative: Folder with the scans: a name below ``derivatives``, or the path of any folder of the same layout.
        prefer: Parts of file names, such as ``acq-mprage``, the most wanted first: they choose among several T1w scans of
            a session; the first by name counts among equals.
    """

    directory: Path
    mapping: ColumnMapping
    derivative: str | None = None
    prefer: Sequence[str] = ()

    def read(self) -> Reading:
        """Read the visits.

        Values in sessions.tsv win over those in participants.tsv. A diagnosis in participants.tsv can't follow a
        change, so it holds only for people with a single visit.

        Raises:
            UserError: If the folder is not BIDS, or a table can't be read or lacks a column that is needed.
        """
        root = Path(os.path.abspath(self.directory))
        images = self._images(root)
        about = read_description(root)
        choice = ScanChoice(self.prefer)
        tree = ScanTree(images, images, lambda session: t1w_scans([session / "anat"]), choice)
        reading = read_visits(root, self.mapping, tree)
        reading.description = str(about.get("Name") or self.mapping.description)
        reading.simulated = bool(about.get("simulated", False))
        if reading.simulated:
            reading.label_source = "simulated"
            for record in reading.records:
                record.visit["label_source"] = record.visit["label_source"] and "simulated"
        reading.problems += choice.problems
        reading.notes += choice.notes()
        return reading

    def _images(self, root: Path) -> Path:
        if self.derivative is None:
            return root
        for folder in (root / "derivatives" / self.derivative, Path(os.path.abspath(self.derivative))):
            if folder.is_dir():
                return folder
        raise UserError(f"there is no derivative '{self.derivative}': neither below {root}/derivatives nor as a folder")


def read_description(directory: str | Path) -> dict[str, Any]:
    """Read ``dataset_description.json``, or nothing where a folder has none.

    Raises:
        UserError: If the file can't be read or is no JSON object.
    """
    path = Path(directory) / "dataset_description.json"
    if not path.is_file():
        return {}
    content = read_json(path, "description of the dataset")
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold an object, got {str(content)[:40]!r}")
    return content
