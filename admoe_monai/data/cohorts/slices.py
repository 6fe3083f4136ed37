"""Slices of the original training code: one .npz per slice with ``slice, label, change_label, prior``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from admoe_monai.errors import UserError
from admoe_monai.scan_files import ScanFileError, open_scan
from admoe_monai.scan_files.scan import reason

from ..visits import VISIT_FIELDS
from .change_rule import CHANGES, SEVERITY
from .reading import Reading, Record

__all__ = ["SliceArrays"]

#: How subjects are named in the cohorts of the field: BIDS, ADNI, OASIS.
SUBJECT_PATTERNS = (r"(sub-[A-Za-z0-9]+)", r"(\d{3}_S_\d{4})", r"(OAS[12]_\d{4})", r"(OAS3\d{4})")
#: Kinds of numpy's types that a label may have: booleans, whole numbers and fractions.
NUMBERS = "biuf"


@dataclass(frozen=True)
class SliceArrays:
    """A folder of .npz slices.

    The file holds no name of a person, so the name of the file must: slices of one person on both sides of a split are
    the commonest leak of the field. The days of the visits are not known; change labels are taken as they are.

    Args:
        directory: The folder, searched at any depth.
        subject_pattern: Regular expression whose first group, in the path below the folder, is the subject; the names
            of BIDS, ADNI and OASIS are known without it.
        diagnoses: Names of the codes 0, 1, … in ``label``.
        changes: Names of the codes 0, 1, … in ``change_label``.
    """

    directory: Path
    subject_pattern: str | None = None
    diagnoses: Sequence[str] = SEVERITY
    changes: Sequence[str] = CHANGES

    def read(self) -> Reading:
        """Read the slices.

        Raises:
            UserError: If there are none, or the pattern is no regular expression with a group.
        """
        root = Path(os.path.abspath(self.directory))
        files = sorted(path for path in root.rglob("*.npz") if path.is_file())
        if not files:
            raise UserError(f"{root} holds no .npz slice")
        patterns = self._patterns()
        reading = Reading(
            name=root.name,
            root=root,
            records=[],
            description="slices of the original training code",
            diagnosis_rule="as the slices' files give it",
            change={"horizon": "as the slices' files give it", "horizon_days": None},
            notes=["change labels are taken from the files: no day of a visit is known, so none could be derived"],
        )
        width = 0
        for path in tqdm(files, desc="reading slices", unit="slice", delay=1.0, disable=None):
            name = path.relative_to(root).as_posix()
            match = next((found for pattern in patterns if (found := pattern.search(name))), None)
            if match is None:
                reading.problems.append(f"{path}: its name tells no subject; give --subject_pattern")
                continue
            try:
                visit, numbers = self._visit(path, name, match[1])
            except ScanFileError as error:
                reading.problems.append(f"{path}: it {error}")
                continue
            width = max(width, numbers)
            reading.records.append(Record(visit, str(path)))
        # In the original code these are the class probabilities of another model: the label in disguise.
        reading.columns = [{"name": f"prior_{i}", "role": "banned", "kind": "continuous"} for i in range(width)]
        if width:
            reading.notes.append("'prior' holds class probabilities in the original code: its columns are banned")
        return reading

    def _patterns(self) -> list[re.Pattern[str]]:
        try:
            patterns = [
                re.compile(text) for text in ([self.subject_pattern] if self.subject_pattern else SUBJECT_PATTERNS)
            ]
        except re.error as error:
            raise UserError(f"--subject_pattern {self.subject_pattern!r} is no regular expression: {error}") from error
        if any(pattern.groups < 1 for pattern in patterns):
            raise UserError(f"--subject_pattern {self.subject_pattern!r} has no group: write the subject in brackets")
        return patterns

    def _visit(self, path: Path, name: str, subject: str) -> tuple[dict[str, Any], int]:
        open_scan(path)
        # An archive that is damaged raises whatever zipfile, zlib, tokenize or numpy come upon.
        with reason(), np.load(path, allow_pickle=False) as content:
            arrays = {key: content[key] for key in ("label", "change_label", "prior") if key in content.files}
        if other := [key for key, array in arrays.items() if array.dtype.kind not in NUMBERS]:
            raise ScanFileError(f"holds {arrays[other[0]].dtype} in '{other[0]}', no numbers")
        prior = np.asarray(arrays.get("prior", ()), dtype=float).ravel()
        visit = {
            **dict.fromkeys(VISIT_FIELDS),
            "image": name,
            "subject_id": subject,
            # One visit may have many slices: the name of the file tells them apart.
            "session_id": re.sub(r"[^A-Za-z0-9-]+", "-", name.removesuffix(".npz")),
            "diagnosis": _named(arrays, "label", self.diagnoses),
            "change": _named(arrays, "change_label", self.changes),
            "prior": {f"prior_{i}": float(value) if np.isfinite(value) else None for i, value in enumerate(prior)},
        }
        visit["change_reason"] = "not given with the data" if visit["change"] is None else "given with the data"
        visit["label_source"] = "clinical" if visit["diagnosis"] is not None else None
        return visit, len(prior)


def _named(arrays: Mapping[str, np.ndarray], key: str, names: Sequence[str]) -> str | None:
    if key not in arrays:
        return None
    value = arrays[key]
    if value.size != 1 or not np.isfinite(value).all() or float(value.item()) != int(value.item()):
        raise ScanFileError(f"must hold one whole number in '{key}', got {value.tolist()}")
    code = int(value.item())
    if code == -1:
        return None
    if not 0 <= code < len(names):
        raise ScanFileError(f"holds {code} in '{key}', which is none of 0 to {len(names) - 1} ({', '.join(names)})")
    return names[code]
