"""What phase overlays add to a run, ours and those of docs/overlays.md, goes on as exactly as the run itself."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from injection import Kill, kill_at_step, signal_at_step
from whole_run import Whole

from admoe_monai.checkpoints import IncompatibleCheckpointError, read_checkpoint, write_checkpoint
from admoe_monai.workflows.run import restore
from run_comparison import assert_same_run, run_differences
from tiny_runs import make_run

DOCUMENT = (Path(__file__).parents[2] / "docs" / "overlays.md").read_text(encoding="utf-8")
EMA, CONTRAST, FREEZE = (f"bundle/configs/{name}.yaml" for name in ("ema", "contrast", "freeze_encoder"))
# What is run; each phase has two epochs of three steps, the accumulated ones of three times two.
RUNS: dict[str, dict[str, Any]] = {
    "ema": {"phase_overlays": [EMA]},
    "ema_of_accumulated_steps": {"phase_overlays": [EMA], "batch_size": 1, "accumulation_steps": 2},
    "ema_of_finetuning_alone": {"phase_overlays": [EMA], "max_epochs": 2, "pretrain_epochs": 0},
    "contrast": {"phase_overlays": {"pretrain": [CONTRAST]}},
    "freeze": {"phase_overlays": {"finetune": [FREEZE]}},
    "counter": {"phase_overlays": ["counter.yaml"]},
}
# Where it is stopped, in the middle of an epoch, by a kill or a signal. Most is left to the long version.
STOPS = [("ema", 5, False), ("ema_of_accumulated_steps", 21, False)]
STOPS += [("contrast", 2, False), ("freeze", 11, True), ("counter", 11, False)]
FURTHER_STOPS = [("ema", 11, True), ("ema_of_finetuning_alone", 5, False)]
FURTHER_STOPS += [(name, step - 1 if step > 3 else 5, not kill) for name, step, kill in (*STOPS, *FURTHER_STOPS)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files that the document has a user write, where Python finds them."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "mylab").mkdir()
    (code,) = blocks("python")
    (folder / "mylab" / "handlers.py").write_text(code)
    (overlay,) = [text for text in blocks("yaml") if "StepCounter" in text]
    (folder / "counter.yaml").write_text(overlay)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "mylab"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def runs(each_cohort: dict[str, Any], lab: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Whole]:
    """Uninterrupted runs, made when they are asked for."""

    class Made(dict[str, Whole]):
        def __missing__(self, name: str) -> Whole:
            settings = RUNS[name]
            if name == "counter":
                settings = {"phase_overlays": [str(lab / "counter.yaml")]}
            folder = tmp_path_factory.mktemp(name) / "run"
            return self.setdefault(name, Whole.make(folder, **{**each_cohort, **settings}))

    return Made()


def stop(whole: Whole, folder: Path, monkeypatch: pytest.MonkeyPatch, step: int, kill: bool = False) -> Path:
    """Start the same run and end it in the middle of a step."""
    with monkeypatch.context() as patch:
        (kill_at_step(patch, step) if kill else signal_at_step(patch, step, signal.SIGTERM))
        with pytest.raises(Kill if kill else SystemExit):
            whole.start(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "step", "kill"),
    [*STOPS, *(pytest.param(*further, marks=pytest.mark.faults) for further in FURTHER_STOPS)],
)
@pytest.mark.usefixtures("signals")
def test_what_overlays_add_goes_on_exactly(
    name: str, step: int, kill: bool, runs: dict[str, Whole], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = stop(runs[name], tmp_path / "run", monkeypatch, step, kill)
    runs[name].resume(folder, num_workers=2 if kill else 0)
    assert_same_run(folder, runs[name].folder)


@pytest.mark.parametrize("name", ["ema", "counter"])
@pytest.mark.usefixtures("signals")
def test_a_further_state_that_is_not_restored_shows(
    name: str, runs: dict[str, Whole], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = stop(runs[name], tmp_path / "run", monkeypatch, 11)
    monkeypatch.setattr(restore, "_restore_further", lambda *_, **__: None)
    runs[name].resume(folder)
    assert run_differences(folder, runs[name].folder)


def test_every_file_has_the_state_of_its_own_moment(runs: dict[str, Whole]) -> None:
    counted = {
        path.name: read_checkpoint(path)["further"]["counter"]
        for path in runs["counter"].folder.glob("checkpoint_*.pth")
    }
    assert counted == {
        # Each phase has a counter of its own.
        "checkpoint_epoch_0.pth": {"steps": 3, "epochs": 1},
        "checkpoint_epoch_1.pth": {"steps": 6, "epochs": 2},
        "checkpoint_epoch_2.pth": {"steps": 3, "epochs": 1},
        "checkpoint_epoch_3.pth": {"steps": 6, "epochs": 2},
    }


def test_accumulated_gradients_are_no_steps_of_the_average(runs: dict[str, Whole]) -> None:
    contents = read_checkpoint(runs["ema_of_accumulated_steps"].folder / "checkpoint_epoch_2.pth")
    assert (contents["iteration"], contents["further"]["ema"]["steps"]) == (6, 3)


def test_the_contrast_is_trained_and_not_validated(runs: dict[str, Whole]) -> None:
    header, *rows = (runs["contrast"].folder / "metrics.csv").read_text().splitlines()
    first = dict(zip(header.split(","), rows[0].split(","), strict=True))
    assert float(first["train_contrast"]) > 0
    validated = {name for name in first if name.startswith("val_") and first[name]}
    assert {name for name in validated if not name.startswith("val_experts_")} == {"val_loss"}
    parts = float(first["train_reconstruction"]) + 0.1 * float(first["train_contrast"])
    assert float(first["train_loss"]) == pytest.approx(parts + 0.01 * float(first["train_balance"]), rel=1e-6)


@pytest.mark.parametrize("lacks", ["checkpoint", "phase"])
@pytest.mark.usefixtures("signals")
def test_a_state_that_only_one_side_knows_is_refused_unless_forced(
    lacks: str, runs: dict[str, Whole], lab: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = stop(runs["counter"], tmp_path / "run", monkeypatch, 11)
    checkpoint = read_checkpoint(folder / "interrupt_checkpoint.pth")
    if lacks == "checkpoint":
        del checkpoint["further"]
    else:
        checkpoint["further"]["other"] = {}
    write_checkpoint(folder / "interrupt_checkpoint.pth", checkpoint)
    message = "only the phase .* 'counter'" if lacks == "checkpoint" else "only the checkpoint .* 'other'"
    with pytest.raises(IncompatibleCheckpointError, match=message):
        runs["counter"].resume(folder)
    runs["counter"].resume(folder, force_resume=True)
    assert "Forced: only the" in (folder / "training.log").read_text()


@pytest.mark.usefixtures("signals")
def test_a_state_that_its_owner_does_not_understand_is_one_line(
    runs: dict[str, Whole], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = stop(runs["counter"], tmp_path / "run", monkeypatch, 11)
    checkpoint = read_checkpoint(folder / "interrupt_checkpoint.pth")
    checkpoint["further"]["counter"] = {"epochs": 2}
    write_checkpoint(folder / "interrupt_checkpoint.pth", checkpoint)
    with pytest.raises(IncompatibleCheckpointError, match=r"'counter' can't take up its state .*: KeyError: 'steps'"):
        runs["counter"].resume(folder)


@pytest.mark.parametrize("text", [text for text in blocks("yaml") if text.startswith("phase_overlays")])
def test_the_settings_of_the_document_train(text: str, tiny_cohort: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", tiny_cohort, **yaml.safe_load(text))
    assert read_checkpoint(folder / "best_model.pth")["evaluated"] == "ema"
