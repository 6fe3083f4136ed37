"""Which file is the newest follows from what it holds, whatever the folder has been through."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from injection import Kill, kill_at_step
from whole_run import Whole

from run_comparison import assert_same_run


def test_copied_back_in_any_order_a_folder_goes_on_from_epoch_10(
    each_cohort: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One step an epoch; 10 comes before 9 in the order of names.
    whole = Whole.make(tmp_path / "whole", **each_cohort, max_epochs=12, pretrain_epochs=1, batch_size=6)
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        kill_at_step(patch, 12)
        with pytest.raises(Kill):
            whole.start(folder)
    for age, path in enumerate(sorted(folder.glob("*.pth"), key=lambda path: path.name[::-1])):
        os.utime(path, (1e9 - age, 1e9 - age))
    os.utime(folder / "checkpoint_epoch_10.pth", (0, 0))
    torch.save({"epoch": 99}, folder / "foreign.pth")
    whole.resume(folder)
    assert "checkpoint_epoch_10.pth" in (folder / "training.log").read_text()
    (folder / "foreign.pth").unlink()
    assert_same_run(folder, whole.folder)
