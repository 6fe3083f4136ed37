"""The store serves what the transform would compute now, never what it computed of something else."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
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


def masked_store(folder: Path, mask: str | None) -> PreprocessedStore:
    visit = {"image": str(folder / "x"), **({"brain_mask": str(folder / mask)} if mask else {})}
    return PreprocessedStore([visit], lambda item: {**read(item), "image": masked(item)}, folder / "store", "a")


def masked(item: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(Path(item.get("brain_mask") or item["image"]).read_bytes(), np.uint8).copy()


def test_a_mask_and_its_changes_find_no_entry_of_another_one(tmp_path: Path) -> None:
    for name in ("x", "mask", "other"):
        (tmp_path / name).write_bytes(b"\1")
    assert masked_store(tmp_path, None).prepare() == 1
    assert masked_store(tmp_path, "mask").prepare() == 1
    assert masked_store(tmp_path, "other").prepare() == 1
    (tmp_path / "mask").write_bytes(b"\2")
    assert masked_store(tmp_path, "mask")[0]["image"].tolist() == [2]
    assert [masked_store(tmp_path, name).prepare() for name in (None, "mask", "other")] == [0, 0, 0]


def test_an_absent_mask_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1")
    with pytest.raises(UserError, match=r"cannot read the mask .*gone: No such file"):
        masked_store(tmp_path, "gone").prepare()


def test_absent_images_are_reported_together_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1")
    with pytest.raises(UserError, match=r"cannot read the image .*gone: No such file.* \(and 1 more of 3 images\)$"):
        store_of(tmp_path, "gone", "x", "lost").prepare()


def test_what_a_kill_left_goes_once_nobody_can_be_writing_it(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1")
    store_of(tmp_path, "x").prepare()
    [entry] = (tmp_path / "store").rglob("*.npz")
    old, new = (entry.with_name(f"{entry.name}.{number}.tmp") for number in ("0123abcd", "4567abcd"))
    for stray in (old, new):
        stray.write_bytes(b"cut")
    os.utime(old, (0, 0))
    store_of(tmp_path, "x").prepare()
    assert {path.name for path in entry.parent.iterdir()} == {entry.name, new.name}


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1")
    store_of(tmp_path, "x").prepare()
    assert not list((tmp_path / "store").rglob("*.tmp"))


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def ask_for_less(path: Path) -> None:
    """As if the header had always described two values, which np.load believes."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"'shape': (3,)", b"'shape': (2,)"))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "empty": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + bytes(1 << 17)),
    "flipped value": lambda path: flip(path, path.read_bytes().index(b"\7\10\11")),
    "another shape": ask_for_less,
    "another key": lambda path: np.savez(path, other=np.zeros(3)),
    "a single array": lambda path: path.write_bytes(np.zeros(3).tobytes()),
    "pickle": lambda path: path.write_bytes(pickle.dumps(Trap(path.with_name("trap")))),
    "pickled member": lambda path: np.savez(path, image=np.array([Trap(path.with_name("trap"))], object)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_entry_is_computed_anew_with_one_line_and_nothing_in_it_is_executed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object]
) -> None:
    (tmp_path / "x").write_bytes(b"\7\10\11")
    store = store_of(tmp_path, "x")
    store.prepare()
    [entry] = (tmp_path / "store").rglob("*.npz")
    damage(entry)
    for _ in range(2):
        assert store[0]["image"].tolist() == [7, 8, 9]
        assert store[0]["foreground"].tolist() == [True] * 3
    [record] = caplog.records
    assert f"{entry} is damaged" in record.message
    assert "\n" not in record.message
    assert not entry.with_name("trap").exists()


def test_no_flipped_bit_changes_what_is_served(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\7\10\11")
    store = store_of(tmp_path, "x")
    store.prepare()
    [entry] = (tmp_path / "store").rglob("*.npz")
    whole = entry.read_bytes()
    for position in range(0, 8 * len(whole), 13):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        entry.write_bytes(flipped)
        item = store[0]
        assert item["image"].tolist() == [7, 8, 9], position
        assert item["foreground"].tolist() == [True] * 3, position


def test_damaged_entry_whose_image_is_no_longer_readable_is_the_users_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\7")
    store = store_of(tmp_path, "x")
    store.prepare()
    [entry] = (tmp_path / "store").rglob("*.npz")
    entry.write_bytes(b"")
    store.transform = lambda visit: 1 / 0
    with pytest.raises(UserError, match=r"cannot preprocess .*x: division by zero$"):
        store[0]


def test_arrays_are_mapped_and_aligned_and_writing_to_them_changes_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(range(1, 200)))
    store = store_of(tmp_path, "x")
    store.prepare()
    (entry,) = (tmp_path / "store").rglob("*.npz")
    before = entry.read_bytes()
    arrays = store._read(entry)

    assert all(isinstance(array, np.memmap) and array.ctypes.data % 64 == 0 for array in arrays.values())
    item = store[0]
    item["image"] += 1
    assert store[0]["image"].tolist() == list(range(1, 200))
    assert entry.read_bytes() == before


def test_an_entry_that_changes_after_its_first_look_is_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1\2\3")
    store = store_of(tmp_path, "x")
    assert store[0]["image"].tolist() == store[0]["image"].tolist() == [1, 2, 3]
    (entry,) = (tmp_path / "store").rglob("*.npz")
    flip(entry, entry.read_bytes().rindex(b"\1\2\3"))
    os.utime(entry, ns=(0, 0))

    assert store[0]["image"].tolist() == [1, 2, 3]


def test_an_entry_of_another_layout_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\1\2\3")
    store = store_of(tmp_path, "x")
    store.prepare()
    (entry,) = (tmp_path / "store").rglob("*.npz")
    np.savez(entry, image=np.asfortranarray(np.eye(2)), foreground=np.zeros((2, 2), bool))

    assert store[0]["image"].tolist() == [[1, 0], [0, 1]]
