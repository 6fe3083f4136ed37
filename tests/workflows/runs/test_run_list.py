"""Runs of a folder in a line each, told by their small files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.checkpoints import read_checkpoint, write_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.metrics_rows import Best, best_score, lowest_loss
from admoe_monai.workflows.runs.run_list import RunSummary, list_runs
from admoe_monai.workflows.runs.run_list_text import lines_of_runs
from admoe_monai.workflows.runs.run_lock import is_at_work
from admoe_monai.workflows.runs.run_records import read_header
from lock_holder import locked_by_another_process


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_run, tmp_path / "runs" / "study" / "run"))


def only(folder: Path) -> RunSummary:
    (found,) = list_runs(folder)
    return found


def change(checkpoint: Path, **contents: Any) -> None:
    write_checkpoint(checkpoint, {**read_checkpoint(checkpoint), **contents})


def set_plan(run: Path, **settings: Any) -> None:
    content = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**content, **settings}, sort_keys=False))


def test_a_finished_run_has_the_figures_of_its_checkpoint(run: Path) -> None:
    found, state = only(run.parents[1]), read_checkpoint(run / "final_model.pth")["training_state"]
    assert (found.name, found.state, found.phase, found.epoch, found.max_epochs) == (
        os.path.join("study", "run"), "finished", "finetune", 1, 2,
    )  # fmt: skip
    assert found.best_val_acc == Best(state["best_val_acc"], state["best_val_acc_epoch"])
    assert found.lowest_val_loss == Best(state["best_loss"], state["best_loss_epoch"])
    assert found.problem is None


@pytest.mark.parametrize("folder", [".", "..", "../.."])
def test_a_run_is_found_from_above_and_from_within(run: Path, folder: str) -> None:
    assert only(run / folder).state == "finished"


def test_a_run_is_not_searched_for_further_ones(run: Path) -> None:
    shutil.copytree(run, run / "backup")
    assert only(run.parent).folder == run


def test_a_run_that_is_held_is_running_and_keeps_its_lock(run: Path) -> None:
    (run / "interrupt_checkpoint.pth").write_bytes(b"")
    with locked_by_another_process(run):
        assert [only(run).state for _ in range(2)] == ["running", "running"]
        assert is_at_work(run)
    assert not is_at_work(run)
    assert only(run).state == "interrupted"


def test_to_ask_for_the_lock_makes_none(run: Path) -> None:
    (run / "run.lock").unlink()
    before = sorted(run.iterdir())
    assert only(run).state == "finished"
    assert sorted(run.iterdir()) == before


def test_a_run_without_its_final_model_has_stopped(run: Path) -> None:
    (run / "final_model.pth").unlink()
    assert only(run).state == "stopped"


@pytest.mark.parametrize(("stopped_early", "state"), [(False, "stopped"), (True, "finished")])
def test_an_early_stop_is_told_from_an_extended_plan(run: Path, stopped_early: bool, state: str) -> None:
    set_plan(run, max_epochs=9)
    contents = read_checkpoint(run / "final_model.pth")
    change(run / "final_model.pth", training_state={**contents["training_state"], "stopped_early": stopped_early})
    assert only(run).state == state


def test_a_final_model_of_an_earlier_end_finishes_nothing(run: Path) -> None:
    set_plan(run, max_epochs=9)
    contents = read_checkpoint(run / "final_model.pth")
    change(run / "final_model.pth", epoch=0, training_state={**contents["training_state"], "stopped_early": True})
    assert only(run).state == "stopped"


def test_a_run_before_its_first_epoch_has_no_figures(run: Path) -> None:
    for path in [*run.glob("*.pth"), run / "metrics.csv"]:
        path.unlink()
    found = only(run)
    assert (found.state, found.phase, found.epoch, found.best_val_acc) == ("stopped", "pretrain", None, None)
    assert "0/2" in "\n".join(lines_of_runs([found], 80))


def test_the_newest_comes_first(run: Path) -> None:
    older = Path(shutil.copytree(run, run.with_name("older")))
    for path in older.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    found = list_runs(run.parent)
    assert [entry.name for entry in found] == ["run", "older"]
    assert found[1].last_sign is not None
    assert found[1].last_sign.timestamp() == 1_000_000_000


def test_the_starts_of_a_run_are_added_up(run: Path) -> None:
    for path in run.glob("events.*"):
        path.unlink()
    for start, seconds in ((1_000_000, 60), (2_000_000, 30)):
        path = run / f"events.out.tfevents.{start}.host.1.0"
        path.write_bytes(b"")
        os.utime(path, (start + seconds, start + seconds))
    assert only(run).seconds == 90


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.yaml", b"a: 1\n", "is no config of a run: it lacks max_epochs or pretrain_epochs"),
        ("config.yaml", b"a: [1\n", "can't be read"),
        ("config.yaml", b"\xff\x00\xfe", "can't be read"),
        ("config.yaml", b"", "is no config of a run"),
        ("metrics.csv", b"\xff\x00\xfe", "can't be read"),
        ("metrics.csv", b"epoch,phase\nnonsense\n", "line 2: not the row of an epoch"),
    ],
)
def test_a_damaged_or_foreign_folder_is_one_line(run: Path, name: str, content: bytes, said: str) -> None:
    shutil.copytree(run, run.with_name("sound"))
    (run / name).write_bytes(content)
    found = list_runs(run.parent)
    lines = lines_of_runs(found, None)
    assert len([line for line in lines if said in line and str(run / name) in line]) == 1
    assert any(line.startswith("sound") for line in lines)
    if name == "metrics.csv":
        assert {entry.state for entry in found} == {"finished"}


def test_a_checkpoint_without_a_config_is_one_line(run: Path) -> None:
    (run / "config.yaml").unlink()
    assert "config.yaml can't be read: No such file" in str(only(run).problem)


def test_a_folder_that_is_absent_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^there is no folder .*nowhere; name the one that holds the runs"):
        list_runs(tmp_path / "nowhere")


def row(epoch: int, phase: str, loss: str, score: str = "") -> dict[str, str]:
    return {"epoch": str(epoch), "phase": phase, "val_loss": loss, "val_balanced_accuracy": score}


def test_the_best_score_is_chosen_as_the_best_model_is() -> None:
    rows = [
        row(0, "pretrain", "0.1", "0.9"),
        row(1, "finetune", "0.9", "0.5"),
        row(2, "finetune", "0.7", "0.5"),
        row(3, "finetune", "0.8", "0.5"),
        row(4, "finetune", "nan", "0.9"),
        row(5, "finetune", "", ""),
    ]
    assert best_score(rows, "balanced_accuracy") == Best(0.5, 2)
    assert best_score(rows, "change_auc") is None
    assert lowest_loss(rows, "finetune") == Best(0.7, 2)
    assert lowest_loss(rows, "pretrain") == Best(0.1, 0)


def test_the_header_of_a_checkpoint_is_all_but_its_tensors(run: Path) -> None:
    header, contents = read_header(run / "final_model.pth"), read_checkpoint(run / "final_model.pth")
    for key in ("epoch", "phase", "settings", "environment", "digests", "training_state"):
        assert header[key] == contents[key]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_a_header_that_can_not_be_read_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "final_model.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"final_model.pth can't be read \(\w+\)"):
        read_header(tmp_path / "final_model.pth")


NOW = datetime(2026, 1, 2, 12, 0).astimezone()


def summary(name: str) -> RunSummary:
    return RunSummary(
        name, Path(name), "interrupted", "pretrain", 98, 100, Best(0.7123, 97), Best(0.41234, 96),
        NOW - timedelta(hours=3), 7300.0,
    )  # fmt: skip


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_figure_is_cut_in_a_narrow_terminal(width: int) -> None:
    lines = lines_of_runs([summary("a_long_name_of_an_experiment_20260102_030405")], width, NOW)
    table = "\n".join(lines[:-1])
    assert max(map(len, lines[:-1])) <= width
    assert "…" not in table
    assert "99/100" in table
    assert ("0.712@97" in table) == ("3 h ago" in table) == (width >= 60)
    assert ("0.412@96" in table) == (width >= 80)
    assert "a_long_name_of_an_experiment_20260102_030405" in "".join(line.split(" ")[0] for line in lines[1:-1])


def test_a_program_reads_a_line_per_run() -> None:
    name = "a_long_name_of_an_experiment_20260102_030405" * 4
    header, line, _ = lines_of_runs([summary(name)], None)
    assert line.split() == [
        name, "interrupted", "pretrain", "99/100", "0.712@97", "0.412@96", "2026-01-02", "09:00", "2", "h",
    ]  # fmt: skip
    assert header.split()[:2] == ["run", "state"]


def test_the_list_needs_no_torch(run: Path) -> None:
    code = (
        "import sys; from admoe_monai.cli.main import app; app(['runs', sys.argv[1]], standalone_mode=False); "
        "sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "finished" in done.stdout
