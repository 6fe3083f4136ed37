"""Where the time of a prediction goes, and how much memory it takes.

    python scripts/benchmarks/inference.py BUNDLE SCANS [--scans 20]

Runs the chain of a bundle's inference transform by transform, one scan after the other in this process with two threads, and
prints seconds per scan (median, smallest and largest; the first scan warms up) and the process's peak of memory.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path

import torch
from monai.bundle import ConfigParser

THREADS = 2
READING = {"LoadScand"}
SCREENING = {"ScreenScand", "ScoreScand", "RegisterToTemplated", "CorrectBiasFieldd", "WriteOverlayd"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("scans", type=Path)
    parser.add_argument("--scans", dest="count", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    config = ConfigParser(ConfigParser.load_config_file(options.bundle / "configs/inference.json"))
    config.update({"bundle_root": str(options.bundle), "dataset_dir": str(options.scans), "device": "cpu"})
    network = config.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(options.bundle / "models/model.pt", map_location="cpu", weights_only=True))
    transforms = config.get_parsed_content("preprocessing").transforms
    scans = config.get_parsed_content("scans")[: options.count + 1]
    if len(scans) < 2:
        sys.exit(f"error: {options.scans} holds {len(scans)} scans, two or more are needed")
    seconds: dict[str, list[float]] = defaultdict(list)
    for number, scan in enumerate(scans):
        spent = _predict(dict(scan), transforms, network)
        if number:
            for part, value in spent.items():
                seconds[part].append(value)
    print(f"{len(scans) - 1} scans, {THREADS} threads; seconds per scan: median (smallest to largest)")
    for part, values in seconds.items():
        print(f"{part:<28} {statistics.median(values):7.3f} ({min(values):.3f} to {max(values):.3f})")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak of memory {peak:.0f} MB, of which torch and MONAI alone take some hundred")


def _predict(item: dict, transforms: list, network: torch.nn.Module) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    single: dict[str, float] = {}
    for transform in transforms:
        name = type(transform).__name__
        start = time.perf_counter()
        item = transform(item)
        single[f"  {name}"] = time.perf_counter() - start
        part = "reading" if name in READING else "screening, registration" if name in SCREENING else "preprocessing"
        spent[part] += single[f"  {name}"]
    start = time.perf_counter()
    arrays = [item[key] for key in ("image", "prior") if isinstance(item.get(key), torch.Tensor)]
    with torch.inference_mode():
        network(*(array.as_subclass(torch.Tensor)[None] for array in arrays))
    spent["network"] = time.perf_counter() - start
    return {**spent, "all": sum(spent.values()), **single}


if __name__ == "__main__":
    main()
