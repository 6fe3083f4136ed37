"""The rows of metrics.csv, and the epochs of a run that its best files are of; nothing here takes time to import."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from admoe_monai.errors import UserError
from admoe_monai.files import atomic

#: Row of an epoch: texts by column, empty where the epoch has no such figure.
Row = Mapping[str, str]


@dataclass(frozen=True)
class Best:
    """Best value of a figure of validation.

    Attributes:
        value: The value.
        epoch: Epoch that it is of, counted from 0 over the whole run.
    """

    value: float
    epoch: int


def read_metrics(path: Path) -> list[Row]:
    """Read the rows of a run's metrics, one per epoch; none if no epoch is complete.

    Args:
        path: File metrics.csv of the run.

    Raises:
        UserError: If the file is damaged.
    """
    return read_table(path)[1]


def read_table(path: Path) -> tuple[list[str], list[Row]]:
    """Read a table of a run with one row per epoch, metrics.csv or digests.csv.

    The mark that a spreadsheet puts in front, and blank lines, don't count.

    Args:
        path: File of the run.

    Returns:
        Names of the columns, and the rows; none of both if the file is absent.

    Raises:
        UserError: If the file is damaged, or saved in another way than the run writes it.
    """
    rows: list[Row] = []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, restkey="", restval="")
            for row in table:
                if not (row.get("epoch") or "").isdecimal() or not row.get("phase") or "" in row:
                    raise UserError(f"{path}, line {table.line_num}: not the row of an epoch")
                rows.append(row)
            return [*(table.fieldnames or ())], rows
    except FileNotFoundError:
        return [], []
    except UserError:
        raise
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path} can't be read: {error}") from error


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a table as :func:`read_table` reads it.

    Args:
        path: File, which is replaced at once or not at all.
        columns: Names of the columns.
        rows: Values by column, of which a row may lack some.

    Raises:
        UserError: If the file can't be written (disk full, no permission).
    """
    try:
        with atomic(path) as file:
            table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; make room and continue with --resume auto") from error


def row_digest(row: Row) -> str:
    """Digest the row of an epoch: SHA-256, in hexadecimal.

    Columns that it leaves empty, as later phases bring some, don't count.

    Args:
        row: Row of metrics.
    """
    cells = sorted(f"{name}={value}\n" for name, value in row.items() if value)
    return hashlib.sha256("".join(cells).encode()).hexdigest()


def number_in(row: Row, name: str) -> float | None:
    """Return a finite number of a row; None where it has none.

    Args:
        row: Row of metrics.
        name: Column.
    """
    try:
        value = float(row.get(name) or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def lowest_loss(rows: Sequence[Row], phase: str) -> Best | None:
    """Find the lowest validation loss of a phase; None before its first validation.

    Args:
        rows: Rows of metrics.
        phase: Key of the phase.
    """
    losses = [
        Best(loss, int(row["epoch"]))
        for row in rows
        if row["phase"] == phase and (loss := number_in(row, "val_loss")) is not None
    ]
    return min(losses, key=lambda best: best.value, default=None)


def best_score(rows: Sequence[Row], selection_metric: str) -> Best | None:
    """Find the validation that the best model is of, ties going to the lower loss; None before there is one.

    Args:
        rows: Rows of metrics.
        selection_metric: Setting of this name.
    """
    scores = [
        (score, -loss, Best(score, int(row["epoch"])))
        for row in rows
        if row["phase"] == "finetune"
        and (score := number_in(row, f"val_{selection_metric}")) is not None
        and (loss := number_in(row, "val_loss")) is not None
    ]
    found = max(scores, key=lambda entry: entry[:2], default=None)
    return None if found is None else found[2]
