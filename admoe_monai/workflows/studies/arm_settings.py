"""The config files of an arm, and what is wrong with them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from admoe_monai.data.visits import nearest
from admoe_monai.errors import UserError
from admoe_monai.evaluation.arms import figures_of
from admoe_monai.workflows.finished.output import OutputFolder
from admoe_monai.workflows.settings.config_files import config_files, read_config
from admoe_monai.workflows.settings.findings import findings
from admoe_monai.workflows.settings.names import declared_settings
from admoe_monai.workflows.settings.short_forms import take_in

from .design import Arm, Study, short_name

#: Settings of all arms; a name that no arm has.
_OF_ALL = "_all_arms.yaml"


def write_settings(study: Study, folder: Path) -> None:
    """Write the settings of a study and of its arms as overlays.

    Args:
        study: The study.
        folder: Folder to write to.
    """
    for name, settings in [
        (_OF_ALL, study.settings),
        *((f"{short_name(a.name)}.yaml", a.settings) for a in study.arms),
    ]:
        if settings:
            OutputFolder(folder).write(name, yaml.safe_dump(dict(settings), sort_keys=False))


def settings_files(study: Study, arm: Arm, folder: Path) -> list[Path]:
    """List the config files of an arm in the order in which they are merged: those of all arms, then its own.

    Args:
        study: The study.
        arm: The arm.
        folder: Folder that `write_settings` wrote to.

    Raises:
        UserError: For an overlay that is not there.
    """
    words = [*study.overlays, *[str(folder / _OF_ALL)] * bool(study.settings)]
    words += [*arm.overlays, *[str(folder / f"{short_name(arm.name)}.yaml")] * bool(arm.settings)]
    return [Path(os.path.abspath(file)) for file in config_files(words)]


def mistakes_in_settings(study: Study) -> list[str]:
    """Find what `admoe check` finds in each arm without building it, and a primary figure that its classes don't have.

    Args:
        study: The study.

    Returns:
        One line each, once for all arms that share it.
    """
    said: dict[str, str] = {}
    first: list[str] = []
    for arm in study.arms:
        with TemporaryDirectory() as name:
            write_settings(study, Path(name))
            try:
                files = settings_files(study, arm, Path(name))
                found = [str(finding) for finding in findings(files, {"datalist": str(study.folds[0])})]
                if not found:
                    classes = classes_in(files, study.task)
                    first = first or classes
                    found = _mistakes_in_primary(study, classes) or _other_classes(study, classes, first)
            except UserError as error:
                found = [str(error)]
        for problem in found:
            # The user has written these settings into the study, and not into a file for a moment.
            said.setdefault(re.sub(rf"{re.escape(name)}/\S*\.yaml(, line \d+)?", "settings", problem), arm.name)
    return [f"arm '{arm}': {problem}" for problem, arm in said.items()]


def classes_in(files: Sequence[Path], task: str) -> list[str]:
    """Read the classes of a task.

    Args:
        files: Config files in the order in which they are merged.
        task: Name of the task.

    Raises:
        UserError: If there is no such task.
    """
    classes = all_classes(files)
    if task not in classes:
        raise UserError(f"primary: there is no task {task}; there are {', '.join(classes)}")
    return [*classes[task]]


def all_classes(files: Sequence[Path]) -> Mapping[str, Sequence[str]]:
    """Read the classes of each task.

    Args:
        files: Config files in the order in which they are merged.
    """
    settings = dict(declared_settings())
    for file in files:
        settings |= read_config(file)
    take_in(settings, declared_settings())
    classes: Mapping[str, Sequence[str]] = settings["classes"]
    return classes


def _other_classes(study: Study, classes: Sequence[str], first: Sequence[str]) -> list[str]:
    if [*classes] == [*first]:
        return []
    return [
        f"its classes of {study.task} are {', '.join(classes)}, those of '{study.arms[0].name}' {', '.join(first)}: figures of "
        "different classes can't be compared; make it a study of its own"
    ]


def _mistakes_in_primary(study: Study, classes: Sequence[str]) -> list[str]:
    known = figures_of(classes)
    if study.figure in known:
        return []
    hint = nearest(study.figure, [*known])
    return [f"primary: {study.task} has no figure '{study.figure}'{hint or '; there are ' + ', '.join(known)}"]
