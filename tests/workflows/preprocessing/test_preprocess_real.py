"""Real heads through the whole chain. Pictures were looked at once; the numbers here keep what was seen."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from admoe_monai.data import Datalist, load_datalist, save_datalist
from admoe_monai.workflows.preprocessing.cohort import Choices
from admoe_monai.workflows.preprocessing.preprocess import preprocess

DATA = Path(__file__).parents[4] / "shared" / "data"


def preprocessed(scans: list[Path], folder: Path, **arguments: object) -> dict[str, dict[str, str]]:
    """Rows of quality.tsv, by name of the scan."""
    visits = [{"image": str(scan), "subject_id": scan.name.split(".")[0], "session_id": "1"} for scan in scans]
    save_datalist(folder / "in" / "datalist.json", Datalist("real", DATA, {"training": visits}))
    written = preprocess(folder / "in" / "datalist.json", folder / "out", spacing_mm=2.0, **arguments)
    assert len(load_datalist(written).splits["training"]) == len(scans)
    with (folder / "out" / "quality.tsv").open(newline="") as file:
        return {Path(row["scan"]).name: row for row in csv.DictReader(file, delimiter="\t")}


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no real data on this machine")
def test_both_whole_heads_are_registered(tmp_path: Path) -> None:
    scans = sorted((DATA / "raw_t1w").glob("*.nii.gz"))
    rows = preprocessed(scans, tmp_path, choices=Choices(force=True))

    assert {name: row["state"] for name, row in rows.items()} == {
        "sub-02_T1w.nii.gz": "defaced",
        "t1_crop.nii.gz": "raw",
    }
    for row in rows.values():
        assert row["qc"] == "pass"
        assert float(row["correlation"]) > 0.6
        assert 0.9 < float(row["scale"]) < 1.0


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no real data on this machine")
def test_skull_stripped_scans_are_registered_at_both_resolutions_alike(tmp_path: Path) -> None:
    name = "OAS1_0145_MR1.nii.gz"
    scale = {}
    for folder in ("oasis1_t1w_1mm", "oasis1_t1w_2mm"):
        row = preprocessed([DATA / folder / name], tmp_path / folder)[name]
        assert (row["qc"], row["state"]) == ("pass", "skull_stripped")
        assert float(row["correlation"]) > 0.6
        scale[folder] = float(row["scale"])
    assert scale["oasis1_t1w_1mm"] == pytest.approx(scale["oasis1_t1w_2mm"], abs=0.005)
