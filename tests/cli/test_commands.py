from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from admoe_monai import __version__
from admoe_monai.data import Datalist, save_datalist
from synthetic_heads import on_grid_scan, write_scan

Admoe = Callable[..., tuple[int, str, str]]


def test_version_is_printed(admoe: Admoe) -> None:
    assert admoe("--version") == (0, f"admoe_monai {__version__}\n", "")


def test_every_command_of_the_contract_is_listed(admoe: Admoe) -> None:
    _, out, _ = admoe("--help")
    for command in ("demo-cohort", "prepare", "preprocess", "inspect", "evaluate", "export"):
        assert command in out


def test_preprocess_goes_from_datalist_to_datalist(admoe: Admoe, tmp_path: Path) -> None:
    write_scan(tmp_path / "a.nii.gz", on_grid_scan())
    visit = {"image": str(tmp_path / "a.nii.gz"), "subject_id": "a", "session_id": "1"}
    save_datalist(tmp_path / "datalist.json", Datalist("one", tmp_path, {"training": [visit]}))
    code, out, err = admoe("preprocess", tmp_path / "datalist.json", tmp_path / "out", "--spacing", 3)
    assert (code, err) == (0, "")
    assert f"Written: {tmp_path / 'out' / 'datalist.json'}" in out


@pytest.mark.parametrize("array", ["0/3", "4/3", "3", "1/0", "a/b", "1/3/3"])
def test_preprocess_names_an_impossible_share(admoe: Admoe, tmp_path: Path, array: str) -> None:
    code, out, err = admoe("preprocess", tmp_path / "datalist.json", tmp_path / "out", "--array", array)
    assert (code, out) == (1, "")
    assert err.startswith("error: --array takes I/N with I from 1 to N")
    assert err.count("\n") == 1


def test_inspect_prints_a_checkpoint(admoe: Admoe, tiny_run: Path) -> None:
    code, out, _ = admoe("inspect", tiny_run / "pretrain_checkpoint.pth")
    assert code == 0
    assert "Pretrain (SimMIM)" in out
    assert "decoder" in out


def test_inspect_prints_json(admoe: Admoe, tiny_run: Path) -> None:
    _, out, _ = admoe("inspect", tiny_run / "best_model.pth", "--json")
    assert json.loads(out)["phase"] == "Finetune (Classification)"


def test_inspect_prints_the_components_of_a_config(admoe: Admoe, tiny_run: Path) -> None:
    code, out, _ = admoe("inspect", "--config", tiny_run / "config.yaml")
    assert code == 0
    assert "head_diagnosis" in out


def test_inspect_compares_a_file_of_another_origin_with_a_config(admoe: Admoe, tiny_run: Path, tmp_path: Path) -> None:
    torch.save(torch.load(tiny_run / "best_model.pth")["model_state_dict"], tmp_path / "bare.pth")
    code, out, _ = admoe("inspect", tmp_path / "bare.pth", "--config", tiny_run / "config.yaml")
    assert code == 0
    assert "a bare state dict" in out
    assert "yes: 100.0 % of the encoder fits" in out


def test_inspect_wants_a_file_or_a_config(admoe: Admoe) -> None:
    assert admoe("inspect") == (1, "", "error: name a checkpoint, a --config, or both\n")


def test_damaged_checkpoint_is_one_line_on_standard_error(admoe: Admoe, tmp_path: Path) -> None:
    (tmp_path / "some.pth").write_bytes(b"no archive")
    code, out, err = admoe("inspect", tmp_path / "some.pth")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_evaluate_writes_predictions_and_metrics(admoe: Admoe, tiny_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    code, out, _ = admoe("evaluate", run)
    assert code == 0
    assert "SIMULATED" in out
    assert (run / "evaluation" / "predictions_test.csv").read_text().count("\n") == 4
    metrics = json.loads((run / "evaluation" / "metrics_test.json").read_text())
    assert (metrics["split"], metrics["checkpoint"]) == ("test", "best_model.pth")


def test_evaluate_names_an_unknown_split(admoe: Admoe, tiny_run: Path) -> None:
    code, _, err = admoe("evaluate", tiny_run, "--split", "holdout")
    assert code == 1
    assert "holdout" in err


def test_evaluate_wants_a_run_directory(admoe: Admoe, tmp_path: Path) -> None:
    code, _, err = admoe("evaluate", tmp_path)
    assert code == 1
    assert "is not a run directory" in err


@pytest.mark.parametrize("command", ["evaluate", "stress", "report"])
def test_scans_that_are_not_where_they_are_said_to_be_are_one_line(
    admoe: Admoe, tiny_run: Path, tmp_path: Path, command: str
) -> None:
    code, out, err = admoe(command, tiny_run, "--dataset_dir", tmp_path, "--output", tmp_path / "out")
    assert (code, out) == (1, "")
    assert f"not found: {tmp_path}" in err
    assert f"like 11 more of 12 files; if they are in another folder than {tmp_path}, name it with --dataset_dir" in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_export_says_in_one_line_that_the_scans_to_measure_are_elsewhere(
    admoe: Admoe, tiny_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "empty").mkdir()
    options = ["--dataset_dir", tmp_path / "empty", "--formats", "none"]
    with caplog.at_level(logging.INFO):
        code, _, _ = admoe("export", tiny_run, tmp_path / "bundle", *options)
    assert code == 0
    (line,) = [record.getMessage() for record in caplog.records if "not found" in record.getMessage()]
    assert "name it with --dataset_dir" in line


def test_a_first_list_of_fonts_is_not_told(admoe: Admoe, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    logging.getLogger("matplotlib").setLevel(logging.NOTSET)
    admoe("inspect", str(tmp_path / "absent.pth"))
    with caplog.at_level("INFO"):
        logging.getLogger("matplotlib.font_manager").info("generated new fontManager")
    assert "fontManager" not in caplog.text
