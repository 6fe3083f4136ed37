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
from admoe_monai.run_files import TEST_LOOKS

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
    looks = [*looks_at(run_dir), Look(now, by, checkpoint, str(epoch), datalist)]
    path = run_dir / TEST_LOOKS
    try:
        write_atomic(path, _table(looks))
    except OSError as error:
        logger.warning("this look at the test split is not recorded: cannot write %s (%s)", path, error.strerror)


def looks_at(run_dir: Path) -> list[Look]:
    """Read the record of a run; nothing of it where there is none or it is damaged.

    Args:
        run_dir: Folder of the run.
    """
    try:
        rows = list(csv.DictReader(io.StringIO((run_dir / TEST_LOOKS).read_text(encoding="utf-8"))))
    except (OSError, ValueError):
        return []
    names = [field.name for field in fields(Look)]
    return [Look(**{name: row[name] for name in names}) for row in rows if all(row.get(name) for name in names)]


def in_words(looks: Sequence[Look]) -> str:
    """Say how often and at how many models, for a report.

    Args:
        looks: Looks of a run.
    """
    if not looks:
        return "No look at the test split is recorded before this page."
    models = len({(look.checkpoint, look.epoch) for look in looks})
    times = "once" if len(looks) == 1 else f"{len(looks)} times, first on {looks[0].time[:10]}"
    several = (
        "of one model"
        if models == 1
        else f"of {models} models of this run: whoever took the best of them has chosen by the test split"
    )
    return f"The test split has been looked at {times}, {several} (recorded in {TEST_LOOKS})."


def _table(looks: Sequence[Look]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Look)])
    writer.writerows(astuple(look) for look in looks)
    return text.getvalue()
