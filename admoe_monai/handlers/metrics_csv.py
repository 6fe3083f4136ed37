"""metrics.csv: a row per epoch, with all digits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from admoe_monai.metrics_rows import read_table, write_table

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
        row: Values by column, of which "epoch" and "phase" are two.

    Raises:
        UserError: If the file can't be read, or not written (disk full, no permission); the old file is then untouched.
    """
    columns, rows = read_table(path)
    written = {name: repr(value) if isinstance(value, float) else value for name, value in row.items()}
    kept = [entry for entry in rows if int(entry["epoch"]) < row["epoch"]]
    write_table(path, [*dict.fromkeys([*columns, *row])], [*kept, written])
