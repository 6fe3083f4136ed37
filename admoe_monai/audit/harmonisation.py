"""Values or scans that were harmonised: whether the people of the test split had a say in that, names don't tell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from admoe_monai.data import Datalist

from .entries import Entry
from .finding import Finding, examples

__all__ = ["harmonisation_findings"]

#: ComBat and its kin, RAVEL, Nyul's histograms: methods that learn from all the people they are shown.
NAMES = re.compile(
    r"(?<![a-z])((neuro|long|cov|gam|auto|f)?_?combat|harmoni[sz]\w*|ravel|nyul)(?![a-z])", re.IGNORECASE
)
ADVICE = (
    "if it learned from all people before they were divided, the test people had a say in what training sees; fit it on "
    "the training split alone (in each fold), and apply it to the others"
)


def harmonisation_findings(datalist: Datalist, entries: Sequence[Entry], columns: Sequence[str]) -> list[Finding]:
    """Find what calls itself harmonised: prior columns, folders and files of scans, and steps of preprocessing.

    Args:
        datalist: Datalist to audit.
        entries: Its visits.
        columns: Prior columns that can become an input.

    Returns:
        A warning that names what was found; none where nothing was.
    """
    found = [*_places(datalist, columns)]
    scans = [entry for entry in entries if NAMES.search(_below(datalist.dataset_dir, str(entry.visit["image"])))]
    if scans:
        found.append(f"{len(scans)} scan(s) such as {_below(datalist.dataset_dir, str(scans[0].visit['image']))}")
    if not found:
        return []
    message = f"harmonised, as its name says: {examples(found)}; {ADVICE}"
    return [Finding("harmonisation", "warning", message, tuple(entry.place for entry in scans))]


def _places(datalist: Datalist, columns: Sequence[str]) -> Iterator[str]:
    yield from (f"prior column {name}" for name in columns if NAMES.search(name))
    for name, value in datalist.preprocessing.items():
        said = f"{name}: {value if isinstance(value, str) else json.dumps(value, default=str)}"
        if NAMES.search(said):
            yield f"preprocessing, {name}"


def _below(folder: Path, path: str) -> str:
    """Leave out the folder of the cohort, whose name says nothing of its scans."""
    return path.removeprefix(str(folder)).lstrip("/")
