"""The ordinary training command, reporting each step and each save through a pipe.

    python scripts/faults/watched_run.py DESCRIPTOR run training --config_file configs/train.yaml ...

What follows the pipe's descriptor is what follows `python -m monai.bundle`. The library knows nothing of being watched.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine

from admoe_monai.handlers import StepSeed
from admoe_monai.workflows.run import continuation, run_directory


def report_to(descriptor: int) -> None:
    """Write a line at the start of each step and around each save, each in one system call."""

    def report(*words: object) -> None:
        os.write(descriptor, (" ".join(map(str, words)) + "\n").encode())

    seed = StepSeed.__call__

    def step(self: StepSeed, engine: Engine) -> None:
        report("step", self.position[1], engine.state.iteration, engine.state.epoch_length)
        seed(self, engine)

    def reported(write: Callable[[Path, Any], None]) -> Callable[[Path, Any], None]:
        def writing(path: Path, contents: Any) -> None:
            report("begin", path.name)
            write(path, contents)
            report("end", path.name)

        return writing

    StepSeed.__call__ = step  # type: ignore[method-assign]
    for module in (run_directory, continuation):
        module.write_checkpoint = reported(module.write_checkpoint)  # type: ignore[attr-defined]


def run(descriptor: int, arguments: Sequence[str]) -> None:
    """Do what `python -m monai.bundle ARGUMENTS` does."""
    report_to(descriptor)
    sys.argv = ["monai.bundle", *arguments]
    runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run(int(sys.argv[1]), sys.argv[2:])
