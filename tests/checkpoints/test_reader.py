"""Whatever is wrong with a file is noticed, named, and executes nothing."""

from __future__ import annotations

import os
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import (
    PRETRAIN,
    REQUIRED_KEYS,
    CheckpointError,
    CorruptCheckpointError,
    ForeignCheckpointError,
    position_of,
    read_checkpoint,
    write_checkpoint,
)
from admoe_monai.errors import UserError
from bounded_memory import bounded_memory


@pytest.fixture
def sound(tmp_path: Path, contents: dict[str, Any]) -> Path:
    path = tmp_path / "checkpoint_epoch_3.pth"
    write_checkpoint(path, contents)
    return path


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_truncated_file_is_refused_by_name(share: float, sound: Path) -> None:
    data = sound.read_bytes()
    sound.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CorruptCheckpointError, match=r"checkpoint_epoch_3\.pth is not a whole checkpoint"):
        read_checkpoint(sound)


def test_every_flipped_bit_is_detected_or_changes_nothing_that_is_read(sound: Path) -> None:
    data = sound.read_bytes()
    original = read_checkpoint(sound)
    draw = random.Random(0)
    flips = [(round(i * (len(data) - 1) / 119), draw.randrange(8)) for i in range(120)]
    detected = 0
    for byte, bit in flips:
        damaged = bytearray(data)
        damaged[byte] ^= 1 << bit
        sound.write_bytes(damaged)
        try:
            assert equal(read_checkpoint(sound), original), f"bit {bit} of byte {byte} went unnoticed"
        except CheckpointError:
            detected += 1
    assert detected > 0


def test_flipped_bit_of_a_weight_is_detected(tmp_path: Path, contents: dict[str, Any]) -> None:
    # torch.load alone returns the wrong weight.
    path = tmp_path / "a.pth"
    contents["model_state_dict"] = {"weight": torch.full((64,), 1.2345)}
    write_checkpoint(path, contents)
    data = path.read_bytes()
    pattern = contents["model_state_dict"]["weight"].numpy().tobytes()
    assert pattern in data
    at = data.index(pattern)
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert not equal(torch.load(path, weights_only=True)["model_state_dict"], contents["model_state_dict"])
    with pytest.raises(CorruptCheckpointError, match="checksum"):
        read_checkpoint(path)


def test_zeroed_page_is_detected(sound: Path) -> None:
    data = bytearray(sound.read_bytes())
    data[512:1536] = bytes(1024)
    sound.write_bytes(data)
    with pytest.raises(CheckpointError):
        read_checkpoint(sound)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("read", [read_checkpoint, position_of])
def test_malicious_pickle_is_refused_and_nothing_executed(
    zipped: bool, read: Any, tmp_path: Path, contents: dict[str, Any]
) -> None:
    path, trap = tmp_path / "a.pth", tmp_path / "trap"
    contents["settings"] = {"x": Malicious(trap)}
    if zipped:
        torch.save(contents, path)
    else:
        path.write_bytes(pickle.dumps(contents["settings"]))
    with pytest.raises(CheckpointError):
        read(path)
    assert not trap.exists()


def test_refusal_of_code_says_that_it_could_run(tmp_path: Path) -> None:
    torch.save({"x": Malicious(tmp_path / "trap")}, tmp_path / "a.pth")
    with pytest.raises(ForeignCheckpointError, match="loading it could run code"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("foreign", [{"weight": torch.ones(2)}, {"model": {"weight": torch.ones(2)}}, [1, 2], 5])
def test_foreign_file_is_told_apart(foreign: Any, tmp_path: Path) -> None:
    torch.save(foreign, tmp_path / "a.pth")
    with pytest.raises(ForeignCheckpointError, match="was not written by admoe_monai"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_format_version_is_named(version: Any, tmp_path: Path, contents: dict[str, Any]) -> None:
    write_checkpoint(tmp_path / "a.pth", {**contents, "format_version": version})
    with pytest.raises(
        ForeignCheckpointError, match=f"has format version {version!r}; this admoe_monai reads version 1"
    ):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("key", sorted(REQUIRED_KEYS.keys() - {"format_version"}))
def test_missing_key_is_named(key: str, tmp_path: Path, contents: dict[str, Any]) -> None:
    del contents[key]
    torch.save(contents, tmp_path / "a.pth")
    with pytest.raises(ForeignCheckpointError, match=f"lacks the key '{key}'"):
        read_checkpoint(tmp_path / "a.pth")


def test_key_of_another_type_is_named(tmp_path: Path, contents: dict[str, Any]) -> None:
    write_checkpoint(tmp_path / "a.pth", {**contents, "epoch": "3"})
    with pytest.raises(ForeignCheckpointError, match="'epoch' is str instead of int"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("change", [{"phase": "Something"}, {"phase": PRETRAIN}, {"is_pretrain": True}])
def test_phase_that_contradicts_itself_is_refused(
    change: dict[str, Any], tmp_path: Path, contents: dict[str, Any]
) -> None:
    write_checkpoint(tmp_path / "a.pth", {**contents, **change})
    with pytest.raises(ForeignCheckpointError, match="contradicts is_pretrain or is unknown"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": torch.ones(2)}, "has format version tensor"),
        ({"epoch_length": 0}, "has an epoch_length below 1"),
        ({"iteration": -1}, "or an iteration below 0"),
    ],
)
def test_a_number_that_nothing_can_be_reckoned_with_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path, contents: dict[str, Any]
) -> None:
    torch.save({**contents, **change}, tmp_path / "a.pth")
    with pytest.raises(ForeignCheckpointError, match=message):
        read_checkpoint(tmp_path / "a.pth")


def test_an_archive_of_compressed_zeros_is_refused_unread(tmp_path: Path, sound: Path) -> None:
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(tmp_path / "a.pth", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, bytes(100 << 20) if name.endswith("data/0") else old.read(name))
    with bounded_memory(), pytest.raises(ForeignCheckpointError, match="is compressed, which torch's files are not"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("read", [read_checkpoint, position_of])
def test_absent_file_is_named(read: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no checkpoint .*absent\.pth"):
        read(tmp_path / "absent.pth")


@pytest.mark.parametrize("read", [read_checkpoint, position_of])
def test_folder_is_one_clear_error(read: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        read(tmp_path)


def test_folder_that_may_not_be_entered_is_one_clear_error(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(sound))

    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(CheckpointError, match=r"cannot read .*Permission denied"):
        read_checkpoint(sound)


def test_every_refusal_is_a_users_error_of_one_line(sound: Path) -> None:
    sound.write_bytes(b"")
    with pytest.raises(UserError) as caught:
        read_checkpoint(sound)
    assert "\n" not in str(caught.value)


def test_position_is_epoch_phase_and_iteration(sound: Path) -> None:
    assert position_of(sound) == (3, True, 24)
