"""The star of imports: rooms meet in workflows, configs and tests, not with each other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import admoe_monai

PACKAGE = Path(admoe_monai.__file__).parent
ROOMS = ("networks", "losses", "transforms", "data", "handlers", "engines", "checkpoints", "metrics", "evaluation")


def imported_rooms(path: Path) -> set[str]:
    """The parts of the package that a file imports, wherever in the file."""
    package = ["admoe_monai", *path.relative_to(PACKAGE).parts[:-1]]
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1]] if node.level else [])
            origin = ".".join(filter(None, [base, node.module]))
            modules += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
    parts = [module.split(".") for module in modules]
    return {part[1] for part in parts if part[0] == "admoe_monai" and len(part) > 1}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_no_other_room(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    others = ({*ROOMS} - {room}) | {"audit", "workflows", "cli"}
    assert {str(path): found for path in files if (found := imported_rooms(path) & others)} == {}


def test_the_audit_stands_on_data_and_evaluation_alone() -> None:
    files = sorted((PACKAGE / "audit").rglob("*.py"))
    assert files
    others = ({*ROOMS} - {"data", "evaluation"}) | {"workflows", "cli"}
    assert {str(path): found for path in files if (found := imported_rooms(path) & others)} == {}


def test_nothing_imports_the_command_line() -> None:
    outside = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "cli"]
    assert [str(path) for path in outside if "cli" in imported_rooms(path)] == []


@pytest.mark.parametrize("room", ["networks", "losses", "transforms"])
def test_the_word_phase_is_unknown_to_the_network_its_losses_and_its_transforms(room: str) -> None:
    word = re.compile(r"\bphases?\b|is_pretrain", re.IGNORECASE)
    assert [str(path) for path in (PACKAGE / room).rglob("*.py") if word.search(path.read_text())] == []
