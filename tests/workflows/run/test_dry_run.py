"""A dry run builds what a run builds, takes a step of each phase, says what it found and leaves nothing behind."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.run_files import checkpoint_files
from admoe_monai.workflows.run.dry_run import DryRun
from admoe_monai.workflows.settings.declared import parser_of
from admoe_monai.workflows.settings.resources import resource
from tiny_runs import TINY_SETTINGS

Said = Callable[..., str]
ENTRY = resource("configs/train.yaml")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders in which a dry run could leave something: where it is started, and where temporary files go."""
    found = [tmp_path / "work", tmp_path / "temporary"]
    for place in found:
        place.mkdir()
    monkeypatch.chdir(found[0])
    monkeypatch.setattr(tempfile, "tempdir", str(found[1]))
    return found


@pytest.fixture
def said(places: list[Path], tiny_cohort: Path, caplog: pytest.LogCaptureFixture) -> Said:
    """Make a dry run and return what it says; it leaves no file."""

    def run(config: Path = ENTRY, **settings: Any) -> str:
        choices = (
            {"datalist": str(tiny_cohort), **TINY_SETTINGS, **settings} if config.parent.name == "configs" else settings
        )
        before = sorted(tiny_cohort.parent.parent.rglob("*"))
        with caplog.at_level(logging.INFO):
            try:
                DryRun(parser_of([config], choices), config.parent).run()
            finally:
                assert [path for place in places for path in place.iterdir()] == []
                assert sorted(tiny_cohort.parent.parent.rglob("*")) == before
        return caplog.text

    return run


def test_it_says_what_a_run_will_take(said: Said, tiny_run: Path) -> None:
    text = said(run_dir="run", max_epochs=5, pretrain_epochs=2, batch_size=4, keep_checkpoints=2)
    for line in (
        "Pretrain (SimMIM): epochs: 2",
        "Pretrain (SimMIM): steps: 2 per epoch, 4 in all",
        "Pretrain (SimMIM): training people (scans): 6 (6)",
        "Finetune (Classification): epochs: 3",
        "Finetune (Classification): steps: 2 per epoch, 6 in all",
        "Finetune (Classification): validation people (scans): 3 (3)",
        "5 periodic ones (save_interval 1), of which the newest 2 stay (keep_checkpoints), and 4 beside them",
    ):
        assert line in text
    assert re.search(r"Pretrain .*parameters of decoder: \d", text)
    assert not re.search(r"Finetune .*parameters of decoder", text)
    assert re.search(r"largest memory of the process: \d\.\d\d GiB, with 4 scans in a batch", text)
    assert re.search(r"Pretrain .*: a batch that fits: \d{2,} scans, in 0\.7 of \d+\.\d GiB \(estimated\)", text)
    assert re.search(r"Finetune .*: a batch that fits: \d{2,} scans", text)
    assert re.search(r"time of one step, the first: \S*[1-9]\S* s", text)
    size = (tiny_run / "checkpoint_epoch_0.pth").stat().st_size / 1024
    told = re.search(r"Pretrain .*size of a checkpoint: ([\d.]+) KiB", text)
    assert told is not None
    assert float(told[1]) == pytest.approx(size, rel=0.01)


def test_the_disk_is_what_a_run_has_taken(said: Said, tiny_run: Path) -> None:
    told = re.search(r"Disk for checkpoints: ([\d.]+) MiB at most: 2 periodic", said())
    assert told is not None
    taken = sum(file.stat().st_size for file in checkpoint_files(tiny_run)) / 2**20
    assert float(told[1]) == pytest.approx(taken, rel=0.02)


def test_of_a_run_that_goes_on_it_says_what_is_left(said: Said, tiny_run: Path) -> None:
    text = said(
        tiny_run / "config.yaml", resume=str(tiny_run / "checkpoint_epoch_0.pth"), run_dir="new", batch_size=2,
        force_resume=True,
    )  # fmt: skip
    assert "Finetune (Classification): epochs: 1" in text
    assert "Finetune (Classification): steps: 3 per epoch, 3 in all" in text
    assert "Pretrain (SimMIM): epochs" not in text


@pytest.mark.parametrize("batch_size", [1, 20])
def test_a_batch_is_as_large_as_that_of_the_run_however_few_scans_there_are(batch_size: int, said: Said) -> None:
    assert f"with {batch_size} scan" in said(batch_size=batch_size, pretrain_epochs=0)


def test_what_ends_a_step_is_one_line(said: Said, tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("train::inferer: {_target_: monai.inferers.SlidingWindowInferer, roi_size: 8}\n")
    with pytest.raises(UserError, match=r"the first step of Pretrain .SimMIM. fails: [A-Za-z]*Error: ") as raised:
        said(phase_overlays={"pretrain": [str(overlay)]})
    assert "\n" not in str(raised.value)


def test_monais_command_makes_one_too(places: list[Path], tiny_cohort: Path, start: Callable[..., str | None]) -> None:
    words = [word for name, value in TINY_SETTINGS.items() for word in (f"--{name}", value)]
    files = ["--config_file", resource("configs/finetune.yaml"), "--datalist", tiny_cohort]
    left = start("run", "training", *files, *words, "--pretrain_epochs", 0, "--dry_run", True)
    assert (left, sorted(Path().iterdir())) == (None, [])
    assert [path for place in places for path in place.iterdir()] == []
