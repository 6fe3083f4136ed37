"""Where the line between a T1w brain and something else lies, and how well the registration's figures keep to it.

    python scripts/studies/template_quality.py OUT --real SCAN [SCAN ...] [--simulated SCAN ...] [--levels 8 4 2] [--no_n4]
        [--groups GROUP ...] [--synthetic 6] [--seed 0]

Each real scan is another person. It is registered as it is and with disturbances that users meet; things that are no T1w
brain are made from it or from nothing. A scan counts as refused where its flags are ``low_correlation`` or
``inverted_contrast``, or nothing in it resembles a brain. Volumes are read at 2 mm or coarser, so that one scan's native
resolution does not decide on the time. Times are processor seconds of the registration and its measurements in one thread.

OUT gets one table of measurements per chain, to which a later call adds what is missing, and the summary that is printed.
Intervals are Clopper-Pearson's, 95 %, over people or made-up volumes. The volumes themselves are never written.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from disturbed_heads import MADE_UP, OTHER, SAME, SHAPE, SPACING_MM, T1W, Affine, Generator, Head, Made, Volume
from monai.data import MetaTensor
from monai.transforms import Orientation
from scipy.stats import binomtest
from tqdm import tqdm

from admoe_monai.errors import UserError
from admoe_monai.transforms import CorrectBiasField, LoadScand, RegisterToTemplate, load_template
from admoe_monai.transforms.itk_image import affine_of, coarse, from_itk, on_grid, to_itk


def read(scan: Path) -> tuple[Volume, Affine]:
    """A scan in RAS, at 2 mm or coarser."""
    volume = Orientation("RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))(
        LoadScand("image")({"image": scan})["image"]
    )
    image, affine = to_itk(volume[0], affine_of(volume)), affine_of(volume)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if spacing.min() < SPACING_MM:
        image = coarse(image, SPACING_MM)
        affine = affine.copy()
        affine[:3, :3] *= SPACING_MM / spacing
    return from_itk(image), affine


def head_of(values: Volume, affine: Affine, record: dict[str, Any]) -> Head:
    """A scan with the template's brain brought to it."""
    template = load_template()
    brain = to_itk(template.brain, template.affine)
    back = np.linalg.inv(np.array(record["matrix"]))
    inside = from_itk(on_grid(brain, back, to_itk(values, affine), nearest=True, outside=0)) > 0
    return Head(values, affine, inside, record["state"] != "skull_stripped")


def measured(values: Volume, affine: Affine, levels_mm: tuple[float, ...], n4: bool) -> dict[str, Any]:
    """What a chain says of a volume, and its processor seconds."""
    volume = MetaTensor(torch.from_numpy(np.array(values, np.float32))[None], affine=torch.from_numpy(affine))
    began = time.process_time()
    if n4:
        volume = CorrectBiasField()(volume)
    corrected = time.process_time()
    try:
        record = RegisterToTemplate(levels_mm=levels_mm).register(volume)
    except UserError:
        return {"flags": "no alignment", "n4_seconds": corrected - began, "seconds": time.process_time() - corrected}
    largest, _, smallest = record["stretch"]
    return {
        **record["similarity"],
        "scale": record["scale"],
        "stretch": largest / smallest,
        "state": record["state"],
        "flags": ",".join(record["flags"]),
        "matrix": json.dumps(record["matrix"]),
        "n4_seconds": corrected - began,
        "seconds": time.process_time() - corrected,
    }


def distance_mm(matrix: Affine, known: Affine) -> float:
    """Largest distance between the places to which two affines take the template's brain."""
    template = load_template(4.0)
    points = np.argwhere(template.brain) @ template.affine[:3, :3].T + template.affine[:3, 3]
    difference = matrix - known
    return float(np.linalg.norm(points @ difference[:3, :3].T + difference[:3, 3], axis=1).max())


class Measurements:
    """The table of one chain; rows that are there are not measured again."""

    def __init__(self, path: Path, levels_mm: tuple[float, ...], n4: bool, seed: int) -> None:
        self.path = path
        self.levels_mm = levels_mm
        self.n4 = n4
        self.seed = seed
        lines = path.read_text().splitlines() if path.exists() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def find(self, group: str, subject: str) -> dict[str, Any] | None:
        """A row."""
        return next((row for row in self.rows if (row["group"], row["subject"]) == (group, subject)), None)

    def generator(self, group: str, subject: str) -> Generator:
        """The same for the same row, in whatever order they are measured."""
        return np.random.default_rng([self.seed, *f"{group}/{subject}".encode()])

    def add(self, kind: str, group: str, subject: str, made: Made, known: Affine | None = None) -> dict[str, Any]:
        """Measure a volume whose brain lies where ``known`` and the change say."""
        values, affine, change = made
        row = {"kind": kind, "group": group, "subject": subject, **measured(values, affine, self.levels_mm, self.n4)}
        if known is not None and "matrix" in row:
            row["distance_mm"] = distance_mm(np.array(json.loads(row["matrix"])), change @ known)
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        return row


def rate(hits: int, number: int) -> str:
    """A share with its interval."""
    interval = binomtest(hits, number).proportion_ci(method="exact")
    return f"{hits}/{number} [{interval.low:.3f}, {interval.high:.3f}]"


