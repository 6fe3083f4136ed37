"""Damage to a checkpoint of a run is detected wherever it lies, and `auto` goes on from the file before."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from whole_run import Whole

from admoe_monai.checkpoints import CheckpointError, CorruptCheckpointError, read_checkpoint
from run_comparison import assert_same_run, differences

PAGE = 4096  # bytes


def flip_a_bit(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def empty(data: bytes) -> bytes:
    return b""


def zero_a_page(data: bytes) -> bytes:
    start = len(data) // 2 // PAGE * PAGE
    return data[:start] + bytes(PAGE) + data[start + PAGE :]


DAMAGES = [flip_a_bit, cut, empty, zero_a_page]


@pytest.fixture
def checkpoint(whole: Whole, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole.folder / "checkpoint_epoch_2.pth", tmp_path))


def detected(path: Path, damaged: bytes, original: dict[str, object]) -> bool:
    """Whether reading refuses the bytes; if not, they must hold the same as before."""
    path.write_bytes(damaged)
    try:
        contents = read_checkpoint(path)
    except CheckpointError:
        return True
    assert list(differences(contents, original)) == []
    return False


def check_flips(path: Path, count: int) -> None:
    """Flip single bits spread evenly over the file."""
    data, original, draw = path.read_bytes(), read_checkpoint(path), random.Random(count)
    found = 0
    for number in range(count):
        byte = round(number * (len(data) - 1) / (count - 1))
        damaged = bytearray(data)
        damaged[byte] ^= 1 << draw.randrange(8)
        found += detected(path, bytes(damaged), original)
    # What is read over lies between the members: padding, and fields of the archive that say a thing twice.
    assert found > 0.5 * count


def test_flipped_bits_are_detected_or_change_nothing(checkpoint: Path) -> None:
    check_flips(checkpoint, 50)


@pytest.mark.faults
def test_a_thousand_flipped_bits_are_detected_or_change_nothing(checkpoint: Path) -> None:
    check_flips(checkpoint, 1000)


def check_cuts(path: Path, count: int) -> None:
    """Cut the file at lengths spread evenly, the last of them one byte short."""
    data, original = path.read_bytes(), read_checkpoint(path)
    for number in range(count):
        assert detected(path, data[: number * (len(data) - 1) // (count - 1)], original)


def test_cut_files_are_detected(checkpoint: Path) -> None:
    check_cuts(checkpoint, 20)


@pytest.mark.faults
def test_two_hundred_cut_files_are_detected(checkpoint: Path) -> None:
    check_cuts(checkpoint, 200)


def test_every_zeroed_page_is_detected(checkpoint: Path) -> None:
    data, original = checkpoint.read_bytes(), read_checkpoint(checkpoint)
    for start in range(0, len(data), PAGE):
        page = data[start : start + PAGE]
        assert detected(checkpoint, data[:start] + bytes(len(page)) + data[start + PAGE :], original)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_asked_for_by_name_is_one_clear_error(
    each_whole: Whole, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "checkpoint_epoch_2.pth"
    path.write_bytes(damage((each_whole.folder / path.name).read_bytes()))
    with pytest.raises(CorruptCheckpointError) as refusal:
        each_whole.start(tmp_path / "new", resume=str(path))
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "new").exists()


def spoil_and_resume(whole: Whole, folder: Path, names: list[str], damage: Callable[[bytes], bytes]) -> None:
    """Damage files of a run that has not finished, and go on."""
    shutil.copytree(whole.folder, folder)
    for name in ("checkpoint_epoch_3.pth", "final_model.pth"):
        (folder / name).unlink()
    for name in names:
        path = folder / name
        path.write_bytes(damage(path.read_bytes()))
    whole.resume(folder)
    assert_same_run(folder, whole.folder)
    assert f"Skipped: {folder / names[0]}" in (folder / "training.log").read_text()


# Damaged tensors leave a file's position readable, by which it counts as later than the one to go on from.
FALLBACKS = [cut, empty, flip_a_bit, zero_a_page]
NEWEST = ["checkpoint_epoch_2.pth", "finetune_checkpoint.pth", "best_model.pth"]


@pytest.mark.parametrize("damage", FALLBACKS)
def test_auto_goes_on_from_the_file_before_the_damaged_ones(
    whole_3d: Whole, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    spoil_and_resume(whole_3d, tmp_path / "run", NEWEST, damage)


@pytest.mark.faults
@pytest.mark.parametrize("damage", FALLBACKS)
@pytest.mark.parametrize("also", [["checkpoint_epoch_1.pth"], ["checkpoint_epoch_1.pth", "pretrain_checkpoint.pth"]])
def test_auto_goes_on_from_the_last_file_that_is_whole(
    whole: Whole, tmp_path: Path, damage: Callable[[bytes], bytes], also: list[str]
) -> None:
    spoil_and_resume(whole, tmp_path / "run", NEWEST + also, damage)
