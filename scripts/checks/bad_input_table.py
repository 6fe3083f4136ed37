"""Write docs/bad_input.md: what each command says to each fault of its input, as the tests have printed it.

python scripts/checks/bad_input_table.py    # runs all cells of tests/faults/test_bad_input.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/bad_input.md"
HEAD = """# Bad input

What each command does with input that is missing, damaged or of another kind, as `scripts/checks/bad_input_table.py` has
printed it. No traceback, and nothing half written: what was there before is as it was. The folder of all of it has an umlaut,
blanks and a `#` in its name. Exit codes: [commands.md](commands.md).
"""


def rows() -> list[tuple[str, str, int, str]]:
    """Run the cells and collect what was printed: command, fault, exit code, line."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        words = ["-q", "-p", "no:cacheprovider", "-m", "faults or not faults", "tests/faults/test_bad_input.py"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=ROOT,
            env={**os.environ, "BAD_INPUT_REPORT": str(report)},
            check=False,
        )
        if done.returncode:
            raise SystemExit("some cells fail; the page is as it was")
        return [tuple(json.loads(line)) for line in report.read_text(encoding="utf-8").splitlines()]


def page(found: list[tuple[str, str, int, str]]) -> str:
    """Format the page.

    Args:
        found: Command, fault, exit code and line of each cell.
    """
    lines = [HEAD]
    for entry in dict.fromkeys(entry for entry, *_ in found):
        lines += [f"## {entry}", "", "| fault | exit code | line |", "| --- | --- | --- |"]
        lines += [f"| {fault} | {code} | {_cell(line)} |" for of, fault, code, line in found if of == entry]
        lines.append("")
    return "\n".join(lines)


def _cell(line: str) -> str:
    return line.replace("|", "\\|").replace("<", "&lt;") if line else "goes on"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(rows()), encoding="utf-8")


if __name__ == "__main__":
    main()
