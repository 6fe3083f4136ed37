"""The store serves what the transform would compute now, never what it computed of something else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from admoe_monai.data import PreprocessedStore
from admoe_monai.errors import UserError


def read(item: dict[str, Any]) -> dict[str, Any]:
    values = np.frombuffer(Path(item["image"]).read_bytes(), np.uint8).copy()
    return {**item, "image": values, "foreground": values > 0}


def store_of(folder: Path, *images: str, digest: str = "a") -> PreprocessedStore:
    return PreprocessedStore([{"image": str(folder / image)} for image in images], read, folder / "store", digest)


def test_second_look_computes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1\0")
    assert store_of(tmp_path, "x").prepare() == 1
    assert store_of(tmp_path, "x").prepare() == 0
    assert store_of(tmp_path, "x")[0]["image"].tolist() == [1, 0]


def test_another_preprocessing_finds_no_entry(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1")
    store_of(tmp_path, "x").prepare()
    assert store_of(tmp_path, "x", digest="b").prepare() == 1


def test_image_rewritten_with_its_size_and_time_is_not_stale(tmp_path: Path) -> None:
    image = tmp_path / "x"
    image.write_bytes(b"\1")
    store_of(tmp_path, "x").prepare()
    status = image.stat()
    image.write_bytes(b"\2")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store_of(tmp_path, "x")[0]["image"].tolist() == [2]


def test_absent_images_are_reported_together_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1")
    with pytest.raises(UserError, match=r"cannot read the image .*gone: No such file.* \(and 1 more of 3 images\)$"):
        store_of(tmp_path, "gone", "x", "lost").prepare()


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1")
    store_of(tmp_path, "x").prepare()
    assert not list((tmp_path / "store").rglob("*.tmp"))
