"""What can be wrong with a datalist as a whole: files, subjects in two splits, doubled visits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

from .other_labels import OtherLabels, label_problems
from .prior import column_problems
from .visits import SPLITS, nearest, person_of, visit_problems

__all__ = ["datalist_problems"]

NONE_LEFT_OUT = OtherLabels()
TEXT_FIELDS = ("name", "description", "dataset_dir")
OBJECT_FIELDS = ("label_definition", "preprocessing", "report")


def datalist_problems(
    content: Mapping[str, Any],
    dataset_dir: Path,
    classes: Mapping[str, Sequence[str]] | None = None,
    refuse_overlaps: bool = True,
    other_labels: OtherLabels = NONE_LEFT_OUT,
) -> Iterator[str]:
    """Yield every problem of a datalist in one pass, one line each, naming split and row (counted from 0).

    Args:
        content: the datalist as JSON holds it, image paths relative to ``dataset_dir``.
        dataset_dir: folder of the images.
        classes: class names per task, of which every visit must have the field; ``None`` leaves labels unchecked.
        refuse_overlaps: whether a subject in two splits, and a visit or image listed twice, are problems; the audit
            reads such a datalist and reports all of them itself.
        other_labels: what becomes of labels that are not among the classes; by default each is a problem.
    """
    yield from _head_problems(content)
    prior = content.get("prior") or {}
    columns = prior.get("columns") if isinstance(prior, dict) else None
    if prior and not (isinstance(columns, list) and all(map(_is_named, columns))):
        yield "'prior' must be an object whose 'columns' is a list of objects with a 'name'"
        columns = None
    yield from column_problems(columns or ())
    prior_names = [column["name"] for column in columns] if columns else None
    split_of: dict[str, str] = {}
    seen: dict[tuple[str, ...], str] = {}
    files = _files_below(content, dataset_dir)
    missing = [file for file in files if not os.path.exists(os.path.normpath(dataset_dir / file))]
    fields = {name for visit in _visits_of(content) for name in visit}
    for task in classes or {}:
        if fields and task not in fields:
            hint = nearest(task, sorted(fields)) or "; it is null where the label is unknown"
            yield f"no visit has the field '{task}', which classes names as a task{hint}"
    yield from label_problems(content, classes or {}, other_labels)
    for split in SPLITS:
        visits = content.get(split) or []
        if not isinstance(visits, list):
            yield f"'{split}' must be a list of visits, got {type(visits).__name__}"
            continue
        if split == "training" and not visits:
            yield "'training' holds no visit"
        for row, visit in enumerate(visits):
            place = f"{split}[{row}]"
            for problem in visit_problems(visit, classes or {}, prior_names):
                yield f"{place}: {problem}"
            if not isinstance(visit, dict):
                continue
            for task in classes or {}:
                if task in fields and task not in visit:
                    yield f"{place}: field '{task}' is missing; it is null where the label is unknown"
            for name, file in _files_of(visit):
                if _leaves(file, dataset_dir):
                    yield f"{place}: {name} '{file}' leaves dataset_dir {dataset_dir}"
                elif missing and file == missing[0]:
                    # Of a folder that was moved every file is missing: one line for all.
                    others = (
                        f", like {len(missing) - 1} more of {len(files)} files; if they are in another folder than "
                        f"{dataset_dir}, name it with --dataset_dir"
                    )
                    path = os.path.normpath(dataset_dir / file)
                    yield f"{place}: {name} not found: {path}{others if len(missing) > 1 else ''}"
            if not refuse_overlaps:
                continue
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


def _head_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong beside the lists of visits; a field may be absent or null."""
    for name in TEXT_FIELDS:
        if not isinstance(content.get(name), (str, NoneType)):
            yield f"'{name}' must be text, got {content[name]!r}"
    for name in OBJECT_FIELDS:
        if not isinstance(content.get(name), (dict, NoneType)):
            yield f"'{name}' must be an object, got {content[name]!r}"
    definition = content.get("label_definition")
    for task, rule in definition.items() if isinstance(definition, dict) else ():
        if not isinstance(rule, (dict, NoneType)):
            yield f"'label_definition' must hold an object per task, got {rule!r} for '{task}'"


def _is_named(column: Any) -> bool:
    return isinstance(column, dict) and isinstance(column.get("name"), str)


def _visits_of(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for split in SPLITS:
        if isinstance(content.get(split), list):
            yield from (visit for visit in content[split] if isinstance(visit, dict))


def _files_of(visit: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The files of a visit by field, as the datalist names them."""
    for name in ("image", "mask"):
        if isinstance(visit.get(name), str) and visit[name]:
            yield name, visit[name]


def _files_below(content: Mapping[str, Any], dataset_dir: Path) -> list[str]:
    """All files of a datalist that its folder may hold, each once."""
    files = (file for visit in _visits_of(content) for _, file in _files_of(visit))
    return list(dict.fromkeys(file for file in files if not _leaves(file, dataset_dir)))


def _leaves(file: str, dataset_dir: Path) -> bool:
    root = str(dataset_dir)
    return os.path.isabs(file) or not os.path.normpath(os.path.join(root, file)).startswith(os.path.join(root, ""))
