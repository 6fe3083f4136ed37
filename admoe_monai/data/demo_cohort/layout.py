"""The cohort on disk: a BIDS dataset that states in every part that it is simulated.

`truth.tsv` (outside BIDS, listed in `.bidsignore`) holds what no clinic can observe: true volumes and the latent progression.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .effects import STRUCTURE_MODELS, realised_effects
from .population import Subject
from .scanner import SITES

__all__ = ["image_path", "write_image", "write_subject_table", "write_tables"]

_PARTICIPANT_COLUMNS = {
    "age": {"Description": "age at the first visit", "Units": "years"},
    "sex": {"Levels": {"F": "female", "M": "male"}},
    "education": {"Description": "years of education", "Units": "years"},
    "apoe4": {"Description": "number of APOE e4 alleles"},
    "site": {"Description": "site of all of the subject's scans"},
    "scanner": {"Description": "name of the simulated scanner"},
    "field_strength": {"Description": "field strength of the simulated scanner", "Units": "tesla"},
}
_SESSION_COLUMNS = {
    "days_from_baseline": {"Description": "days since the first visit", "Units": "days"},
    "age": {"Description": "age at the visit", "Units": "years"},
    "diagnosis": {
        "Description": "simulated clinical diagnosis",
        "Levels": {"CN": "normal", "MCI": "mild impairment", "AD": "dementia"},
    },
    "mmse": {"Description": "simulated MMSE; follows the diagnosis, so it must not be a predictor of it"},
    "cdr": {"Description": "simulated global CDR; follows the diagnosis, so it must not be a predictor of it"},
}


def image_path(participant_id: str, session_id: str, run: int | None) -> str:
    """Path of a scan inside the dataset, with forward slashes; `run` is given only where a session has two scans."""
    name = f"{participant_id}_ses-{session_id}" + (f"_run-{run}" if run else "")
    return f"{participant_id}/ses-{session_id}/anat/{name}_T1w.nii.gz"


def write_image(root: Path, path: str, voxels: NDArray[np.int16], affine: NDArray[np.float64], site: str) -> None:
    """Write a scan and its JSON sidecar; the same voxels give the same bytes."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"simulated, admoe demo-cohort"
    image.header.set_qform(affine, code="scanner")
    image.header.set_sform(affine, code="scanner")
    nib.save(image, target)
    _write_json(
        target.with_name(target.name.replace(".nii.gz", ".json")),
        {
            "simulated": True,
            "Modality": "MR",
            "Manufacturer": "simulated",
            "ManufacturersModelName": SITES[site].scanner,
            "MagneticFieldStrength": SITES[site].field_strength,
            "InstitutionName": site,
            "SkullStripped": True,
        },
    )


def write_subject_table(root: Path, subject: Subject) -> None:
    """Write a subject's sessions.tsv."""
    rows = [
        {
            "session_id": f"ses-{v.session_id}",
            "days_from_baseline": v.days,
            "age": f"{v.age:.2f}",
            "diagnosis": v.diagnosis,
            "mmse": v.mmse,
            "cdr": v.cdr,
        }
        for v in subject.visits
    ]
    _write_tsv(root / subject.participant_id / f"{subject.participant_id}_sessions.tsv", pd.DataFrame(rows))


def write_tables(
    root: Path, subjects: Sequence[Subject], truth: pd.DataFrame, settings: Mapping[str, object], version: str
) -> None:
    """Write the files that describe the whole dataset.

    Args:
        root: Folder of the dataset.
        subjects: All subjects.
        truth: One row per scan.
        settings: Arguments that the cohort was made with.
        version: Version of this package.
    """
    _write_json(
        root / "dataset_description.json",
        {
            "Name": "SIMULATED longitudinal T1w cohort (admoe demo-cohort)",
            "BIDSVersion": "1.9.0",
            "DatasetType": "raw",
            "License": "free use, with the copyright notice of the ICBM 152 template in README",
            "simulated": True,
            "GeneratedBy": [
                {
                    "Name": "admoe_monai",
                    "Version": version,
                    "Description": "admoe demo-cohort",
                    "Settings": dict(settings),
                }
            ],
            "HowToAcknowledge": "ICBM 152 2009a template: Fonov 2011, doi:10.1016/j.neuroimage.2010.07.033",
        },
    )
    participants = [
        {
            "participant_id": s.participant_id,
            "age": f"{s.visits[0].age:.2f}",
            "sex": s.sex,
            "education": s.education,
            "apoe4": s.apoe4,
            "site": s.site,
            "scanner": SITES[s.site].scanner,
            "field_strength": SITES[s.site].field_strength,
        }
        for s in subjects
    ]
    _write_tsv(root / "participants.tsv", pd.DataFrame(participants))
    _write_json(root / "participants.json", _PARTICIPANT_COLUMNS)
    _write_json(root / "sessions.json", _SESSION_COLUMNS)
    _write_tsv(root / "truth.tsv", truth)
    (root / ".bidsignore").write_text("truth.tsv\n", encoding="utf-8")
    (root / "README").write_text(_readme(truth, settings), encoding="utf-8")


def _readme(truth: pd.DataFrame, settings: Mapping[str, object]) -> str:
    effect = float(str(settings["effect"]))
    lines = [
        "SIMULATED DATA. No scan, subject, visit or diagnosis in this folder belongs to a person.",
        "",
        "Every head is the ICBM 152 2009a T1w template (skull-stripped, as in nilearn), deformed smoothly at random.",
        "A latent progression per subject enlarges the ventricles, shrinks the hippocampi and sets the diagnosis.",
        "Change labels are not stored: `admoe prepare` derives them from the history of diagnoses.",
        "",
        "Settings: " + ", ".join(f"{key}={value}" for key, value in settings.items()),
    ]
    if settings["shortcut"] == "site":
        lines.append(
            "A SHORTCUT IS PLANTED: site-03, whose contrast and blur are visible, saw most AD and few CN subjects."
        )
    if effect == 0:
        lines.append("NULL COHORT: the images know nothing of the diagnosis.")
    lines += [
        "",
        "Declared effect (Cohen's d, AD against CN, log volume at the first visit adjusted for head size and age):",
    ]
    lines += [f"  {name}: {model.effect * effect:+.2f}" for name, model in STRUCTURE_MODELS.items()]
    lines += [
        "  nothing else is driven; grey and white matter as a whole give way a little to the ventricles",
        "  Sources: hippocampus, meta-analysis of 14 studies, Shi et al. 2009, doi:10.1002/hipo.20573;",
        "  ventricles, a choice guided by Nestor et al. 2008, doi:10.1093/brain/awn146.",
        "",
    ]
    try:
        table = realised_effects(truth, effect)
    except ValueError as reason:
        lines.append(f"Realised effect: not estimated ({reason}).")
    else:
        lines += [
            "Realised effect in this cohort (95 % interval):",
            table.to_string(index=False, float_format="{:+.2f}".format),
        ]
    lines += [
        "",
        "truth.tsv: per scan true volumes in mm3 (integrals of the deformed labels), head size and latent progression.",
        "The labels are drawn by geometry for this simulation; their volumes are no reference for real heads.",
        "mmse and cdr follow the diagnosis and must not be used to predict it.",
        "Two runs in one session are a test-retest pair: same head, new pose, bias and noise (second: rescan = 1).",
        "",
        "Template: Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre,",
        "Montreal Neurological Institute, McGill University. This notice has to stay in all copies.",
    ]
    return "\n".join(lines) + "\n"


def _write_tsv(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, sep="\t", index=False, na_rep="n/a", lineterminator="\n")


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
