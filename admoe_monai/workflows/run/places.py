"""Places of the data of a run, should the run, its datalist or its scans have been moved since it was recorded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG, DATALIST
from admoe_monai.workflows.settings.literal_text import plain
from admoe_monai.workflows.settings.names import declared_settings
from admoe_monai.workflows.settings.overlays import overlay_file
from admoe_monai.workflows.settings.written import read_written

from .hub import is_on_hub

CACHE = "preprocessed"


def run_folders(settings: Mapping[str, Any], config_folder: Path) -> list[Path]:
    """List the run directories that a run goes on from or repeats.

    Args:
        settings: Settings, resolved.
        config_folder: Folder of the entry point, which may be a run's own config.
    """
    resume, run_dir = settings["resume"], settings["run_dir"]
    folders = [config_folder]
    if resume is not None and (resume != "auto" or run_dir is not None):
        folders.insert(0, Path(run_dir) if resume == "auto" else Path(resume).parent)
    return [folder for folder in folders if _is_run(folder)]


def find_data(settings: dict[str, Any], folders: Iterable[Path]) -> list[str]:
    """Let the settings of a run that was moved point to where its data are now, and to a cache beside them.

    Args:
        settings: Settings, resolved; changed in place where they are those that the run has recorded and lead nowhere.
        folders: Folders of the run, see `run_folders`; none for a run that begins.

    Returns:
        Lines about it for the log.

    Raises:
        UserError: For another datalist that is absent.
    """
    said: list[str] = []
    for folder in folders:
        recorded = _recorded(folder)
        said += _find_datalist(settings, recorded, folder / DATALIST)
        dataset_dir = settings["dataset_dir"]
        if dataset_dir is not None and dataset_dir == recorded["dataset_dir"] and not os.path.isdir(dataset_dir):
            settings["dataset_dir"] = None  # as the datalist says
        if settings["cache_dir"] == recorded["cache_dir"] and _is_left_behind(settings, recorded):
            settings["cache_dir"] = None
    return said


def make_lasting(settings: dict[str, Any]) -> None:
    """Make paths absolute, so that the config that a run records means the same wherever it is started from.

    Args:
        settings: Settings, resolved; changed in place.
    """
    for name in ("datalist", "dataset_dir", "pretrained"):
        if settings[name] is not None and not is_on_hub(settings[name]):
            settings[name] = os.path.abspath(settings[name])
    overlays = settings["phase_overlays"]
    settings["phase_overlays"] = {
        phase: [os.path.abspath(overlay_file(file)) for file in files] for phase, files in overlays.items()
    }


def default_cache(datalist: str | Path) -> Path:
    """Choose the folder for preprocessed scans where none is named: beside the datalist, or beside the run that has it."""
    folder = Path(os.path.abspath(datalist)).parent
    return (folder.parent if _is_run(folder) else folder) / CACHE


def _is_run(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and (folder / DATALIST).is_file()


def _recorded(folder: Path) -> dict[str, Any]:
    # Nothing is evaluated: the folder of a checkpoint that is named may be of others.
    written = {**declared_settings(), **read_written(folder / CONFIG).content}
    return {name: plain(written[name]) for name in ("datalist", "dataset_dir", "cache_dir")}


def _find_datalist(settings: dict[str, Any], recorded: Mapping[str, Any], own: Path) -> list[str]:
    given = settings["datalist"]
    if os.path.exists(given):
        return []
    if os.path.abspath(given) not in map(os.path.abspath, (recorded["datalist"], declared_settings()["datalist"])):
        raise UserError(f"datalist not found: {given}; without --datalist, the run goes on with its own, {own}")
    settings["datalist"] = os.path.abspath(own)
    return [f"{given} is not there: the run goes on with its own datalist, {own}"]


def _is_left_behind(settings: Mapping[str, Any], recorded: Mapping[str, Any]) -> bool:
    """Tell whether the recorded cache belongs to a place that the run no longer uses."""
    if recorded["cache_dir"] is None or settings["datalist"] == recorded["datalist"]:
        return False
    cache, folder = Path(recorded["cache_dir"]), Path(recorded["datalist"]).parent
    return cache in (folder / CACHE, folder.parent / CACHE) or not (cache.exists() or cache.parent.exists())
