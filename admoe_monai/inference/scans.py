"""Scans that no datalist lists: found in a folder or a list, and served so that a broken one stops none of the others."""

from __future__ import annotations

import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from admoe_monai.data.identifiers import is_text
from admoe_monai.data.prior_table import attach_prior
from admoe_monai.data.tables import lines_of, read_rows
from admoe_monai.errors import UserError, root_cause
from admoe_monai.scan_files import SCAN_SUFFIXES, is_dicom, is_scan_name, is_slice

__all__ = ["ScanDataset", "find_scans", "scans_to_predict"]

logger = logging.getLogger(__name__)

LISTS = (".txt", ".csv", ".tsv")
#: Columns of a list that hold paths, in the order in which they are looked for.
PATH_COLUMNS = ("scan", "image", "path")
#: Files of a folder that are opened to see whether they are DICOM: a note may come first.
_TRIED = 3
NO_TEXT = "its name is no UTF-8, which no table can hold: rename it"


def scans_to_predict(
    path: str | Path, columns: Sequence[Mapping[str, Any]] = (), prior_table: str | Path | None = None
) -> list[dict[str, Any]]:
    """Find scans and give each the clinical values that the network takes.

    Args:
        path: Folder, scan or list, as :func:`find_scans` takes it.
        columns: Statistics of the prior columns in use; empty for a network without a prior.
        prior_table: Table of clinical values, as :func:`attach_prior` takes it.

    Raises:
        UserError: If there is no scan, or the table can't be used.
    """
    return attach_prior(find_scans(path), columns, prior_table)


def find_scans(path: str | Path) -> list[dict[str, Any]]:
    """List the scans at a path.

    In a BIDS dataset, which its ``dataset_description.json`` tells, these are the T1w scans of its subjects; in any
    other folder all files of scans (NIfTI, pairs, MGH, NRRD, slices in .npz) at any depth, and all folders of DICOM files,
    each of which is taken for one series; both in the order of their names. What begins with a dot is left out. A list is
    taken in its own order.

    Args:
        path: Folder, scan, folder with one DICOM series, text file with a path on each line, or CSV or TSV table with a
            column ``scan``, ``image`` or ``path``; relative paths begin at the list's own folder.

    Returns:
        One item per scan: ``scan`` (its path below the folder, or as the list writes it), ``image`` (its absolute
        path), ``subject_id`` and ``session_id`` as BIDS writes them into paths, empty where it does not say. A scan whose name
        is no UTF-8 is named with escapes and has a ``problem``.

    Raises:
        UserError: If there is no such folder, no scan in it, or the list is no text or names one twice.
    """
    place = Path(os.path.abspath(path))
    if place.is_file() and (_is_scan(place) or is_dicom(place)):
        return [_item(place.name, place)]
    if place.is_file() and place.name.endswith(LISTS):
        return _listed(place)
    if not place.is_dir():
        raise UserError(f"there is no folder of scans, or list of them, at {path}; name one with --dataset_dir")
    bids = (place / "dataset_description.json").is_file()
    scans = sorted(scan for scan in _scans(place) if not bids or _is_bids_t1w(scan.relative_to(place)))
    if not scans:
        wanted = "*_T1w files of subjects" if bids else f"{', '.join(SCAN_SUFFIXES)} files, no DICOM series"
        raise UserError(f"{path} holds no scan: no {wanted}")
    return [_item(place.name if scan == place else scan.relative_to(place).as_posix(), scan) for scan in scans]


def _listed(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".txt":
        lines = (line.strip() for line in lines_of(path, "list"))
        names = [line for line in lines if line and not line.startswith("#")]
    else:
        rows = read_rows(path)
        column = next((name for name in PATH_COLUMNS if name in rows[0]), None)
        if column is None:
            raise UserError(f"list {path} has no column {', '.join(PATH_COLUMNS)}; it has {', '.join(rows[0])}")
        names = [row[column].strip() for row in rows]
    if not names:
        raise UserError(f"list {path} names no scan")
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"list {path} names {twice} twice")
    return [_item(name, Path(os.path.abspath(path.parent / name))) for name in names]


def _scans(folder: Path) -> Iterator[Path]:
    visited = set()
    for root, folders, names in os.walk(folder, onerror=_report, followlinks=True):
        # Cohorts on clusters are often folders of links; one that leads back up must not be followed for ever.
        real = os.path.realpath(root)
        folders[:] = [] if real in visited else [name for name in folders if not name.startswith(".")]
        if real in visited:
            continue
        visited.add(real)
        shown = sorted(name for name in names if not name.startswith("."))
        scans = [Path(root, name) for name in shown if _is_scan(Path(root, name))]
        if not scans and any(is_dicom(Path(root, name)) for name in shown[:_TRIED]):
            scans = [Path(root)]
        yield from scans


def _is_scan(file: Path) -> bool:
    return is_scan_name(file) or (file.suffix == ".npz" and is_slice(file))


def _report(error: OSError) -> None:
    logger.warning("Folder %s is left out: %s", error.filename, error.strerror)


def _is_bids_t1w(scan: Path) -> bool:
    return bool(scan.parts) and scan.parts[0].startswith("sub-") and scan.name.partition(".")[0].endswith("_T1w")


def _item(name: str, scan: Path) -> dict[str, Any]:
    labels = {entity: re.search(rf"(?:^|[/_])({entity}-[A-Za-z0-9]+)(?=[/_.]|$)", name) for entity in ("sub", "ses")}
    subject, session = (found[1] if found else "" for found in labels.values())
    item = {"scan": _escaped(name), "image": str(scan), "subject_id": subject, "session_id": session}
    return item if is_text(name) else {**item, "problem": NO_TEXT}


def _escaped(text: str) -> str:
    """Write what is no UTF-8 as Python escapes it: no table could hold it, and all would be lost at the end."""
    return text.encode("utf-8", "backslashreplace").decode()


class ScanDataset(Dataset):
    """Dataset of scans under a deterministic transform.

    In the place of a scan that can't be used stands an array of zeros, so that batches keep their shape, and
    ``problem`` says in one line what is wrong with it. What the transform wrote under ``quality`` is served as the text of
    a JSON object, which a loader leaves as it is.

    Args:
        data: Items as :func:`scans_to_predict` returns them.
        transform: Transform that takes one of these items and fills in the arrays.
        shapes: Shape of each array that is served, by key.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Callable[[dict[str, Any]], Mapping[str, Any]],
        shapes: Mapping[str, Sequence[int]],
    ) -> None:
        self.data = data
        self.transform = transform
        self.shapes = shapes

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Any]:
        visit = self.data[index]
        try:
            if visit.get("problem"):
                raise UserError(visit["problem"])
            item = self.transform(dict(visit))
            # Plain tensors: batches of MetaTensors carry their history along.
            arrays = {key: torch.as_tensor(item[key]).as_subclass(torch.Tensor) for key in self.shapes}
            problem, quality = "", json.dumps(item.get("quality", {}))
        except Exception as error:  # whatever a broken file provokes, the others go on
            arrays = {key: torch.zeros(*shape) for key, shape in self.shapes.items()}
            problem, quality = _escaped(_one_line(error).replace(visit["image"], visit["scan"])), "{}"
        return {**arrays, "scan": visit["scan"], "problem": problem, "quality": quality}


def _one_line(error: BaseException) -> str:
    """Reduce an exception to what the transform itself said."""
    error = root_cause(error)
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if isinstance(error, UserError) else f"cannot preprocess the scan: {text}"
