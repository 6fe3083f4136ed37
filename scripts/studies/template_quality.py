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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation
from scipy.stats import binomtest
from tqdm import tqdm

from admoe_monai.errors import UserError
from admoe_monai.transforms import CorrectBiasField, LoadScand, RegisterToTemplate, load_template
from admoe_monai.transforms.itk_image import affine_of, coarse, from_itk, on_grid, to_itk

Volume = NDArray[np.float32]
Affine = NDArray[np.float64]
Generator = np.random.Generator

SPACING_MM = 2.0
SHAPE = (100, 120, 110)
#: The brain's own matrix where a disturbance does not move it.
SAME = np.eye(4)


@dataclass
class Head:
    """A scan in RAS, and where its brain is.

    Attributes:
        values: ``(X, Y, Z)``.
        affine: voxel indices to mm.
        brain: ``(X, Y, Z)`` bool, the template's brain brought to the scan.
        whole: whether anything but the brain is there.
    """

    values: Volume
    affine: Affine
    brain: NDArray[np.bool_]
    whole: bool

    @property
    def white(self) -> float:
        """About the intensity of white matter."""
        return float(np.percentile(self.values[self.brain], 90))

    def about_the_middle(self, matrix: Affine) -> Affine:
        """A linear map in mm that leaves the middle of the volume where it is."""
        middle = self.affine[:3, :3] @ ((np.array(self.values.shape) - 1) / 2) + self.affine[:3, 3]
        moved = matrix.copy()
        moved[:3, 3] = middle - matrix[:3, :3] @ middle
        return moved


Made = tuple[Volume, Affine, Affine]


def unchanged(head: Head, generator: Generator) -> Made:
    """As it is."""
    return head.values, head.affine, SAME


def mirrored(head: Head, generator: Generator) -> Made:
    """Left and right exchanged, the header as before."""
    return head.values[::-1], head.affine, SAME


def turned(head: Head, generator: Generator) -> Made:
    """A header that gives the axes one of the 23 wrong orientations."""
    turns = [turn for turn in np.rint(Rotation.create_group("O").as_matrix()) if not np.array_equal(turn, np.eye(3))]
    lie = np.eye(4)
    lie[:3, :3] = turns[generator.integers(len(turns))]
    lie = head.about_the_middle(lie)
    return head.values, lie @ head.affine, lie


def voxels_called_larger(head: Head, generator: Generator) -> Made:
    """As 0.7 mm voxels called 1 mm."""
    lie = head.about_the_middle(np.diag([1.4, 1.4, 1.4, 1.0]))
    return head.values, lie @ head.affine, lie


def voxels_called_smaller(head: Head, generator: Generator) -> Made:
    """As 1.5 mm voxels called 1 mm."""
    lie = head.about_the_middle(np.diag([1 / 1.5, 1 / 1.5, 1 / 1.5, 1.0]))
    return head.values, lie @ head.affine, lie


def cropped(head: Head, generator: Generator) -> Made:
    """A quarter of the brain's extent cut off on a side drawn at random."""
    axis, end = generator.integers(3), generator.integers(2)
    inside = np.flatnonzero(head.brain.any(axis=tuple(a for a in range(3) if a != axis)))
    cut = round(np.ptp(inside) / 4)
    kept = slice(inside[0] + cut, None) if end else slice(0, inside[-1] - cut)
    shift = np.eye(4)
    shift[axis, 3] = kept.start
    return head.values[tuple(kept if a == axis else slice(None) for a in range(3))], head.affine @ shift, SAME


def four_millimetres(head: Head, generator: Generator) -> Made:
    """Voxels of 4 mm."""
    image = coarse(to_itk(head.values, head.affine), 4.0)
    affine = head.affine.copy()
    affine[:3, :3] *= 4.0 / np.linalg.norm(head.affine[:3, :3], axis=0)
    return from_itk(image), affine, SAME


def shaded(head: Head, generator: Generator) -> Made:
    """Four times as bright at one end of the brain as at the other, in a direction drawn at random."""
    direction = generator.normal(size=3)
    points = np.einsum("a,axyz->xyz", direction, np.indices(head.values.shape, dtype=np.float32))
    low, high = points[head.brain].min(), points[head.brain].max()
    return head.values * np.exp(np.log(4) * ((points - low) / (high - low) - 0.5)), head.affine, SAME


def noisy(head: Head, generator: Generator) -> Made:
    """Rician noise of 15 % of the white matter's intensity, everywhere."""
    real, imaginary = generator.normal(0, 0.15 * head.white, (2, *head.values.shape))
    return np.hypot(head.values - head.values.min() + real, imaginary), head.affine, SAME


def t2_like(head: Head, generator: Generator) -> Made:
    """Dark and bright exchanged inside the brain."""
    inside = head.brain & (head.values > 0)
    return np.where(inside, (1.3 * head.white - head.values).clip(0), head.values), head.affine, SAME


