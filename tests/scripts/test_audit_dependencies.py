"""The audit of dependencies: a finding fails, and where nothing can be asked, a line says so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/checks/audit_dependencies.sh"
FINDING = "Found 1 known vulnerability in 1 package"


def audit(folder: Path, says: str | None, code: int = 0) -> tuple[int, str]:
    """Run the script with a pip-audit that says this; None for none."""
    if says is not None:
        (folder / "pip-audit").write_text(f"#!/bin/bash\necho '{says}'\nexit {code}\n")
        (folder / "pip-audit").chmod(0o755)
    done = subprocess.run(
        [str(SCRIPT)], env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("says", "code", "expected", "line"),
    [
        (None, 0, 0, "left out: pip-audit is not installed"),
        ("No known vulnerabilities found", 0, 0, "No known"),
        (FINDING, 1, 1, FINDING),
        ("ConnectionError", 1, 0, "left out: no answer from an index"),
    ],
)
def test_only_a_finding_fails(says: str | None, code: int, expected: int, line: str, tmp_path: Path) -> None:
    returned, said = audit(tmp_path, says, code)
    assert returned == expected
    assert line in said
