from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.checkpoints import (
    CheckpointError,
    IncompatibleCheckpointError,
    read_checkpoint,
    write_checkpoint,
)
from admoe_monai.errors import UserError
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.settings.declared import parser_of
from tiny_runs import make_run

# Of two epochs of each phase, in the place of the one and one of a tiny run.
LONGER = {"max_epochs": 4, "pretrain_epochs": 2}
Alter = Callable[..., Path]


def test_folder_of_damaged_checkpoints_is_an_error_and_no_fresh_start(run: Path, each_cohort: dict[str, Any]) -> None:
    for path in run.glob("*.pth"):
        path.write_bytes(path.read_bytes()[:-100])
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(CheckpointError, match="none of the 6 checkpoints"):
        make_run(run, **each_cohort, resume="auto")
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_auto_starts_at_0_in_an_absent_folder_and_says_so(
    each_cohort: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = make_run(tmp_path / "new", **each_cohort, resume="auto", max_epochs=1)
    assert f"{folder} holds no checkpoint to resume from: starting at epoch 0" in caplog.text
    assert "- Starting from epoch: 0" in (folder / "training.log").read_text()


def test_auto_without_a_folder_says_what_it_needs(
    each_cohort: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="--resume auto needs --run_dir"):
        make_run(None, **each_cohort, resume="auto", run_dir=None)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_fresh_run_never_writes_into_the_folder_of_another(run: Path, each_cohort: dict[str, Any]) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(UserError, match="holds a run; continue it with --resume auto"):
        make_run(run, **each_cohort)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_path_does_not_overwrite_what_came_later(run: Path, each_cohort: dict[str, Any]) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(UserError, match=r"holds later checkpoints than checkpoint_epoch_0\.pth"):
        make_run(run, **each_cohort, resume=str(run / "checkpoint_epoch_0.pth"), run_dir=None)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_path_goes_on_in_its_own_folder_where_nothing_came_later(
    run: Path, each_cohort: dict[str, Any], each_run: Path
) -> None:
    for name in ("checkpoint_epoch_1.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth"):
        (run / name).unlink()
    make_run(run, **each_cohort, resume=str(run / "checkpoint_epoch_0.pth"), run_dir=None)
    assert (run / "metrics.csv").read_text() == (each_run / "metrics.csv").read_text()
    assert read_checkpoint(run / "final_model.pth")["parent"] is None


def test_new_folder_must_not_hold_a_run(run: Path, each_run: Path, each_cohort: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="needs an empty --run_dir"):
        make_run(run, **each_cohort, resume=str(each_run / "checkpoint_epoch_0.pth"))


def test_run_in_a_new_folder_names_its_parent_and_takes_the_best_along(
    each_run: Path, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    path = each_run / "checkpoint_epoch_0.pth"
    folder = make_run(tmp_path / "new", **each_cohort, resume=str(path))
    assert read_checkpoint(folder / "final_model.pth")["parent"] == str(path)
    assert read_checkpoint(folder / "pretrain_checkpoint.pth")["epoch"] == 0
    assert (folder / "metrics.csv").read_text() == (each_run / "metrics.csv").read_text()


def test_config_of_a_run_resumes_it(run: Path, each_run: Path) -> None:
    for name in ("checkpoint_epoch_1.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth"):
        (run / name).unlink()
    Plan(parser_of([run / "config.yaml"], {"resume": "auto"}), run).run()
    assert (run / "metrics.csv").read_text() == (each_run / "metrics.csv").read_text()
    assert (run / "final_model.pth").exists()


def test_config_of_a_run_resumes_a_checkpoint_with_tuples_of_the_command_line(run: Path, each_run: Path) -> None:
    for name in ("checkpoint_epoch_1.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth"):
        (run / name).unlink()
    for path in run.glob("*.pth"):
        contents = read_checkpoint(path)
        contents["settings"] |= {"depths": (1, 1), "moe_stages": (1,)}
        write_checkpoint(path, contents)
    Plan(parser_of([run / "config.yaml"], {"resume": "auto"}), run).run()
    assert (run / "metrics.csv").read_text() == (each_run / "metrics.csv").read_text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pretrain_epochs": 2, "max_epochs": 3}, "pretrain_epochs 1, not 2"),
        ({"max_epochs": 3}, "max_epochs 2, not 3"),
        ({"embed_dim": 16}, "embed_dim 8, not 16"),
        ({"seed": 7}, "seed 42, not 7"),
        ({"base_lr": 2.0e-3}, "base_lr 0.001, not 0.002"),
        ({"prior_columns": ["sex", "age"]}, "prior_columns"),
    ],
)
def test_another_plan_is_refused_before_anything_is_written(
    changes: dict[str, Any], message: str, each_run: Path, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(IncompatibleCheckpointError, match=message):
        make_run(tmp_path / "new", **each_cohort, resume=str(each_run / "checkpoint_epoch_0.pth"), **changes)
    assert list(tmp_path.iterdir()) == []


def test_another_content_of_a_phase_overlay_is_refused(each_cohort: dict[str, Any], tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("optimizer::eps: 1.0e-7\n")
    run = make_run(tmp_path / "run", **each_cohort, max_epochs=1, phase_overlays=[str(overlay)])
    overlay.write_text("optimizer::eps: 1.0e-6\n")
    with pytest.raises(IncompatibleCheckpointError, match="phase_overlays"):
        make_run(run, **each_cohort, max_epochs=2, extend_max_epochs=True, resume="auto", phase_overlays=[str(overlay)])


def preprocessed_otherwise(checkpoint: Alter, each_run: Path) -> Path:
    """A checkpoint that was written when scans were preprocessed in another way."""
    digests = {**read_checkpoint(each_run / "checkpoint_epoch_0.pth")["digests"], "preprocessing": "0123456789abcdef"}
    return checkpoint("checkpoint_epoch_0.pth", digests=digests) / "checkpoint_epoch_0.pth"


def test_another_preprocessing_is_refused_before_anything_is_written(
    checkpoint: Alter, each_run: Path, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    path = preprocessed_otherwise(checkpoint, each_run)
    with pytest.raises(
        IncompatibleCheckpointError, match=r"^.* under preprocessing 0123456789abcdef, not .*force_resume"
    ):
        make_run(tmp_path / "new", **each_cohort, resume=str(path))
    assert not (tmp_path / "new").exists()


def test_another_preprocessing_goes_on_by_force_and_is_logged(
    checkpoint: Alter, each_run: Path, each_cohort: dict[str, Any], tmp_path: Path
) -> None:
    path = preprocessed_otherwise(checkpoint, each_run)
    folder = make_run(tmp_path / "new", **each_cohort, resume=str(path), force_resume=True)
    log = (folder / "training.log").read_text()
    assert "Forced: preprocessing changes from 0123456789abcdef to " in log
    assert "the result is not exact" in log


def test_digest_of_the_preprocessing_names_the_generation_of_the_store(
    each_run: Path, each_cohort: dict[str, Any]
) -> None:
    for name in ("checkpoint_epoch_0.pth", "checkpoint_epoch_1.pth"):
        digest = read_checkpoint(each_run / name)["digests"]["preprocessing"]
        assert (each_cohort["datalist"].parent / "preprocessed" / digest).is_dir()


def test_extending_the_plan_goes_on_with_the_schedule_rebuilt(run: Path, each_cohort: dict[str, Any]) -> None:
    make_run(run, **each_cohort, resume="auto", max_epochs=3, extend_max_epochs=True)
    log = (run / "training.log").read_text()
    assert "max_epochs changes from 2 to 3" in log
    assert "the schedule is rebuilt at step 2" in log
    final = read_checkpoint(run / "final_model.pth")
    assert final["epoch"] == 2
    assert final["scheduler_state_dict"]["t_total"] == 4


def test_smaller_batches_of_the_same_product_go_on_with_a_warning(
    each_run: Path, each_cohort: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"batch_size": 1, "accumulation_steps": 3, "resume": str(each_run / "checkpoint_epoch_0.pth")}
    folder = make_run(tmp_path / "new", **each_cohort, **settings)
    assert "the same product, but not bit-exact" in caplog.text
    assert read_checkpoint(folder / "final_model.pth")["epoch_length"] == 6


def test_scheduler_state_that_is_missing_is_rebuilt_with_a_warning(
    each_cohort: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = make_run(tmp_path / "whole", **each_cohort, **LONGER)
    spoilt = tmp_path / "spoilt" / "checkpoint_epoch_0.pth"
    spoilt.parent.mkdir()
    write_checkpoint(spoilt, {**read_checkpoint(whole / "checkpoint_epoch_0.pth"), "scheduler_state_dict": {}})
    shutil.copy(whole / "metrics.csv", spoilt.parent)
    folder = make_run(tmp_path / "new", **each_cohort, resume=str(spoilt), **LONGER)
    assert "missing or out of step; the schedule is rebuilt at step 2" in caplog.text
    # Rebuilt at the right position, it is the schedule that was lost.
    assert (folder / "metrics.csv").read_text() == (whole / "metrics.csv").read_text()


def test_optimizer_state_that_is_missing_is_refused(
    each_cohort: dict[str, Any], checkpoint: Alter, each_run: Path, tmp_path: Path
) -> None:
    contents = read_checkpoint(each_run / "checkpoint_epoch_1.pth")
    folder = checkpoint("checkpoint_epoch_1.pth", **{**contents, "optimizer_state_dict": {}})
    with pytest.raises(IncompatibleCheckpointError, match="holds no optimizer state"):
        make_run(
            tmp_path / "new",
            **each_cohort,
            resume=str(folder / "checkpoint_epoch_1.pth"),
            max_epochs=3,
            extend_max_epochs=True,
        )


def test_pretraining_without_its_decoder_is_not_continued(
    each_run: Path, each_cohort: dict[str, Any], checkpoint: Alter, tmp_path: Path
) -> None:
    weights = read_checkpoint(each_run / "checkpoint_epoch_0.pth")["model_state_dict"]
    rest = {name: weight for name, weight in weights.items() if not name.startswith("decoder.")}
    folder = checkpoint("checkpoint_epoch_0.pth", model_state_dict=rest)
    with pytest.raises(IncompatibleCheckpointError, match="lacks the decoder"):
        make_run(tmp_path / "new", **each_cohort, resume=str(folder / "checkpoint_epoch_0.pth"))
    assert not (tmp_path / "new").exists()
