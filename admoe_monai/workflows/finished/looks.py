"""How often the test split of a run has been looked at: a figure that was chosen after many looks is no test any more."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path

from admoe_monai.files import write_atomic
from admoe_monai.run_files import BEST_PRETRAIN, TEST_LOOKS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """One look at the test split.

    Attributes:
        time: When, in ISO 8601 with the zone.
        by: Command that looked.
        checkpoint: Name of the file whose network was tested.
        epoch: Epoch of that checkpoint.
        datalist: digest of the datalist, as checkpoints hold it, so that another cohort can be told apart.
    """

    time: str
    by: str
    checkpoint: str
    epoch: str
    datalist: str


_NAMES = [field.name for field in fields(Look)]


def record_look(run_dir: Path, by: str, checkpoint: str, epoch: int, datalist: str) -> None:
    """Add a look to the record of a run; where it can't be written, say so and go on.

    Args:
        run_dir: Folder of the run.
        by: Command that looks.
        checkpoint: Name of the file whose network is tested.
        epoch: Epoch of that checkpoint.
        datalist: digest of the datalist.
    """
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    path = run_dir / TEST_LOOKS
    try:
        before = (path.read_bytes() if path.exists() else b"") or _line(_NAMES)
        # What stands there stays, whether it can be read or not.
        whole = before if before.endswith(b"\n") else before + b"\n"
        write_atomic(path, whole + _line(astuple(Look(now, by, checkpoint, str(epoch), datalist))))
    except OSError as error:
        logger.warning("this look at the test split is not recorded: cannot write %s (%s)", path, error.strerror)


def looks_at(run_dir: Path) -> list[Look]:
    """Read the record of a run, as far as it can be read; nothing where there is none.

    Args:
        run_dir: Folder of the run.
    """
    path = run_dir / TEST_LOOKS
    try:
        text = path.read_text(encoding="utf-8", errors="replace").replace("\0", "")
    except OSError:
        return []
    lines = [line for line in text.splitlines() if line.strip() and line.split(",") != _NAMES]
    looks = [look for line in lines if (look := _look(line)) is not None]
    if len(looks) < len(lines):
        logger.warning("%s: lines that can't be read, whose looks are not counted: %d", path, len(lines) - len(looks))
    return looks


def in_words(looks: Sequence[Look], datalist: str, pretrain_epochs: int) -> str:
    """Say how often and at how many models, for a report; looks at other people and at reconstructions choose none.

    Args:
        looks: Looks of a run.
        datalist: digest of the datalist whose test split is meant.
        pretrain_epochs: Number of the run's first epochs, whose networks predict no label.
    """
    own = [look for look in looks if look.datalist == datalist and _predicts(look, pretrain_epochs)]
    if not own:
        return "No look at the test split is recorded before this page."
    # An epoch has one network, under several names where it was the best of several kinds.
    models = len({look.epoch for look in own})
    times = "once" if len(own) == 1 else f"{len(own)} times, first on {own[0].time[:10]}"
    several = (
        "of one model"
        if models == 1
        else f"of {models} models of this run: whoever took the best of them has chosen by the test split"
    )
    return f"The test split has been looked at {times}, {several} (recorded in {TEST_LOOKS})."


def _predicts(look: Look, pretrain_epochs: int) -> bool:
    return look.checkpoint != BEST_PRETRAIN and int(look.epoch) >= pretrain_epochs


def _look(line: str) -> Look | None:
    try:
        (cells,) = csv.reader([line])
        look = Look(*cells)
        datetime.fromisoformat(look.time)
        int(look.epoch)
    except (csv.Error, TypeError, ValueError):
        return None
    return look


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
