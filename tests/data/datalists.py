"""Small datalists over empty files."""

import json
from pathlib import Path

import pytest

from admoe_monai.data import load_datalist
from admoe_monai.errors import UserError

AGE = {"name": "age", "role": "clinical", "kind": "continuous", "n": 2, "mean": 70.0, "std": 0.0}
SEX = {"name": "sex", "role": "clinical", "kind": "categorical", "n": 0, "categories": []}
CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}


def visit(subject: str, session: str = "1", **fields) -> dict:
    return {
        "image": f"scans/{subject}_{session}.nii.gz",
        "subject_id": subject,
        "session_id": session,
        "days_from_baseline": 0,
        "diagnosis": "CN",
        "change": None,
        "prior": {"age": 70, "sex": None},
        **fields,
    }


def content(**fields) -> dict:
    return {
        "name": "tiny",
        "simulated": True,
        "prior": {"columns": [AGE, SEX]},
        "training": [visit("a", "1"), visit("a", "2")],
        "validation": [visit("b")],
        "test": [visit("c")],
        **fields,
    }


def write(folder: Path, data: dict) -> Path:
    (folder / "scans").mkdir(exist_ok=True)
    for split in ("training", "validation", "test"):
        for entry in data.get(split) or []:
            if isinstance(entry, dict) and str(entry.get("image")).startswith("scans/"):
                (folder / entry["image"]).touch()
    path = folder / "datalist.json"
    path.write_text(json.dumps(data))
    return path


def error_of(path: Path, **arguments) -> str:
    with pytest.raises(UserError) as error:
        load_datalist(path, classes=CLASSES, **arguments)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message
