"""What `admoe prepare` makes of the tables of published BIDS data sets, whose scans are empty stubs.

    python scripts/studies/bids_examples.py FOLDER [--without_diagnosis]

FOLDER holds one data set per folder, such as a checkout of bids-examples. Each one that has a participants.tsv and a T1w
scan is copied to a temporary folder, its scans are filled in with small boxes of 96 mm, a column `diagnosis` (CN, MCI and AD
in turn) is added unless told otherwise, and `admoe prepare` runs on it. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np

from admoe_monai.data import Datalist
from admoe_monai.data.cohorts import BidsFolder, Selection, load_mapping, prepare_cohort
from admoe_monai.errors import UserError

DIAGNOSES = ("CN", "MCI", "AD")
COLUMNS = ("data set", "people", "visits", "result", "why, and notes")


def data_sets(folder: Path) -> Iterator[Path]:
    """Data sets that have a table of people and a T1w scan."""
    for table in sorted(folder.glob("*/participants.tsv")):
        if next(table.parent.glob("sub-*/**/anat/*_T1w.nii*"), None) is not None:
            yield table.parent


def fill_in(data_set: Path, target: Path) -> None:
    """Copy names and tables; every T1w scan becomes a box of its own brightness."""
    rng = np.random.default_rng(0)
    for path in sorted(path for path in data_set.glob("**/*") if path.is_file()):
        copy = target / path.relative_to(data_set)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if re.search(r"_T1w\.nii(\.gz)?$", path.name):
            voxels = np.zeros((12, 12, 12), dtype=np.float32)
            voxels[2:-2, 2:-2, 2:-2] = rng.uniform(50, 100, (8, 8, 8))
            nib.save(nib.Nifti1Image(voxels, np.diag([8.0, 8.0, 8.0, 1.0])), copy)
        elif path.suffix in (".tsv", ".json"):
            shutil.copyfile(path, copy)


def add_diagnoses(table: Path) -> None:
    """Add the column to every row that has a name, in whatever way the lines end."""
    header, *rows = table.read_bytes().decode("utf-8").splitlines(keepends=True)
    lines = [_with_cell(header, "diagnosis")]
    lines += [_with_cell(row, DIAGNOSES[n % len(DIAGNOSES)]) if row.strip() else row for n, row in enumerate(rows)]
    table.write_bytes("".join(lines).encode("utf-8"))


def _with_cell(line: str, cell: str) -> str:
    text = line.rstrip("\r\n")
    return f"{text}\t{cell}{line[len(text) :] or ''}"


def prepared(data_set: Path, missing_images: str) -> tuple[Datalist | None, list[str]]:
    """The datalist, or why there is none."""
    source = BidsFolder(data_set, load_mapping("bids"))
    try:
        (datalist,) = prepare_cohort(
            data_set / "datalist.json", source, selection=Selection(missing_images=missing_images), overwrite=True
        )
    except UserError as error:
        return None, [str(error), *error.details[1:6]]
    report = datalist.report
    left_out = [f"left out: {count['visits']} visits, {cause}" for cause, count in report["exclusions"].items()]
    return datalist, [*left_out, *report["notes"]]


def row_of(data_set: Path, with_diagnosis: bool) -> list[str]:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / data_set.name
        fill_in(data_set, copy)
        if with_diagnosis:
            add_diagnoses(copy / "participants.tsv")
        people = sum(bool(line.strip()) for line in (copy / "participants.tsv").read_text().splitlines()) - 1
        result, (datalist, lines) = "read", prepared(copy, "error")
        if datalist is None:
            result, why = "refused", lines
            if "no image" in " ".join(why):
                datalist, lines = prepared(copy, "drop")
                result += f"; {'refused' if datalist is None else 'read'} with --missing_images drop"
                lines = [*why, "**with --missing_images drop:**", *lines]
        visits = 0 if datalist is None else sum(len(split) for split in datalist.splits.values())
        text = "<br>".join(line.replace(f"{copy}", data_set.name).replace("|", "/") for line in lines)
        return [data_set.name, str(people), str(visits), result, text]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without_diagnosis", action="store_true")
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + " --- |" * len(COLUMNS))
    for data_set in data_sets(options.folder):
        print("| " + " | ".join(row_of(data_set, not options.without_diagnosis)) + " |", flush=True)


if __name__ == "__main__":
    main()
