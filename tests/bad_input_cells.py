"""The table of entries and faults."""

from __future__ import annotations

from collections.abc import Iterator

import bad_input as of
from bad_input import SCAN, SMALL, Around, Cell, Fault

_FILE: dict[str, Fault] = {
    "missing": of.missing,
    "empty": of.empty,
    "truncated": of.truncated,
    "a folder instead": of.folder_instead,
    "a picture instead": of.picture_instead,
}
_DATALIST = {
    **_FILE,
    "a list instead": of.list_instead,
    "an image path that leaves its folder": of.path_that_leaves,
    "an absolute image path": of.absolute_path,
}
_IMAGE = {**_FILE, "NaN": of.nan_in_scan, "four axes": of.four_axes}
_CHECKPOINT = {**_FILE, "a bare tensor": of.bare_tensor, "pickled code": of.with_code, "a flipped bit": of.flipped_bit}
_CONFIG = {**_FILE, "a list instead": of.list_instead}
_AROUND: dict[str, Around] = {"unreadable": of.unreadable}
_WRITING: dict[str, Around] = {"a read-only output": of.read_only_here, "a full disk": of.full_disk}

_DATALISTS = {
    "train": ("train", "--datalist", "cohort/datalist.json", *SMALL),
    "audit": ("audit", "cohort/datalist.json"),
    "propose": ("propose", "cohort/datalist.json"),
    "preprocess": ("preprocess", "cohort/datalist.json", "out"),
}
_QUICK_MAPS = ("--people", "1", "--samples", "1", "--untrained", "1")
_OF_A_RUN = {
    "evaluate": ("evaluate", "run", "--device", "cpu", "--output", "out"),
    "report": ("report", "run", "--device", "cpu", "--output", "out"),
    "export": ("export", "run", "out", "--formats", "none", "--reference_scans", "0"),
    "verify": ("verify", "run", "--device", "cpu"),
    "explain": ("explain", "run", "--device", "cpu", "--output", "out", *_QUICK_MAPS),
    "stress": ("stress", "run", "--device", "cpu", "--output", "out"),
    "resume": ("resume", "run", "--max_epochs", "3", "--extend_max_epochs", "True"),
}
_PREDICT = ("predict", "bundle", "--dataset_dir", SCAN, "--output_dir", "out", "--device", "cpu", "--no-screening")
_TABLE = (
    "prepare",
    "table",
    "table.csv",
    "--mapping",
    "oasis2",
    "--images",
    "{MRI ID}.nii.gz",
    "--output",
    "out/datalist.json",
)


def _cells(
    entry: str, words: tuple[str, ...], place: str, faults: dict[str, Fault], what: str = "", code: int = 1
) -> Iterator[Cell]:
    for fault, break_it in faults.items():
        yield Cell(entry, f"{what}{fault}", words, place, break_it, code=code)


def _around(
    entry: str, words: tuple[str, ...], place: str, faults: dict[str, Around], what: str = ""
) -> Iterator[Cell]:
    for fault, around in faults.items():
        yield Cell(entry, f"{what}{fault}", words, place, of.as_it_is, around)


def cells() -> Iterator[Cell]:
    """All cells, in the order of the table."""
    yield from _cells("prepare", ("prepare", "cohort", "--output", "out/datalist.json"), "cohort", {
        "missing": of.missing, "empty": of.empty, "a file instead": of.file_instead,
    })  # fmt: skip
    yield from _cells("prepare table", _TABLE, "table.csv", _FILE)
    yield from _around("prepare table", _TABLE, "table.csv", _AROUND)
    for entry, words in _DATALISTS.items():
        yield from _cells(entry, words, "cohort/datalist.json", _DATALIST, "datalist: ")
        yield from _around(entry, words, "cohort/datalist.json", _AROUND, "datalist: ")
    # A missing value, as null is.
    yield Cell("train", "datalist: NaN", _DATALISTS["train"], "cohort/datalist.json", of.nan_in_json, code=0)
    yield Cell("propose", "datalist: NaN", _DATALISTS["propose"], "cohort/datalist.json", of.nan_in_json, code=0)
    yield from _cells("train", _DATALISTS["train"], SCAN, _IMAGE, "scan: ")
    yield from _around("train", _DATALISTS["train"], SCAN, _AROUND, "scan: ")
    yield from _around("train", _DATALISTS["train"], "cohort", _WRITING)
    for entry, words in _OF_A_RUN.items():
        yield from _cells(entry, words, "run/config.yaml", _CONFIG, "config.yaml: ")
        if entry == "verify":  # to which a damaged file differs from what the run wrote, and an absent one is absent
            faults = {name: fault for name, fault in _CHECKPOINT.items() if fault is not of.missing}
            yield from _cells(entry, words, "run/best_model.pth", faults, "best_model.pth: ", 3)
            yield Cell(entry, "best_model.pth: missing", words, "run/best_model.pth", of.missing, code=0)
            yield Cell(entry, "best_model.pth: unreadable", words, "run/best_model.pth", of.as_it_is, of.unreadable, 3)
        elif entry != "resume":  # which takes the newest that is whole
            yield from _cells(entry, words, "run/best_model.pth", _CHECKPOINT, "best_model.pth: ")
            yield from _around(entry, words, "run/best_model.pth", _AROUND, "best_model.pth: ")
        if entry not in ("resume", "verify"):
            yield from _around(entry, words, "run", _WRITING)
    foreign = ("inspect", "run/best_model.pth")
    yield from _cells(
        "inspect", foreign, "run/best_model.pth", {k: v for k, v in _CHECKPOINT.items() if v is not of.bare_tensor}
    )
    yield Cell("inspect", "a bare tensor", foreign, "run/best_model.pth", of.bare_tensor, code=0)
    yield from _around("inspect", ("inspect", "run/best_model.pth"), "run/best_model.pth", _AROUND)
    yield from _cells("inspect", ("inspect", "--config", "mine.yaml"), "mine.yaml", _CONFIG, "config: ")
    disturbances = ("stress", "run", "--disturbances", "mine.yaml", "--device", "cpu", "--output", "out")
    yield from _cells("stress", disturbances, "mine.yaml", _CONFIG, "disturbances: ")
    for fault, break_it in _CONFIG.items():  # without its second setting, or both, it is a config all the same
        code = int(break_it not in (of.empty, of.truncated))
        yield Cell("check", fault, ("check", "mine.yaml"), "mine.yaml", break_it, code=code)
    yield from _around("check", ("check", "mine.yaml"), "mine.yaml", _AROUND)
    yield from _cells("predict", _PREDICT, "bundle/configs/inference.json", _CONFIG, "inference.json: ")
    yield from _cells("predict", _PREDICT, "bundle/models/model.pt", _CHECKPOINT, "model.pt: ")
    yield from _around("predict", _PREDICT, "bundle", _WRITING)
    for fault, break_it in _IMAGE.items():  # which stands in errors.csv, and stops none of the others
        yield Cell(
            "predict", f"scan: {fault}", _PREDICT, SCAN, break_it, code=int(break_it in (of.missing, of.folder_instead))
        )
