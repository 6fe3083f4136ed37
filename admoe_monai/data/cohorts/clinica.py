"""Clinica trees: scans on the template from a CAPS folder, labels from the BIDS folder that it was made of."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from admoe_monai.errors import UserError

from .bids import preferred, read_description, read_sessions, session_months, several_scans
from .mapping import ColumnMapping
from .reading import Reading

__all__ = ["ClinicaTrees"]

TEMPLATE = "MNI152NLin2009cSym"


@dataclass(frozen=True)
class ClinicaTrees:
    """T1w scans of Clinica's t1-linear pipeline (N4, affine to MNI152NLin2009cSym, cropped) and their labels.

    Names of both generations of Clinica are found: ``…_space-MNI152NLin2009cSym_desc-Crop_res-1x1x1_T1w`` and, up to
    0.7.5, ``…_T1w_space-MNI152NLin2009cSym_…``; sessions ``ses-M00`` and ``ses-M000`` are one. Diagnoses are those of
    the visits (sessions.tsv): ``diagnosis_sc`` in participants.tsv is the screening's and is never used.

    Args:
        caps: the CAPS folder.
        bids: the BIDS folder.
        mapping: what the columns of the BIDS folder's tables mean.
        prefer: see :class:`.bids.BidsFolder`; cropped scans are preferred in any case.
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
        found: set[Path] = set()
        several: list[str] = []

        def find(subject: str, session: str) -> str | None:
            scans = _scans(subjects / subject, session)
            if not scans:
                return None
            chosen = preferred(scans, (*self.prefer, "desc-Crop"))
            found.add(chosen)
            if sum(("desc-Crop" in scan.name) == ("desc-Crop" in chosen.name) for scan in scans) > 1:
                several.append(f"{subject} {session}")
            return chosen.relative_to(caps).as_posix()

        reading = read_sessions(root, self.mapping, find, caps, "subjects")
        if not found:
            raise UserError(
                f"{caps} holds no t1-linear scan of a session that {root} lists; run `clinica run t1-linear` first"
            )
        cropped = sum("desc-Crop" in path.name for path in found)
        if cropped not in (0, len(found)):
            reading.problems.append(
                f"{caps}: {cropped} of {len(found)} scans are cropped and the others are not; run t1-linear once for all"
            )
        reading.notes += several_scans(several, self.prefer)
        reading.description = str(read_description(root).get("Name") or self.mapping.description)
        reading.preprocessing = {"pipeline": "clinica t1-linear", "space": TEMPLATE, "cropped": bool(cropped)}
        return reading


def _scans(subject: Path, session: str) -> list[Path]:
    months = session_months(session)
    folders = (
        folder
        for folder in subject.glob("ses-*")
        if folder.name == session or (months is not None and session_months(folder.name) == months)
    )
    scans = (path for folder in folders for path in (folder / "t1_linear").glob("*.nii*"))
    wanted = re.compile(rf"_T1w(_|\.)|_space-{TEMPLATE}.*_T1w")
    return sorted(path for path in scans if f"space-{TEMPLATE}" in path.name and wanted.search(path.name))
