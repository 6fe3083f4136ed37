"""Faults of the files that commands are given: one function per fault, one word list per entry."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch

#: What makes a command quick on the made-up cohort; the last value of an option counts.
SMALL = ["--spacing_mm", "3", "--img_size", "16", "--window_size", "2", "--embed_dim", "8", "--depths", "[1,1]"]
SMALL += ["--num_heads", "[1,2]", "--moe_stages", "[1]", "--fusion_stage", "1", "--mask_patch_size", "8"]
SMALL += ["--max_epochs", "1", "--pretrain_epochs", "0", "--warmup_epochs", "0", "--device", "cpu", "--run_dir", "out"]
SCAN = "cohort/sub-00/ses-M000/anat/sub-00_ses-M000_T1w.nii.gz"

Fault = Callable[[Path], None]
Around = Callable[[Path], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Cell:
    """A cell of the table.

    Attributes:
        entry: Command.
        fault: Fault in words, as the table has it.
        words: Words of the command; `out` is what it writes.
        place: File or folder with the fault.
        break_it: Function that puts the fault there.
        around: Context in which the command runs.
        code: Exit code.
    """

    entry: str
    fault: str
    words: tuple[str, ...]
    place: str
    break_it: Fault
    around: Around = lambda _: nullcontext()
    code: int = 1

    @property
    def name(self) -> str:
        """Name of the test, and first columns of the table."""
        return f"{self.entry}: {self.fault}"


def missing(path: Path) -> None:
    """Take it away."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def empty(path: Path) -> None:
    """Leave no byte, or no file."""
    if path.is_dir():
        shutil.rmtree(path)
        path.mkdir()
    else:
        path.write_bytes(b"")


def truncated(path: Path) -> None:
    """Leave half."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def folder_instead(path: Path) -> None:
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()


def file_instead(path: Path) -> None:
    """Put a file in the place of a folder."""
    shutil.rmtree(path)
    path.write_text("a file")


def picture_instead(path: Path) -> None:
    """Put other bytes in its place."""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


def list_instead(path: Path) -> None:
    """Put JSON, or YAML, of another shape in its place."""
    path.write_text("[1, 2]\n")


def nan_in_json(path: Path) -> None:
    """Put NaN where an age stands, as Python's json writes and reads it."""
    content = json.loads(path.read_text())
    content["training"][0]["prior"]["age"] = float("nan")
    path.write_text(json.dumps(content))


def path_that_leaves(path: Path) -> None:
    """Name an image above the folder."""
    content = json.loads(path.read_text())
    content["training"][0]["image"] = "../outside.nii.gz"
    path.write_text(json.dumps(content))


def absolute_path(path: Path) -> None:
    """Name an image elsewhere."""
    content = json.loads(path.read_text())
    content["training"][0]["image"] = "/etc/passwd"
    path.write_text(json.dumps(content))


def nan_in_scan(path: Path) -> None:
    """Put NaN into a voxel."""
    image: Any = nib.load(path)
    voxels = image.get_fdata(dtype=np.float32)
    voxels[0, 0, 0] = np.nan
    nib.save(nib.Nifti1Image(voxels, image.affine), path)


def four_axes(path: Path) -> None:
    """Put several volumes into one file."""
    nib.save(nib.Nifti1Image(np.arange(1024, dtype=np.float32).reshape(8, 8, 4, 4), np.eye(4)), path)


def bare_tensor(path: Path) -> None:
    """Save what is no checkpoint."""
    torch.save(torch.zeros(3), path)


def with_code(path: Path) -> None:
    """Save an object that pickle would make by a call."""
    torch.save({"model_state_dict": Path("x"), "made_by": nullcontext}, path)


def flipped_bit(path: Path) -> None:
    """Damage one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def as_it_is(path: Path) -> None:
    """Leave it: the fault is around it."""


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Take the right to read it away."""
    from injection import without_privilege

    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with without_privilege():
            yield
    finally:
        path.chmod(mode)


@contextmanager
def read_only_here(path: Path) -> Iterator[None]:
    """Take the right to write into the working directory away."""
    from injection import without_privilege

    here = Path.cwd()
    mode = here.stat().st_mode
    here.chmod(0o500)
    try:
        with without_privilege():
            yield
    finally:
        here.chmod(mode)


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Refuse every file of more than a few bytes."""
    from injection import size_limit

    with size_limit(path, 64):
        yield
