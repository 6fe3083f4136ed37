"""Epochs are computed again under what each start of the run went on with, whatever is left of its checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from verified import problems

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.handlers import StepSeed
from admoe_monai.workflows.run.run import Run
from admoe_monai.workflows.run.starts import RunStart, read_starts
from admoe_monai.workflows.verification.files import check_files
from admoe_monai.workflows.verification.history import in_force
from admoe_monai.workflows.verification.record import read_record
from admoe_monai.workflows.verification.text import lines_of
from admoe_monai.workflows.verification.verify import verify
from interruptions import signal_at_call
from tiny_runs import MICRO_PLAN, make_run

ON: dict[str, Any] = {**MICRO_PLAN, "resume": "auto"}
FORCED: dict[str, Any] = {"base_lr": 0.02, "force_resume": True}


@pytest.fixture(scope="module")
def changed(run: Path, tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was extended and forced to another rate, of which the last state alone is left."""
    folder = Path(shutil.copytree(run, tmp_path_factory.mktemp("changed") / "run"))
    make_run(folder, tiny_cohort, **{**ON, "max_epochs": 6, "extend_max_epochs": True})
    (folder / "final_model.pth").unlink()
    make_run(folder, tiny_cohort, **{**ON, **FORCED, "max_epochs": 7, "extend_max_epochs": True})
    for path in folder.glob("*.pth"):
        if path.name not in ("final_model.pth", "pretrain_checkpoint.pth"):
            path.unlink()
    return folder


def test_epochs_of_before_a_change_are_computed_with_the_settings_of_before(changed: Path) -> None:
    (changed / "pretrain_checkpoint.pth").rename(changed.parent / "pretrain_checkpoint.pth")
    found = verify(changed, epochs=range(7))
    (changed.parent / "pretrain_checkpoint.pth").rename(changed / "pretrain_checkpoint.pth")
    assert problems(found) == []
    assert [(done.first, done.last, done.begin) for done in found.replays] == [(0, 6, None)]
    assert [start.epoch for start in read_starts(changed / "starts.jsonl")] == [0, 4, 6]


def test_a_start_whose_settings_were_altered_is_named(changed: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(changed, tmp_path / "copy"))
    *before, last = (copy / "starts.jsonl").read_text().splitlines()
    altered = json.loads(last)
    altered["settings"]["base_lr"] = 0.03
    (copy / "starts.jsonl").write_text("\n".join([*before, json.dumps(altered), ""]))
    assert str(check_files(read_record(copy))[0]) == (
        "final_model.pth: base_lr is 0.02, with which no start in starts.jsonl went on"
    )


def test_a_damaged_record_of_starts_is_named(copy: Path) -> None:
    (copy / "starts.jsonl").write_text('{"epoch": 0}\n')
    said = [str(deviation) for deviation in check_files(read_record(copy))]
    assert said == [f"starts.jsonl: {copy / 'starts.jsonl'}, line 1: not the record of a start"]


