"""The datalist: visits of a cohort in three splits, with what is known about labels and prior columns (JSON)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic

from .datalist_problems import NONE_LEFT_OUT, datalist_problems
from .identifiers import is_text
from .json_files import read_json
from .other_labels import OtherLabels, labels_left_out, left_out_definition, without_labels
from .visits import SPLITS, Visit, nearest

__all__ = ["Datalist", "definition_in_words", "load_datalist", "read_content", "save_datalist"]


@dataclass(frozen=True)
class Datalist:
    """A cohort that is ready to train on.

    Attributes:
        name: short name of the cohort.
        dataset_dir: folder that holds every image.
        splits: visits of ``training``, ``validation`` and ``test``; ``image`` (and ``mask``) are absolute paths.
        path: file it was read from, if any.
        classes: class names per task; the label of a task is the visits' field of its name.
        description: one sentence on what the cohort is.
        simulated: whether the images were made by software.
        label_definition: how the labels of a task were made (source, horizon, …), as far as that is known, and how many
            of them were left out.
        left_out: labels per task that were made unknown when it was read, as they are not among the classes.
        prior: statistics of the prior columns, fitted on the training split.
        preprocessing: what was done to the images before they came here; empty for scans as they are.
        report: what was left out and what was found odd when the datalist was made.
    """

    name: str
    dataset_dir: Path
    splits: dict[str, list[Visit]]
    path: Path | None = None
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    description: str = ""
    simulated: bool = False
    label_definition: dict[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    prior: list[dict[str, Any]] = field(default_factory=list)
    preprocessing: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    def items(self, split: str) -> list[dict[str, Any]]:
        """Return the item dictionaries that a chain of transforms starts from.

        Args:
            split: ``training``, ``validation`` or ``test``.

        Returns:
            One dictionary per visit: ``image`` and ``image_path`` (the same path, of which the transforms replace the
            first), ``subject_id``, ``session_id``, the label of each task and ``prior``; ``brain_mask``, the path of its
            mask, where the visit has one.

        Raises:
            ValueError: If there is no such split.
        """
        if split not in self.splits:
            raise ValueError(f"unknown split {split!r}{nearest(split, list(self.splits))}")
        return [
            {
                "image": visit["image"],
                "image_path": visit["image"],
                "subject_id": visit["subject_id"],
                "session_id": visit["session_id"],
                **{task: visit.get(task) for task in self.classes},
                "prior": dict(visit.get("prior") or {}),
                **({"brain_mask": visit["mask"]} if visit.get("mask") else {}),
            }
            for visit in self.splits[split]
        ]

    def labelled(self, split: str) -> list[dict[str, Any]]:
        """Return those of :meth:`items` that have the label of at least one task; arguments as there."""
        return [item for item in self.items(split) if any(item[task] is not None for task in self.classes)]


def load_datalist(
    path: str | Path,
    dataset_dir: str | Path | None = None,
    classes: Mapping[str, Sequence[str]] | None = None,
    refuse_overlaps: bool = True,
    other_labels: OtherLabels = NONE_LEFT_OUT,
) -> Datalist:
    """Read a datalist and check all of it.

    Args:
        path: the JSON file.
        dataset_dir: folder of the images in place of the one that the file names.
        classes: class names per task, such as ``{"diagnosis": ["CN", "MCI", "AD"]}``. None for no tasks.
        refuse_overlaps: see :func:`datalist_problems`.
        other_labels: what becomes of labels that are not among the classes; by default they are refused.

    Raises:
        UserError: If the file can't be read, or anything in it is wrong: the first problem and the number of others;
            where there are some, its details are all of them.
    """
    path = Path(path)
    content = read_content(path)
    root = Path(dataset_dir) if dataset_dir is not None else path.parent / str(content.get("dataset_dir") or ".")
    root = Path(os.path.abspath(root))
    problems = list(datalist_problems(content, root, classes, refuse_overlaps, other_labels))
    if problems:
        others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise UserError(f"{path}: {problems[0]}{others}", problems if others else ())
    left_out = labels_left_out(content, classes or {}, other_labels)
    definition = dict(content.get("label_definition") or {})
    for task, labels in left_out.items():
        definition[task] = {**(definition.get(task) or {}), "left_out": left_out_definition(content, task, labels)}
    visits = {split: without_labels(content.get(split) or [], left_out) for split in SPLITS}
    return Datalist(
        name=str(content.get("name") or path.stem),
        dataset_dir=root,
        splits={split: [_absolute(visit, root) for visit in visits[split]] for split in SPLITS},
        path=path,
        classes=dict(classes or {}),
        description=str(content.get("description") or ""),
        simulated=bool(content.get("simulated", False)),
        label_definition=definition,
        left_out=left_out,
        prior=list((content.get("prior") or {}).get("columns") or []),
        preprocessing=dict(content.get("preprocessing") or {}),
        report=dict(content.get("report") or {}),
    )


def definition_in_words(label_definition: Mapping[str, Any], task: str) -> str:
    """Say how the labels of a task were made, as far as a datalist tells.

    Args:
        label_definition: of the datalist.
        task: whose labels.
    """
    rule = label_definition.get(task) or {}
    said = (f"{name.replace('_', ' ')} {value}" for name, value in rule.items() if value is not None)
    return ", ".join(said) or "as the cohort gives it"


def save_datalist(path: str | Path, datalist: Datalist) -> None:
    """Write a datalist atomically.

    Args:
        path: the JSON file; images are written relative to the datalist's ``dataset_dir``, and that folder relative
            to this file where it lies beside or below it.
        datalist: what to write.

    Raises:
        ValueError: If an image lies outside ``dataset_dir``, or a number is not finite.
        UserError: If a name of a file is no UTF-8.
    """
    path = Path(os.path.abspath(path))
    root = Path(os.path.abspath(datalist.dataset_dir))
    folder = os.path.relpath(root, path.parent) if root.is_relative_to(path.parent) else str(root)
    content: dict[str, Any] = {
        "name": datalist.name,
        "description": datalist.description,
        "simulated": datalist.simulated,
        "dataset_dir": folder,
        "label_definition": datalist.label_definition,
        "preprocessing": datalist.preprocessing,
        "prior": {"columns": datalist.prior},
        "report": datalist.report,
    }
    for split in SPLITS:
        content[split] = [_relative(visit, root) for visit in datalist.splits.get(split, [])]
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    if wrong := next((line.strip() for line in text.splitlines() if not is_text(line)), None):
        raise UserError(f"cannot write {path}: it would hold a name that is no UTF-8; rename it: {wrong}")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text + "\n")


def read_content(path: Path) -> dict[str, Any]:
    """Read the file of a datalist as it stands there, unchecked.

    Args:
        path: the JSON file.

    Raises:
        UserError: If it can't be read, or holds no object.
    """
    try:
        content = read_json(path, "datalist")
    except FileNotFoundError:
        raise UserError(f"datalist not found: {path}; make one with `admoe prepare`") from None
    if not isinstance(content, dict):
        raise UserError(f"datalist {path} must hold an object with the lists {', '.join(SPLITS)}")
    return content


def _absolute(visit: Visit, root: Path) -> Visit:
    files = {name: os.path.normpath(root / visit[name]) for name in ("image", "mask") if visit.get(name)}
    return {**visit, **files}


def _relative(visit: Visit, root: Path) -> Visit:
    files = {}
    for name in ("image", "mask"):
        if visit.get(name):
            target = Path(os.path.normpath(root / visit[name]))
            if not target.is_relative_to(root):
                raise ValueError(f"{name} {target} lies outside dataset_dir {root}")
            files[name] = target.relative_to(root).as_posix()
    return {**visit, **files}
