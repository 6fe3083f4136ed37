"""What ends a run: kills and signals at a chosen point, and refusals of the operating system."""

from __future__ import annotations

import ctypes
import errno
import io
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from ignite.engine import Engine

from admoe_monai.handlers import StepSeed
from admoe_monai.workflows.run import run_directory

_CAPABILITIES_VERSION = 0x20080522
_MAY_ANYTHING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, which make root ignore permissions


class Kill(BaseException):
    """Stands for SIGKILL: nothing in the package may catch it. The kill campaign sends the real one."""


def kill(monkeypatch: pytest.MonkeyPatch) -> NoReturn:
    """Kill the run: nobody removes a file any more on the way out, as the dead don't."""
    monkeypatch.setattr(os, "unlink", lambda *args, **kwargs: None)
    raise Kill


def at_step(monkeypatch: pytest.MonkeyPatch, step: int, action: Callable[[], None]) -> None:
    """Do something once, at the start of a step counted over both phases from 1."""
    seed, steps = StepSeed.__call__, []

    def counting(self: StepSeed, engine: Engine) -> None:
        steps.append(engine.state.iteration)
        if len(steps) == step:
            action()
        seed(self, engine)

    monkeypatch.setattr(StepSeed, "__call__", counting)


def signal_at_step(monkeypatch: pytest.MonkeyPatch, step: int, number: int) -> None:
    """Send this process a signal in the middle of a step."""
    at_step(monkeypatch, step, lambda: os.kill(os.getpid(), number))


def kill_at_step(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Kill the run in the middle of a step."""
    at_step(monkeypatch, step, lambda: kill(monkeypatch))


def kill_at_save(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Kill the run right after its n-th save."""
    kill_at_call(monkeypatch, run_directory, "write_checkpoint", number, "after")


def kill_at_call(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, number: int, moment: str, pattern: str = "*"
) -> None:
    """Kill the run before or after the n-th call of a function.

    Args:
        monkeypatch: of the test.
        owner: module of the function.
        name: of the function.
        number: counted from 1, among the calls whose first argument is a path that matches `pattern`.
        moment: before, after or, for `torch.save`, within.
        pattern: of file names.
    """
    call, calls = getattr(owner, name), []

    def counted(*args: Any, **kwargs: Any) -> Any:
        if pattern != "*" and not Path(args[0]).match(pattern):
            return call(*args, **kwargs)
        calls.append(args)
        if len(calls) == number and moment == "before":
            kill(monkeypatch)
        if len(calls) == number and moment == "within":
            write_half(*args)
            kill(monkeypatch)
        try:
            return call(*args, **kwargs)
        finally:
            # Whether it succeeded or not: the removal of a file that is not there is a moment to die at like any other.
            if len(calls) == number:
                kill(monkeypatch)

    def write_half(contents: Any, file: Any) -> None:
        buffer = io.BytesIO()
        call(contents, buffer)
        file.write(buffer.getvalue()[: buffer.tell() // 2])
        file.flush()

    monkeypatch.setattr(owner, name, counted)


@contextmanager
def no_space(folder: Path) -> Iterator[None]:
    """A disk that fills up while a checkpoint is being written."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "save", full)
        yield


@contextmanager
def size_limit(folder: Path, size: int = 65_536) -> Iterator[None]:
    """A limit to the size of files, in bytes, that a checkpoint goes beyond (RLIMIT_FSIZE)."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder without permission to write, for root too."""
    with without_privilege():
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)


@contextmanager
def without_privilege() -> Iterator[None]:
    """Hold root to permissions, as anybody else."""
    capabilities = _drop_privilege()
    try:
        yield
    finally:
        _set_capabilities(capabilities)


def fault_at_save(monkeypatch: pytest.MonkeyPatch, number: int, fault: Callable[[Path], Any]) -> None:
    """Have the operating system refuse the n-th save, and only that."""
    write, saves = run_directory.write_checkpoint, []

    def writing(path: Path, contents: Any) -> None:
        saves.append(path)
        if len(saves) != number:
            write(path, contents)
            return
        with fault(path.parent):
            write(path, contents)

    monkeypatch.setattr(run_directory, "write_checkpoint", writing)


def _drop_privilege() -> Any:
    """Give up the rights of root over files for this thread and return what was in force."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    before = (ctypes.c_uint32 * 6)(*sets)
    sets[0] &= ~_MAY_ANYTHING  # the first of six words: effective
    _set_capabilities(sets)
    return before


def _set_capabilities(sets: Any) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset((ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0), sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")