def test_an_epoch_whose_plan_changed_in_its_middle_is_left_out_with_the_reason(
    copy: Path, tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in copy.glob("*.pth"):
        if read_checkpoint(path)["epoch"] > 1:
            path.unlink()
    with monkeypatch.context() as patch:
        signal_at_call(patch, StepSeed, "__call__", 1)
        with pytest.raises(SystemExit):
            make_run(copy, tiny_cohort, **ON)
    make_run(copy, tiny_cohort, **{**ON, **FORCED})
    found = verify(copy, epochs=[1, 2, 3])
    assert problems(found) == []
    assert [(done.first, done.begin) for done in found.replays] == [
        (3, "checkpoint_epoch_2.pth"), (1, "checkpoint_epoch_0.pth"),
    ]  # fmt: skip
    (line,) = found.left_out
    assert line.startswith("epoch 2: a resume in the middle of epoch 2 changed base_lr: ")
    assert f"Left out: {line}" in lines_of(found)


def test_a_forced_start_that_a_kill_ended_at_once_is_no_difference(
    copy: Path, tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in copy.glob("*.pth"):
        if read_checkpoint(path)["epoch"] == 3:
            path.unlink()

    def killed(self: Run) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "to_its_end", killed)
        with pytest.raises(KeyboardInterrupt):
            make_run(copy, tiny_cohort, **{**ON, **FORCED})
    # Of epoch 3, which is to be computed anew, there is no record any more.
    assert problems(verify(copy, epochs=[2])) == []
    with pytest.raises(UserError, match="has no record of epoch 3"):
        verify(copy, epochs=[3])


def test_a_best_file_that_a_kill_kept_from_being_written_is_no_difference(copy: Path) -> None:
    """An epoch writes its row, its digest and its checkpoint, and then its best files."""
    for path in copy.glob("*.pth"):
        if path.name not in ("checkpoint_epoch_0.pth", "checkpoint_epoch_1.pth"):
            path.unlink()
    for name in ("digests.csv", "metrics.csv"):
        rows = (copy / name).read_text().splitlines(keepends=True)
        (copy / name).write_text("".join(rows[:3]))
    assert read_checkpoint(copy / "checkpoint_epoch_1.pth")["training_state"]["best_loss_epoch"] == 1
    shutil.copy(copy / "checkpoint_epoch_0.pth", copy / "pretrain_checkpoint.pth")
    assert problems(verify(copy, epochs=[1])) == []


def test_a_row_without_its_digest_is_a_difference_unless_a_kill_came_between_them(copy: Path) -> None:
    digests = copy / "digests.csv"
    rows = digests.read_text().splitlines(keepends=True)
    for kept, expected in ((rows[:-1], False), (rows[:-2], True)):
        digests.write_text("".join(kept))
        found = [str(deviation) for deviation in check_files(read_record(copy))]
        assert any(problem.startswith("metrics.csv: has a row of epoch") for problem in found) is expected


def test_a_run_that_had_to_forget_a_best_score_is_as_claimed(tiny_cohort: Path, tmp_path: Path) -> None:
    # Without a rate nothing gets better: the first validation of finetuning stays the best.
    plan = {**MICRO_PLAN, "base_lr": 0.0, "min_lr": 0.0}
    run = make_run(tmp_path / "run", tiny_cohort, **plan)
    for name in ("best_model.pth", "finetune_checkpoint.pth", "final_model.pth", "checkpoint_epoch_2.pth"):
        (run / name).unlink()
    # The state that epoch 3 ended with, and the final one without the scores.
    make_run(run, tiny_cohort, **{**plan, "resume": "auto"})
    assert problems(verify(run, epochs=[3])) == []
    make_run(run, tiny_cohort, **{**plan, "max_epochs": 5, "extend_max_epochs": True, "resume": "auto"})
    assert [start.forgotten for start in read_starts(run / "starts.jsonl")] == [[], ["best_loss", "best_val_acc"], []]
    for path in run.glob("*.pth"):
        if read_checkpoint(path)["epoch"] < 4:
            path.unlink()
    assert problems(verify(run, epochs=[4])) == []


def start_at(epoch: int, steps: int = 0, state: str = "", forgotten: tuple[str, ...] = ()) -> RunStart:
    return RunStart(epoch - 1, epoch, steps, None, list(forgotten), state, {}, {}, {})


def test_starts_whose_work_was_done_again_are_left_out() -> None:
    starts = [start_at(0), start_at(3), start_at(3, 2), start_at(5), start_at(3, 1)]
    assert [start.place for start in in_force(starts)] == [(0, 0), (3, 0), (3, 1)]


def test_what_a_killed_start_forgot_stays_forgotten_where_its_state_went_on() -> None:
    lost = start_at(4, state="without", forgotten=("best_loss",))
    assert in_force([lost, start_at(4, state="without")])[0].forgotten == ["best_loss"]
    assert in_force([lost, start_at(4, state="with")])[0].forgotten == []
