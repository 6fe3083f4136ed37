"""Whatever a table and its mapping hold, a cohort is read or refused in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from admoe_monai.data.cohorts import VisitTable, load_mapping, prepare_cohort
from fuzzing import altered, mutated, survives
from small_cohorts import write_scan_file

MAPPING: dict[str, Any] = {
    "name": "c", "description": "text", "label_source": "clinical", "cohort": "C", "missing": ["-4", -4],
    "visit": {
        "subject_id": {"column": "ID", "pattern": r"(\w+)"}, "session_id": {"column": ["SES", "VISCODE"]},
        "date": {"column": "DAY", "kind": "date"}, "months": {"column": "VISCODE", "kind": "viscode"},
        "diagnosis": {"any_of": [{"column": "DX", "values": {0: "CN", 0.5: "MCI", "D": "AD"}}, {"column": "DX2"}]},
        "age": {"column": "AGE", "kind": "number", "range": [15, 110], "empty": None, "missing": ["x"]},
    },
    "prior": {
        "age": {"column": "AGE", "role": "clinical", "kind": "continuous", "banned_for": ["change"]},
        "sex": {"column": "SEX", "role": "clinical", "kind": "categorical", "values": {"1": "M", "2": "F"}},
    },
    "checks": {"visit_number": {"column": "N"}, "group": {"column": "GROUP", "course": {"a": "(CN )+", "b": ".*"}}},
}  # fmt: skip
TABLE = (
    "ID,VISCODE,DAY,DX,DX2,AGE,SEX,N,GROUP,SCAN\n"
    "p1,bl,2010-01-02,0,,70,1,1,a,x\np1,m36,01/05/2013,0.5,,73+,1,2,a,y\n"
    'p2,bl,2010-XX-XX,,CN,"80",2,1,b,x\np3,m12,2011-01-01,D,,n/a,2,1,,y\n'
)
WORDS = (
    "column",
    "any_of",
    "kind",
    "values",
    "pattern",
    "range",
    "missing",
    "date",
    "number",
    "viscode",
    "ID",
    "(",
    r"\d+",
)
CELLS = st.sampled_from(
    ["", "p1", "bl", "m12", "2010-01-02", "0.5", "1e999", "nan", "89+", "60-70", "\u0663", "\x1b[2J"]
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "xy":
        write_scan_file(tmp_path / f"{name}.nii.gz")
    return tmp_path


def prepare(folder: Path) -> None:
    """As `admoe prepare table TABLE --mapping MAPPING` does, but for the voxels of the images."""
    source = VisitTable(folder / "t.csv", "{SCAN}.nii.gz", load_mapping(folder / "m.yaml"))
    prepare_cohort(folder / "d.json", source, voxels=False, overwrite=True, dx_window_days=90)


def write(folder: Path, mapping: Any = MAPPING, table: bytes = TABLE.encode()) -> None:
    (folder / "m.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8", errors="surrogatepass")
    (folder / "t.csv").write_bytes(table)


def test_the_valid_table_is_read_and_what_can_not_be_is_said_of_its_rows(folder: Path) -> None:
    write(folder)
    assert len(VisitTable(folder / "t.csv", "{SCAN}.nii.gz", load_mapping(folder / "m.yaml")).read().records) == 4


@given(altered(MAPPING, *WORDS))
def test_a_mapping_with_anything_in_it(folder: Path, mapping: Any) -> None:
    write(folder, mapping)
    survives(lambda: prepare(folder))


@given(mutated(yaml.safe_dump(MAPPING).encode()))
def test_a_mapping_of_any_bytes(folder: Path, mapping: bytes) -> None:
    write(folder)
    (folder / "m.yaml").write_bytes(mapping)
    survives(lambda: prepare(folder))


@given(mutated(TABLE.encode()))
def test_a_table_of_any_bytes(folder: Path, table: bytes) -> None:
    write(folder, table=table)
    survives(lambda: prepare(folder))


@given(st.lists(st.lists(CELLS | st.text(max_size=8), min_size=10, max_size=10), min_size=1, max_size=4))
def test_a_table_with_anything_in_its_cells(folder: Path, rows: list[list[str]]) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    text = "\n".join([TABLE.splitlines()[0], *lines, ""])
    write(folder, table=text.encode("utf-8", "replace"))
    survives(lambda: prepare(folder))
