"""A user's mistake leaves as one line and a non-zero exit, and nothing is written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow

from admoe_monai.workflows.settings.resources import resource
from tiny_runs import TINY_SETTINGS, make_cohort

Complaint = Callable[..., str]


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """A datalist that may be spoilt."""
    return make_cohort(tmp_path / "cohort")


@pytest.fixture
def complaint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Complaint:
    """Start a run as MONAI's command line does, and return the one line that it leaves with."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(datalist: Path, *overlays: Path, **settings: Any) -> str:
        choices = {**TINY_SETTINGS, "datalist": str(datalist), **settings}
        with pytest.raises(SystemExit) as left:  # noqa: PT012 any of the three steps may refuse
            workflow = ConfigWorkflow(
                config_file=[str(resource("configs/train.yaml")), *map(str, overlays)],
                logging_file=False,
                workflow_type="train",
                run_id="training",
                **choices,
            )
            workflow.initialize()
            workflow.run()
        # Python prints a text given to SystemExit to stderr and exits with 1.
        assert isinstance(left.value.code, str)
        assert left.value.code.startswith("error: ")
        message, *further = left.value.code.splitlines()
        assert all(line.startswith("  ") for line in further)
        assert left.value.__suppress_context__
        assert list((tmp_path / "here").iterdir()) == []
        return message

    return run


def spoil(datalist: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    content = json.loads(datalist.read_text())
    change(content)
    datalist.write_text(json.dumps(content))
    return datalist


def test_label_outside_the_classes(cohort: Path, complaint: Complaint) -> None:
    message = complaint(spoil(cohort, lambda content: content["training"][1].update(diagnosis="SMC")))
    assert "SMC" in message
    assert "training[1]" in message
    assert "CN, MCI, AD" in message


def test_missing_image(cohort: Path, complaint: Complaint) -> None:
    image = cohort.parent / json.loads(cohort.read_text())["validation"][0]["image"]
    image.unlink()
    assert str(image) in complaint(cohort)


@pytest.mark.parametrize("content", [b"", b"no NIfTI at all", "cut"])
def test_unreadable_image(content: bytes | str, cohort: Path, complaint: Complaint) -> None:
    image = cohort.parent / json.loads(cohort.read_text())["training"][2]["image"]
    image.write_bytes(image.read_bytes()[:2000] if isinstance(content, str) else content)
    assert str(image) in complaint(cohort)


def test_subject_in_two_splits(cohort: Path, complaint: Complaint) -> None:
    message = complaint(spoil(cohort, lambda content: content["test"][0].update(subject_id="sub-00")))
    assert "sub-00" in message
    assert "training" in message


def test_unknown_setting_on_the_command_line(cohort: Path, complaint: Complaint) -> None:
    assert "unknown setting 'max_epoch'; did you mean 'max_epochs'?" in complaint(cohort, max_epoch=3)


def test_unknown_setting_in_an_overlay(cohort: Path, tmp_path: Path, complaint: Complaint) -> None:
    (tmp_path / "overlay.yaml").write_text("embed_dims: 16\n")
    assert "did you mean 'embed_dim'?" in complaint(cohort, tmp_path / "overlay.yaml")


def test_unknown_key_in_an_overlay_of_a_phase(cohort: Path, tmp_path: Path, complaint: Complaint) -> None:
    (tmp_path / "phase.yaml").write_text("optimiser::lr: 1.0\n")
    message = complaint(cohort, phase_overlays=[str(tmp_path / "phase.yaml")])
    assert "did you mean 'optimizer'?" in message
    assert "phase.yaml" in message


def test_an_argument_of_the_encoder_beside_it(cohort: Path, complaint: Complaint) -> None:
    message = complaint(cohort, network={"attn_drop_rate": 0.1})
    assert "network::attn_drop_rate: AlzheimerMMoE takes no 'attn_drop_rate'" in message
    assert message.endswith("; what the encoder takes stands under network: {encoder: ...}")


def test_absent_overlay_of_a_phase(cohort: Path, complaint: Complaint) -> None:
    assert "nowhere.yaml" in complaint(cohort, phase_overlays=["nowhere.yaml"])


def test_absent_datalist(tmp_path: Path, complaint: Complaint) -> None:
    assert "nowhere.json" in complaint(tmp_path / "nowhere.json")


def test_absent_checkpoint_to_resume(cohort: Path, complaint: Complaint) -> None:
    assert "nowhere.pth" in complaint(cohort, resume="nowhere.pth")


def test_absent_pretrained_weights(cohort: Path, complaint: Complaint) -> None:
    assert "nowhere.pth" in complaint(cohort, pretrain_epochs=0, pretrained="nowhere.pth")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_lr", "1e-4"),
        ("batch_size", 0),
        ("batch_size", 2.5),
        ("save_interval", 0),
        ("pretrain_epochs", 3),
        ("max_epochs", 0),
        ("patience", -1),
        ("mask_ratio", 1.0),
        ("mask_patch_size", 6),
        ("img_size", [16, 16]),
        ("img_size", -16),
        ("img_size", "large"),
        ("spacing_mm", 0),
        ("depths", [1, 1, 1]),
        ("num_heads", [3, 5]),
        ("moe_stages", [7]),
        ("fusion_stage", 9),
        ("fusion_type", "mean"),
        ("routing", "random"),
        ("drop_path_rate", 1.5),
        ("label_smoothing", 2.0),
        ("clip_grad", -1.0),
        ("clip_grad", "none"),
        ("target_norm_window", 4),
        ("temperature", 0.0),
        ("top_k", 9),
        ("classes_diagnosis", ["CN"]),
        ("num_classes_change", 2),
        ("class_weights", "inverse"),
        ("selection_metric", "auc"),
        ("finetune_from", "middle"),
        ("keep_checkpoints", 1),
        ("amp", "fp16"),
        ("device", "quantum"),
        ("prior_dim", 9),
        ("spatial_dims", 4),
        ("augmentation", "heavy"),
        ("phase_overlays", "overlay.yaml"),
        ("mlp_ratio", 0),
        ("window_size", 0),
        ("task_stages", 5),
        ("use_clinical_prior", "maybe"),
        ("standardise_features", "maybe"),
        ("pretrained", "run/pretrain_checkpoint.pth"),
    ],
)
def test_value_that_a_setting_cannot_have(name: str, value: Any, tiny_cohort: Path, complaint: Complaint) -> None:
    assert name in complaint(tiny_cohort, **{name: value})


@pytest.mark.parametrize(("column", "reason"), [("shoe_size", "unknown prior column"), ("mmse", "banned")])
def test_column_that_the_prior_cannot_take(column: str, reason: str, tiny_cohort: Path, complaint: Complaint) -> None:
    message = complaint(tiny_cohort, prior_columns=[column])
    assert column in message
    assert reason in message


def test_the_command_line_prints_one_line_and_exits_with_1(tmp_path: Path, tiny_cohort: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "monai.bundle",
        "run",
        "training",
        "--config_file",
        str(resource("configs/train.yaml")),
    ]
    process = subprocess.run(
        [*command, "--datalist", str(tiny_cohort), "--max_epoch", "3"], cwd=tmp_path, capture_output=True, text=True
    )
    assert process.returncode == 1
    assert "Traceback" not in process.stdout + process.stderr
    assert process.stderr.splitlines()[-1] == "error: unknown setting 'max_epoch'; did you mean 'max_epochs'?"
    assert list(tmp_path.iterdir()) == []
