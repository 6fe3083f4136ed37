"""The star of imports: rooms meet in workflows, configs and tests, not with each other."""

from __future__ import annotations

import ast
import re
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

import admoe_monai

PACKAGE = Path(admoe_monai.__file__).parent
ROOMS = (
    "networks",
    "losses",
    "transforms",
    "data",
    "handlers",
    "engines",
    "checkpoints",
    "metrics",
    "evaluation",
    "explanation",
)


# Who may import whom within the workflows: only what stands before it.
FLOORS = (
    "settings",
    "machine",
    "run",
    "checking",
    "finished",
    "verification",
    "runs",
    "studies",
    "preprocessing",
    "bundles",
    "proposal",
    "entry",
    "launch",
)


def imported_modules(path: Path) -> set[str]:
    """The modules of the package that a file imports, wherever in the file, with what is imported from them."""
    package = ["admoe_monai", *path.relative_to(PACKAGE).parts[:-1]]
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1]] if node.level else [])
            origin = ".".join(filter(None, [base, node.module]))
            modules += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
    return {module for module in modules if module.startswith("admoe_monai.")}


def imported_rooms(path: Path) -> set[str]:
    """The parts of the package that a file imports."""
    return {module.split(".")[1] for module in imported_modules(path)}


def module_name(path: Path) -> str:
    """The name under which Python imports a file of the package."""
    parts = ("admoe_monai", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_no_other_room(room: str) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    others = ({*ROOMS} - {room}) | {"audit", "inference", "workflows", "cli"}
    assert {str(path): found for path in files if (found := imported_rooms(path) & others)} == {}


@pytest.mark.parametrize(("room", "beneath"), [("audit", {"data", "evaluation"}), ("inference", {"data"})])
def test_some_rooms_stand_on_a_few_others_alone(room: str, beneath: set[str]) -> None:
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    others = ({*ROOMS, "audit", "inference"} - {room} - beneath) | {"workflows", "cli"}
    assert {str(path): found for path in files if (found := imported_rooms(path) & others)} == {}


def test_nothing_imports_the_command_line() -> None:
    outside = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "cli"]
    assert [str(path) for path in outside if "cli" in imported_rooms(path)] == []


def test_no_import_leads_in_a_circle() -> None:
    files = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    graph = {name: (imported_modules(path) & files.keys()) - {name} for name, path in files.items()}
    assert sum(map(len, graph.values())) > 300
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the modules


def test_no_import_within_the_workflows_runs_up() -> None:
    upward = [
        f"{path.relative_to(PACKAGE)} -> {module}"
        for number, floor in enumerate(FLOORS)
        for path in (PACKAGE / "workflows" / floor).rglob("*.py")
        for module in imported_modules(path)
        if module.startswith("admoe_monai.workflows.") and module.split(".")[2] in FLOORS[number + 1 :]
    ]
    assert upward == []


def test_no_file_is_long_and_most_are_short() -> None:
    lengths = sorted(len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py"))
    assert lengths[-1] <= 250
    assert median(lengths) <= 100


def test_no_two_files_of_tests_have_one_name() -> None:
    """Of two, pytest would import one alone."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("room", ["networks", "losses", "transforms"])
def test_the_word_phase_is_unknown_to_the_network_its_losses_and_its_transforms(room: str) -> None:
    word = re.compile(r"\bphases?\b|is_pretrain", re.IGNORECASE)
    assert [str(path) for path in (PACKAGE / room).rglob("*.py") if word.search(path.read_text())] == []
