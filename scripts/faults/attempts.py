"""Starts a watched run in a process of its own, follows its reports, and kills it."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import watched_run


@dataclass
class Step:
    """A step of training that has begun.

    Attributes:
        first_epoch: of its phase.
        iteration: within the phase, counted from 1.
        epoch_length: in steps.
    """

    first_epoch: int
    iteration: int
    epoch_length: int

    @property
    def epoch(self) -> int:
        """Of the run, counted from 0."""
        return self.first_epoch + (self.iteration - 1) // self.epoch_length


@dataclass
class Attempt:
    """One start of the command.

    Attributes:
        pid: of its process.
        pipe: its reports.
        steps: the first and the latest one reported.
        saves: how many have begun.
        saving: the file being written now.
        saved: the latest file that was.
    """

    pid: int
    pipe: int
    steps: list[Step] = field(default_factory=list)
    saves: int = 0
    saving: str | None = None
    saved: str | None = None

    def __post_init__(self) -> None:
        self._ends = os.pidfd_open(self.pid)
        self._unread = b""

    def follow(self, seconds: float, until: Callable[[Attempt], bool] = lambda attempt: False) -> bool:
        """Read reports until it is time to kill.

        Args:
            seconds: from now.
            until: what this attempt reports may end the time before.

        Returns:
            False if the process has ended before.
        """
        end = time.monotonic() + seconds
        while not until(self):
            ready, _, _ = select.select([self.pipe, self._ends], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return True
            if self.pipe in ready and self._read():
                continue
            if self._ends in ready:
                return False
        return True

    def kill(self) -> int:
        """Send SIGKILL, unless the process has ended, and take in what it reported before.

        Returns:
            The exit status; negative if a signal ended the process.
        """
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        # Not to the end of the file: a loader's workers hold the pipe for some seconds longer.
        while select.select([self.pipe], [], [], 0)[0] and self._read():
            pass
        os.close(self.pipe)
        os.close(self._ends)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        data = os.read(self.pipe, 65536)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._take(*line.decode().split())
        return bool(data)

    def _take(self, what: str, *words: str) -> None:
        if what == "step":
            self.steps = [*self.steps[:1], Step(*map(int, words))]
        elif what == "begin":
            self.saves, self.saving = self.saves + 1, words[0]
        else:
            self.saving, self.saved = None, words[0]


def start(arguments: Sequence[str], output: Path, fresh: bool) -> Attempt:
    """Start the command.

    Args:
        arguments: of `python -m monai.bundle`.
        output: file that stdout and stderr are appended to.
        fresh: start a new interpreter; otherwise a copy of this process, which has imported everything and has run nothing.

    Raises:
        RuntimeError: if this process has a second thread, which a copy would lack.
    """
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        raise RuntimeError(f"this process has {threads} threads: a copy of it would not be sound")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return Attempt(pid, reading)
    try:
        os.close(reading)
        with open(output, "ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        if fresh:
            os.set_inheritable(writing, True)
            os.execv(sys.executable, [sys.executable, watched_run.__file__, str(writing), *arguments])
        watched_run.run(writing, arguments)
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
        print(left.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        # Nothing of the parent's may run in its copy.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