def flair_like(head: Head, generator: Generator) -> Made:
    """Grey matter brighter than white, fluid dark."""
    remapped = head.white * np.interp(head.values / head.white, [0, 0.35, 0.7, 1.0, 1.5], [0, 0.15, 1.0, 0.7, 0.75])
    return np.where(head.brain, remapped, head.values), head.affine, SAME


def brain_mask(head: Head, generator: Generator) -> Made:
    """The mask of a brain in the place of its scan."""
    return head.brain.astype(np.float32), head.affine, SAME


def scrambled(head: Head, generator: Generator) -> Made:
    """The brain's outline and its spectrum, but with random phases inside."""
    inside = np.where(head.brain, head.values - head.values[head.brain].mean(), 0)
    spectrum = np.abs(np.fft.rfftn(inside)) * np.exp(1j * np.angle(np.fft.rfftn(generator.normal(size=inside.shape))))
    texture = np.fft.irfftn(spectrum, inside.shape, axes=(0, 1, 2))
    texture *= head.values[head.brain].std() / texture[head.brain].std()
    return np.where(head.brain, (texture + head.values[head.brain].mean()).clip(0), 0), head.affine, SAME


def without_brain(head: Head, generator: Generator) -> Made | None:
    """A whole head with nothing where the brain was."""
    return (np.where(head.brain, head.values.min(), head.values), head.affine, SAME) if head.whole else None


def neck(head: Head, generator: Generator) -> Made | None:
    """What lies below the brain."""
    lowest = int(np.flatnonzero(head.brain.any(axis=(0, 1)))[0])
    return (head.values[:, :, :lowest], head.affine, SAME) if head.whole and lowest >= 10 else None


T1W: dict[str, Callable[[Head, Generator], Made]] = {
    "unchanged": unchanged,
    "mirrored": mirrored,
    "turned": turned,
    "voxels called 1.4 times larger": voxels_called_larger,
    "voxels called 1.5 times smaller": voxels_called_smaller,
    "cropped": cropped,
    "voxels of 4 mm": four_millimetres,
    "shaded": shaded,
    "noisy": noisy,
}
OTHER: dict[str, Callable[[Head, Generator], Made | None]] = {
    "T2-like": t2_like,
    "FLAIR-like": flair_like,
    "mask of a brain": brain_mask,
    "scrambled brain": scrambled,
    "head without brain": without_brain,
    "neck": neck,
}


def ellipsoid(generator: Generator, radii: NDArray[np.float64]) -> Volume:
    """Distance to the middle of :data:`SHAPE`, 1 on the surface of an ellipsoid with these half axes in voxels."""
    points = np.indices(SHAPE, dtype=np.float32) - np.array(SHAPE, np.float32)[:, None, None, None] / 2
    return np.sqrt(((points / radii.astype(np.float32)[:, None, None, None]) ** 2).sum(axis=0))


def phantom(generator: Generator) -> Volume:
    """An evenly filled ellipsoid of a head's size, with noise."""
    inside = ellipsoid(generator, generator.uniform(32, 48, 3)) < 1
    return 1000 * inside + generator.normal(0, 20, SHAPE)


def ct_like(generator: Generator) -> Volume:
    """A thick bright shell around a dark, nearly even inside with two darker ventricles."""
    radii = generator.uniform(36, 46, 3)
    distance = ellipsoid(generator, radii)
    ventricles = ellipsoid(generator, radii / 4) < 1
    values = np.select([ventricles, distance < 0.88, distance < 1], [1010, 1035, 2000], 0.0)
    return values + generator.normal(0, 10, SHAPE)


def box(generator: Generator) -> Volume:
    """A bright box with noise."""
    values = np.zeros(SHAPE)
    size = generator.integers(50, 90, 3)
    values[tuple(slice(10, 10 + n) for n in size)] = 1000
    return values + generator.normal(0, 20, SHAPE)


def noise(generator: Generator) -> Volume:
    """Nothing but noise."""
    return generator.rayleigh(100, SHAPE)


def blob(generator: Generator) -> Volume:
    """Smooth noise in an ellipsoid of a head's size."""
    texture = ndimage.gaussian_filter(generator.normal(size=SHAPE), generator.uniform(3, 8))
    inside = ellipsoid(generator, generator.uniform(32, 48, 3)) < 1
    return np.where(inside, 500 + 150 * texture / texture.std(), 0).clip(0)


def nearly_empty(generator: Generator) -> Volume:
    """A few bright specks."""
    values = np.zeros(SHAPE)
    values[tuple(generator.integers(0, SHAPE, (20, 3)).T)] = 1000
    return ndimage.gaussian_filter(values, 1.0)


MADE_UP: dict[str, Callable[[Generator], Volume]] = {
    "phantom": phantom,
    "CT-like": ct_like,
    "box": box,
    "noise": noise,
    "smooth noise": blob,
    "nearly empty": nearly_empty,
}


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
