"""How often the audit finds an altered copy, and how often it takes two scans for one.

    python scripts/studies/near_duplicates.py DATALIST [--originals 40] [--repeats 200] [--others 300] [--seed 0]

Each original is copied in many ways; a copy counts as found if it is among the images that the audit would compare with the
original, and the comparison calls it a copy. False alarms are counted among pairs of visits of the same person, pairs of
scans from the same session (simulated cohorts: `admoe demo-cohort --rescan N`, run 2 beside the run 1 of the datalist), and
the pairs of different people that the audit would compare, which are the most alike ones. Intervals are Wilson's, 95 %, and
treat pairs as independent.
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation
from scipy.stats import binomtest
from tqdm import tqdm

from admoe_monai.audit.fingerprints import Fingerprint, fingerprint, similarities
from admoe_monai.audit.images import Image, background, read_image
from admoe_monai.audit.near_duplicates import ALIKE, COPY, NEIGHBOURS, copy_threshold
from admoe_monai.audit.registration import detail_correlation
from admoe_monai.data import load_datalist
from admoe_monai.data.visits import SPLITS

Generator = np.random.Generator


def moved(
    image: Image, generator: Generator, degrees: float = 0, shift: float = 0, zoom: float = 1, order: int = 1
) -> Image:
    """Turn about a random axis through the centre, shift by up to `shift` voxels, and sample with voxels `zoom` as large."""
    dims = image.voxels.ndim
    axis = generator.normal(size=3) if dims == 3 else np.array([0.0, 0.0, 1.0])
    turn = Rotation.from_rotvec(axis / np.linalg.norm(axis) * degrees, degrees=True).as_matrix()[:dims, :dims]
    spacing = image.spacing * zoom
    shape = np.ceil(np.array(image.voxels.shape) / zoom).astype(int)
    matrix = np.diag(1 / image.spacing) @ turn @ np.diag(spacing)
    offset = (
        (np.array(image.voxels.shape) - 1) / 2 - matrix @ ((shape - 1) / 2) + generator.uniform(-shift, shift, dims)
    )
    voxels = ndimage.affine_transform(
        image.voxels, matrix, offset, output_shape=tuple(shape), order=order, cval=background(image.voxels)
    )
    return Image(voxels, spacing)


def noisy(image: Image, generator: Generator, share: float) -> Image:
    """Add Gaussian noise, its standard deviation a share of the range from the 2nd to the 98th percentile."""
    level = np.subtract(*np.percentile(image.voxels, [98, 2]))
    return Image(
        image.voxels + generator.normal(0, share * level, image.voxels.shape).astype(np.float32), image.spacing
    )


def flattened(image: Image) -> Image:
    """Gamma 0.8 and 8 bits."""
    low, high = image.voxels.min(), image.voxels.max()
    return Image(np.round(255 * ((image.voxels - low) / (high - low)) ** 0.8).astype(np.float32), image.spacing)


COPIES: dict[str, Callable[[Image, Generator], Image]] = {
    "intensities rescaled": lambda i, g: Image(i.voxels * np.float32(g.uniform(0.3, 3)) + np.float32(20), i.spacing),
    "gamma 0.8 and 8 bits": lambda i, g: flattened(i),
    "turned by 90 degrees": lambda i, g: Image(np.rot90(i.voxels), i.spacing[[1, 0, *range(2, i.voxels.ndim)]]),
    "mirrored": lambda i, g: Image(i.voxels[::-1], i.spacing),
    "shifted by up to 6 voxels": lambda i, g: moved(i, g, shift=6),
    "turned by 5 degrees": lambda i, g: moved(i, g, degrees=5),
    "turned by 15 degrees": lambda i, g: moved(i, g, degrees=15),
    "turned by 15 degrees, cubic": lambda i, g: moved(i, g, degrees=15, order=3),
    "turned by 30 degrees": lambda i, g: moved(i, g, degrees=30),
    "voxels 1.3 times as large": lambda i, g: moved(i, g, zoom=1.3),
    "voxels 0.8 times as large": lambda i, g: moved(i, g, zoom=0.8),
    "header lost": lambda i, g: Image(moved(i, g, zoom=1.2).voxels, np.ones(i.voxels.ndim)),
    "noise of 3 %": lambda i, g: noisy(i, g, 0.03),
    "noise of 5 %": lambda i, g: noisy(i, g, 0.05),
    "blurred, sd 1 voxel": lambda i, g: Image(ndimage.gaussian_filter(i.voxels, 1.0), i.spacing),
    "turned by 8 degrees, shifted, noise of 3 %": lambda i, g: noisy(moved(i, g, degrees=8, shift=3), g, 0.03),
}


def rate(hits: int, number: int) -> str:
    """A share with its interval."""
    interval = binomtest(hits, number).proportion_ci(method="wilson")
    return f"{hits}/{number} = {hits / number:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datalist", type=Path)
    for name, number in (("originals", 40), ("repeats", 200), ("others", 300), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    datalist = load_datalist(arguments.datalist)
    visits = [visit for split in SPLITS for visit in datalist.splits[split]]
    people = np.array([visit["subject_id"] for visit in visits])
    images = [read_image(visit["image"]) for visit in visits]
    prints = [fingerprint(image) for image in tqdm(images, desc="fingerprints", disable=None)]
    alike, form, matrices = similarities(prints)
    other = people[:, None] != people
    print(f"{datalist.name}: {len(set(people))} subjects, {len(visits)} images of {images[0].voxels.ndim} axes")

    def correlation(first: int, second: int) -> float:
        poses = [prints[first].pose, prints[second].pose]
        return detail_correlation([images[first], images[second]], poses, matrices[form[first, second]])

    def chosen(pairs: list[tuple[int, int]], number: int) -> list[tuple[int, int]]:
        return [pairs[k] for k in sorted(generator.permutation(len(pairs))[:number])]

    repeats = chosen([p for p in itertools.combinations(range(len(visits)), 2) if not other[p]], arguments.repeats)
    again = [correlation(*pair) for pair in tqdm(repeats, desc="repeat visits", disable=None)]
    threshold = copy_threshold(again)
    print(f"threshold {threshold:.3f}")
    if repeats:
        print(f"repeat visits, alarms: {rate(sum(f >= threshold for f in again), len(again))}; from {COPY}: "
              f"{rate(sum(f >= COPY for f in again), len(again))}; highest {max(again):.3f}")  # fmt: skip
    rescans = [
        (n, Path(str(v["image"]).replace("_run-1_", "_run-2_")))
        for n, v in enumerate(visits)
        if "_run-1_" in v["image"]
    ]
    figures = [_pair(images[n], prints[n], read_image(path)) for n, path in tqdm(rescans, desc="rescans")]
    if figures:
        print(f"rescans of one session, alarms: {rate(sum(f >= threshold for f in figures), len(figures))}; from {COPY}: "
              f"{rate(sum(f >= COPY for f in figures), len(figures))}; highest {max(figures):.3f}")  # fmt: skip
    both = np.where(other, np.maximum(alike, alike.T), -1)
    near = {(min(n, m), max(n, m)) for n in range(len(visits)) for m in map(int, np.argsort(-both[n])[:NEIGHBOURS])}
    strangers = chosen(sorted(near), arguments.others)
    apart = [correlation(*pair) for pair in tqdm(strangers, desc="different people")]
    print(f"different people, alarms: {rate(sum(f >= threshold for f in apart), len(apart))}; from {COPY}: "
          f"{rate(sum(f >= COPY for f in apart), len(apart))}; highest {max(apart):.3f}; "
          f"drawn from {len(near)} pairs that would be compared, of {int(other.sum() // 2)} pairs in all")  # fmt: skip
    originals = sorted(map(int, generator.permutation(len(visits))[: arguments.originals]))
    copies = [
        (kind, n, make(images[n], generator)) for n in tqdm(originals, desc="copying") for kind, make in COPIES.items()
    ]
    copied = [Image(np.ascontiguousarray(copy.voxels), copy.spacing) for _, _, copy in copies]
    images += copied
    prints += [fingerprint(image) for image in copied]
    alike, form, matrices = similarities(prints)
    found: dict[str, list[bool]] = defaultdict(list)
    least: dict[str, float] = defaultdict(lambda: 1.0)
    for number, (kind, n, _) in enumerate(tqdm(copies, desc="comparing copies"), start=len(visits)):
        to_copy = np.maximum(alike[number, : len(visits)], alike[: len(visits), number])
        # The original's other visits compete with it for the copy, other people with the copy for the original.
        ranks = int((to_copy > to_copy[n]).sum()), int((both[n] > to_copy[n]).sum())
        figure = 0.0
        if to_copy[n] >= ALIKE and min(ranks) < NEIGHBOURS:
            figure = correlation(*((n, number) if alike[n, number] >= alike[number, n] else (number, n)))
            least[kind] = min(least[kind], figure)
        found[kind].append(figure >= threshold)
    for kind, hits in found.items():
        print(f"{kind:<44} found {rate(sum(hits), len(hits))}; lowest correlation {least[kind]:.3f}")


def _pair(image: Image, known: Fingerprint, second: Image) -> float:
    copied = fingerprint(second)
    _, forms, shapes = similarities([known, copied])
    return detail_correlation([image, second], [known.pose, copied.pose], shapes[forms[0, 1]])


if __name__ == "__main__":
    main()
