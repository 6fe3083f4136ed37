"""The tables of a run as it writes them, and as a spreadsheet saves them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from admoe_monai.errors import UserError
from admoe_monai.handlers import append_row
from admoe_monai.metrics_rows import read_metrics, read_table

TABLE = "epoch,phase,loss\n0,pretrain,0.5\n1,finetune,0.25\n"


def test_a_mark_in_front_and_blank_lines_don_t_count(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(TABLE)
    plain = read_table(path)
    path.write_bytes(b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert read_table(path) == plain
    append_row(path, {"epoch": 2, "phase": "finetune", "loss": 0.125})
    assert path.read_text() == f"{TABLE}2,finetune,0.125\n"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (TABLE.replace(",", ";"), 2),
        (TABLE.replace("1,", "1.0,"), 3),
        (TABLE.replace("finetune", ""), 3),
        (TABLE.replace("0.25", "0,25"), 3),
        (TABLE.replace("\n1,", "\n\n\n1;"), 5),
    ],
    ids=["semicolons", "a decimal", "no phase", "a cell too many", "after blank lines"],
)
def test_what_is_no_row_is_named_with_its_line(content: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}, line {line}: not the row of an epoch$"):
        read_metrics(path)
    with pytest.raises(UserError, match="not the row of an epoch"):
        append_row(path, {"epoch": 2, "phase": "finetune"})
    assert path.read_text() == content
