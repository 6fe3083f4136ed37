"""The folder of a command: each file is whole or not there, and what a disk refuses is one line."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from matplotlib.figure import Figure

from admoe_monai.errors import UserError
from admoe_monai.workflows.finished.output import OutputFolder


def test_it_is_made_at_once_and_takes_text_pictures_and_volumes(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "run" / "maps")
    assert folder.write("about.json", "für alle").read_text(encoding="utf-8") == "für alle"
    assert folder.picture("scans/one.png", Figure()).read_bytes().startswith(b"\x89PNG")
    values = np.random.default_rng(0).normal(size=(4, 5, 6))
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    image: Any = nib.load(folder.volume("mean.nii.gz", values, affine))
    np.testing.assert_array_equal(image.get_fdata(), values.astype(np.float32))
    np.testing.assert_array_equal(image.affine, affine)


def test_a_full_disk_is_one_line_and_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = OutputFolder(tmp_path)
    folder.write("about.json", "old")

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(
        UserError, match=r"cannot write .*about\.json: No space left on device; make room or name another"
    ):
        folder.write("about.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["about.json"]
    assert (tmp_path / "about.json").read_text() == "old"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UserError, match=r"cannot make the folder .*file/out: Not a directory; name another with --output"
    ):
        OutputFolder(tmp_path / "file" / "out")
