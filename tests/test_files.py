"""A file that has its name is intact, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.files import atomic, sweep_temporaries, write_atomic


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "figures.json"
    path.write_text("old")
    return path


def assert_untouched(old: Path) -> None:
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == [old.name]


def test_text_is_written_as_it_stands(old: Path) -> None:
    with atomic(old) as file:
        file.write("Größe\r\n\n")
    assert old.read_bytes() == "Größe\r\n\n".encode()
    assert os.listdir(old.parent) == [old.name]


def test_bytes_are_written_as_they_are(old: Path) -> None:
    with atomic(old, "wb") as file:
        file.write(b"\x00\r\n\xff")
    assert old.read_bytes() == b"\x00\r\n\xff"


@pytest.mark.parametrize(("content", "written"), [("é\n", b"\xc3\xa9\n"), (b"\xff", b"\xff")])
def test_content_at_hand_takes_one_call(old: Path, content: bytes | str, written: bytes) -> None:
    write_atomic(old, content)
    assert old.read_bytes() == written


def test_until_the_end_the_old_file_has_the_name(old: Path) -> None:
    with atomic(old) as file:
        file.write("new")
        file.flush()
        assert old.read_text() == "old"
    assert old.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(old: Path, error: type[BaseException]) -> None:
    def write_half() -> None:
        with atomic(old) as file:
            file.write("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert_untouched(old)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    old: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match="No space left on device"):
            write_atomic(old, "new")
    assert_untouched(old)


def test_the_first_error_is_reported_where_the_removal_is_refused_too(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ValueError, match="the cause"), atomic(old):
        raise ValueError("the cause")


def test_what_the_verification_refuses_gets_no_name(old: Path) -> None:
    def verify(path: Path) -> None:
        raise ValueError(f"{path.read_text()} is not {old.read_text()}")

    with pytest.raises(ValueError, match="new is not old"), atomic(old, verify=verify) as file:
        file.write("new")
    assert_untouched(old)


@pytest.mark.parametrize("flush_folder", [False, True])
def test_bytes_reach_the_disk_before_the_name_and_the_name_before_the_return(
    old: Path, monkeypatch: pytest.MonkeyPatch, flush_folder: bool
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        calls.append(f"flush {path.name if path.is_dir() else path.read_text()}")
        fsync(descriptor)

    def recorded_replace(source: Path, target: Path) -> None:
        calls.append(f"name {target.name}")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    with atomic(old, verify=lambda path: calls.append(f"verify {path.read_text()}"), flush_folder=flush_folder) as file:
        file.write("new")
    flushes = [f"flush {old.parent.name}"] if flush_folder else []
    assert calls == ["flush new", "verify new", "name figures.json", *flushes]


def test_a_file_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", "")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    contents = [str(number) * 10_000 for number in range(10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_atomic(tmp_path / "a", content), contents * 10))
    assert (tmp_path / "a").read_text() in contents
    assert os.listdir(tmp_path) == ["a"]


def test_no_dotfile_is_made(old: Path) -> None:
    with atomic(old):
        assert not [name for name in os.listdir(old.parent) if name.startswith(".")]


def test_a_sweep_removes_what_a_kill_left_and_nothing_else(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt), atomic(old):
            raise KeyboardInterrupt
    [stray] = (path for path in old.parent.iterdir() if path != old)
    assert sweep_temporaries(old.parent) == [stray]
    assert_untouched(old)


def test_a_sweep_leaves_what_others_have_named_so(tmp_path: Path) -> None:
    for name in ("notes.tmp", "a.0f.tmp", "a.0123456g.tmp", ".0123abcd.tmp"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "a.0123abcd.tmp").mkdir()
    (tmp_path / "link.0123abcd.tmp").symlink_to(tmp_path / "notes.tmp")
    before = sorted(os.listdir(tmp_path))
    assert sweep_temporaries(tmp_path) == []
    assert sorted(os.listdir(tmp_path)) == before


def test_a_sweep_of_a_shared_folder_leaves_what_is_being_written(tmp_path: Path) -> None:
    for name in ("old.0123abcd.tmp", "new.0123abcd.tmp"):
        (tmp_path / name).write_text("")
    two_days_ago = time.time() - 48 * 3600
    os.utime(tmp_path / "old.0123abcd.tmp", (two_days_ago, two_days_ago))
    assert sweep_temporaries(tmp_path, shared=True) == [tmp_path / "old.0123abcd.tmp"]
    assert sweep_temporaries(tmp_path) == [tmp_path / "new.0123abcd.tmp"]
