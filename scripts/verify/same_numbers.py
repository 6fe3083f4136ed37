"""Train a 2D and a 3D run with workers and an interruption, and compare their final checkpoints with those of another version.

python scripts/verify/same_numbers.py make FOLDER          # with the version before, and with the one after a change
python scripts/verify/same_numbers.py compare BEFORE AFTER
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

# What says where and under which settings a run was computed, and not what came out.
DESCRIPTIVE = ("settings", "environment", "parent", "digests")
PLAN = {"max_epochs": 6, "pretrain_epochs": 3, "batch_size": 2, "patience": 0, "num_workers": 2, "drop_path_rate": 0.1,
        "clip_grad": 1.0, "save_interval": 2}  # fmt: skip
KINDS: dict[int, dict[str, Any]] = {
    2: {"in_channels": 3, "use_clinical_prior": False, "routing": "label_guided", "class_weights": "balanced"},
    3: {"fusion_type": "adaptive", "accumulation_steps": 2, "augmentation": "flip", "top_k": 2},
}


def make(folder: Path) -> None:
    """Train both runs, each stopped by a signal behind its first files and resumed.

    Args:
        folder: receives the cohorts and the run directories `2d` and `3d`.
    """
    from tiny_runs import TINY_SETTINGS, make_cohort

    for axes, own in KINDS.items():
        datalist = make_cohort(folder / f"cohort_{axes}d", axes)
        run = folder / f"{axes}d"
        settings = {"spatial_dims": axes, "datalist": datalist, "run_dir": run, **TINY_SETTINGS, **PLAN, **own}
        words = [f"--{name}={value}" for name, value in settings.items()]
        command = [
            sys.executable,
            "-m",
            "monai.bundle",
            "run",
            "training",
            "--config_file",
            "configs/train.yaml",
            *words,
        ]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not (run / "checkpoint_epoch_3.pth").exists():
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
        print(f"{axes}D: stopped with exit code {process.returncode}, {sorted(p.name for p in run.glob('*.pth'))}")
        subprocess.run([*command, "--resume=auto"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def parts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Name every value of a checkpoint with a digest of its bits.

    Args:
        value: tensor, container or plain value.
        where: its name so far.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            yield from parts(part, f"{where}/{key}")
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            yield from parts(part, f"{where}/{number}")
    elif isinstance(value, torch.Tensor):
        bits = value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        yield where, f"{value.dtype} {tuple(value.shape)} {hashlib.sha256(bits).hexdigest()}"
    else:
        yield where, repr(value)


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint."""
    contents: dict[str, Any] = torch.load(path, weights_only=True)
    return contents


def compare(before: Path, after: Path) -> int:
    """Compare all checkpoints of both runs; returns the number of values that differ.

    Args:
        before: folder made by the version before.
        after: folder made by the version after.
    """
    count = 0
    for axes in KINDS:
        names = [{file.name for file in (folder / f"{axes}d").glob("*.pth")} for folder in (before, after)]
        if names[0] != names[1]:
            print(f"{axes}D: other files: {sorted(names[0] ^ names[1])}")
            count += 1
        for name in sorted(names[0] & names[1]):
            one, other = (
                dict(parts({k: v for k, v in load(folder / f"{axes}d" / name).items() if k not in DESCRIPTIVE}, ""))
                for folder in (before, after)
            )
            different = sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
            print(f"{axes}D {name}: {len(one)} values, {len(different)} differ {different[:3]}")
            count += len(different)
    return count


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("make").add_argument("folder", type=Path)
    pair = commands.add_parser("compare")
    pair.add_argument("before", type=Path)
    pair.add_argument("after", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if arguments.command == "make":
        make(arguments.folder.resolve())
    else:
        sys.exit(1 if compare(arguments.before, arguments.after) else 0)


if __name__ == "__main__":
    main()
