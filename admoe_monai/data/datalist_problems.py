"""What can be wrong with a datalist as a whole: files, subjects in two splits, doubled visits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .visits import SPLITS, person_of, visit_problems

__all__ = ["datalist_problems"]


def datalist_problems(
    content: Mapping[str, Any], dataset_dir: Path, classes: Mapping[str, Sequence[str]] | None = None
) -> Iterator[str]:
    """Yield every problem of a datalist in one pass, one line each, naming split and row (counted from 0).

    Args:
        content: the datalist as JSON holds it, image paths relative to ``dataset_dir``.
        dataset_dir: folder of the images.
        classes: class names per task; ``None`` leaves labels unchecked.
    """
    prior = content.get("prior") or {}
    columns = prior.get("columns") if isinstance(prior, dict) else None
    if prior and not (isinstance(columns, list) and all(isinstance(c, dict) and "name" in c for c in columns)):
        yield "'prior' must be an object whose 'columns' is a list of objects with a 'name'"
        columns = None
    prior_names = [column["name"] for column in columns] if columns else None
    split_of: dict[str, str] = {}
    seen: dict[tuple[str, ...], str] = {}
    for split in SPLITS:
        visits = content.get(split) or []
        if not isinstance(visits, list):
            yield f"'{split}' must be a list of visits, got {type(visits).__name__}"
            continue
        if split == "training" and not visits:
            yield "'training' holds no visit"
        for row, visit in enumerate(visits):
            place = f"{split}[{row}]"
            for problem in visit_problems(visit, classes, prior_names):
                yield f"{place}: {problem}"
            if not isinstance(visit, dict):
                continue
            for name in ("image", "mask"):
                if isinstance(visit.get(name), str) and visit[name]:
                    yield from (f"{place}: {problem}" for problem in _file_problems(visit[name], name, dataset_dir))
            person = person_of({"subject_id": None, **visit})
            if split_of.setdefault(person, split) != split:
                yield f"{place}: subject '{person}' is also in '{split_of[person]}'"
            keys = {
                "visit": (str(visit.get("subject_id")), str(visit.get("session_id"))),
                "image": (os.path.normpath(str(visit.get("image"))),),
            }
            for what, key in keys.items():
                if (first := seen.setdefault(key, place)) != place:
                    yield f"{place}: {what} '{' '.join(key)}' is listed before, at {first}"


def _file_problems(name: str, what: str, dataset_dir: Path) -> Iterator[str]:
    root = str(dataset_dir)
    target = os.path.normpath(os.path.join(root, name))
    if os.path.isabs(name) or not target.startswith(os.path.join(root, "")):
        yield f"{what} '{name}' leaves dataset_dir {root}"
    elif not os.path.exists(target):
        yield f"{what} not found: {target}"
