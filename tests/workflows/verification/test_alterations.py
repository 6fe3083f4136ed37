"""Whatever is altered in a run is found and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from verified import alter_file, problems

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.workflows.verification.record import read_record
from admoe_monai.workflows.verification.text import lines_of
from admoe_monai.workflows.verification.verify import verify


def test_a_file_under_the_name_of_another_is_named(copy: Path) -> None:
    shutil.copy(copy / "checkpoint_epoch_0.pth", copy / "final_model.pth")
    shutil.copy(copy / "checkpoint_epoch_2.pth", copy / "checkpoint_epoch_3.pth")
    best = read_checkpoint(copy / "best_model.pth")["epoch"]
    other = 5 - best  # of the two epochs of finetuning
    for path in copy.glob("*.pth"):
        if path.name not in ("best_model.pth", "finetune_checkpoint.pth") and read_checkpoint(path)["epoch"] == other:
            shutil.copy(path, copy / "best_model.pth")
    said = problems(verify(copy, epochs=[0]))
    assert "final_model.pth: is of epoch 0, with which no plan ends" in said
    assert "checkpoint_epoch_3.pth: is of epoch 2, and should be of epoch 3" in said


def test_another_epoch_under_the_name_of_the_best_is_named(copy: Path) -> None:
    best = read_checkpoint(copy / "best_model.pth")["epoch"]
    shutil.copy(copy / f"checkpoint_epoch_{5 - best}.pth", copy / "best_model.pth")
    assert problems(verify(copy, epochs=[0])) == [
        f"best_model.pth: is of epoch {5 - best}, and should be of epoch {best}"
    ]


def test_a_best_file_that_is_not_there_is_no_difference_and_is_said(copy: Path) -> None:
    epoch = read_checkpoint(copy / "best_model.pth")["epoch"]
    (copy / "best_model.pth").unlink()
    found = verify(copy, epochs=[0])
    assert problems(found) == []
    assert f"Absent:   best_model.pth, of epoch {epoch}: compared with nothing" in lines_of(found)


def test_a_file_that_hides_in_the_middle_of_an_epoch_is_named(copy: Path) -> None:
    alter_file(copy / "best_model.pth", lambda contents: contents.update(iteration=contents["iteration"] + 1))
    assert problems(verify(copy, epochs=[0])) == ["best_model.pth: is of the middle of an epoch"]


@pytest.mark.parametrize("name", ["metrics.csv", "digests.csv"])
def test_a_row_that_stands_twice_is_named(name: str, copy: Path) -> None:
    rows = (copy / name).read_text().splitlines(keepends=True)
    (copy / name).write_text("".join([*rows[:3], *rows[2:]]))
    if name == "digests.csv":
        with pytest.raises(UserError, match=r"digests.csv, line 4: an epoch that stands before"):
            verify(copy, epochs=[0])
    else:
        assert problems(verify(copy, epochs=[0])) == ["metrics.csv: has rows of one epoch twice, or out of order"]


def test_an_epoch_that_was_taken_out_everywhere_is_missed(copy: Path) -> None:
    for name in ("metrics.csv", "digests.csv"):
        rows = (copy / name).read_text().splitlines(keepends=True)
        (copy / name).write_text("".join([*rows[:3], *rows[4:]]))
    for path in copy.glob("*.pth"):
        if read_checkpoint(path)["epoch"] == 2:
            path.unlink()
    said = problems(verify(copy, epochs=[3]))
    assert "digests.csv: has no record of epoch 2, which the run has computed on its way" in said


def test_other_statistics_of_the_prior_are_named(copy: Path) -> None:
    def alter(contents: dict[str, Any]) -> None:
        contents["prior"][0]["mean"] += 1.0

    alter_file(copy / "best_model.pth", alter)
    assert problems(verify(copy, epochs=[0])) == [
        "best_model.pth: has other statistics of the prior than datalist.json"
    ]


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


def test_a_setting_that_was_altered_is_named(copy: Path) -> None:
    config = yaml.safe_load((copy / "config.yaml").read_text())
    (copy / "config.yaml").write_text(yaml.safe_dump({**config, "base_lr": 0.5}, sort_keys=False))
    assert problems(verify(copy, epochs=[0])) == ["config.yaml: base_lr is 0.5, and 0.01 in starts.jsonl"]


def test_a_damaged_file_is_named_and_the_others_are_computed_from(copy: Path) -> None:
    path = copy / "checkpoint_epoch_1.pth"
    path.write_bytes(path.read_bytes()[:1000])
    found = verify(copy, epochs=[1])
    assert [line.partition(":")[0] for line in problems(found)] == ["checkpoint_epoch_1.pth"]
    assert [(done.first, done.last, done.begin) for done in found.replays] == [(1, 1, "checkpoint_epoch_0.pth")]
