"""Snakemake, started over the cells of a study: it decides what runs when and where, and starts again what was stopped."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from admoe_monai.errors import UserError
from admoe_monai.output_files import refused_output
from admoe_monai.workflows.finished.output import OutputFolder

from .cells import Cell

SNAKEFILE = Path(__file__).with_name("Snakefile")
LOCK = "study.lock"
#: How often a cell is started again; a stopped one goes on where it was.
RETRIES = 3


def snakemake() -> list[str]:
    """Find Snakemake: in this environment, or as a program of an environment of its own.

    Raises:
        UserError: If there is none.
    """
    if importlib.util.find_spec("snakemake") is not None:
        return [sys.executable, "-m", "snakemake"]
    program = shutil.which("snakemake")
    if program is None:
        raise UserError(
            "a study needs Snakemake 9 on the PATH, in an environment of its own: python -m venv SNAKEMAKE, "
            "SNAKEMAKE/bin/pip install snakemake, then export PATH=$PATH:SNAKEMAKE/bin (docs/study.md)"
        )
    return [program]


def run_cells(
    folder: Path,
    cells: Sequence[Cell],
    lock: IO[str],
    cores: int | None = None,
    profile: Path | None = None,
    retries: int = RETRIES,
) -> int:
    """Run cells until their markers are there, and wait.

    Args:
        folder: Folder of the study, with its plan.
        cells: Cells that are wanted; those that are done are left alone.
        lock: Lock of the folder, as `alone` holds it: Snakemake holds it too, should this process be killed.
        cores: Number of CPU cores on this machine; None where the profile says it.
        profile: Folder of a Snakemake profile, which says where cells run.
        retries: How often a cell that was stopped or has failed is started again.

    Returns:
        Exit code of Snakemake.

    Raises:
        UserError: If Snakemake is absent.
    """
    command = [*snakemake(), "--snakefile", str(SNAKEFILE), "--directory", str(folder), "--retries", str(retries)]
    # A marker that is there counts, whatever the plan says of paths; what a kill left behind is simply done again.
    command += ["--rerun-triggers", "mtime", "--rerun-incomplete", "--nolock", "--keep-going"]
    command += ["--quiet", "rules", "host", "reason"]
    command += ["--cores", str(cores)] if cores is not None else []
    command += ["--profile", os.path.abspath(profile)] if profile is not None else []
    targets = [str(cell.marker.relative_to(Path(os.path.abspath(folder)))) for cell in cells]
    with _passing_on_signals() as processes:
        process = subprocess.Popen([*command, "--", *targets], pass_fds=[lock.fileno()])
        processes.append(process)
        return process.wait()


@contextmanager
def alone(folder: Path) -> Iterator[IO[str]]:
    """Hold the lock of a study, whose folder is made, from before anything is written until all is done.

    Args:
        folder: Folder of the study.

    Raises:
        UserError: If another process is at work there.
    """
    path = OutputFolder(folder).path / LOCK
    with refused_output(path):
        lock = open(path, "w")  # noqa: SIM115, held until all is done
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder} is being worked on by another `admoe study`") from None
        yield file


@contextmanager
def _passing_on_signals() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Hand on what asks this process to stop, and wait: a terminal's Ctrl-C reaches all processes by itself."""
    processes: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, _: FrameType | None) -> None:
        if number == signal.SIGTERM:
            for process in processes:
                process.terminate()

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield processes
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def last_words(cell: Cell) -> str:
    """Return the last line that a cell has written, which is the reason where it has failed.

    Args:
        cell: The cell.
    """
    log = cell.run_dir.with_name(f"{cell.name}.log")
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1] if lines else "nothing was written"
