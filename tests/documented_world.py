"""A folder in which every name that the documents use exists, so that their commands run there as they are written."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch
from monai.networks.nets.swin_unetr import SwinTransformer

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.cli.main import main
from admoe_monai.data import Datalist, save_datalist
from documented_cohorts import make_cohorts
from documented_commands import ROOT
from documented_settings import FINISHED
from small_cohorts import write_table_file
from synthetic_heads import on_grid_scan, write_scan
from tiny_runs import make_run

Command = Callable[..., None]
#: What the run `RUN_DIR` held after epoch 19, at the end of pretraining.
UNTIL_19 = ("checkpoint_epoch_9.pth", "checkpoint_epoch_19.pth", "pretrain_checkpoint.pth")


def make_world(folder: Path, admoe: Command) -> Path:
    """Make the folder, from scans to a bundle.

    Args:
        folder: Is made.
        admoe: Runs the command of these words in the working directory, which is `folder`.
    """
    for name in ("configs", "bundle", "scripts", "docs"):
        (folder / name).symlink_to(ROOT / name)
    make_cohorts(folder)
    for name in ("datalist", "cohort", "a"):
        admoe("prepare", "BIDS", "--output", f"{name}.json", "--horizon", "next_visit")
    for name in ("other", "b"):
        admoe("prepare", "elsewhere", "--output", f"{name}.json", "--horizon", "next_visit")
    write_table_file(folder / "ids.tsv", [{"participant_id": f"sub-{n:02}", "person_id": f"p{n}"} for n in range(36)])
    table = ("table", "OASIS1/oasis_cross-sectional.csv", "--images", "{ID}.nii.gz", "--mapping", "oasis1")
    admoe("prepare", *table, "--output", "o1.json")
    (folder / "NEW").mkdir()
    (folder / "NEW" / "datalist.json").write_text(_moved(folder / "datalist.json"))
    (folder / "mine.yaml").write_text("base_lr: 5.0e-4\naugmentation: flip\n")
    admoe("propose", "datalist.json", "--device", "cpu")
    _runs(folder, admoe)
    return folder


def copy_world(world: Path, folder: Path) -> Path:
    """Copy what commands may write to, with links to the scans."""
    return Path(shutil.copytree(world, folder, symlinks=True))


def admoe_in(patch: pytest.MonkeyPatch) -> Command:
    """The `admoe` command within this process, which has to succeed; what it prints is thrown away."""

    def call(*words: object) -> None:
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        patch.setattr(sys, "argv", ["admoe", *map(str, words)])
        with redirect_stdout(StringIO()) as output, pytest.raises(SystemExit) as left:
            main()
        root.handlers, root.level = handlers, level
        assert not left.value.code, output.getvalue()

    return call


def _stop(folder: Path, _: Command) -> None:
    """Leave of the finished runs what one that was stopped after epoch 19 has."""
    for path in (folder / "RUN_DIR").glob("*.pth"):
        if path.name not in UNTIL_19:
            path.unlink()


def _train_folds(folder: Path, admoe: Command) -> None:
    admoe("prepare", "BIDS", "--output", "folds.json", "--horizon", "next_visit", "--folds", "3")
    for k in range(3):
        run = folder / "checkpoints" / f"fold{k + 1}"
        make_run(run, folder / f"folds_fold{k}.json", cache_dir=str(folder / "preprocessed"), batch_size=8)
        admoe("evaluate", run)
        (folder / f"FOLD{k + 1}").symlink_to(run)


def _divide(folder: Path, admoe: Command) -> None:
    admoe("prepare", "BIDS", "--output", "cohort.json", "--overwrite", "--horizon", "next_visit", "--folds", "3")
    study = (folder / "configs" / "studies" / "demo.yaml").read_text()
    (folder / "study.yaml").write_text(f"folds: cohort_fold*.json\n{study}")


def _put_three_scans_on_the_template(folder: Path, _: Command) -> None:
    """Preprocessing is quick with scans that need no registration, and what is screened has to be a head."""
    visits = []
    for n in range(3):
        scan = folder / "on_template" / f"{n}.nii.gz"
        write_scan(scan, on_grid_scan(seed=n))
        visits.append({"image": str(scan), "subject_id": f"s{n}", "session_id": "1"})
    (folder / "SCANS").unlink()
    (folder / "SCANS").symlink_to("on_template")
    (folder / "datalist.json").unlink()
    save_datalist(folder / "datalist.json", Datalist("three", folder / "on_template", {"training": visits}))


def _publish_weights(folder: Path, _: Command) -> None:
    """Weights of a SwinUNETR as MONAI publishes them, of the encoder alone."""
    backbone = SwinTransformer(1, 48, [7] * 3, [2] * 3, [2] * 4, [3, 6, 12, 24])
    weights = {f"swinViT.{name}": value for name, value in backbone.state_dict().items()}
    torch.save(weights, folder / "swin_unetr.pt")


#: What comes before the commands that a pattern finds.
PREPARATIONS: dict[str, Callable[[Path, Command], None]] = {
    r"--resume auto|^admoe resume RUN_DIR$": _stop,
    r"^admoe runs pool ": _train_folds,
    r"^admoe study ": _divide,
    r"^admoe preprocess |benchmarks/inference": _put_three_scans_on_the_template,
    r"swin_unetr\.pt": _publish_weights,
}


def _runs(folder: Path, admoe: Command) -> None:
    make_run(folder / "RUN_DIR", folder / "datalist.json", **FINISHED)
    admoe("evaluate", "RUN_DIR", "--calibrate")
    admoe("export", "RUN_DIR", "BUNDLE", "--formats", "none", "--reference_scans", "0")
    for name in ("pretrain_checkpoint.pth", "checkpoint_epoch_19.pth"):
        shutil.copy(folder / "RUN_DIR" / name, folder / name)
    weights = read_checkpoint(folder / "RUN_DIR" / "best_model.pth")["model_state_dict"]
    torch.save({"state_dict": weights}, folder / "other.pth")
    for name in ("RUN", "LIGHT", "FLIP"):
        (folder / name).symlink_to("RUN_DIR")
    (folder / "OTHER_RUN").symlink_to("checkpoints/study")
    (folder / "checkpoints").mkdir()
    shutil.copytree(folder / "RUN_DIR", folder / "checkpoints" / "study")
    # The study of the documents has 100 epochs; to look into a checkpoint, its name does not matter.
    study = folder / "checkpoints" / "study"
    shutil.copy(study / "checkpoint_epoch_21.pth", study / "checkpoint_epoch_69.pth")
    (folder / "FOLDER" / "runs").symlink_to("../checkpoints")


def _moved(datalist: Path) -> str:
    content = json.loads(datalist.read_text())
    return json.dumps({**content, "dataset_dir": str(datalist.parent / content["dataset_dir"])})
