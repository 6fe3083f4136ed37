"""A signal that comes while no step is under way is answered too, and what goes on ends as if it had never come."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.data import PreprocessedStore
from admoe_monai.handlers import DecoderRemover, EarlyStop, FeatureStandardisation
from admoe_monai.workflows.run.checkpoints_of import newest_valid
from admoe_monai.workflows.run.phase import PhaseWorkflow
from admoe_monai.workflows.run.run import Run
from admoe_monai.workflows.run.run_directory import RunDirectory
from interruptions import signal_at_call
from run_comparison import assert_same_run
from tiny_runs import make_cohort, make_run

# At the start of the n-th call of a method, and the newest file afterwards: after the last save of pretraining, while the
# decoder leaves, while finetuning is built, while it starts, after the last save of all, after the end. A rehearsal of
# both phases comes before them.
MOMENTS = {
    "pretraining_saved": (EarlyStop, "__call__", 1, "checkpoint_epoch_0.pth"),
    "decoder_leaves": (DecoderRemover, "__call__", 1, "checkpoint_epoch_0.pth"),
    "pretraining_released": (PhaseWorkflow, "release", 3, "checkpoint_epoch_0.pth"),
    "finetuning_entered": (Run, "_enter_finetuning", 1, "checkpoint_epoch_0.pth"),
    "finetuning_starts": (FeatureStandardisation, "__call__", 1, "interrupt_checkpoint.pth"),
    "finetuning_saved": (EarlyStop, "__call__", 2, "final_model.pth"),
    "run_ends": (RunDirectory, "close", 1, "final_model.pth"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_between_steps_ends_the_run_and_loses_nothing(
    moment: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, each_cohort: dict[str, Any], each_run: Path
) -> None:
    owner, method, call, newest = MOMENTS[moment]
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        signal_at_call(patch, owner, method, call)
        with pytest.raises(SystemExit) as left:
            make_run(tmp_path / "run", **each_cohort)
    assert left.value.code == 75
    assert signal.getsignal(signal.SIGTERM) is before
    found = newest_valid(tmp_path / "run")
    assert found is not None
    assert found[0].name == newest
    assert (
        f"SIGTERM ended the run; continue it with admoe resume {tmp_path / 'run'}"
        in (tmp_path / "run" / "training.log").read_text()
    )
    make_run(tmp_path / "run", **each_cohort, resume="auto")
    assert_same_run(tmp_path / "run", each_run)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_signal_while_scans_are_preprocessed_ends_the_run_at_once(
    num_workers: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    datalist, main, compute = make_cohort(tmp_path / "cohort"), os.getpid(), PreprocessedStore._compute

    def signalled(*args: Any) -> Any:
        try:
            # Once: a second signal may find the run gone and its handlers with it, and end the tests.
            (tmp_path / "sent").touch(exist_ok=False)
        except FileExistsError:
            return compute(*args)
        for process in {main, os.getpid()}:  # as a scheduler does, to every process
            os.kill(process, signal.SIGTERM)
        return compute(*args)

    monkeypatch.setattr(PreprocessedStore, "_compute", signalled)
    with pytest.raises(SystemExit) as left:
        make_run(tmp_path / "run", datalist, num_workers=num_workers)
    assert left.value.code == 75
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "cohort").rglob("*.tmp"))


def test_a_signal_while_a_loader_starts_its_workers_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A worker that the loader does not know of yet ignores SIGTERM, and leaving waited for it for ever.
    datalist, start = make_cohort(tmp_path / "cohort"), BaseProcess.start

    def signalled(self: BaseProcess) -> None:
        start(self)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(BaseProcess, "start", signalled)
    with pytest.raises(SystemExit) as left:
        make_run(tmp_path / "run", datalist, num_workers=2)
    assert left.value.code == 75
    workers = multiprocessing.active_children()
    for worker in workers:  # so that a failure is no hang
        worker.kill()
    assert workers == []
