"""Clinica: registered scans from a CAPS folder, labels from the BIDS folder that it was made of."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from admoe_monai.errors import UserError

from .bids import read_description
from .bids_subject import ScanTree
from .bids_visits import read_visits
from .mapping import ColumnMapping
from .reading import Reading, problems_first
from .t1w import ScanChoice, is_scan

__all__ = ["ClinicaTrees"]

TEMPLATE = "MNI152NLin2009cSym"


@dataclass(frozen=True)
class ClinicaTrees:
    """T1w scans of Clinica's t1-linear pipeline (N4, affine to MNI152NLin2009cSym, cropped) and their labels.

    Names of both generations of Clinica are found: ``…_space-MNI152NLin2009cSym_desc-Crop_res-1x1x1_T1w`` and, up to
    0.7.5, ``…_T1w_space-MNI152NLin2009cSym_…``; sessions ``ses-M00`` and ``ses-M000`` are one. Diagnoses are those of
    the visits (sessions.tsv): ``diagnosis_sc`` in participants.tsv is the screening's and is never used.

    Args:
        caps: The CAPS folder.
        bids: The BIDS folder.
        mapping: Meaning of the columns in the BIDS folder's tables.
        prefer: As for :class:`.bids.BidsFolder`; cropped scans are preferred in any case.
    """

    caps: Path
    bids: Path
    mapping: ColumnMapping
    prefer: Sequence[str] = ()

    def read(self) -> Reading:
        """Read the visits.

        Raises:
            UserError: If one of the folders is not what it should be, or a table can't be read.
        """
        caps, root = Path(os.path.abspath(self.caps)), Path(os.path.abspath(self.bids))
        subjects = caps / "subjects"
        if not subjects.is_dir():
            raise UserError(f"{caps} is no CAPS folder: it has no folder 'subjects'")
        choice = ScanChoice(self.prefer, ("desc-Crop",))
        reading = read_visits(root, self.mapping, ScanTree(caps, subjects, _scans, choice))
        found = [record.visit["image"] for record in reading.records if record.visit["image"] is not None]
        with problems_first([*reading.problems, *choice.problems], reading.name):
            if not found:
                raise UserError(
                    f"{caps} holds no t1-linear scan of a session that {root} lists; run `clinica run t1-linear` first"
                )
        cropped = sum("desc-Crop" in image for image in found)
        if cropped not in (0, len(found)):
            reading.problems.append(
                f"{caps}: {cropped} of {len(found)} scans are cropped and the others are not; run t1-linear once for all"
            )
        reading.problems += choice.problems
        reading.notes += choice.notes()
        reading.description = str(read_description(root).get("Name") or self.mapping.description)
        reading.preprocessing = {"pipeline": "clinica t1-linear", "space": TEMPLATE, "cropped": bool(cropped)}
        return reading


def _scans(session: Path) -> list[Path]:
    wanted = re.compile(rf"_T1w(_|\.)|_space-{TEMPLATE}.*_T1w")
    scans = (path for path in (session / "t1_linear").glob("*.nii*") if is_scan(path))
    return sorted(path for path in scans if f"space-{TEMPLATE}" in path.name and wanted.search(path.name))
