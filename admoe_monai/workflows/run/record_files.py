"""Files of a run directory that say what a run is, written before its first step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.data import Datalist, save_datalist
from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG, DATALIST
from admoe_monai.workflows.settings.declared import write_config

from .continuation import take_rows_along
from .run_directory import RunDirectory
from .start import Start
from .starts import note_start


def write_record(
    directory: RunDirectory, start: Start, forgotten: Sequence[str], settings: Mapping[str, Any], cohort: Datalist
) -> None:
    """Write what a run goes on with: its line of starts.jsonl, its settings, its datalist.

    Args:
        directory: Folder of the run, locked by this process.
        start: Point from which the run begins.
        forgotten: Names of the best scores that it has forgotten.
        settings: Settings, resolved.
        cohort: Cohort that it trains on.

    Raises:
        UserError: If a file can't be read or written.
    """
    folder = directory.path
    # What is computed again is no longer of the record, and there is a record of what all that follows was made with.
    take_rows_along(folder, folder, start.epoch - 1)
    note_start(folder, start, forgotten, directory.common)
    try:
        write_config(folder / CONFIG, settings)
        save_datalist(folder / DATALIST, cohort)
    except OSError as error:
        raise UserError(
            f"cannot write {CONFIG} and {DATALIST} into {folder}: {error.strerror}; make room and start again"
        ) from error
