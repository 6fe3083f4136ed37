"""What a run directory tells without torch, which takes seconds to import: config, metrics, the plain part of a checkpoint."""

from __future__ import annotations

import csv
import math
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG, METRICS

#: Libyaml's parser reads the configs of a thousand runs in a second; not every build of PyYAML has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Settings without which a config is of something else.
_OF_A_RUN = ("max_epochs", "pretrain_epochs")


@dataclass(frozen=True)
class Best:
    """Best value of a figure of validation.

    Attributes:
        value: The value.
        epoch: Epoch that it is of, counted from 0 over the whole run.
    """

    value: float
    epoch: int


def read_settings(run_dir: Path) -> dict[str, Any]:
    """Read the settings that a run has recorded.

    Args:
        run_dir: Run directory.

    Raises:
        UserError: If its config is absent, damaged or of something else.
    """
    path = run_dir / CONFIG
    try:
        content = yaml.load(path.read_bytes(), _Loader)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path} can't be read: {str(error).splitlines()[0]}") from error
    if not isinstance(content, Mapping) or not all(isinstance(content.get(name), int) for name in _OF_A_RUN):
        raise UserError(f"{path} is no config of a run: it lacks {' or '.join(_OF_A_RUN)}")
    return dict(content)


def read_metrics(run_dir: Path) -> list[dict[str, str]]:
    """Read the rows of a run's metrics, one per epoch; none if no epoch is complete.

    Args:
        run_dir: Run directory.

    Raises:
        UserError: If the file is damaged.
    """
    path = run_dir / METRICS
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, restval=""))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path} can't be read: {error}") from error
    for number, row in enumerate(rows, start=2):
        if not (row.get("epoch") or "").isdecimal() or not row.get("phase"):
            raise UserError(f"{path}, line {number}: not the row of an epoch")
    return rows


def number_in(row: Mapping[str, str], name: str) -> float | None:
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


def lowest_loss(rows: Sequence[Mapping[str, str]], phase: str) -> Best | None:
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


def best_score(rows: Sequence[Mapping[str, str]], selection_metric: str) -> Best | None:
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


class _Nothing(dict[Any, Any]):
    """What stands for a tensor, or anything else that is not plain Python."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    def __setstate__(self, _: Any) -> None:
        pass


class _WithoutTensors(pickle.Unpickler):
    """Reads plain Python and no more: nothing that a file names is looked up, let alone called."""

    def find_class(self, module: str, name: str) -> Any:
        return _Nothing

    def persistent_load(self, pid: Any) -> Any:
        return None


def read_header(checkpoint: Path) -> dict[str, Any]:
    """Read what a checkpoint holds beside its tensors, of which not a byte is read.

    Args:
        checkpoint: File written by this package.

    Raises:
        UserError: If it is damaged or of another origin.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as file:
                content = _WithoutTensors(file).load()
    except Exception as error:  # of a damaged pickle there are a dozen kinds
        raise UserError(f"{checkpoint} can't be read ({type(error).__name__}); `admoe inspect` says more") from error
    if not isinstance(content, dict) or "format_version" not in content:
        raise UserError(f"{checkpoint} was not written by admoe_monai")
    return content
