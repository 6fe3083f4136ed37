"""Scans that no datalist lists: found in a folder, and served so that a broken one stops none of the others."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from admoe_monai.errors import UserError

from .prior_table import attach_prior

__all__ = ["ScanDataset", "find_scans", "scans_to_predict"]

logger = logging.getLogger(__name__)

SUFFIXES = (".nii", ".nii.gz", ".mgz")


def scans_to_predict(
    path: str | Path, columns: Sequence[Mapping[str, Any]] = (), prior_table: str | Path | None = None
) -> list[dict[str, Any]]:
    """Find scans and give each the clinical values that the network takes.

    Args:
        path: see :func:`find_scans`.
        columns: statistics of the prior columns in use; empty for a network without a prior.
        prior_table: see :func:`attach_prior`.

    Raises:
        UserError: If there is no scan, or the table can't be used.
    """
    return attach_prior(find_scans(path), columns, prior_table)


def find_scans(path: str | Path) -> list[dict[str, Any]]:
    """List the scans at a path, in the order of their names.

    In a BIDS dataset, which its ``dataset_description.json`` tells, these are the T1w scans of its subjects; in any
    other folder all NIfTI and MGZ files at any depth. What begins with a dot is left out.

    Args:
        path: a folder, or one scan.

    Returns:
        One item per scan: ``scan`` (its path below the folder), ``image`` (its absolute path), ``subject_id`` and
        ``session_id`` as BIDS writes them into paths, empty where it does not say.

    Raises:
        UserError: If there is no such folder, or no scan in it.
    """
    folder = Path(os.path.abspath(path))
    if folder.is_file() and folder.name.endswith(SUFFIXES):
        return [_item(folder.parent, folder)]
    if not folder.is_dir():
        raise UserError(f"there is no folder of scans {path}; name one with --dataset_dir")
    bids = (folder / "dataset_description.json").is_file()
    wanted = "*_T1w files of subjects" if bids else f"{', '.join(SUFFIXES)} files"
    scans = sorted(file for file in _files(folder) if not bids or _is_bids_t1w(file.relative_to(folder)))
    if not scans:
        raise UserError(f"{path} holds no scan: no {wanted}")
    return [_item(folder, scan) for scan in scans]


def _files(folder: Path) -> Iterator[Path]:
    visited = set()
    for root, folders, names in os.walk(folder, onerror=_report, followlinks=True):
        # Cohorts on clusters are often folders of links; one that leads back up must not be followed for ever.
        real = os.path.realpath(root)
        folders[:] = [] if real in visited else [name for name in folders if not name.startswith(".")]
        if real not in visited:
            visited.add(real)
            yield from (Path(root) / name for name in names if name.endswith(SUFFIXES) and not name.startswith("."))


def _report(error: OSError) -> None:
    logger.warning("Folder %s is left out: %s", error.filename, error.strerror)


def _is_bids_t1w(scan: Path) -> bool:
    return scan.parts[0].startswith("sub-") and scan.name.partition(".")[0].endswith("_T1w")


def _item(folder: Path, scan: Path) -> dict[str, Any]:
    name = scan.relative_to(folder).as_posix()
    labels = {entity: re.search(rf"(?:^|[/_])({entity}-[A-Za-z0-9]+)(?=[/_.]|$)", name) for entity in ("sub", "ses")}
    subject, session = (found[1] if found else "" for found in labels.values())
    return {"scan": name, "image": str(scan), "subject_id": subject, "session_id": session}


class ScanDataset(Dataset):
    """Scans under a deterministic transform.

    In the place of a scan that can't be used stands an array of zeros, so that batches keep their shape, and
    ``problem`` says in one line what is wrong with it.

    Args:
        data: as :func:`scans_to_predict` returns it.
        transform: takes one of these items and fills in the arrays.
        shapes: shape of each array that is served, by key.
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
            item = self.transform(dict(visit))
            # Plain tensors: batches of MetaTensors carry their history along.
            arrays = {key: torch.as_tensor(item[key]).as_subclass(torch.Tensor) for key in self.shapes}
            problem = ""
        except Exception as error:  # whatever a broken file provokes, the others go on
            arrays = {key: torch.zeros(*shape) for key, shape in self.shapes.items()}
            problem = _one_line(error).replace(visit["image"], visit["scan"])
        return {**arrays, "scan": visit["scan"], "problem": problem}


def _one_line(error: BaseException) -> str:
    """What a transform itself said; MONAI wraps it in RuntimeErrors."""
    while error.__cause__ is not None and not isinstance(error, UserError):
        error = error.__cause__
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text if isinstance(error, UserError) else f"cannot preprocess the scan: {text}"
