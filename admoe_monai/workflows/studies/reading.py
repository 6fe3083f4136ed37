"""The file of a study, read and checked before anything begins: every mistake is one line, and all are told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.data.visits import nearest
from admoe_monai.errors import UserError
from admoe_monai.workflows.settings.resources import resource
from admoe_monai.workflows.settings.written import Written, read_written

from .arm_settings import mistakes_in_settings
from .design import NETWORK, PERMUTED, REGRESSION, TRUE, Arm, Study

FOLDER = "configs/studies"
_CHOICES = {"model": (NETWORK, REGRESSION), "labels": (TRUE, PERMUTED)}
_OF_A_STUDY = ("name", "folds", "seeds", "threads", "overlays", "settings", "primary", "reference", "arms")
_OF_AN_ARM = ("overlays", "settings", *_CHOICES)
_OF_PRIMARY = ("task", "figure")
#: Settings that are a study's own affair, and where it takes them from.
OWN = {
    "seed": "seeds", "datalist": "folds", "threads": "threads", "run_dir": "--output", "cache_dir": "--output",
    "resume": "the study itself", "name": "name",
}  # fmt: skip


def known_studies() -> dict[str, Path]:
    """Collect the studies of this package by their names."""
    return {path.stem: path for path in sorted(resource(FOLDER).glob("*.yaml"))}


def read_study(word: str, folds: Sequence[str] | None = None) -> Study:
    """Read the file of a study and check it.

    Args:
        word: Path of a file, or the name of one of this package's.
        folds: Datalists, or patterns of some, in the place of the file's.

    Raises:
        UserError: Naming the first mistake; the others are its details.
    """
    known = known_studies()
    file = Path(word) if Path(word).is_file() else known.get(word)
    if file is None:
        raise UserError(
            f"there is no study '{word}'{nearest(word, list(known))}; there are {', '.join(known)}, or a file"
        )
    written = read_written(file)
    if not isinstance(written.content.get("folds"), str | list | tuple | None):
        raise UserError(
            f"{written.place('folds')}: folds are datalists or patterns of their names, got {written.content['folds']!r}; "
            "`admoe prepare ... --folds 5` writes some"
        )
    given = [*(folds or _texts(written.content.get("folds")))]
    datalists = _datalists(given)
    problems = [*_of_study(written, given, datalists)] or mistakes_in_settings(_study(written, datalists))
    if problems:
        raise UserError(problems[0], problems[1:])
    return _study(written, datalists)


def _of_study(written: Written, given: Sequence[str], datalists: Sequence[Path]) -> Iterator[str]:
    content = written.content
    for key, line in written.repeated.items():
        yield f"{written.file}, line {line}: {key} stands there a second time, and only this one counts"
    yield from (f"{written.place(k)}: {problem}" for k, problem in _unknown(content, _OF_A_STUDY, "a study"))
    yield from (f"{written.file}: {key} is missing" for key in ("arms", "primary", "seeds") if key not in content)
    for key, problem in _of_values(content):
        yield f"{written.place(key)}: {problem}"
    arms = content.get("arms") if isinstance(content.get("arms"), Mapping) else {}
    for name, arm in (arms or {}).items():
        yield from (f"{written.place('arms')}: arm '{name}': {problem}" for problem in _of_arm(arm))
    if arms and str(content.get("reference", next(iter(arms)))) not in map(str, arms):
        yield f"{written.place('reference')}: reference is '{content['reference']}', which is none of the arms {_list(arms)}"
    for pattern in given:
        if not _datalists([pattern]):
            yield f"folds: there is no datalist {pattern}; `admoe prepare ... --folds 5` writes one per fold"
    if not given:
        yield f"{written.file}: no folds; name their datalists under folds or with --folds"
    elif 0 < len(datalists) < 2:
        yield f"folds: there is one datalist, {datalists[0]}; a study has two folds or more"


def _of_values(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    seeds = content.get("seeds", [0])
    whole = isinstance(seeds, list) and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not whole or not seeds or len({*seeds}) < len(seeds):
        yield "seeds", f"seeds must be different whole numbers such as [1, 2, 3], got {seeds!r}"
    threads = content.get("threads", 1)
    if type(threads) is not int or threads < 1:
        yield "threads", f"threads must be a whole number from 1 on, got {threads!r}"
    if not isinstance(content.get("arms", {"": None}), Mapping) or not content.get("arms", {"": None}):
        yield (
            "arms",
            "arms must be a mapping of names to what is different, such as `image alone: {overlays: [image_alone]}`",
        )
    primary = content.get("primary", {"task": "", "figure": ""})
    if not isinstance(primary, Mapping) or not all(isinstance(primary.get(key), str) for key in _OF_PRIMARY):
        yield "primary", "primary must name a task and a figure: {task: diagnosis, figure: balanced_accuracy}"
    elif unknown := [*_unknown(primary, _OF_PRIMARY, "primary")]:
        yield "primary", unknown[0][1]
    yield from (("overlays" if "overlays" in problem else "settings", problem) for problem in _of_parts(content))


def _of_arm(arm: Any) -> Iterator[str]:
    if arm is None:
        return
    if not isinstance(arm, Mapping):
        yield f"must be a mapping of {_list(_OF_AN_ARM)}, got {arm!r}"
        return
    yield from (problem for _, problem in _unknown(arm, _OF_AN_ARM, "an arm"))
    for key, choices in _CHOICES.items():
        if key in arm and arm[key] not in choices and not (key == "labels" and arm[key] is True):
            yield f"{key} must be {' or '.join(choices)}, got {arm[key]!r}"
    yield from _of_parts(arm)


def _of_parts(part: Mapping[str, Any]) -> Iterator[str]:
    overlays, settings = part.get("overlays"), part.get("settings")
    if overlays is not None and not (isinstance(overlays, list) and all(isinstance(word, str) for word in overlays)):
        yield f"overlays must be a list of names or files, got {overlays!r}"
    if settings is not None and not isinstance(settings, Mapping):
        yield f"settings must be a mapping, got {settings!r}"
    elif settings:
        yield from (f"settings: {name} is not set here but by {OWN[name]}" for name in settings if name in OWN)


def _study(written: Written, datalists: Sequence[Path]) -> Study:
    content = written.content
    arms = tuple(
        Arm(
            str(name),
            tuple((arm or {}).get("overlays") or ()),
            dict((arm or {}).get("settings") or {}),
            (arm or {}).get("model", NETWORK),
            PERMUTED if (arm or {}).get("labels") == PERMUTED else TRUE,
        )
        for name, arm in content["arms"].items()
    )
    return Study(
        written.file,
        str(content.get("name", written.file.stem)),
        tuple(datalists),
        tuple(content["seeds"]),
        arms,
        str(content.get("reference", arms[0].name)),
        content["primary"]["task"],
        content["primary"]["figure"],
        tuple(content.get("overlays") or ()),
        dict(content.get("settings") or {}),
        content.get("threads", 1),
    )


def _datalists(patterns: Sequence[str]) -> list[Path]:
    """Find datalists; a pattern gives them in the order of their names."""
    found = [path for p in patterns for path in ([Path(p)] if Path(p).is_file() else _matching(Path(p)))]
    return [*dict.fromkeys(found)]


def _matching(pattern: Path) -> list[Path]:
    top = Path(pattern.anchor or ".")
    relative = str(pattern.relative_to(top) if pattern.anchor else pattern)
    return sorted(top.glob(relative)) if any(mark in relative for mark in "*?[") else []


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(text) for text in value or ()]


def _unknown(given: Mapping[str, Any], known: Sequence[str], what: str) -> Iterator[tuple[str, str]]:
    for key in given:
        if key not in known:
            yield (
                str(key),
                f"'{key}' is nothing that {what} has{nearest(str(key), known) or f'; it has {_list(known)}'}",
            )


def _list(names: Any) -> str:
    return ", ".join(map(str, names))
