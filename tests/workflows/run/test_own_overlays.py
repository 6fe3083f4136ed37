"""A run keeps copies of its phase overlays: moved, and without the originals, it is repeated and goes on as before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.checkpoints import IncompatibleCheckpointError, read_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.settings.declared import parser_of
from admoe_monai.workflows.settings.overlays import copy_overlays
from run_comparison import assert_same_run
from tiny_runs import make_run

LATER = ("checkpoint_epoch_1.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth")
SCHEDULE = "lr_scheduler::warmup_multiplier: 0.02\n"
OPTIMIZER = "optimizer::_target_: torch.optim.RMSprop\n"
# What inference would have to know of.
INFERENCE = "validate::inferer:\n  _target_: monai.inferers.SimpleInferer\n"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two overlays of one name."""
    folder = tmp_path_factory.mktemp("originals")
    for name, text in (("pretrain", SCHEDULE), ("finetune", OPTIMIZER)):
        (folder / name).mkdir()
        (folder / name / "part.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def whole(originals: Path, tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with an overlay of each phase and one of the package in both; the originals are gone."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    overlays = {phase: [str(originals / phase / "part.yaml"), "bundle/configs/ema.yaml"] for phase in CONTENTS}
    make_run(folder, tiny_cohort, phase_overlays=overlays)
    shutil.rmtree(originals)
    return folder


CONTENTS = {"pretrain": SCHEDULE, "finetune": OPTIMIZER}
NAMES = {
    "pretrain": ["overlays/1_part.yaml", "overlays/2_ema.yaml"],
    "finetune": ["overlays/3_part.yaml", "overlays/2_ema.yaml"],
}


@pytest.fixture
def stopped(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run as it was after its first epoch, in another folder; another folder is at work in."""
    run = Path(shutil.copytree(whole, tmp_path / "new place" / "moved", ignore=shutil.ignore_patterns(*LATER)))
    rows = (run / "metrics.csv").read_text().splitlines(keepends=True)
    (run / "metrics.csv").write_text("".join(rows[:2]))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return run


def resume(run: Path, **settings: Any) -> None:
    Plan(parser_of([run / "config.yaml"], {"resume": "auto", **settings}), run).run()


def recorded(run: Path) -> Any:
    return yaml.safe_load((run / "config.yaml").read_text())["phase_overlays"]


def test_a_run_has_copies_of_its_overlays(whole: Path) -> None:
    assert recorded(whole) == NAMES
    assert read_checkpoint(whole / "final_model.pth")["settings"]["phase_overlays"] == NAMES
    assert {phase: (whole / NAMES[phase][0]).read_text() for phase in CONTENTS} == CONTENTS
    assert sorted(path.name for path in (whole / "overlays").iterdir()) == ["1_part.yaml", "2_ema.yaml", "3_part.yaml"]


def test_a_moved_run_without_the_originals_goes_on_exactly(stopped: Path, whole: Path) -> None:
    resume(stopped)
    assert_same_run(stopped, whole)
    assert recorded(stopped) == NAMES
    assert [*(stopped / "overlays").rglob("*")] != []
    assert list(Path.cwd().iterdir()) == []


def test_a_continuation_in_a_new_folder_has_copies_of_its_own(stopped: Path, whole: Path, tmp_path: Path) -> None:
    checkpoint = str(stopped / "checkpoint_epoch_0.pth")
    resume(stopped, resume=checkpoint, run_dir=str(tmp_path / "further"))
    shutil.rmtree(stopped)
    assert_same_run(tmp_path / "further", whole)
    assert recorded(tmp_path / "further") == NAMES
    assert (tmp_path / "further" / "overlays" / "3_part.yaml").read_text() == OPTIMIZER


def test_the_command_finds_the_copies_from_anywhere(
    whole: Path, tmp_path: Path, start: Callable[..., str | None], caplog: pytest.LogCaptureFixture
) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "moved"))
    # A file of the same name where the command is given is not the run's.
    Path("overlays").mkdir()
    Path("overlays", "1_part.yaml").write_text("seed: nonsense\n")
    with caplog.at_level("INFO"):
        assert start("run", "training", "--config_file", run / "config.yaml", "--resume", "auto") is None
    assert f"{run} is finished: nothing to resume" in caplog.text


def test_a_moved_run_is_evaluated_and_exported(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "moved"))
    monkeypatch.chdir(tmp_path)
    moved, before = (predict(loaded, cohort_of(loaded), "test", "cpu") for loaded in map(TrainedRun.load, (run, whole)))
    assert (moved.probabilities("diagnosis") == before.probabilities("diagnosis")).all()
    assert (export(run, tmp_path / "bundle", [], 0) / "configs" / "inference.json").is_file()


def test_a_run_that_inference_would_not_know_of_is_still_not_exported(whole: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "moved"))
    (run / "overlays" / "3_part.yaml").write_text(INFERENCE)
    with pytest.raises(UserError, match=r"the phase overlay .*/moved/overlays/3_part.yaml changes validate::inferer"):
        export(run, tmp_path / "bundle", [], 0)


def test_an_edited_copy_is_named_on_resume(stopped: Path) -> None:
    (stopped / "overlays" / "1_part.yaml").write_text("lr_scheduler::warmup_multiplier: 0.5\n")
    with pytest.raises(IncompatibleCheckpointError, match="was written under phase_overlays"):
        resume(stopped)


def test_a_copy_that_is_gone_is_named_where_it_was(stopped: Path) -> None:
    (stopped / "overlays" / "1_part.yaml").unlink()
    with pytest.raises(UserError, match=rf"cannot read the phase overlay {stopped}/overlays/1_part.yaml: .*say where"):
        resume(stopped)


def test_a_run_of_before_that_names_the_originals_becomes_whole(stopped: Path, whole: Path, tmp_path: Path) -> None:
    old = {phase: [str(tmp_path / f"{phase}.yaml"), "bundle/configs/ema.yaml"] for phase in CONTENTS}
    for phase, text in CONTENTS.items():
        (tmp_path / f"{phase}.yaml").write_text(text)
    content = yaml.safe_load((stopped / "config.yaml").read_text()) | {"phase_overlays": old}
    (stopped / "config.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    shutil.rmtree(stopped / "overlays")
    resume(stopped)
    assert_same_run(stopped, whole)
    assert recorded(stopped)["finetune"] == ["overlays/3_finetune.yaml", "overlays/2_ema.yaml"]


def test_what_happens_to_an_original_during_the_run_does_not_matter(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(SCHEDULE)
    record = Plan._record

    def then_break(plan: Plan, *arguments: Any) -> None:
        record(plan, *arguments)
        overlay.write_text("seed: nonsense\n")

    monkeypatch.setattr(Plan, "_record", then_break)
    run = make_run(tmp_path / "run", tiny_cohort, phase_overlays=[str(overlay)])
    assert (run / "final_model.pth").is_file()


def write(path: Path, text: str = "a: 1\n") -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


def test_one_name_and_content_is_one_copy(tmp_path: Path) -> None:
    same, other = write(tmp_path / "a" / "x.yaml"), write(tmp_path / "b" / "x.yaml", "a: 2\n")
    also = write(tmp_path / "c" / "x.yaml")
    copies = copy_overlays({"pretrain": [same, other], "finetune": [also, same]}, tmp_path)
    assert copies == {
        "pretrain": ["overlays/1_x.yaml", "overlays/2_x.yaml"],
        "finetune": ["overlays/1_x.yaml", "overlays/1_x.yaml"],
    }


def test_a_copy_is_never_overwritten(tmp_path: Path) -> None:
    file = write(tmp_path / "a" / "x.yaml")
    copy_overlays({"finetune": [file]}, tmp_path)
    write(Path(file), "a: 2\n")
    assert copy_overlays({"finetune": [file]}, tmp_path) == {"finetune": ["overlays/2_x.yaml"]}
    assert (tmp_path / "overlays" / "1_x.yaml").read_text() == "a: 1\n"


def test_a_name_that_monai_would_read_is_spelled_plainly(tmp_path: Path) -> None:
    copies = copy_overlays({"finetune": [write(tmp_path / "a" / "run #1 @x.yaml")]}, tmp_path)
    assert copies == {"finetune": ["overlays/1_run__1__x.yaml"]}


def test_what_a_kill_left_behind_is_swept(tmp_path: Path) -> None:
    write(tmp_path / "overlays" / "1_x.yaml.01234567.tmp")
    copy_overlays({"finetune": [write(tmp_path / "a" / "x.yaml")]}, tmp_path)
    assert [path.name for path in (tmp_path / "overlays").iterdir()] == ["1_x.yaml"]


def test_without_overlays_there_is_no_folder(tiny_run: Path) -> None:
    assert not (tiny_run / "overlays").exists()
    assert recorded(tiny_run) == {"pretrain": [], "finetune": []}
