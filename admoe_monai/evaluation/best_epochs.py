"""Epochs of a run that its best files are of, found in its metrics.csv."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def read_metrics(path: Path) -> pd.DataFrame:
    """Read metrics.csv with every digit: what is the best may hang on the last one.

    Args:
        path: File of a run.
    """
    # pandas 2 rounds floats unless told otherwise, and later versions no longer take the argument.
    with open(path, encoding="utf-8", newline="") as file:
        rows = pd.DataFrame([*csv.DictReader(file)])
    figures = [str(name) for name in rows if name not in ("epoch", "phase")]
    rows[figures] = rows[figures].map(lambda text: float(text) if text else math.nan)
    return rows.assign(epoch=rows["epoch"].astype(int))


def lowest_loss(metrics: pd.DataFrame, phase: str) -> pd.Series[Any] | None:
    """Find the row with the lowest validation loss of a phase, the first of several; None without a validation.

    Args:
        metrics: Rows of metrics.csv.
        phase: Key of the phase.
    """
    rows = _finite(metrics[metrics["phase"] == phase], "val_loss")
    return _first_lowest(rows)


def best_score(metrics: pd.DataFrame, selection_metric: str) -> pd.Series[Any] | None:
    """Find the row of the best model, ties going to the lower loss; None where no validation has a score.

    Args:
        metrics: Rows of metrics.csv.
        selection_metric: Name of the metric that chooses the best model.
    """
    column = f"val_{selection_metric}"
    if column not in metrics:
        return None
    rows = _finite(_finite(metrics, column), "val_loss")
    rows = rows[rows[column] == rows[column].max()]
    return _first_lowest(rows)


def _first_lowest(rows: pd.DataFrame) -> pd.Series[Any] | None:
    return None if rows.empty else rows.iloc[int(rows["val_loss"].to_numpy().argmin())]


def _finite(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows[np.isfinite(rows[column].to_numpy(dtype=float))] if column in rows else rows.iloc[:0]
