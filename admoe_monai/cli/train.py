"""`admoe train` and `admoe resume`: a run begins, or goes on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG
from admoe_monai.workflows.settings.config_files import config_files, known_configs
from admoe_monai.workflows.settings.findings import refuse_mistakes
from admoe_monai.workflows.settings.table import SETTINGS, OnResume
from admoe_monai.workflows.settings.trust import handed_over, refuse_untrusted
from admoe_monai.workflows.settings.written import read_written

from .settings import takes_settings, values_of, with_short_forms
from .trust import Trust

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONFIG|OVERLAY",
        help=f"Config files of yours, and names of this package's: {', '.join(known_configs())}. "
        "Where two of them set the same, the later one counts.",
        autocompletion=lambda: list(known_configs()),
        show_default=False,
    ),
]
#: What a resume is told of; the others are taken with force_resume, or refused by name.
CHANGEABLE = [
    name
    for name, row in SETTINGS.items()
    if row.on_resume not in (OnResume.NEVER, OnResume.FORCED)
    and name not in ("resume", "pretrained", "name", "phase_overlays")
]


@takes_settings()
def train(configs: Words = None, trust: Trust = False, *, typed: dict[str, str]) -> None:
    """Train: SimMIM pretraining, then finetuning on the tasks.

    `admoe train tiny demo --datalist datalist.json` runs configs/train.yaml with these two overlays; `admoe train pretrain`
    and `admoe train finetune` run one phase alone. It is the run that `python -m monai.bundle run training` starts with the
    same files and settings, and prints that command.
    """
    _train(configs, trust, typed)


@takes_settings()
def plan(configs: Words = None, trust: Trust = False, *, typed: dict[str, str]) -> None:
    """Say what a run would take: people and steps, parameters, memory, a batch that fits, time of a step, disk.

    Takes the words of `admoe train` and does as `--dry_run True` behind it: all that the run checks and builds, and one step of
    each phase to come on two scans. Nothing is kept.
    """
    _train(configs, trust, {**typed, "dry_run": "True"})


@takes_settings(CHANGEABLE)
def resume(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN_DIR", help="Run directory, or one of its checkpoints.", show_default=False),
    ],
    rest: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    trust: Trust = False,
    *,
    typed: dict[str, str],
) -> None:
    """Go on with a run where it stopped, with the settings that it has recorded, to the same bits.

    From one of its checkpoints, too: `admoe resume RUN_DIR/checkpoint_epoch_19.pth --run_dir NEW_DIR`.
    """
    words, typed = with_short_forms(rest or [], typed)
    if words:
        raise UserError(f"unexpected word '{words[0]}': a run has its own config, and only settings can be named")
    folder = run.parent if run.is_file() else run
    config = folder / CONFIG
    if not config.is_file():
        what = f"{folder} holds no run: it has no {CONFIG}" if folder.is_dir() else f"there is no folder {folder}"
        raise UserError(f"{what}; `admoe runs FOLDER` lists the runs of a folder")
    if not read_written(config).content:
        raise UserError(f"{config} is empty, and was not when the run began; copy it from where the run is whole")
    refuse_untrusted([config], trust)
    _start([config], {"resume": str(run) if run.is_file() else "auto", **typed})


def _train(configs: list[str] | None, trust: bool, typed: dict[str, str]) -> None:
    words, typed = with_short_forms(configs or [], typed)
    files = config_files(words)
    refuse_untrusted(handed_over(files), trust)
    _start(files, typed)


def _start(files: Sequence[Path], typed: dict[str, str]) -> None:
    values: dict[str, Any] = values_of(typed)
    refuse_mistakes(files, values)

    from admoe_monai.workflows.launch import equivalent, start

    if os.environ.get("RANK", "0") == "0":  # one of several that torchrun has started
        typer.echo(f"The same as: {equivalent(files, typed)}")
    start(files, values)
