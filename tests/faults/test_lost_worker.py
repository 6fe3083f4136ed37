"""A loader's worker that the system ends, as it does for want of memory, is one line; the run goes on with a resume."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import get_worker_info
from whole_run import Whole

from admoe_monai.data import PreprocessedStore, SeededDataset
from admoe_monai.errors import one_line_errors
from run_comparison import assert_same_run

SAID = "a worker that reads scans was ended from outside, .*for want of memory; .*fewer --num_workers"


def lost_in_a_worker(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let the system end whichever worker calls this."""

    def called(*args: Any) -> Any:
        if get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args)

    return called


def test_a_worker_lost_in_training_is_one_line_and_a_resume_goes_on(
    whole_3d: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(SeededDataset, "__getitem__", lost_in_a_worker(SeededDataset.__getitem__))
        with pytest.raises(SystemExit, match=SAID), one_line_errors():
            whole_3d.start(tmp_path / "run", num_workers=1)
    log = (tmp_path / "run" / "training.log").read_text()
    assert "Stopped: a worker that reads scans was ended from outside" in log
    assert "Traceback" not in log
    whole_3d.resume(tmp_path / "run")
    assert_same_run(tmp_path / "run", whole_3d.folder)


def test_a_worker_lost_in_filling_the_store_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    transform = lost_in_a_worker(lambda item: {**item, "image": np.zeros(1), "foreground": np.zeros(1)})
    store = PreprocessedStore([{"image": str(tmp_path / "x")}], transform, tmp_path / "store", "a")
    with pytest.raises(SystemExit, match=SAID), one_line_errors():
        store.prepare(num_workers=1)
    assert store.prepare() == 1
