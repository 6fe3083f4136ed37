"""Each command on each fault of its input: one line and the documented exit code, no traceback, nothing half written.

The marker `faults` has all cells, and without it some of them are run. `docs/bad_input.md` is what
was printed: `python scripts/checks/bad_input_table.py` writes it anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from admoe_monai.workflows.bundles.export import export
from bad_input import Cell
from bad_input_cells import cells

Admoe = Callable[..., tuple[int, str, str]]
ALL = list(cells())
#: Cells that are always run: each is of another part of the code.
ALWAYS = (
    "prepare table: truncated",
    "inspect: pickled code",
    "check: a list instead",
    "evaluate: best_model.pth: truncated",
)
#: What a command may leave behind that stopped at the fault: folders, its own cache, and a log that says why.
KEPT = re.compile(r"(^|/)(preprocessed|checkpoints)(/|$)|\.log$|^run/run\.lock$|\.jsonl$")


@pytest.fixture(scope="module")
def tiny_bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("bad_input") / "bundle", [], 0)


@pytest.fixture
def here(
    tiny_cohort: Path, tiny_run: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A working directory with a cohort, a run on it, a bundle, a table and an overlay; its name is of an awkward kind."""
    folder = tmp_path / "für alle #1"
    shutil.copytree(tiny_cohort.parent, folder / "cohort", ignore=shutil.ignore_patterns("preprocessed"))
    shutil.copytree(tiny_run, folder / "run")
    shutil.copytree(tiny_bundle, folder / "bundle")
    (folder / "table.csv").write_text("Subject ID,MRI ID,Visit,MR Delay,Group,CDR\nS1,S1_1,1,0,Nondemented,0\n")
    (folder / "mine.yaml").write_text("batch_size: 2\nprior_dim: 3\n")
    monkeypatch.chdir(folder)
    yield folder
    folder.chmod(0o700)


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Files by path, without what may be left."""
    found = ((path.relative_to(folder).as_posix(), path.lstat()) for path in folder.rglob("*") if not path.is_dir())
    return {name: (status.st_size, status.st_mtime_ns) for name, status in found if not KEPT.search(name)}


def shown(line: str, folder: Path) -> str:
    """A line as the table has it: places of this machine are left out."""
    line = line.replace(f"{folder}/", "").replace(str(folder), ".")
    return re.sub(r"/tmp/\S*?/(?=[^/\s]+[\s:;,)]|$)", "…/", line)


def said(output: str, error: str) -> str:
    """Return the line of the mistake, or of the first difference that `verify` has found, which is an answer."""
    told = [*error.splitlines(), *output.splitlines()]
    marked = (line.strip().partition(": ") for line in told)
    return next((rest for mark, _, rest in marked if mark in ("error", "differs")), "")


@pytest.mark.parametrize(
    "cell", [pytest.param(c, id=c.name, marks=[] if c.name in ALWAYS else pytest.mark.faults) for c in ALL]
)
def test_a_fault_is_one_line(cell: Cell, here: Path, admoe: Admoe) -> None:
    cell.break_it(here / cell.place)
    before = files(here)
    with cell.around(here / cell.place):
        code, output, error = admoe(*cell.words)
    line = said(output, error) if code else ""
    if (report := os.environ.get("BAD_INPUT_REPORT")) is not None:
        with open(report, "a", encoding="utf-8") as file:
            file.write(json.dumps([cell.entry, cell.fault, code, shown(line, here)], ensure_ascii=False) + "\n")
    assert "Traceback" not in output + error
    assert code == cell.code, output + error
    assert line or not code
    if code:
        assert files(here) == before
