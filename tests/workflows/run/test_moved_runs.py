"""A run, its datalist or its scans in another place than when the run began."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.finished.report import write_report
from admoe_monai.workflows.run.places import default_cache
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.settings.declared import parser_of
from run_comparison import assert_same_run, run_files
from tiny_runs import make_cohort, make_run

LATER = ("checkpoint_epoch_1.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort and a finished run on it, in a folder that had another name when the run was trained."""
    base = tmp_path_factory.mktemp("moved")
    make_run(base / "old" / "runs" / "run", make_cohort(base / "old" / "cohort"))
    return (base / "old").rename(base / "kept")


@pytest.fixture
def new(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to which both have been moved; the run was stopped after its first epoch. Another one is at work in."""
    shutil.copytree(kept, tmp_path / "new", ignore=shutil.ignore_patterns("preprocessed"))
    run = tmp_path / "new" / "runs" / "run"
    for name in LATER:
        (run / name).unlink()
    rows = (run / "metrics.csv").read_text().splitlines(keepends=True)
    (run / "metrics.csv").write_text("".join(rows[:2]))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "new"


def resume(run: Path, **settings: Any) -> Path:
    """Resume with a run's own config."""
    Plan(parser_of([run / "config.yaml"], {"resume": "auto", **settings}), run).run()
    return run


def recorded(run: Path, name: str) -> Any:
    return parser_of([run / "config.yaml"]).get_parsed_content(name)


def assert_in_place(new: Path, cache: Path, kept: Path) -> None:
    """Preprocessed scans are where they should be, and nothing is where things were before."""
    assert sorted(new.rglob("preprocessed")) == [cache]
    assert not (kept.parent / "old").exists()
    assert list(Path.cwd().iterdir()) == []


def test_the_own_config_finds_the_own_datalist(new: Path, kept: Path) -> None:
    run = resume(new / "runs" / "run", dataset_dir=str(new / "cohort"))
    assert_same_run(run, kept / "runs" / "run")
    assert_in_place(new, new / "runs" / "preprocessed", kept)
    log = (run / "training.log").read_text()
    assert f"the run goes on with its own datalist, {run / 'datalist.json'}" in log
    assert recorded(run, "dataset_dir") == str(new / "cohort")


def test_the_plan_of_the_project_finds_the_own_datalist(new: Path, kept: Path) -> None:
    run = new / "runs" / "run"
    make_run(run, Path("./datalist.json"), resume="auto", dataset_dir=str(new / "cohort"))
    assert_same_run(run, kept / "runs" / "run")
    assert_in_place(new, new / "runs" / "preprocessed", kept)


def test_a_checkpoint_of_a_moved_run_is_continued_in_a_new_folder(new: Path, kept: Path) -> None:
    run, further = new / "runs" / "run", new / "runs" / "further"
    settings = {"resume": str(run / "checkpoint_epoch_0.pth"), "dataset_dir": str(new / "cohort")}
    make_run(further, Path("./datalist.json"), **settings)
    assert_same_run(further, kept / "runs" / "run")
    assert_in_place(new, new / "runs" / "preprocessed", kept)


def test_the_moved_datalist_tells_where_its_scans_and_its_cache_are(new: Path, kept: Path) -> None:
    run = resume(new / "runs" / "run", datalist=str(new / "cohort" / "datalist.json"))
    assert_same_run(run, kept / "runs" / "run")
    assert_in_place(new, new / "cohort" / "preprocessed", kept)
    assert recorded(run, "dataset_dir") == str(new / "cohort")


def test_a_run_that_is_moved_again_goes_on(new: Path, kept: Path) -> None:
    (new / "runs" / "run" / "checkpoint_epoch_0.pth").rename(new / "start.pth")
    resume(new / "runs" / "run", dataset_dir=str(new / "cohort"))
    again = new.rename(new.parent / "again")
    for name in LATER:
        (again / "runs" / "run" / name).unlink()
    run = resume(again / "runs" / "run", dataset_dir=str(again / "cohort"))
    assert (run / "final_model.pth").is_file()
    assert sorted(again.rglob("preprocessed")) == [again / "runs" / "preprocessed"]
    assert not new.exists()


def test_a_cache_of_its_own_stays_in_use_where_it_is_still_there(new: Path, tmp_path: Path) -> None:
    run = new / "runs" / "run"
    content = yaml.safe_load((run / "config.yaml").read_text()) | {"cache_dir": str(tmp_path / "scratch")}
    (run / "config.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    resume(run, dataset_dir=str(new / "cohort"))
    assert recorded(run, "cache_dir") == str(tmp_path / "scratch")
    assert list((tmp_path / "scratch").rglob("*.npz"))


def test_a_run_without_its_scans_is_one_line_and_nothing_is_written(new: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in new.rglob("*")}
    with pytest.raises(
        UserError, match=r"training\[0\]: image not found: .*, like 11 more of 12 files.*--dataset_dir$"
    ):
        resume(new / "runs" / "run")
    assert {path: path.stat().st_mtime_ns for path in new.rglob("*")} == before


def test_another_datalist_that_is_absent_is_not_replaced_by_the_own_one(new: Path) -> None:
    with pytest.raises(
        UserError, match=r"datalist not found: other.json; without --datalist, the run goes on with its own"
    ):
        resume(new / "runs" / "run", datalist="other.json")


def test_a_run_that_is_moved_alone_goes_on_with_what_stayed(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns(*LATER)))
    resume(run)
    assert (recorded(run, "datalist"), recorded(run, "cache_dir")) == (
        str(tiny_cohort), str(tiny_cohort.parent / "preprocessed"),
    )  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {"run"}
    assert run_files(run) == run_files(tiny_run)


def test_relative_places_are_recorded_so_that_they_hold_from_anywhere(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_cohort.parent, tmp_path / "cohort")
    (tmp_path / "overlay.yaml").write_text("lr_scheduler::warmup_multiplier: 0.02\n")
    monkeypatch.chdir(tmp_path)
    settings = {"dataset_dir": "cohort", "phase_overlays": ["overlay.yaml"]}
    run = make_run(Path("run"), Path("cohort/datalist.json"), max_epochs=1, **settings).absolute()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    resume(run, max_epochs=2, extend_max_epochs=True)
    overlay = [str(run / "overlays" / "1_overlay.yaml")]
    assert recorded(run, "phase_overlays") == {"pretrain": overlay, "finetune": overlay}
    assert recorded(run, "dataset_dir") == str(tmp_path / "cohort")
    assert list(Path.cwd().iterdir()) == []


def test_an_overlay_that_is_gone_is_named_with_the_remedy(tiny_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns(*LATER)))
    with pytest.raises(
        UserError, match=r"cannot read the phase overlay .*gone.yaml: .*say where it is with --phase_overlays"
    ):
        resume(run, phase_overlays=["gone.yaml"])


