"""What is added to a documented command so that it takes seconds; the last value of an option counts."""

from __future__ import annotations

import re
from glob import glob
from itertools import pairwise
from pathlib import Path
from typing import Any

from documented_commands import Documented
from tiny_runs import TINY_SETTINGS

#: Of the run that has been finished: it holds checkpoint_epoch_19.pth, which the documents resume from.
FINISHED: dict[str, Any] = {
    **TINY_SETTINGS, "max_epochs": 22, "pretrain_epochs": 20, "eval_interval": 10, "save_interval": 10, "patience": 0,
    "batch_size": 8,
}  # fmt: skip
#: Lengths of a plan, which a command may not choose.
_LENGTHS = ("max_epochs", "pretrain_epochs", "warmup_epochs", "eval_interval")
_QUICKER = {
    r"^admoe prepare cohort ": "--overwrite",
    r"^admoe demo-cohort ": "--subjects 3 --visits 1 1 --spacing 6 --rescan 0",
    # The made-up scans look like no heads: registering them takes minutes.
    r"^admoe export ": "--reference_scans 0",
    r"^admoe predict ": "--no-screening --device cpu",
    r"run inference ": "--screening False --device cpu",
    r"run training .*BUNDLE/": "--device cpu --max_epochs 1",
    r"run evaluating .*BUNDLE/": "--device cpu",
    r"bundle_formats\.py ": "--scans 3",
    r"data_path\.py ": "--img_size 16 16 16 --spacing_mm 6 --repeats 1 --copies 2",
}
_TRAINING = re.compile(r"^admoe train|run training (?!.*(BUNDLE/|RUN_DIR/config))")
_PLACES = {"/data/": "data/"}
_OUTPUTS = ("--output", "--output_dir", "--run_dir")


def quick_words(documented: Documented, folder: Path) -> list[str]:
    """The words of a command, with what makes it quick behind them and absolute paths put below a folder.

    Args:
        documented: The command.
        folder: Working directory, which holds all names of the documents.
    """
    words = [_placed(word, folder) for word in documented.words]
    words = [found for word in words for found in (sorted(glob(word)) if re.search(r"\w\*$", word) else [word])]
    for pattern, options in _QUICKER.items():
        if re.search(pattern, documented.command):
            words += options.split()
    if _TRAINING.search(documented.command):
        words += [word for name, value in _settings(words).items() for word in (f"--{name}", str(value))]
    return words


def outputs_of(words: list[str]) -> list[Path]:
    """What a command writes by the name it is told: it is not there before, and is afterwards."""
    named = [Path(value) for name, value in pairwise(words) if name in _OUTPUTS]
    if "--resume" in words or words[:2] == ["admoe", "resume"]:
        return [folder / "final_model.pth" for folder in named or [Path("RUN_DIR")]]
    if words[:2] == ["admoe", "prepare"] and "--folds" in words:
        named = [path.with_name(f"{path.stem}_fold0{path.suffix}") for path in named]
    if words[:2] == ["admoe", "export"]:
        named.append(Path(words[3]))
    if words[:2] == ["admoe", "demo-cohort"]:
        named.append(Path(words[2].rstrip("/")))
    if words[:2] == ["admoe", "preprocess"]:
        named.append(Path(words[3]))
    if words[:2] == ["admoe", "propose"]:
        named.append(Path("proposed.yaml"))
    return named


def _settings(words: list[str]) -> dict[str, Any]:
    """Of the tiny network and plan, but for what the command chooses itself."""
    settings = dict(FINISHED if "--resume" in words else TINY_SETTINGS)
    text = " ".join(words)
    if re.search(r"finetune\.yaml|train finetune|encoder_|prior_alone|from_scratch", text):
        del settings["pretrain_epochs"]
    if "encoder_" in text:  # in a last batch of one scan, a map of one voxel has no deviation
        settings["batch_size"] = 8
    if "train finetune tiny" in text:  # the run whose weights it takes has the default stem
        settings["stem"] = "patch"
    if re.search(r"pretrain\.yaml|train pretrain", text):
        del settings["max_epochs"]
    chosen = {name[2:]: value for name, value in pairwise(words) if name.startswith("--")}
    return {
        name: value
        for name, value in settings.items()
        if name not in chosen or (name in _LENGTHS and int(chosen[name]) > value)
    }


def _placed(word: str, folder: Path) -> str:
    for place, below in _PLACES.items():
        if word.startswith(place):
            return str(folder / below) + "/" + word.removeprefix(place)
    return word
