"""The command line of MONAI's bundles, in this process: what the user typed is what a run reads, or it is refused."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from monai.bundle import ConfigParser

from admoe_monai.errors import UserError
from admoe_monai.workflows.finished.inspection import describe_file
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.settings.command_line import CommandLine
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.resources import resource
from tiny_runs import TINY_SETTINGS, make_cohort, write_scan

Start = Callable[..., str | None]
ODD = [
    "run #7",
    "runs@home",
    "@home",
    "50%",
    "%50",
    "$cost",
    "a::b",
    "a@#b",
    "a%::b",
    "quo'te",
    'dou"ble',
    "back\\slash",
    "é 任务",
]


@pytest.fixture
def train(start: Start) -> Start:
    """Start `run training` with the settings of a tiny run."""
    plan = [word for name, value in TINY_SETTINGS.items() for word in (f"--{name}", value)]

    def run(*words: object, config: Path | str | None = None) -> str | None:
        entry = config or resource("configs/train.yaml")
        return start("run", "training", "--config_file", entry, *plan, *words)

    return run


def nothing_is_written() -> bool:
    return list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("text", ODD)
def test_monai_reads_a_literal_text_as_it_is(text: str) -> None:
    assert ConfigParser({"path": literal(text)}).get_parsed_content("path") == text
    assert ConfigParser({"paths": literal([text, 1])}).get_parsed_content("paths") == [text, 1]


@pytest.mark.parametrize("text", ["runs/a b", "runs@home", "a%b.json", "a::b", "é 任务"])
def test_a_text_that_monai_leaves_alone_is_written_as_it_is(text: str) -> None:
    assert literal(text) == text


@pytest.mark.parametrize("text", ODD)
def test_a_setting_of_the_program_is_read_as_it_is(text: str) -> None:
    settings = resolved_settings(parser_of([], {"run_dir": text, "datalist": text, "phase_overlays": [text]}))
    assert (settings["run_dir"], settings["datalist"]) == (text, text)
    assert settings["phase_overlays"] == {"pretrain": [text], "finetune": [text]}


def test_words_are_taken_apart_as_fire_does() -> None:
    line = CommandLine.of(
        [
            "run",
            "training",
            "--run-dir",
            "a b",
            "--name=x=y",
            "--force_resume",
            "--max_epochs",
            "3",
            "word",
            "--name",
            "z",
        ]
    )
    assert line.words == ("run", "training", "word")
    assert line.values == {"run_dir": "a b", "name": "z", "max_epochs": "3"}
    assert line.strays == ("word",)


def test_only_the_bundle_command_has_a_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/admoe", "evaluate", "run"])
    assert CommandLine.at_hand() is None


def test_a_run_in_odd_folders_is_trained_resumed_and_evaluated(train: Start, tmp_path: Path) -> None:
    datalist = make_cohort(tmp_path / "co#hort @ 50% é")
    run = Path("run #7")
    assert train("--datalist", datalist, "--run_dir", run, "--cache_dir", "$ca#che", "--max_epochs", 1) is None
    assert {path.name for path in Path.cwd().iterdir()} == {"run #7", "$ca#che"}
    recorded = parser_of([run / "config.yaml"])
    assert recorded.get_parsed_content("datalist") == str(datalist)
    assert recorded.get_parsed_content("cache_dir") == str(Path("$ca#che").absolute())
    # Behind a bare word, Fire takes # for the beginning of a comment: this one is absolute.
    config = run.absolute() / "config.yaml"
    assert train("--resume", "auto", "--extend_max_epochs", True, config=config) is None
    finished = TrainedRun.load(run)
    assert len(predict(finished, cohort_of(finished), "test", "cpu").labels("diagnosis")) == 3
    assert {path.name for path in Path.cwd().iterdir()} == {"run #7", "$ca#che"}


def test_a_phase_reads_paths_and_values_of_the_cohort_as_they_are(tiny_run: Path, tmp_path: Path) -> None:
    run = TrainedRun.load(tiny_run)
    run.checkpoint["prior"][0]["name"] = "@age of #1"
    visits = [{"image": str(write_scan(tmp_path / "a #1.nii", 1)), "prior": {"sex": "%F"}}]
    phase = run.phase(visits, torch.device("cpu"))
    assert phase["prior_statistics"][0]["name"] == "@age of #1"
    assert phase["visits"]["validation"] == visits


@pytest.mark.parametrize("folder", ["2024_01", "1e5", "a,b", "(a)", "@home", "'quoted one'"])
def test_a_folder_that_looks_like_python_keeps_its_name(
    folder: str, train: Start, tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("admoe_monai.workflows.run.plan.Plan.run", lambda plan: asked.append(plan.settings["run_dir"]))
    assert train("--datalist", tiny_cohort, "--run_dir", folder) is None
    assert asked == [folder.strip("'")]


def test_none_on_the_command_line_takes_a_setting_back(
    train: Start, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(
        "admoe_monai.workflows.run.plan.Plan.run", lambda plan: asked.append(plan.settings["pretrained"])
    )
    assert train("--pretrained", "None", config=tiny_run / "config.yaml") is None
    assert asked == [None]


@pytest.mark.parametrize("name", ["datalist", "run_dir", "cache_dir", "resume"])
def test_a_replaced_character_in_an_overlay_is_refused(
    name: str, train: Start, tmp_path: Path, tiny_cohort: Path
) -> None:
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump({name: "some #7"}))
    files = [str(resource("configs/train.yaml")), str(tmp_path / "overlay.yaml")]
    given = [] if name == "datalist" else ["--datalist", tiny_cohort]
    line = train(*given, config=repr(files))
    assert line is not None
    assert line.startswith(f"error: {name} is 'some ::7', but MONAI replaces every #")
    assert line.endswith("write in the config: $'some \\x237'")
    assert nothing_is_written()


def test_the_spelling_that_the_refusal_names_is_read(tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text("run_dir: $'some \\x237'\n")
    assert resolved_settings(parser_of([tmp_path / "overlay.yaml"]))["run_dir"] == "some #7"


@pytest.mark.parametrize("text", ["$HOME/data.json", "@home", "$1 +"])
def test_an_expression_that_fails_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump({"datalist": text}))
    with pytest.raises(UserError, match=r"datalist is '.*', which MONAI reads as an expression or a reference: ."):
        resolved_settings(parser_of([tmp_path / "overlay.yaml"]))


@pytest.mark.parametrize("text", ["$HOME/runs", "runs/${HOME}/1"])
def test_a_variable_that_the_shell_has_not_replaced_is_refused(text: str, train: Start, tiny_cohort: Path) -> None:
    line = train("--datalist", tiny_cohort, "--run_dir", text)
    assert line is not None
    assert "the shell has not put in what $" in line
    assert nothing_is_written()


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = resolved_settings(parser_of([], {"run_dir": "~/run", "name": "~"}))
    assert (settings["run_dir"], settings["name"]) == (str(tmp_path / "run"), "~")


@pytest.mark.parametrize(("name", "value"), [("run_dir", True), ("name", 202401), ("datalist", None), ("resume", "")])
def test_what_is_no_text_is_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"{name} must be a text, got {value!r}"):
        resolved_settings(parser_of([], {name: value}))


def test_a_name_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(UserError, match="run_dir is no UTF-8"):
        resolved_settings(parser_of([], {"run_dir": "caf\udce9"}))


@pytest.mark.parametrize(
    "words",
    [
        ["--datalist", "my", "data/d.json"],
        ["--run_dir", "my", "data/d.json", "runs"],
        ["--datalist=my", "data/d.json", "--seed", "1"],
        ["--name", "my", "data/d.json", "of", "three"],
    ],
)
def test_a_path_without_quotes_is_one_line(words: list[str], train: Start) -> None:
    assert train(*words) == "error: unexpected word 'data/d.json': quote paths with spaces"
    assert nothing_is_written()


@pytest.mark.parametrize("word", ["training", "seed", "5"])
def test_a_stray_word_that_means_something_is_one_line_too(word: str, train: Start) -> None:
    assert train("--name", "my", word) == f"error: unexpected word '{word}': quote paths with spaces"
    assert nothing_is_written()


@pytest.mark.parametrize("words", [["train"], [], ["d.json"]])
def test_an_unknown_id_to_run_is_one_line(words: list[str], start: Start) -> None:
    line = start("run", *words, "--config_file", resource("configs/train.yaml"))
    called = words[0] if words else "run"
    assert line is not None
    assert line.startswith(f"error: nothing here is called '{called}': the command begins with")


def test_an_old_config_with_a_replaced_character_says_how_to_go_on(tiny_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    content = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**content, "datalist": "/data/a ::7/datalist.json"}))
    with pytest.raises(UserError, match=r"datalist is '/data/a ::7/datalist.json'.*give it on the command line"):
        parser_of([run / "config.yaml"])


@pytest.mark.parametrize("folder", ["my run", "run#7", "it's"])
def test_the_command_that_inspection_prints_can_be_copied(
    folder: str, start: Start, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(tiny_run, folder))
    (run / "final_model.pth").unlink()
    command = describe_file(run / "checkpoint_epoch_0.pth")["resume"]["command"]
    asked: list[Path] = []
    monkeypatch.setattr("admoe_monai.workflows.run.plan.Plan.run", lambda plan: asked.append(plan.settings["resume"]))
    assert start(*shlex.split(command)[3:]) is None
    assert [Path(path).resolve() for path in asked] == [(run / "checkpoint_epoch_0.pth").resolve()]
