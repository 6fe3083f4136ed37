"""`admoe propose` from the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from admoe_monai.cli.main import main


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["admoe", "propose", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_it_prints_what_was_seen_and_writes_an_overlay_once(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "proposed.yaml"
    options = (tiny_cohort, "--output", path, "--memory", 8, "--cores", 3, "--device", "cpu")
    assert call(monkeypatch, *options) == 0
    output = capsys.readouterr()
    assert "6 (6)" in output.out
    assert "24 x 22 x 23 voxels of 2 x 2 x 2 mm (medians)" in output.out
    assert path.read_text() in output.out
    assert f"admoe train {path} --datalist " in output.out
    assert yaml.safe_load(path.read_text())["threads"] == 3
    assert call(monkeypatch, *options) == 1
    assert capsys.readouterr().err.startswith(f"error: {path} is there already")
