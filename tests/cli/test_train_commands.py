"""`admoe train` and `admoe resume`: the run of MONAI's command, with short answers to mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.workflows.settings.config_files import config_files, known_configs, read_config
from admoe_monai.workflows.settings.descriptions import descriptions
from admoe_monai.workflows.settings.names import declared_settings
from run_comparison import run_differences
from tiny_runs import TINY_SETTINGS, make_run

Admoe = Callable[..., tuple[int, str, str]]


def options(**settings: Any) -> list[str]:
    return [word for name, value in {**TINY_SETTINGS, **settings}.items() for word in (f"--{name}", str(value))]


def test_a_run_is_the_one_of_monais_command(admoe: Admoe, tiny_cohort: Path, tiny_run: Path, tmp_path: Path) -> None:
    code, out, err = admoe("train", *options(datalist=tiny_cohort, run_dir=tmp_path / "run"))
    assert (code, err) == (0, "")
    assert out.startswith("The same as: python -m monai.bundle run training --config_file ")
    assert f"--datalist {tiny_cohort}" in out.splitlines()[0]
    assert "Not all config files" not in out
    assert run_differences(tmp_path / "run", tiny_run) == []


def test_a_run_goes_on_from_a_checkpoint_and_from_its_folder(admoe: Admoe, tiny_run: Path, tmp_path: Path) -> None:
    code, out, err = admoe("resume", tiny_run / "checkpoint_epoch_0.pth", "--run_dir", tmp_path / "run")
    assert (code, err) == (0, "")
    assert "Resuming training from checkpoint..." in out
    assert run_differences(tmp_path / "run", tiny_run) == []
    code, out, err = admoe("resume", tmp_path / "run")
    assert (code, err) == (0, "")
    assert "metadata" not in out
    assert len(out.splitlines()) == 2  # the command, and that nothing is left to do


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--max_epoch", "3"], "unknown setting 'max_epoch'; did you mean 'max_epochs'?"),
        (["--max_epochs", "three"], "max_epochs must be a number, got 'three'"),
        (["tinny"], "no config of that name: did you mean 'tiny'?"),
        (["pretrain", "finetune"], "pretrain.yaml and .*finetune.yaml are both entry points"),
        (["broken.yaml"], "cannot read broken.yaml, line 2: "),
        (["list.yaml"], "list.yaml is no config: it holds a list where settings are expected"),
        (["other.yaml"], "other.yaml, line 1: unknown setting 'bach_size'; did you mean 'batch_size'?"),
        (["wrong.yaml"], "wrong.yaml, line 1: batch_size must be at least 1, got 0"),
    ],
)
def test_a_mistake_is_answered_before_torch_is_imported(tmp_path: Path, words: list[str], line: str) -> None:
    (tmp_path / "broken.yaml").write_text("batch_size: 2\n  name: x\n")
    (tmp_path / "list.yaml").write_text("- batch_size: 2\n")
    (tmp_path / "other.yaml").write_text("bach_size: 2\n")
    (tmp_path / "wrong.yaml").write_text("batch_size: 0\n")
    program = "import sys; from admoe_monai.cli.main import main\ntry:\n    main()\nfinally:\n    print('torch' in sys.modules)"
    words = [sys.executable, "-c", program, "train", *words]
    answer = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (1, "False\n")
    assert re.fullmatch(f"error: .*{line}.*\n", answer.stderr)


@pytest.mark.parametrize("broken", ["", "run/", "run.pth"])
def test_what_is_no_run_is_not_resumed(admoe: Admoe, tmp_path: Path, broken: str) -> None:
    if broken.endswith("/"):
        (tmp_path / broken).mkdir()
    code, out, err = admoe("resume", tmp_path / (broken or "absent"))
    assert (code, out) == (1, "")
    assert "holds no run" in err or "there is no folder" in err


def test_help_has_every_setting_with_its_default_and_comment(admoe: Admoe) -> None:
    _, out, _ = admoe("train", "--help")
    words = " ".join(re.sub("[│╭╮╰╯─]", " ", out).split())
    for described in descriptions():
        assert f"--{described.name} " in words
        assert f"[default: {described.default}]" in words
    assert "Settings: clinical prior" in words


def test_every_setting_is_described_with_its_default() -> None:
    defaults = {described.name: described.default for described in descriptions()}
    assert {name: yaml.safe_load(text) for name, text in defaults.items()} == declared_settings()
    assert [described.name for described in descriptions() if not described.comment] == []


def test_names_stand_for_files_and_the_entry_point_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    known = known_configs()
    (tmp_path / "mine.yaml").write_text("batch_size: 2\n")
    assert config_files(["tiny", "mine.yaml"]) == [known["train"], known["tiny"], Path("mine.yaml")]
    assert config_files(["tiny", "pretrain"]) == [known["pretrain"], known["tiny"]]
    assert "training" in read_config(known["finetune"])


@pytest.fixture(scope="module")
def pretraining(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of pretraining alone."""
    return make_run(tmp_path_factory.mktemp("pretraining") / "run", tiny_cohort, max_epochs=1)


def test_the_command_that_a_pretraining_run_names_next_finetunes_from_it(
    admoe: Admoe, pretraining: Path, tmp_path: Path
) -> None:
    log = (pretraining / "training.log").read_text()
    (command,) = re.findall(r"admoe train (.*--pretrained .*)", log)
    code, out, err = admoe("train", *command.split(), "--max_epochs", 1, "--run_dir", tmp_path / "run")
    assert (code, err) == (0, "")
    assert re.search("Pretrained weights from .*: 100.* % of the encoder", out)
    assert (tmp_path / "run" / "best_model.pth").is_file()


def test_another_network_than_that_of_pretraining_is_told_by_its_settings(
    admoe: Admoe, pretraining: Path, tiny_cohort: Path
) -> None:
    words = options(datalist=tiny_cohort, embed_dim=16, pretrain_epochs=0, max_epochs=1)
    code, _, err = admoe("train", *words, "--pretrained", pretraining / "pretrain_checkpoint.pth")
    assert code == 1
    assert "it was trained with embed_dim 8, here 16: name the same overlays" in err


def test_a_run_without_finetuning_names_the_evaluation_that_it_has(admoe: Admoe, pretraining: Path) -> None:
    for command in ("evaluate", "report"):
        code, _, err = admoe(command, pretraining)
        assert code == 1
        assert f"admoe evaluate {pretraining} --checkpoint pretrain_checkpoint.pth" in err
