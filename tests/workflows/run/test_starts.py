"""starts.jsonl: a line per start, appended whatever the lines before are like, and read with one line about what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.start import Start
from admoe_monai.workflows.run.starts import note_start, read_starts

COMMON: dict[str, Any] = {
    "settings": {"datalist": "a\u2028b.json"}, "digests": {"datalist": "1"}, "environment": {"threads": 1}, "prior": [],
}  # fmt: skip


def note(folder: Path, path: Path | None = None) -> None:
    start = Start({})
    start.path = path
    note_start(folder, start, [], COMMON)


def test_a_line_is_appended_and_what_was_damaged_stays(tmp_path: Path) -> None:
    file = tmp_path / "starts.jsonl"
    file.write_text("torn")
    note(tmp_path)
    note(tmp_path)
    first, *others = file.read_text().splitlines()
    assert first == "torn"
    file.write_text("\n".join(others))
    assert [start.settings for start in read_starts(file)] == [COMMON["settings"]] * 2


def test_a_run_in_a_new_folder_takes_the_lines_before_along(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    note(old)
    note(new, old / "final_model.pth")
    assert [start.checkpoint for start in read_starts(new / "starts.jsonl")] == [None, "final_model.pth"]
    assert len(read_starts(old / "starts.jsonl")) == 1


def test_a_run_of_before_has_none(tmp_path: Path) -> None:
    assert read_starts(tmp_path / "starts.jsonl") == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epoch": "0"}, "line 2: not the record of a start"),
        ({"epoch": True}, "line 2: not the record of a start"),
        ({"more": 1}, "line 2: not the record of a start"),
        ({"digests": {}}, "line 2: not the record of a start"),
        ({"settings": {"datalist": 5}}, "line 2: not the record of a start"),
        ({"forgotten": [["best_loss"]]}, r"line 2: best scores that no run has: \[\['best_loss'\]\]"),
        ({"forgotten": ["best"]}, r"line 2: best scores that no run has: \['best'\]"),
    ],
    ids=str,
)
def test_a_line_that_is_no_start_is_named(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    file = tmp_path / "starts.jsonl"
    note(tmp_path)
    (line,) = file.read_text().splitlines()
    file.write_text(f"{line}\n{json.dumps({**json.loads(line), **change})}\n")
    with pytest.raises(UserError, match=said):
        read_starts(file)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000], ids=["torn", "binary", "deep"])
def test_a_file_that_is_no_record_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "starts.jsonl").write_bytes(content)
    with pytest.raises(UserError, match=r"starts.jsonl(, line 1: not JSON| can't be read)"):
        read_starts(tmp_path / "starts.jsonl")
