"""A micro run of both phases in this process keeps the contract of the run directory."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tiny_runs import make_run

KEYS = {
    "epoch": int, "model_state_dict": dict, "optimizer_state_dict": dict, "scheduler_state_dict": dict,
    "best_val_acc": float, "is_pretrain": bool, "phase": str, "decoder_removed": bool,
}  # fmt: skip
PRETRAINING = {"pretrain_checkpoint.pth", "checkpoint_epoch_0.pth"}
FINETUNING = {"finetune_checkpoint.pth", "best_model.pth", "checkpoint_epoch_1.pth", "final_model.pth"}


@pytest.fixture(scope="module", params=["tiny_run", "tiny_run_2d"])
def run(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder


@pytest.fixture(scope="module")
def files(run: Path) -> dict[str, dict[str, Any]]:
    return {path.name: torch.load(path, map_location="cpu") for path in run.glob("*.pth")}


def test_a_run_writes_every_kind_of_file_and_no_other(run: Path, files: dict[str, dict[str, Any]]) -> None:
    assert files.keys() == PRETRAINING | FINETUNING
    others = {path.name for path in run.iterdir() if path.suffix != ".pth" and not path.name.startswith("events.")}
    assert others == {
        "training.log",
        "config.yaml",
        "metrics.csv",
        "digests.csv",
        "starts.jsonl",
        "curves.png",
        "datalist.json",
        "run.lock",
    }


def test_every_checkpoint_has_the_keys_of_the_contract(files: dict[str, dict[str, Any]]) -> None:
    for name, contents in files.items():
        assert {key: type(contents[key]) for key in KEYS} == KEYS, name


def test_the_phase_of_every_checkpoint_is_told_by_all_its_keys(files: dict[str, dict[str, Any]]) -> None:
    for name, contents in files.items():
        pretrain = name in PRETRAINING
        assert contents["is_pretrain"] is pretrain
        assert contents["phase"] == ("Pretrain (SimMIM)" if pretrain else "Finetune (Classification)")
        assert contents["decoder_removed"] is not pretrain


def test_no_decoder_is_left_after_the_switch(files: dict[str, dict[str, Any]]) -> None:
    for name in FINETUNING:
        contents = files[name]
        assert not any(parameter.startswith("decoder.") for parameter in contents["model_state_dict"])
        assert not any(parameter.startswith("decoder.") for parameter in contents["parameter_names"])
        owned = sum(len(group["params"]) for group in contents["optimizer_state_dict"]["param_groups"])
        assert owned == len(contents["parameter_names"])
    for name in PRETRAINING:
        assert any(parameter.startswith("decoder.") for parameter in files[name]["model_state_dict"])


def test_a_periodic_file_is_of_the_epoch_in_its_name(files: dict[str, dict[str, Any]]) -> None:
    assert [files[f"checkpoint_epoch_{epoch}.pth"]["epoch"] for epoch in (0, 1)] == [0, 1]
    assert files["final_model.pth"]["epoch"] == 1


def test_pretraining_has_no_accuracy(files: dict[str, dict[str, Any]]) -> None:
    assert files["checkpoint_epoch_0.pth"]["best_val_acc"] == 0.0
    assert files["best_model.pth"]["best_val_acc"] > 0.0


def test_both_phases_have_moved_the_weights(files: dict[str, dict[str, Any]]) -> None:
    before, after = (files[f"checkpoint_epoch_{epoch}.pth"]["model_state_dict"] for epoch in (0, 1))
    heads = [name for name in after if name.startswith(("head_diagnosis.", "head_change."))]
    assert heads
    assert any(not torch.equal(before[name], after[name]) for name in heads)
    assert any(not torch.equal(before[name], after[name]) for name in after if name.startswith("encoder."))


def test_the_log_says_what_the_guide_greps_for(run: Path) -> None:
    log = (run / "training.log").read_text()
    for line in (
        "MODEL COMPONENTS ANALYSIS - INITIAL", "MODEL COMPONENTS ANALYSIS - AFTER DECODER REMOVAL",
        "MODEL COMPONENTS ANALYSIS - FINAL", "Training plan:", "- Pretraining epochs: 1 (SimMIM reconstruction)",
        "- Finetuning epochs: 1 (Classification)", "- Starting from epoch: 0",
    ):  # fmt: skip
        assert line in log
    tables = log.split("MODEL COMPONENTS ANALYSIS - ")
    assert ["decoder " in table for table in tables[1:]] == [True, False, False]


def test_metrics_have_a_row_per_epoch(run: Path) -> None:
    with open(run / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["phase"]) for row in rows] == [("0", "pretrain"), ("1", "finetune")]
    assert float(rows[0]["val_loss"]) > 0
    assert rows[0]["val_balanced_accuracy"] == ""
    assert 0 <= float(rows[1]["val_balanced_accuracy"]) <= 1


def test_the_config_of_a_run_repeats_it(run: Path, tmp_path: Path) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    assert not {"resume", "run_dir", "force_resume", "extend_max_epochs"} & settings.keys()
    for key in ("imports", "initialize", "training", "datalist"):
        settings.pop(key)
    made = make_run(tmp_path / "again", run / "datalist.json", **settings)
    for name in ("metrics.csv",):
        assert (made / name).read_text() == (run / name).read_text()
