"""A run refuses data that leak, unless told to go on, and then says so everywhere."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from admoe_monai.cli.main import app
from admoe_monai.data import load_datalist
from admoe_monai.data.subject_digests import subject_digests
from admoe_monai.errors import UserError
from run_comparison import assert_same_run
from tiny_runs import make_run

Edit = Callable[[dict[str, Any]], None]


def edited(datalist: Path, folder: Path, edit: Edit) -> Path:
    content = json.loads(datalist.read_text()) | {"dataset_dir": str(datalist.parent)}
    edit(content)
    path = folder / "edited.json"
    path.write_text(json.dumps(content))
    return path


def subject_in_test_too(content: dict[str, Any]) -> None:
    visit = dict(content["training"][0], session_id="ses-again", image=content["test"][0]["image"])
    content["test"][0] = visit


def allow_mmse(content: dict[str, Any]) -> None:
    for column in content["prior"]["columns"]:
        if column["name"] == "mmse":
            column.update(role="clinical", mean=25.0, std=3.0)


def swap(content: dict[str, Any]) -> None:
    """Three subjects of the training split become the test split."""
    content["training"], content["test"] = content["test"] + content["training"][3:], content["training"][:3]


@pytest.mark.parametrize(
    ("edit", "message"),
    [(subject_in_test_too, "subject 'sub-00' is also in 'training'"), (allow_mmse, "the data leak: .*mmse")],
)
def test_a_leak_is_refused_before_anything_is_written(
    tiny_cohort: Path, tmp_path: Path, edit: Edit, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make_run(tmp_path / "run", edited(tiny_cohort, tmp_path, edit))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("edit", [subject_in_test_too, allow_mmse])
def test_a_leak_that_is_allowed_is_in_the_log_and_in_every_checkpoint(
    tiny_cohort: Path, tmp_path: Path, edit: Edit
) -> None:
    run = make_run(tmp_path / "run", edited(tiny_cohort, tmp_path, edit), allow_leakage=True)
    assert "Trained in spite of a leak: " in (run / "training.log").read_text()
    for path in run.glob("*.pth"):
        assert torch.load(path, weights_only=True)["leakage"], path.name


def test_figures_of_such_a_run_say_so(tiny_cohort: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", edited(tiny_cohort, tmp_path, subject_in_test_too), allow_leakage=True)
    result = CliRunner().invoke(app, ["evaluate", str(run), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "trained in spite of a leak" in result.output
    assert json.loads((run / "evaluation/metrics_test.json").read_text())["leakage"]


def test_a_clean_run_carries_no_leak_and_names_whom_it_has_seen_by_digest_alone(
    tiny_run: Path, tiny_cohort: Path
) -> None:
    checkpoint = torch.load(tiny_run / "pretrain_checkpoint.pth", weights_only=True)
    training = load_datalist(tiny_cohort).splits["training"]
    assert checkpoint["leakage"] == []
    assert checkpoint["pretraining_subjects"] == subject_digests(training)
    assert "sub-0" not in str(checkpoint["pretraining_subjects"])


def test_weights_that_have_seen_test_subjects_are_refused(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    datalist = edited(tiny_cohort, tmp_path, swap)
    settings = {"pretrain_epochs": 0, "max_epochs": 1, "pretrained": str(tiny_run / "pretrain_checkpoint.pth")}
    with pytest.raises(UserError, match=r"pretrained on 3 test subject\(s\): sub-00; sub-01; sub-02"):
        make_run(tmp_path / "run", datalist, **settings)
    run = make_run(tmp_path / "allowed", datalist, **settings, allow_leakage=True)
    assert "pretrained on 3 test" in torch.load(run / "final_model.pth", weights_only=True)["leakage"][0]


def test_weights_that_do_not_say_whom_they_have_seen_get_a_warning(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bare = tmp_path / "bare.pth"
    torch.save(torch.load(tiny_run / "pretrain_checkpoint.pth", weights_only=True)["model_state_dict"], bare)
    with caplog.at_level(logging.WARNING):
        make_run(tmp_path / "run", tiny_cohort, pretrain_epochs=0, max_epochs=1, pretrained=str(bare))
    assert "whether it was pretrained on test subjects is unknown" in caplog.text


def test_finetuning_passes_on_whom_pretraining_has_seen(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    seen = shutil.copy(tiny_run / "pretrain_checkpoint.pth", tmp_path / "seen.pth")
    checkpoint = torch.load(seen, weights_only=True)
    checkpoint["pretraining_subjects"] = sorted([*checkpoint["pretraining_subjects"], "0123456789abcdef"])
    torch.save(checkpoint, seen)
    run = make_run(tmp_path / "run", tiny_cohort, pretrain_epochs=0, max_epochs=1, pretrained=str(seen))
    assert "0123456789abcdef" in torch.load(run / "final_model.pth", weights_only=True)["pretraining_subjects"]


def test_a_resumed_finetuning_remembers_whom_its_weights_have_seen(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    # The file that it started from is gone, and with it what only that file said.
    datalist = edited(tiny_cohort, tmp_path, swap)
    pretrained = Path(shutil.copy(tiny_run / "pretrain_checkpoint.pth", tmp_path / "pretrained.pth"))
    settings = {"pretrain_epochs": 0, "allow_leakage": True}
    whole = make_run(tmp_path / "run", datalist, **settings, pretrained=str(pretrained))
    pretrained.unlink()
    resumed = {**settings, "resume": str(whole / "checkpoint_epoch_0.pth")}
    with pytest.raises(UserError, match=r"pretrained on 3 test subject\(s\)"):
        make_run(tmp_path / "on", datalist, **{**resumed, "allow_leakage": False})
    run = make_run(tmp_path / "on", datalist, **resumed)
    assert_same_run(run, whole)
    assert "pretrained on 3 test" in torch.load(run / "final_model.pth", weights_only=True)["leakage"][0]


def test_a_run_that_goes_on_with_its_training_subjects_as_test_is_refused(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    resumed = {"resume": str(tiny_run / "checkpoint_epoch_0.pth"), "force_resume": True}
    with pytest.raises(UserError, match=r"pretrained on 3 test subject\(s\): sub-00; sub-01; sub-02"):
        make_run(tmp_path / "on", edited(tiny_cohort, tmp_path, swap), **resumed)
    assert not (tmp_path / "on").exists()
