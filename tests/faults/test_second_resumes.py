"""A run that is stopped, resumed and stopped again, within one epoch or after its end, ends with the same bits."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from injection import signal_at_step
from whole_run import STEPS, STEPS_PER_EPOCH, Whole

from admoe_monai.handlers.interruption import EXIT_INTERRUPTED, SIGNALS
from run_comparison import assert_same_run

PAIRS = [*combinations(range(1, STEPS + 1), 2)]
# Within the first epoch; from the end of an epoch into the middle of the next; over the switch; within the last epoch.
SOME = [(1, 2), (3, 5), (6, 8), (10, 11)]


def stop_twice_and_resume(
    whole: Whole, folder: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int, workers: int
) -> None:
    """Stop in the first step, go on, stop in the second one, counted over the whole run, and go on to the end."""
    for step, number in ((first, SIGNALS[0]), (second - first, SIGNALS[1])):
        with monkeypatch.context() as patch:
            signal_at_step(patch, step, number)
            with pytest.raises(SystemExit) as left:
                whole.start(folder, resume="auto", num_workers=workers)
        assert left.value.code == EXIT_INTERRUPTED
    assert (folder / "interrupt_checkpoint.pth").exists()
    whole.resume(folder, num_workers=workers)
    assert_same_run(folder, whole.folder)


@pytest.mark.parametrize(("first", "second"), SOME)
@pytest.mark.usefixtures("signals")
def test_two_stops_change_nothing(
    each_whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int
) -> None:
    stop_twice_and_resume(each_whole, tmp_path / "run", monkeypatch, first, second, workers=0)


@pytest.mark.faults
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.usefixtures("signals")
def test_two_stops_at_every_pair_of_steps_change_nothing(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, second: int, workers: int
) -> None:
    stop_twice_and_resume(whole, tmp_path / "run", monkeypatch, first, second, workers)


def test_the_pairs_hold_stops_within_one_epoch_and_after_the_end_of_one() -> None:
    epochs = [((first - 1) // STEPS_PER_EPOCH, (second - 1) // STEPS_PER_EPOCH) for first, second in PAIRS]
    assert len(PAIRS) == STEPS * (STEPS - 1) // 2
    assert any(one == other for one, other in epochs)
    assert any(first % STEPS_PER_EPOCH == 0 for first, _ in PAIRS)
