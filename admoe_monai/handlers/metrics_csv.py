"""metrics.csv: a row per epoch, with all digits."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.files import atomic

from .epoch_metrics import Epoch


class CsvTracker:
    """Write the row of each epoch to a file, so that that of a resumed run equals that of an uninterrupted one.

    For that reason neither times nor memory are in it. What metrics with several figures find, such as gate weights and
    recalls, stands in columns `val_<metric>_<figure>`.

    Args:
        path: File, extended by columns as phases bring new ones.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __call__(self, epoch: Epoch) -> None:
        """Append the row, or replace it if the epoch was repeated."""
        grouped = {
            f"val_{group}_{name}": value for group, values in epoch.groups.items() for name, value in values.items()
        }
        append_row(self.path, {"epoch": epoch.number, "phase": epoch.phase, **epoch.values, **grouped})


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Append a row to a CSV file, in one write; a row with new columns rewrites the file with a wider header.

    A row of an epoch that the file already has replaces it and whatever follows: the epoch was repeated after a kill.

    Args:
        path: File, made with a header if it is absent.
        row: Values by column, of which "epoch" is one.

    Raises:
        UserError: If the file can't be written (disk full, no permission); the old file is then untouched.
    """
    rows: list[dict[str, Any]] = []
    header: list[str] = []
    if path.exists():
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or [])
            rows = [entry for entry in reader if entry["epoch"] and int(entry["epoch"]) < row["epoch"]]
    header += [name for name in row if name not in header]
    try:
        with atomic(path) as file:
            table = csv.DictWriter(file, header, restval="", lineterminator="\n")
            table.writeheader()
            table.writerows([*rows, {name: repr(v) if isinstance(v, float) else v for name, v in row.items()}])
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; make room and continue with --resume auto") from error
