"""Signals that come at a chosen moment of a run in this process."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest


def signal_at_call(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, call: int) -> None:
    """Send the process a signal once, at the start of the n-th call of a method."""
    original, calls = getattr(owner, method), []

    def counting(*args: Any) -> Any:
        calls.append(method)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*args)

    monkeypatch.setattr(owner, method, counting)
