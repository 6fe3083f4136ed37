"""A run that ends at any step, with any number of loader workers, goes on and ends with the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from injection import Kill, kill_at_step, signal_at_step
from whole_run import STEPS, STEPS_PER_EPOCH, Whole

from admoe_monai.handlers.interruption import EXIT_INTERRUPTED, SIGNALS
from run_comparison import assert_same_run


def signal_and_resume(
    whole: Whole, folder: Path, monkeypatch: pytest.MonkeyPatch, step: int, before: int, after: int
) -> None:
    """Interrupt a run under one number of workers, check where it stands, and go on under another."""
    with monkeypatch.context() as patch:
        signal_at_step(patch, step, SIGNALS[step % len(SIGNALS)])
        with pytest.raises(SystemExit) as left:
            whole.start(folder, num_workers=before)
    assert left.value.code == EXIT_INTERRUPTED
    saved = torch.load(folder / "interrupt_checkpoint.pth")
    in_finetuning = step > STEPS // 2
    assert saved["epoch"] == step // STEPS_PER_EPOCH - 1
    assert saved["iteration"] == (step - STEPS // 2 if in_finetuning else step)
    assert saved["is_pretrain"] is not in_finetuning
    whole.resume(folder, num_workers=after)
    assert_same_run(folder, whole.folder)


# In the middle and at the end of an epoch of either phase, and at the switch.
@pytest.mark.parametrize(("step", "before", "after"), [(2, 0, 0), (6, 2, 0), (11, 0, 2)])
@pytest.mark.usefixtures("signals")
def test_a_signal_at_a_step_changes_nothing(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, before: int, after: int
) -> None:
    signal_and_resume(whole, tmp_path / "run", monkeypatch, step, before, after)


@pytest.mark.faults
@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 2), (0, 2), (2, 0)])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
@pytest.mark.usefixtures("signals")
def test_a_signal_at_every_step_changes_nothing(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, before: int, after: int
) -> None:
    signal_and_resume(whole, tmp_path / "run", monkeypatch, step, before, after)


@pytest.mark.faults
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_kill_at_every_step_changes_nothing(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, workers: int
) -> None:
    with monkeypatch.context() as patch:
        kill_at_step(patch, step)
        with pytest.raises(Kill):
            whole.start(tmp_path / "run", num_workers=workers)
    whole.resume(tmp_path / "run", num_workers=workers)
    assert_same_run(tmp_path / "run", whole.folder)
