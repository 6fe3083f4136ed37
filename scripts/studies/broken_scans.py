"""Inference over many scans with broken ones mixed in, killed in the middle and started again.

    python scripts/studies/broken_scans.py BUNDLE SCANS OUT [--sound 180]

SCANS is a folder or BIDS dataset of sound T1w scans; what is broken is made from them in OUT/scans. Prints how many were
predicted, each error, and how many scans were computed before and after the kill.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from admoe_monai.inference import find_scans

Volume = NDArray[np.float32]


def truncated(scan: Path, target: Path) -> None:
    """The first half of the file."""
    content = scan.read_bytes()
    target.write_bytes(content[: len(content) // 2])


def four_dimensional(scan: Path, target: Path) -> None:
    """Three volumes in one file, as of fMRI."""
    _save(scan, target, lambda voxels: np.stack([voxels] * 3, axis=-1))


def empty(scan: Path, target: Path) -> None:
    """Every voxel is 0."""
    _save(scan, target, np.zeros_like)


def with_nan(scan: Path, target: Path) -> None:
    """A corner of NaN."""

    def spoil(voxels: Volume) -> Volume:
        voxels[:3, :3, :3] = np.nan
        return voxels

    _save(scan, target, spoil)


def wrong_orientation(scan: Path, target: Path) -> None:
    """The header says that up is forward; the voxels stay where they are."""
    image = nib.load(scan)
    affine = image.affine.copy()
    affine[[1, 2]] = affine[[2, 1]]
    affine[2] *= -1
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj, np.float32), affine), target)


def t2_like(scan: Path, target: Path) -> None:
    """Dark and bright exchanged in the head."""

    def invert(voxels: Volume) -> Volume:
        inside = voxels > 0.1 * np.percentile(voxels, 99)
        filled = ndimage.binary_closing(inside, iterations=4)
        return np.where(filled, 1.05 * voxels.max() - voxels, 0).astype(np.float32)

    _save(scan, target, invert)


def no_brain(scan: Path, target: Path) -> None:
    """A smooth ball of about a head's size in the place of the head."""

    def ball(voxels: Volume) -> Volume:
        axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in voxels.shape), indexing="ij")
        inside = sum(axis**2 for axis in axes) < 0.7
        noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=voxels.shape), 3)
        return (inside * (500 + 150 * noise / noise.std()).clip(1)).astype(np.float32)

    _save(scan, target, ball)


BROKEN: dict[Callable[[Path, Path], None], int] = {
    truncated: 3, four_dimensional: 3, empty: 2, with_nan: 3, wrong_orientation: 3, t2_like: 3, no_brain: 3,
}  # fmt: skip


def main() -> None:
    """Make the scans, run inference twice, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("scans", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sound", type=int, default=180)
    options = parser.parse_args()
    if options.out.exists():
        sys.exit(f"error: {options.out} exists")
    names = make_scans(options.scans, options.out / "scans", options.sound)
    predictions = options.out / "predictions"
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "inference"]
    command += ["--config_file", str(options.bundle / "configs/inference.json"), "--bundle_root", str(options.bundle)]
    command += ["--dataset_dir", str(options.out / "scans"), "--output_dir", str(predictions), "--device", "cpu"]
    journal = predictions / ".progress.jsonl"
    with (options.out / "log.txt").open("w") as log:
        first = subprocess.Popen(command, stdout=log, stderr=log)
        while len(_lines(journal)) < options.sound // 2 and first.poll() is None:
            time.sleep(0.2)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        before = _lines(journal)
        code = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    after = _lines(journal)
    print(f"killed after {len(before)} predictions; the second run predicted {len(after) - len(before)} (exit {code})")
    print(f"scans predicted twice: {len(after) - len({json.loads(line)['key'] for line in after})}")
    rows = list(csv.DictReader((predictions / "predictions.csv").open(newline="")))
    errors = list(csv.DictReader((predictions / "errors.csv").open(newline="")))
    print(f"{len(rows)} predictions, {len(errors)} errors")
    print(f"broken scans that were predicted: {sorted({row['scan'] for row in rows} & names) or 'none'}")
    print(f"sound scans among the errors: {sorted({row['scan'] for row in errors} - names) or 'none'}")
    for row in errors:
        print(f"  {row['scan']}: {row['error']}")
    flags: dict[str, int] = {}
    for row in rows:
        for flag in filter(None, row["flags"].split(";")):
            flags[flag] = flags.get(flag, 0) + 1
    print(f"flags of the others: {flags or 'none'}")


def make_scans(source: Path, folder: Path, sound: int) -> set[str]:
    """Copy sound scans and make broken ones; returns the names of the broken ones."""
    found = [Path(item["image"]) for item in find_scans(source)]
    count = sum(BROKEN.values())
    if len(found) < sound + count:
        sys.exit(f"error: {source} holds {len(found)} scans, {sound + count} are needed")
    folder.mkdir(parents=True)
    for scan in found[:sound]:
        shutil.copyfile(scan, folder / scan.name)
    spare = iter(found[sound:])
    names = set()
    for spoil, times in BROKEN.items():
        for number in range(times):
            # Named so that they come in between the others, not at the end.
            target = folder / f"sub-0{number}{len(names):02}_{spoil.__name__}.nii.gz"
            spoil(next(spare), target)
            names.add(target.name)
    return names


def _save(scan: Path, target: Path, change: Callable[[Volume], Volume]) -> None:
    image = nib.load(scan)
    nib.save(nib.Nifti1Image(change(np.asarray(image.dataobj, np.float32).copy()), image.affine), target)


def _lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


if __name__ == "__main__":
    main()