def refused(row: pd.Series) -> bool:
    """Whether the flags say that it is no T1w brain."""
    return any(word in row["flags"] for word in ("low_correlation", "inverted_contrast", "no alignment"))


def summary(rows: list[dict[str, Any]]) -> str:
    """The figures per group, and the error rates in both directions."""
    table = pd.DataFrame(rows)
    table["refused"] = table.apply(refused, axis=1)
    lines = []
    for (kind, group), part in table.groupby(["kind", "group"], sort=False):
        lines.append(f"{kind}: {group} (n = {len(part)})")
        for name in (
            "correlation",
            "mutual_information",
            "coverage",
            "overlap",
            "scale",
            "stretch",
            "distance_mm",
            "n4_seconds",
            "seconds",
        ):
            figures = part[name].dropna() if name in part else pd.Series(dtype=float)
            if len(figures):
                low, middle, high = figures.min(), figures.median(), figures.max()
                lines.append(f"    {name:<20} {low:8.3f} {middle:8.3f} {high:8.3f}   (min, median, max)")
        words = part["flags"].replace("", "none").value_counts()
        lines.append(f"    flags                {', '.join(f'{count} {word}' for word, count in words.items())}")
        lines.append(f"    refused              {rate(int(part['refused'].sum()), len(part))}")
    lines.append("")
    made_up = table["group"].isin(MADE_UP)
    # A wrong voxel size is to be flagged, by whatever word; what FLAIR gives is told on its own line above.
    counted = ~table["group"].str.contains("voxels called|FLAIR")
    for part, wrong, words in (
        (table[(table["kind"] == "T1w") & counted], True, "real T1w brains refused, in any form (people)"),
        (table[table["kind"] == "T1w, simulated"], True, "simulated T1w brains refused (people)"),
        (table[(table["kind"] == "other") & ~made_up & counted], False, "made from a scan and accepted (people)"),
        (table[made_up], False, "made up and accepted (volumes)"),
    ):
        if len(part):
            by_subject = (part["refused"] == wrong).groupby(part["subject"]).any()
            lines.append(f"{words}: {rate(int(by_subject.sum()), len(by_subject))}")
    for group, wanted in (("turned", True), (None, False)):
        part = table[(table["group"] == group) if group else (table["kind"] == "T1w") & (table["group"] != "turned")]
        if len(part):
            said = part["flags"].str.contains("wrong_orientation")
            by_subject = (said != wanted).groupby(part["subject"]).any()
            words = "wrong orientations not noticed" if wanted else "right orientations called wrong, in any form"
            lines.append(f"{words} (people): {rate(int(by_subject.sum()), len(by_subject))}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is missing and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--real", type=Path, nargs="+", required=True)
    parser.add_argument("--simulated", type=Path, nargs="*", default=[])
    parser.add_argument("--levels", type=float, nargs=3, default=[8.0, 4.0, 2.0])
    parser.add_argument("--no_n4", action="store_true")
    parser.add_argument("--groups", nargs="*", choices=[*T1W, *OTHER, *MADE_UP], default=[*T1W, *OTHER, *MADE_UP])
    parser.add_argument("--people", type=int, default=1000, help="changes of this many real scans alone")
    parser.add_argument("--synthetic", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    levels = tuple(arguments.levels)
    name = "_".join(f"{level:g}" for level in levels) + ("" if arguments.no_n4 else "_n4")
    table = Measurements(arguments.out / f"{name}.jsonl", levels, not arguments.no_n4, arguments.seed)
    heads: dict[str, Head] = {}
    for kind, scans in (("T1w", arguments.real), ("T1w, simulated", arguments.simulated)):
        for scan in tqdm(scans, desc=kind, disable=None):
            subject = scan.name.split(".")[0]
            values, affine = read(scan)
            row = table.find("unchanged", subject) or table.add(kind, "unchanged", subject, (values, affine, SAME))
            if kind == "T1w":
                heads[subject] = head_of(values, affine, {**row, "matrix": json.loads(row["matrix"])})
    for group in arguments.groups:
        make = {**T1W, **OTHER}.get(group)
        for subject, head in tqdm(list(heads.items())[: arguments.people], desc=group, disable=make is None):
            if make and table.find(group, subject) is None:
                made = make(head, table.generator(group, subject))
                if made is not None:
                    known = np.array(json.loads((table.find("unchanged", subject) or {})["matrix"]))
                    kind = "T1w" if group in T1W else "other"
                    # Where a mirrored brain should lie is not known.
                    placed = group == "T2-like" or (group in T1W and group != "mirrored")
                    table.add(kind, group, subject, made, known if placed else None)
        for number in tqdm(range(arguments.synthetic), desc=group, disable=group not in MADE_UP):
            subject = f"{group} {number}"
            if group in MADE_UP and table.find(group, subject) is None:
                values = MADE_UP[group](table.generator(group, subject))
                affine = np.diag([SPACING_MM] * 3 + [1.0])
                affine[:3, 3] = -SPACING_MM * np.array(SHAPE) / 2
                table.add("other", group, subject, (values, affine, SAME))
    text = summary(table.rows)
    (arguments.out / f"{name}.txt").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
