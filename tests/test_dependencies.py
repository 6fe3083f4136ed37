"""Every dependency has a line that says what it is for, and no line outlives its dependency."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_each_dependency_is_explained_once_and_each_explanation_has_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!package|---)([^|]+) \|", section, flags=re.MULTILINE)
    explained = [name for row in rows for name in row.split(", ")]

    assert sorted(explained) == sorted(re.split(r"[<>=]", name)[0] for name in declared)
