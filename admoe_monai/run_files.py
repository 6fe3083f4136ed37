"""The names of the files of a run directory: users, their scripts and the documents know them."""

from __future__ import annotations

from pathlib import Path

#: Of the lowest validation loss of a phase; that of pretraining has the decoder.
BEST_PRETRAIN = "pretrain_checkpoint.pth"
BEST_FINETUNE = "finetune_checkpoint.pth"
#: Of the best selection metric; finetuning only.
BEST_MODEL = "best_model.pth"
#: Of the end of the run.
FINAL_MODEL = "final_model.pth"
#: Of the step in which a signal came; deleted once a later checkpoint is there.
INTERRUPT = "interrupt_checkpoint.pth"

CONFIG = "config.yaml"
DATALIST = "datalist.json"
METRICS = "metrics.csv"
#: Digests of each epoch's training state and row of metrics, for `admoe verify`.
DIGESTS = "digests.csv"
#: What each start of the run went on with, a line of JSON each, for `admoe verify`.
STARTS = "starts.jsonl"
CURVES = "curves.png"
LOG = "training.log"
LOCK = "run.lock"
#: Folder of copies of the phase overlays; only where a run has some.
OVERLAYS = "overlays"

#: Folder of what `admoe evaluate` finds.
EVALUATION = "evaluation"
CALIBRATION = f"{EVALUATION}/calibration.json"
#: Folder of what `admoe stress` finds.
STRESS = "stress"
#: Folder of what `admoe explain` finds, and its file of what the maps are of.
EXPLANATION = "explanation"
EXPLANATION_ABOUT = "explanation.json"
#: Every look at the test split.
TEST_LOOKS = "test_looks.csv"

_PERIODIC = "checkpoint_epoch_"
_SUFFIX = ".pth"


def periodic(epoch: int) -> str:
    """The name of the periodic checkpoint of an epoch.

    Args:
        epoch: The one that is complete, counted from 0 over the whole run.
    """
    return f"{_PERIODIC}{epoch}{_SUFFIX}"


def periodic_epoch(path: Path) -> int | None:
    """The epoch in the name of a periodic checkpoint; None for any other file."""
    number = path.stem.removeprefix(_PERIODIC)
    is_periodic = path.suffix == _SUFFIX and number != path.stem and number.isdecimal()
    return int(number) if is_periodic else None


def checkpoint_files(folder: Path) -> list[Path]:
    """All checkpoints of a run in a folder; a foreign .pth file is none."""
    named = {BEST_PRETRAIN, BEST_FINETUNE, BEST_MODEL, FINAL_MODEL, INTERRUPT}
    return sorted(p for p in folder.glob(f"*{_SUFFIX}") if p.name in named or periodic_epoch(p) is not None)
