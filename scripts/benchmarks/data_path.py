"""How much faster items come from the store than from NIfTI files through the transforms, and what memory workers take.

    python scripts/benchmarks/data_path.py SCAN.nii.gz [SCAN ...] [--spacing_mm 1.0] [--img_size 160 208 160] [--copies 8]

Both ways read the same scans in turn, in one process. Then loaders with 0, 2 and 4 workers go through `copies` links to
the scans, and the proportional set size (PSS, in which shared pages are divided among those who share them) of the whole
group of processes is printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch.utils.data import DataLoader

from admoe_monai.data import PreprocessedStore
from admoe_monai.workflows.settings.resources import resource


def preprocessing(spacing_mm: float, img_size: list[int]) -> Any:
    """The chain of transforms that training uses."""
    parser = ConfigParser(ConfigParser.load_config_file(resource("bundle/configs/images_3d.yaml")))
    parser.update({"spacing_mm": spacing_mm, "spatial_size": img_size, "in_channels": 1})
    return parser.get_parsed_content("preprocessing")


def pss_mb() -> float:
    """Of this process and its children, in MB (Linux)."""
    total = 0
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    for pid in (str(os.getpid()), *children):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--spacing_mm", type=float, default=1.0)
    parser.add_argument("--img_size", type=int, nargs=3, default=[160, 208, 160])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--copies", type=int, default=8)
    options = parser.parse_args()
    transform = preprocessing(options.spacing_mm, options.img_size)
    with tempfile.TemporaryDirectory() as folder:
        items = [{"image": str(scan.resolve())} for scan in options.scans]
        store = PreprocessedStore(items, transform, folder, "benchmark")
        store.prepare()
        slow, fast = [], []
        for _ in range(options.repeats):
            for i, item in enumerate(items):
                began = time.perf_counter()
                float(transform(dict(item))["image"].sum())
                slow.append(time.perf_counter() - began)
                began = time.perf_counter()
                # The sum touches every page: mapping alone costs nothing.
                float(store[i]["image"].sum())
                fast.append(time.perf_counter() - began)
        ratios = [a / b for a, b in zip(slow, fast, strict=True)]
        shape = tuple(store[0]["image"].shape)
        sys.stdout.write(
            f"{len(items)} scans, {shape} at {options.spacing_mm:g} mm, {torch.get_num_threads()} threads\n"
            f"NIfTI and transforms {1e3 * statistics.median(slow):8.1f} ms\n"
            f"store                {1e3 * statistics.median(fast):8.1f} ms (the first look, with checksums: "
            f"{1e3 * fast[0]:.1f} ms)\n"
            f"ratio                {statistics.median(ratios):8.1f} (smallest {min(ratios):.1f})\n"
        )
        many = []
        for copy in range(options.copies):
            for number, scan in enumerate(options.scans):
                link = Path(folder) / f"{copy}_{number}_{scan.name}"
                os.symlink(scan.resolve(), link)
                many.append({"image": str(link)})
        store = PreprocessedStore(many, transform, folder, "benchmark")
        store.prepare()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.npz")) / 1e6
        sys.stdout.write(f"store of {len(many)} scans: {size:.0f} MB\n")
        for workers in (0, 2, 4):
            loader = DataLoader(store, batch_size=1, num_workers=workers, persistent_workers=workers > 0)
            before = pss_mb()
            for _ in range(2):
                for batch in loader:
                    float(batch["image"].sum())
            sys.stdout.write(f"{workers} workers: PSS {pss_mb():.0f} MB after two epochs ({before:.0f} MB before)\n")
            del loader


if __name__ == "__main__":
    main()
