"""A run is held against its own record, and some of its epochs are computed again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from admoe_monai.checkpoints import read_checkpoint, write_checkpoint
from admoe_monai.cli.main import app
from admoe_monai.errors import UserError
from admoe_monai.workflows.verification.record import read_record
from admoe_monai.workflows.verification.text import lines_of
from admoe_monai.workflows.verification.verify import Verification, verify
from tiny_runs import MICRO_PLAN, make_run


@pytest.fixture(scope="module")
def run(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("verified") / "run", tiny_cohort, **MICRO_PLAN)


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def problems(found: Verification) -> list[str]:
    return [str(deviation) for deviation in found.deviations]


def alter_file(path: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    contents: dict[str, Any] = dict(read_checkpoint(path))
    alter(contents)
    write_checkpoint(path, contents)


def test_every_epoch_of_a_run_is_computed_again_to_the_same_bits(run: Path) -> None:
    before = contents_of(run)
    found = verify(run, epochs=[0, 1, 2, 3])
    assert problems(found) == []
    assert [(done.first, done.last, done.begin) for done in found.replays] == [
        (3, 3, "checkpoint_epoch_2.pth"), (2, 2, "checkpoint_epoch_1.pth"), (1, 1, "checkpoint_epoch_0.pth"), (0, 0, None),
    ]  # fmt: skip
    assert lines_of(found)[-1] == "As claimed: files are as recorded, and 4 epochs computed again have the same bits"
    assert contents_of(run) == before


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


def test_a_weight_that_was_altered_is_named(copy: Path) -> None:
    name = "head_diagnosis.weight"

    def alter(contents: dict[str, Any]) -> None:
        contents["model_state_dict"][name][0, 0] += 0.5

    alter_file(copy / "checkpoint_epoch_2.pth", alter)
    found = verify(copy, epochs=[0])
    assert "checkpoint_epoch_2.pth: does not hold the state that epoch 2 ended with" in problems(found)
    (line,) = (line for line in problems(found) if name in line)
    assert line.startswith(f"checkpoint_epoch_2.pth: model_state_dict.{name} differs in 1 of ")
    assert ", by 0.5 at most; 1 of " in line
    assert lines_of(found)[-1].startswith("NOT AS CLAIMED: ")


def test_an_altered_weight_whose_record_was_altered_with_it_is_found_by_computing_the_epoch(copy: Path) -> None:
    def alter(contents: dict[str, Any]) -> None:
        contents["model_state_dict"]["head_change.bias"][1] += 1.0

    alter_file(copy / "checkpoint_epoch_3.pth", alter)
    record = read_record(copy)
    (state,) = (state for state in record.states if state.path.name == "checkpoint_epoch_3.pth")
    text = (copy / "digests.csv").read_text()
    (copy / "digests.csv").write_text(text.replace(record.epochs[3].state, state.state))
    for name in ("final_model.pth", "best_model.pth", "finetune_checkpoint.pth"):
        (copy / name).unlink()
    found = verify(copy, epochs=[3])
    assert "epoch 3: ends with another state than the one recorded in digests.csv" in problems(found)
    assert any("head_change.bias differs in 1 of 3 numbers, by 1 at most" in line for line in problems(found))


def test_a_metric_that_was_altered_is_named_with_both_values(copy: Path) -> None:
    header, *rows = (copy / "metrics.csv").read_text().splitlines()
    column = header.split(",").index("val_loss")
    cells = rows[1].split(",")
    computed, cells[column] = cells[column], "0.01"
    rows[1] = ",".join(cells)
    (copy / "metrics.csv").write_text("\n".join([header, *rows, ""]))
    found = verify(copy, epochs=[0])
    assert problems(found) == [
        "metrics.csv: the row of epoch 1 is not the one that the run wrote",
        f"metrics.csv: epoch 1: val_loss is 0.01, computed {computed}",
    ]


def test_a_line_of_the_datalist_that_was_altered_is_named_and_nothing_is_computed_with_it(copy: Path) -> None:
    datalist = json.loads((copy / "datalist.json").read_text())
    datalist["training"][2]["diagnosis"] = "CN"
    (copy / "datalist.json").write_text(json.dumps(datalist))
    found = verify(copy, epochs=[0])
    assert problems(found) == ["datalist.json: training, sub-02 ses-M000: diagnosis is CN, was AD"]
    assert found.replays == []
    assert "Replayed: none; with another datalist.json the epochs would be others" in lines_of(found)


def test_scans_that_were_moved_are_no_difference(copy: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    absent = {"dataset_dir": str(tmp_path / "absent"), "datalist": str(tmp_path / "absent.json")}
    (copy / "config.yaml").write_text(yaml.safe_dump({**config, **absent}, sort_keys=False))
    with pytest.raises(UserError, match=r"dataset_dir|absent"):
        verify(copy, epochs=[0])
    assert problems(verify(copy, epochs=[0], given={"dataset_dir": str(tiny_cohort.parent)})) == []


def test_a_setting_that_was_altered_is_named(copy: Path) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    (copy / "config.yaml").write_text(yaml.safe_dump({**config, "base_lr": 0.5}))
    assert problems(verify(copy, epochs=[0])) == ["config.yaml: base_lr is 0.5, and 0.01 in checkpoint_epoch_3.pth"]


def test_a_damaged_file_is_named_and_the_others_are_computed_from(copy: Path) -> None:
    path = copy / "checkpoint_epoch_1.pth"
    path.write_bytes(path.read_bytes()[:1000])
    found = verify(copy, epochs=[1])
    assert [line.partition(":")[0] for line in problems(found)] == ["checkpoint_epoch_1.pth"]
    assert [(done.first, done.last, done.begin) for done in found.replays] == [(1, 1, "checkpoint_epoch_0.pth")]


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
