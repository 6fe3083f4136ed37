"""Sessions of a subject: labels in tables matched with folders on disk, in any spelling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .names import is_alike, name_key, session_label

__all__ = ["ONLY_SESSION", "Sessions", "match_sessions"]

#: Label of the only visit of a subject whose folder has no sessions.
ONLY_SESSION = "ses-1"


@dataclass
class Sessions:
    """Sessions of a subject and their folders.

    Attributes:
        folders: Folder by label of the session, listed ones first; `None` where a listed one has no folder.
        strays: Labels of folders with a scan that no table lists.
        problems: Names that may mean one session, one line each.
        unplaced: Whether scans lie outside of the sessions' folders.
    """

    folders: dict[str, Path | None] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unplaced: bool = False


def match_sessions(listed: Sequence[str], folders: Mapping[Path, bool], loose: Path | None) -> Sessions:
    """Find the folder of each session.

    A label that a table and a folder spell differently is matched where nothing else has that name. Names that may mean
    one session, and those that are merely alike, are problems: whoever left such a visit out would lose its label.

    Args:
        listed: Labels in the tables.
        folders: Folders of sessions, and whether each holds a T1w scan.
        loose: The subject's own folder if it holds a T1w scan that belongs to no session.

    Returns:
        The sessions, listed ones in the order of the tables, then those that only have a folder with a scan.
    """
    found = Sessions(dict.fromkeys(listed))
    scanned = {session_label(path.name): path for path, has_scan in folders.items() if has_scan}
    others = {session_label(path.name): path for path, has_scan in folders.items() if not has_scan}
    hidden = {path for path, has_scan in folders.items() if has_scan} - {*scanned.values()}
    for path in sorted(hidden):
        other = scanned[session_label(path.name)]
        found.problems.append(
            f"folders {_names([path.name, other.name])} are one session by their names: give each one name"
        )
    for key, labels in _by_key(listed).items():
        here = _by_key(scanned).get(key, [])
        empty = _by_key(others).get(key, [])
        if set(labels) == set(here):
            found.folders |= {label: scanned[label] for label in labels}
        elif len(labels) == 1 and len(here) <= 1 and not (here and labels[0] in empty):
            places = [scanned[name] for name in here] + [others[name] for name in empty]
            found.folders[labels[0]] = next(iter(places), None)
        else:
            found.problems.append(
                f"the tables list {_names(labels)}, folders are {_names([*here, *empty]) or 'not there'}: which of them are "
                "one session? give each one name"
            )
    taken = {*_by_key(listed)}
    found.strays = [label for label in sorted(scanned) if name_key(label) not in taken]
    for label in listed:
        alike = [stray for stray in found.strays if is_alike(label, stray)]
        if found.folders[label] is None and alike and not found.problems:
            found.problems.append(
                f"the tables list {label}, which has no folder, and nothing of {_names(alike)}, which has one: give the "
                "session one name"
            )
    found.folders |= {label: scanned[label] for label in found.strays}
    return found if loose is None else _placed(found, listed, scanned, loose)


def _placed(found: Sessions, listed: Sequence[str], scanned: Mapping[str, Path], loose: Path) -> Sessions:
    """Give a scan outside of any session's folder to the only visit that there is."""
    if scanned:
        found.unplaced = True
    elif len(listed) > 1:
        found.problems.append(
            f"the tables list {_names(listed)}, and the T1w scan lies in no session's folder: put it where it belongs"
        )
    else:
        found.folders = dict.fromkeys(listed or [ONLY_SESSION], loose)
    return found


def _by_key(labels: Iterable[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        grouped[name_key(label)].append(label)
    return grouped


def _names(labels: Sequence[str]) -> str:
    return " and ".join(sorted(set(labels)))
