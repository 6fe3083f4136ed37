"""Run directories and configs of others: no command builds what they name unless they are trusted."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from admoe_monai.checkpoints import read_checkpoint
from tiny_runs import make_run

Admoe = Callable[..., tuple[int, str, str]]
Plant = Callable[[Path, str], None]


def _set(run: Path, **settings: Any) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text()) | settings
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def _expression(run: Path, trace: str) -> None:
    _set(run, seed=f"$[42, __import__('os').mkdir({trace!r})][0]")


def _target(run: Path, trace: str) -> None:
    _set(run, threads={"_target_": "os.mkdir", "path": trace})


def _network(run: Path, trace: str) -> None:
    _set(run, network={"prior_dim": {"_target_": "os.mkdir", "path": trace}})


def _imports(run: Path, trace: str) -> None:
    _set(run, imports=["$import admoe_monai.workflows as workflows", "$import planted"], seed="$planted.SEED")


def _overlay(run: Path, trace: str) -> None:
    (run / "overlays").mkdir()
    (run / "overlays/1_part.yaml").write_text(f"validate::inferer: $__import__('os').mkdir({trace!r})\n")
    _set(run, phase_overlays={"pretrain": ["overlays/1_part.yaml"], "finetune": ["overlays/1_part.yaml"]})


def _overlay_list(run: Path, trace: str) -> None:
    """A list is looked for in the working directory, which is where who unpacks a run may be."""
    _overlay(run, trace)
    _set(run, phase_overlays=["overlays/1_part.yaml"])


PLANTS: dict[str, Plant] = {
    f.__name__[1:]: f for f in (_expression, _target, _network, _imports, _overlay, _overlay_list)
}
COMMANDS = {
    "evaluate": ("evaluate", "{run}", "--device", "cpu"),
    "stress": ("stress", "{run}", "--device", "cpu"),
    "explain": ("explain", "{run}", "--device", "cpu"),
    "report": ("report", "{run}", "--device", "cpu"),
    "export": ("export", "{run}", "{here}/bundle", "--formats", "none"),
    "verify": ("verify", "{run}", "--device", "cpu"),
    "resume": ("resume", "{run}", "--max_epochs", "3", "--extend_max_epochs", "True"),
    "train": ("train", "{run}/config.yaml", "--run_dir", "{here}/new"),
    "check": ("check", "{run}/config.yaml"),
    "inspect": ("inspect", "--config", "{run}/config.yaml"),
}


@pytest.fixture
def foreign(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run directory as it would have come from elsewhere, with a module that writes when it is imported."""
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    (run / "planted.py").write_text(f"SEED = 42\n__import__('os').mkdir({str(tmp_path / 'trace')!r})\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return run


def words(command: str, run: Path) -> list[str]:
    return [word.format(run=run, here=run.parent) for word in COMMANDS[command]]


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_of_others_runs_without_trust(
    command: str, plant: str, foreign: Path, admoe: Admoe, tmp_path: Path
) -> None:
    PLANTS[plant](foreign, str(tmp_path / "trace"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code, _, error = admoe(*words(command, foreign))
    assert code == 1
    assert error.startswith("error: ") or error.strip().endswith("found")
    assert "Traceback" not in error
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_an_overlay_of_the_working_directory_is_looked_at(
    foreign: Path, admoe: Admoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _overlay_list(foreign, str(tmp_path / "trace"))
    (tmp_path / "here/overlays").mkdir(parents=True)
    (foreign / "overlays/1_part.yaml").rename(tmp_path / "here/overlays/1_part.yaml")
    (foreign / "overlays/1_part.yaml").write_text(
        "optimizer::weight_decay: 0.1\n"
    )  # of the two, a list means the other one
    monkeypatch.chdir(tmp_path / "here")
    code, _, error = admoe(*words("evaluate", foreign))
    assert code == 1
    assert "would run" in error
    assert not (tmp_path / "trace").exists()


def test_the_config_beside_a_checkpoint_is_not_evaluated(foreign: Path, admoe: Admoe, tmp_path: Path) -> None:
    _set(foreign, datalist=f"$str(__import__('os').mkdir({str(tmp_path / 'trace')!r}))")
    own = tmp_path / "own.yaml"
    own.write_text("name: mine\n")
    with contextlib.suppress(Exception):
        admoe("train", own, "--resume", foreign / "checkpoint_epoch_1.pth", "--run_dir", tmp_path / "new")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("plant", [name for name in PLANTS if name != "overlay_list"])
def test_it_runs_with_trust(
    plant: str, foreign: Path, admoe: Admoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PLANTS[plant](foreign, str(tmp_path / "trace"))
    monkeypatch.syspath_prepend(str(foreign))
    with contextlib.suppress(Exception):  # what was put in breaks the run, after it was run
        admoe(*words("evaluate", foreign), "--trust")
    assert (tmp_path / "trace").exists()


def test_the_refusal_says_what_would_run_where_and_how_to_go_on(foreign: Path, admoe: Admoe, tmp_path: Path) -> None:
    _overlay(foreign, "trace")
    code, output, error = admoe(*words("evaluate", foreign))
    assert (code, output) == (1, "")
    assert error == (
        f"error: {foreign}/overlays/1_part.yaml, line 1, would run \"$__import__('os').mkdir('trace')\": a config of others is "
        "code; if you know its author and have looked at it, add --trust\n"
    )


def test_a_module_beside_a_config_is_not_imported(foreign: Path, admoe: Admoe, tmp_path: Path) -> None:
    shutil.copy(
        foreign / "planted.py", foreign / "colorsys.py"
    )  # of the standard library, and imported by nothing here
    (foreign / "config.yaml").write_text((foreign / "config.yaml").read_text() + "\n")
    code, _, _ = admoe(*words("resume", foreign))
    assert code == 0
    import colorsys

    assert not str(colorsys.__file__).startswith(str(foreign))
    assert not (tmp_path / "trace").exists()


def test_data_that_look_like_a_component_are_data(foreign: Path, admoe: Admoe, tmp_path: Path) -> None:
    call = {"_target_": "os.mkdir", "path": str(tmp_path / "trace")}
    checkpoint = dict(read_checkpoint(foreign / "best_model.pth"))
    checkpoint["prior"] = [{**column, **call} for column in checkpoint["prior"]]
    torch.save(checkpoint, foreign / "best_model.pth")
    datalist = json.loads((foreign / "datalist.json").read_text())
    for visit in datalist["test"]:
        visit["qc"] = call
        visit["prior"] |= call
    (foreign / "datalist.json").write_text(json.dumps(datalist))
    with contextlib.suppress(Exception):
        admoe(*words("evaluate", foreign))
    assert not (tmp_path / "trace").exists()


def test_nobody_is_asked_to_trust_what_he_has_trained_with(tiny_cohort: Path, admoe: Admoe, tmp_path: Path) -> None:
    part = tmp_path / "part.yaml"
    part.write_text("optimizer::_target_: torch.optim.RMSprop\n")
    run = make_run(tmp_path / "run", tiny_cohort, phase_overlays=[str(part)])
    assert admoe(*words("evaluate", run))[0] == 0
    (run / "overlays/1_part.yaml").write_text("optimizer::_target_: torch.optim.SGD\n")
    code, _, error = admoe(*words("evaluate", run))
    assert code == 1
    assert "torch.optim.SGD" in error
