"""An honest run is held against its own record, and its epochs are computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner
from verified import alter_file, contents_of, problems

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.cli.main import app
from admoe_monai.errors import UserError
from admoe_monai.workflows.verification.record import read_record
from admoe_monai.workflows.verification.text import lines_of
from admoe_monai.workflows.verification.verify import verify
from tiny_runs import MICRO_PLAN, SLICES, make_run


def test_every_epoch_of_a_run_is_computed_again_to_the_same_bits(run: Path) -> None:
    before = contents_of(run)
    found = verify(run, epochs=[0, 1, 2, 3])
    assert problems(found) == []
    assert [(done.first, done.last, done.begin) for done in found.replays] == [
        (3, 3, "checkpoint_epoch_2.pth"), (2, 2, "checkpoint_epoch_1.pth"), (1, 1, "checkpoint_epoch_0.pth"), (0, 0, None),
    ]  # fmt: skip
    assert lines_of(found)[-1] == "As claimed: files are as recorded, and 4 epochs computed again have the same bits"
    assert contents_of(run) == before


def test_a_run_on_slices_is_as_claimed(tiny_cohort_2d: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tiny_cohort_2d, **SLICES)
    assert problems(verify(run, epochs=[0, 1])) == []

    def alter(contents: dict[str, Any]) -> None:
        moments = contents["optimizer_state_dict"]["state"]
        moments[min(moments)]["exp_avg"].view(-1)[0] += 1.0

    alter_file(run / "checkpoint_epoch_1.pth", alter)
    (said,) = (line for line in problems(verify(run, epochs=[])) if "exp_avg" in line)
    assert said.startswith("checkpoint_epoch_1.pth: optimizer_state_dict.state.")
    assert "exp_avg differs in 1 of " in said


def test_epochs_without_a_checkpoint_are_computed_on_the_way_from_the_one_before(copy: Path) -> None:
    kept = {"checkpoint_epoch_0.pth", "pretrain_checkpoint.pth", "final_model.pth"}
    for path in copy.glob("*.pth"):
        if path.name not in kept:
            path.unlink()
    # That of pretraining is of its last epoch or of the one before; without it, finetuning could not begin.
    best = read_checkpoint(copy / "pretrain_checkpoint.pth")["epoch"]
    found = verify(copy, epochs=[2, 3])
    assert problems(found) == []
    assert [(done.first, done.last) for done in found.replays] == [(best + 1, 3)]


SPARSE: dict[str, Any] = {**MICRO_PLAN, "max_epochs": 9, "pretrain_epochs": 2, "save_interval": 3}
BEST = ("best_model.pth", "finetune_checkpoint.pth")


def test_an_honest_run_is_as_claimed_though_files_of_what_was_best_are_gone(tiny_cohort: Path, tmp_path: Path) -> None:
    # The best epoch lies between two periodic files and stays the best: epoch 6 is judged by what is known of it alone, as it
    # is where a later best has overwritten its files.
    for seed in range(2, 20):
        run = make_run(tmp_path / f"{seed}" / "run", tiny_cohort, **SPARSE, seed=seed)
        best = {read_checkpoint(run / name)["epoch"] for name in BEST}
        if best <= {3, 4}:
            break
    assert best <= {3, 4}
    for name in BEST:
        (run / name).unlink()
    found = verify(run, epochs=range(9))
    assert problems(found) == []
    assert sum(done.number for done in found.replays) == 9
    assert not (run.parent / "preprocessed").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"accumulation_steps": 2},
        pytest.param({"eval_interval": 2}, marks=pytest.mark.slow),
        pytest.param({"save_interval": 1, "keep_checkpoints": 2}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_an_honest_run_of_another_cadence_is_as_claimed(
    settings: dict[str, Any], tiny_cohort: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", tiny_cohort, **{**SPARSE, "max_epochs": 6, **settings})
    found = verify(run, epochs=range(6))
    assert problems(found) == []
    assert sum(done.number for done in found.replays) == 6


def test_a_run_that_stopped_early_is_as_claimed(tiny_cohort: Path, tmp_path: Path) -> None:
    plan = {**MICRO_PLAN, "max_epochs": 12, "pretrain_epochs": 8, "patience": 1, "base_lr": 0.0, "min_lr": 0.0}
    run = make_run(tmp_path / "run", tiny_cohort, **plan)
    record = read_record(run)
    assert len(record.epochs) < max(record.epochs) + 1
    found = verify(run, epochs=sorted(record.epochs))
    assert problems(found) == []
    assert sum(done.number for done in found.replays) == len(record.epochs)


@pytest.mark.slow
def test_a_run_with_an_average_of_its_weights_is_as_claimed(tiny_cohort: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tiny_cohort, **MICRO_PLAN, phase_overlays=["bundle/configs/ema.yaml"])
    assert problems(verify(run, epochs=[1, 3])) == []
    for path in run.glob("overlays/*.yaml"):
        path.write_text(path.read_text() + "# altered\n")
    assert problems(verify(run, epochs=[1])) == ["overlays: holds other phase overlays than the run was trained with"]


def test_a_run_that_went_on_in_another_folder_is_as_claimed(run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"resume": str(run / "checkpoint_epoch_1.pth")}
    made = make_run(tmp_path / "made", tiny_cohort, **MICRO_PLAN, **settings)
    assert problems(verify(made, epochs=[0, 2, 3])) == []


def test_a_record_that_begins_late_is_no_difference(copy: Path) -> None:
    rows = (copy / "digests.csv").read_text().splitlines(keepends=True)
    (copy / "digests.csv").write_text("".join([rows[0], *rows[3:]]))
    found = verify(copy, epochs=[2, 3])
    assert problems(found) == []
    assert "Older:    there is no record of the epochs before 2" in lines_of(found)
    assert [done.begin for done in found.replays] == ["checkpoint_epoch_2.pth", "checkpoint_epoch_1.pth"]


def test_scans_that_were_moved_are_no_difference(copy: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    absent = {"dataset_dir": str(tmp_path / "absent"), "datalist": str(tmp_path / "absent.json")}
    (copy / "config.yaml").write_text(yaml.safe_dump({**config, **absent}, sort_keys=False))
    with pytest.raises(UserError, match=r"dataset_dir|absent"):
        verify(copy, epochs=[0])
    assert problems(verify(copy, epochs=[0], given={"dataset_dir": str(tiny_cohort.parent)})) == []


def test_an_epoch_is_computed_with_the_settings_that_it_had(copy: Path, tiny_cohort: Path) -> None:
    for name in (
        "checkpoint_epoch_2.pth",
        "checkpoint_epoch_3.pth",
        "best_model.pth",
        "final_model.pth",
        "finetune_checkpoint.pth",
    ):
        (copy / name).unlink()
    settings: dict[str, Any] = {"base_lr": 0.02, "force_resume": True, "resume": "auto"}
    make_run(copy, tiny_cohort, **{**MICRO_PLAN, **settings})
    found = verify(copy, epochs=[0, 1, 2, 3])
    assert problems(found) == []
    assert len(found.replays) == 4


def test_another_machine_is_named_and_no_reason_to_refuse(copy: Path) -> None:
    for path in copy.glob("*.pth"):
        alter_file(path, lambda contents: contents["environment"].update(torch="1.0", device="an old GPU"))
    found = verify(copy, epochs=[1], given={"device": "cpu"})
    assert problems(found) == []
    (line,) = (line for line in lines_of(found) if line.startswith("Here:"))
    assert "torch was 1.0, is" in line
    assert "device was an old GPU, is cpu" in line


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("config.yaml", "holds no run: it has no config.yaml"),
        ("digests.csv", "was made by a version that recorded no digests"),
        ("*.pth", "has no checkpoint that can be read"),
    ],
)
def test_a_folder_without_what_it_takes_is_refused(lacking: str, said: str, copy: Path) -> None:
    for path in copy.glob(lacking):
        path.unlink()
    with pytest.raises(UserError, match=said):
        verify(copy)


def test_the_command_says_what_was_found_and_ends_with_its_own_code(copy: Path) -> None:
    whole = CliRunner().invoke(app, ["verify", str(copy), "--number", "2"])
    assert whole.exit_code == 0, whole.output
    assert "As claimed: files are as recorded, and " in whole.output
    (copy / "checkpoint_epoch_0.pth").write_bytes(b"")
    broken = CliRunner().invoke(app, ["verify", str(copy), "--epochs", "1"])
    assert broken.exit_code == 3
    assert "NOT AS CLAIMED: 1 difference" in broken.output
    unknown = CliRunner().invoke(app, ["verify", str(copy), "--epochs", "7"])
    assert "has no record of epoch 7; it has some of 0 to 3" in str(unknown.exception)
    assert CliRunner().invoke(app, ["verify", str(copy), "--epochs", "first"]).exit_code == 2