def test_pretrained_weights_that_are_gone_are_not_needed_to_resume(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copyfile(tiny_run / "pretrain_checkpoint.pth", tmp_path / "weights.pth")
    monkeypatch.chdir(tmp_path)
    settings = {"pretrain_epochs": 0, "pretrained": "weights.pth"}
    run = make_run(tmp_path / "run", tiny_cohort, **settings)
    assert recorded(run, "pretrained") == str(tmp_path / "weights.pth")
    for name in ("checkpoint_epoch_1.pth", "final_model.pth"):
        (run / name).unlink()
    (tmp_path / "weights.pth").unlink()
    resume(run)
    assert (run / "final_model.pth").is_file()


def test_the_parent_of_a_run_stays_recorded_when_it_is_resumed(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run.parent)
    parent = Path(tiny_run.name) / "checkpoint_epoch_0.pth"
    run = make_run(tmp_path / "further", tiny_cohort, resume=str(parent), max_epochs=3, extend_max_epochs=True)
    for name in ("checkpoint_epoch_2.pth", "final_model.pth", "best_model.pth", "finetune_checkpoint.pth"):
        (run / name).unlink()
    resume(run)
    assert read_checkpoint(run / "final_model.pth")["parent"] == str(tiny_run / "checkpoint_epoch_0.pth")


def test_a_run_on_the_datalist_of_another_keeps_its_cache_out_of_it(tiny_run: Path, tiny_cohort: Path) -> None:
    assert default_cache(tiny_run / "datalist.json") == tiny_run.parent / "preprocessed"
    assert default_cache(tiny_cohort) == tiny_cohort.parent / "preprocessed"


@pytest.fixture
def finished(kept: Path, tmp_path: Path) -> Path:
    """The finished run, moved, with its cohort beside it."""
    shutil.copytree(kept, tmp_path / "new", ignore=shutil.ignore_patterns("preprocessed"))
    return tmp_path / "new" / "runs" / "run"


def test_a_moved_run_is_reported_on(finished: Path, kept: Path) -> None:
    page = write_report(finished, device="cpu", dataset_dir=finished.parents[1] / "cohort")
    assert json.loads(page.with_name("metrics.json").read_text())["visits"]["test"]["visits"] == 3
    assert sorted(finished.parents[1].rglob("preprocessed")) == [finished.parent / "preprocessed"]
    assert not (kept.parent / "old").exists()


@pytest.mark.slow
def test_a_moved_run_is_exported_with_its_reference(finished: Path) -> None:
    bundle = export(finished, finished.parent / "bundle", [], 2, finished.parents[1] / "cohort")
    assert json.loads((bundle / "configs" / "reference.json").read_text())["reference"]["scans"] == 2


def test_a_moved_run_is_evaluated_on_another_datalist(finished: Path, tiny_cohort: Path) -> None:
    run = TrainedRun.load(finished)
    assert len(predict(run, cohort_of(run, tiny_cohort), "test", "cpu").labels("diagnosis")) == 3
    assert not any(path.name == "preprocessed" for path in finished.iterdir())
