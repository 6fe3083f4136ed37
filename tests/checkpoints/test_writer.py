"""A file under its final name is whole, whatever happens to the write."""

from __future__ import annotations

import errno
import os
import resource
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import CheckpointError, read_checkpoint, write_checkpoint


@pytest.fixture
def old(tmp_path: Path, contents: dict[str, Any]) -> Path:
    path = tmp_path / "best_model.pth"
    write_checkpoint(path, contents)
    return path


@pytest.fixture
def file_size_limit(old: Path) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def assert_intact(old: Path) -> None:
    assert read_checkpoint(old)["epoch"] == 3
    assert os.listdir(old.parent) == [old.name]


def test_written_values_come_back(tmp_path: Path, contents: dict[str, Any]) -> None:
    path = tmp_path / "a.pth"
    write_checkpoint(path, contents)
    loaded = read_checkpoint(path)
    assert loaded.keys() == contents.keys()
    assert loaded["best_val_acc"] == 0.625
    for name, weight in contents["model_state_dict"].items():
        torch.testing.assert_close(loaded["model_state_dict"][name], weight, rtol=0, atol=0)


def test_new_file_replaces_the_old_one(old: Path, contents: dict[str, Any]) -> None:
    write_checkpoint(old, {**contents, "epoch": 4})
    assert read_checkpoint(old)["epoch"] == 4
    assert os.listdir(old.parent) == [old.name]


def test_content_is_on_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, contents: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace, testzip = os.fsync, os.replace, zipfile.ZipFile.testzip

    def recorded_fsync(descriptor: int) -> None:
        calls.append("fsync " + Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def recorded_replace(source: Path, target: Path) -> None:
        calls.append(f"replace {target.name}")
        replace(source, target)

    def recorded_testzip(archive: zipfile.ZipFile) -> str | None:
        calls.append("verify")
        return testzip(archive)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    monkeypatch.setattr(zipfile.ZipFile, "testzip", recorded_testzip)
    write_checkpoint(tmp_path / "a.pth", contents)
    assert calls[1:] == ["verify", "replace a.pth", f"fsync {tmp_path.name}"]
    assert Path(calls[0]).match("fsync a.pth.*.tmp")


@pytest.mark.usefixtures("file_size_limit")
def test_old_file_survives_when_the_new_one_grows_too_large(old: Path, contents: dict[str, Any]) -> None:
    large = {**contents, "model_state_dict": {"weight": torch.zeros(100_000)}}
    with pytest.raises(CheckpointError, match=r"could not save .*best_model\.pth"):
        write_checkpoint(old, large)
    assert_intact(old)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_old_file_survives_a_full_disk(
    call: str, old: Path, contents: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(CheckpointError, match="No space left on device; the checkpoints saved before are intact"):
            write_checkpoint(old, {**contents, "epoch": 4})
    assert_intact(old)


def test_old_file_survives_bytes_that_did_not_arrive(
    old: Path, contents: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "testzip", lambda archive: "data/0")
        with pytest.raises(CheckpointError, match="data/0 did not arrive whole"):
            write_checkpoint(old, {**contents, "epoch": 4})
    assert_intact(old)


def test_an_error_without_a_message_is_still_one_clear_line(
    old: Path, contents: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fails)
        with pytest.raises(CheckpointError, match="RuntimeError; the checkpoints"):
            write_checkpoint(old, contents)
    assert_intact(old)


def test_read_only_file_system_is_one_clear_error(
    old: Path, contents: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Linux refuses to unlink there before it looks whether the file exists.
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", read_only)
        patch.setattr(Path, "unlink", read_only)
        with pytest.raises(CheckpointError, match="Read-only file system"):
            write_checkpoint(old, contents)
    assert_intact(old)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to any folder")
def test_folder_without_permission_is_one_clear_error(old: Path, contents: dict[str, Any]) -> None:
    old.parent.chmod(0o500)
    try:
        with pytest.raises(CheckpointError, match="Permission denied"):
            write_checkpoint(old, contents)
    finally:
        old.parent.chmod(0o700)
    assert_intact(old)


def test_absent_folder_is_one_clear_error(tmp_path: Path, contents: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="No such file or directory"):
        write_checkpoint(tmp_path / "absent" / "a.pth", contents)


def test_incomplete_contents_are_refused_before_anything_is_written(tmp_path: Path, contents: dict[str, Any]) -> None:
    del contents["scheduler_state_dict"], contents["epoch"]
    with pytest.raises(ValueError, match=r"a\.pth would lack \['epoch', 'scheduler_state_dict'\]"):
        write_checkpoint(tmp_path / "a.pth", contents)
    assert not os.listdir(tmp_path)


def test_unknown_object_is_refused_before_anything_is_written(tmp_path: Path, contents: dict[str, Any]) -> None:
    contents["settings"] = {"callback": len}
    with pytest.raises(TypeError, match=r"checkpoint\.settings\.callback"):
        write_checkpoint(tmp_path / "a.pth", contents)
    assert not os.listdir(tmp_path)
