"""The cells of a study: one arm on one fold with one seed, its files and its command, written where Snakemake reads them."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.data import load_datalist, save_datalist
from admoe_monai.data.permuted_labels import permute_labels
from admoe_monai.errors import UserError
from admoe_monai.run_files import EVALUATION
from admoe_monai.workflows.finished.output import OutputFolder
from admoe_monai.workflows.settings.config_files import config_files

from .arm_settings import all_classes, settings_files, write_settings
from .design import PERMUTED, REGRESSION, Arm, Study, short_name

PLAN, CELLS, CONFIGS, DATALISTS, CACHE = "plan.json", "cells", "configs", "datalists", "preprocessed"
ADMOE = "from admoe_monai.cli.main import main; main()"


@dataclass(frozen=True)
class Cell:
    """One arm on one fold with one seed.

    Attributes:
        arm: The arm.
        fold: Number of the fold, from 0.
        seed: Seed of the training.
        folder: Folder of the study.
        datalist: Datalist of the fold.
    """

    arm: Arm
    fold: int
    seed: int
    folder: Path
    datalist: Path

    @property
    def name(self) -> str:
        """Name of its files."""
        return f"{short_name(self.arm.name)}_fold{self.fold + 1}_seed{self.seed}"

    @property
    def run_dir(self) -> Path:
        """Run directory."""
        return self.folder / CELLS / self.name

    @property
    def marker(self) -> Path:
        """Empty file that is there once everything else is: all that Snakemake knows of a cell."""
        return self.run_dir.with_name(f"{self.name}.done")

    @property
    def origin(self) -> Path:
        """File that says what the cell is computed from."""
        return self.run_dir.with_name(f"{self.name}.json")

    @property
    def predictions(self) -> Path:
        """Table of its predictions for the test people."""
        return self.run_dir / EVALUATION / "predictions_test.csv"


def cells_of(study: Study, folder: Path) -> list[Cell]:
    """List the cells, all of one fold and seed before the next, so that arms can be compared early.

    Args:
        study: The study.
        folder: Its folder.

    Raises:
        UserError: If two arms would have files of the same name.
    """
    names: dict[str, str] = {}
    for arm in study.arms:
        if (other := names.setdefault(short_name(arm.name), arm.name)) != arm.name:
            raise UserError(f"arms '{other}' and '{arm.name}' would share the name {short_name(arm.name)}: rename one")
    folder = Path(os.path.abspath(folder))
    cells = []
    for seed in study.seeds:
        for fold, datalist in enumerate(study.folds):
            for arm in study.arms:
                # A regression is the same for every seed, unless its labels are drawn by it.
                if arm.model == REGRESSION and arm.labels != PERMUTED and seed != study.seeds[0]:
                    continue
                own = folder / DATALISTS / f"fold{fold + 1}_permuted_seed{seed}.json"
                cells.append(
                    Cell(arm, fold, seed, folder, own if arm.labels == PERMUTED else Path(os.path.abspath(datalist)))
                )
    return cells


def write_cells(study: Study, folder: Path) -> list[Cell]:
    """Write what the cells need, and the plan that Snakemake reads.

    Args:
        study: The study.
        folder: Its folder, which is made.

    Raises:
        UserError: If a cell was begun with something else, or a datalist is wrong.
    """
    cells = cells_of(study, folder)
    for name in (CELLS, CONFIGS, DATALISTS):
        OutputFolder(folder / name)
    origins = _origins(study, cells)
    changed = [
        c for c in cells if c.origin.is_file() and c.origin.read_text() != origins[c.name] and c.run_dir.is_dir()
    ]
    if changed:
        raise UserError(
            f"{changed[0].run_dir} was begun with other settings or data: name another folder with --output, or remove "
            f"its {len(changed)} such cells",
            [str(cell.run_dir) for cell in changed],
        )
    write_settings(study, folder / CONFIGS)
    tasks = _tasks(study, folder / CONFIGS)
    for cell in cells:
        if not cell.run_dir.is_dir():
            cell.marker.unlink(missing_ok=True)  # whoever has removed a run wants it anew
        if cell.arm.labels == PERMUTED:
            original = load_datalist(study.folds[cell.fold])
            save_datalist(cell.datalist, permute_labels(original, cell.seed, tasks))
        OutputFolder(cell.origin.parent).write(cell.origin.name, origins[cell.name])
    plan = {"threads": study.threads, "cells": {cell.name: script(study, cell) for cell in cells}}
    OutputFolder(folder).write(PLAN, json.dumps(plan, indent=1))
    return cells


def script(study: Study, cell: Cell) -> str:
    """Write the shell lines of a cell, which may be started again at any time: they go on where they were stopped.

    The lock makes a cell wait whose training has outlived the Snakemake that started it.

    Args:
        study: The study.
        cell: The cell.
    """
    files = [*map(str, settings_files(study, cell.arm, cell.folder / CONFIGS))]
    if cell.arm.model == REGRESSION:
        module = "admoe_monai.workflows.studies.regression"
        steps = [[sys.executable, "-m", module, str(cell.run_dir), str(cell.datalist), study.task, *files]]
    else:
        train = ["train", *files, "--datalist", str(cell.datalist), "--run_dir", str(cell.run_dir), "--resume", "auto"]
        train += ["--seed", str(cell.seed), "--threads", str(study.threads), "--name", cell.name]
        train += ["--cache_dir", str(cell.folder / CACHE)]
        steps = [[sys.executable, "-c", ADMOE, *words] for words in (train, ["evaluate", str(cell.run_dir)])]
    log = shlex.quote(str(cell.run_dir.with_name(f"{cell.name}.log")))
    lines = [f"exec 9> {shlex.quote(str(cell.run_dir.with_name(f'{cell.name}.lock')))} >> {log} 2>&1", "flock 9"]
    lines += [f"cd {shlex.quote(os.getcwd())}", f"export OMP_NUM_THREADS={study.threads}"]
    return "\n".join([*lines, *map(shlex.join, steps)])


def _tasks(study: Study, configs: Path) -> list[str]:
    """List the tasks of all arms with permuted labels, which share a datalist: one with true labels would teach the others."""
    permuted = [arm for arm in study.arms if arm.labels == PERMUTED]
    return [*dict.fromkeys(task for arm in permuted for task in all_classes(settings_files(study, arm, configs)))]


def _origins(study: Study, cells: Sequence[Cell]) -> dict[str, str]:
    """Say what each cell is computed from, without a path of this machine, so that a study can be moved."""
    folds = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in study.folds]
    found = {}
    for cell in cells:
        overlays = [
            hashlib.sha256(Path(f).read_bytes()).hexdigest()
            for f in config_files([*study.overlays, *cell.arm.overlays])
        ]
        content: dict[str, Any] = {
            "arm": cell.arm.name,
            "model": cell.arm.model,
            "labels": cell.arm.labels,
            "overlays": overlays,
            "settings": [dict(study.settings), dict(cell.arm.settings)],
            "seed": cell.seed,
            "threads": study.threads,
            "datalist": folds[cell.fold],
        }
        found[cell.name] = json.dumps(content, indent=1, default=str)
    return found
