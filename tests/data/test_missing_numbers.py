"""NaN, which Python writes into JSON beyond the standard, is a missing value like null."""

from __future__ import annotations

import json
from pathlib import Path

from admoe_monai.data import load_datalist, save_datalist


def test_nan_is_missing_and_can_be_written_down(tiny_cohort: Path, tmp_path: Path) -> None:
    content = json.loads(tiny_cohort.read_text())
    content["training"][0]["prior"]["age"] = float("nan")
    (tmp_path / "datalist.json").write_text(json.dumps(content))
    cohort = load_datalist(tmp_path / "datalist.json", tiny_cohort.parent)
    assert cohort.splits["training"][0]["prior"]["age"] is None
    save_datalist(tiny_cohort.parent / "copy.json", cohort)
    (tiny_cohort.parent / "copy.json").unlink()
