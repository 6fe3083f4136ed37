"""Rows of a table to visits, by a small YAML file that says which column is what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from admoe_monai.errors import UserError

from ..tables import EMPTY_CELLS
from ..visits import VISIT_FIELDS, Visit, nearest

__all__ = ["ColumnMapping", "load_mapping"]

FOLDER = Path(__file__).parent / "mappings"
_CELL_KEYS = {"column", "kind", "values", "pattern", "empty", "role"}


@dataclass(frozen=True)
class ColumnMapping:
    """What the columns of a cohort's table mean.

    Attributes:
        name: short name of the cohort.
        visit: per field of a visit the cell it comes from: ``column`` (a name, or several of which the first present
            one counts) and optionally ``kind: number``, ``values`` (code to value, others are refused), ``pattern``
            (a regular expression whose first group is kept) and ``empty`` (what an empty cell means).
        prior: the same per prior column, with ``role`` and ``kind`` (``continuous`` or ``categorical``).
        label_source: where diagnoses come from, such as ``clinical`` or ``cdr``.
        diagnosis_rule: one sentence on how diagnoses were made.
        cohort: name of the cohort for every visit, where no column tells.
        description: one sentence on the cohort.
    """

    name: str
    visit: dict[str, dict[str, Any]]
    prior: dict[str, dict[str, Any]] = field(default_factory=dict)
    label_source: str = "clinical"
    diagnosis_rule: str = ""
    cohort: str | None = None
    description: str = ""

    def columns_of(self, name: str) -> list[str]:
        """Return the columns that a field of a visit may come from, the first present one counting.

        Args:
            name: the field.
        """
        return _alternatives(self.visit[name])

    def check_columns(self, columns: Sequence[str], source: str) -> None:
        """Raise a ``UserError`` if the table lacks a column that identifies or labels a visit.

        Args:
            columns: header of the table.
            source: name of the table for the message.
        """
        for name in ("subject_id", "session_id", "diagnosis"):
            wanted = self.columns_of(name)
            if not set(wanted) & set(columns):
                raise UserError(
                    f"{source} has no column '{wanted[0]}' for {name}{nearest(wanted[0], columns)} "
                    f"(mapping '{self.name}', columns {', '.join(columns)})"
                )

    def prior_columns(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Return name, role and kind of the prior columns that the table has.

        Args:
            columns: header of the table.
        """
        return [
            {"name": name, "role": cell["role"], "kind": cell["kind"]}
            for name, cell in self.prior.items()
            if set(_alternatives(cell)) & set(columns)
        ]

    def to_visit(self, row: Mapping[str, str], image: str | None) -> tuple[Visit, list[str]]:
        """Translate one row.

        Args:
            row: text per column, as the table holds it.
            image: path of the scan relative to the cohort's folder, `None` where there is no scan.

        Returns:
            The visit, and what is wrong with the row (column and value), one line each.
        """
        problems: list[str] = []

        def read(cell: Mapping[str, Any]) -> Any:
            try:
                return _read_cell(row, cell)
            except ValueError as error:
                problems.append(str(error))
                return None

        visit: Visit = dict.fromkeys(VISIT_FIELDS)
        visit.update({name: read(cell) for name, cell in self.visit.items()})
        visit["image"] = image
        visit["cohort"] = visit["cohort"] or self.cohort
        visit["label_source"] = self.label_source if visit["diagnosis"] is not None else None
        present = {name: cell for name, cell in self.prior.items() if set(_alternatives(cell)) & set(row)}
        visit["prior"] = {name: read(cell) for name, cell in present.items()}
        # A column that serves as field and as prior would be reported twice.
        return visit, list(dict.fromkeys(problems))


def load_mapping(name: str | Path) -> ColumnMapping:
    """Read a mapping.

    Args:
        name: a built-in one (``bids``, ``oasis1``, ``oasis2``) or the path of a YAML file.

    Raises:
        UserError: If there is no such mapping, or it is not one.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    path = FOLDER / f"{name}.yaml" if str(name) in known else Path(name)
    if not path.is_file():
        raise UserError(f"unknown mapping '{name}'{nearest(str(name), known)}; built in are {', '.join(known)}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        mapping = ColumnMapping(**content)
    except (yaml.YAMLError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"mapping {path} is not understood: {' '.join(str(error).split())}") from error
    _check(mapping, path)
    return mapping


def _check(mapping: ColumnMapping, path: Path) -> None:
    for name in ("subject_id", "session_id", "days_from_baseline", "diagnosis"):
        if name not in mapping.visit:
            raise UserError(f"mapping {path} does not say which column is '{name}'")
    for name in mapping.visit:
        if name not in VISIT_FIELDS:
            raise UserError(f"mapping {path} names the unknown field '{name}'{nearest(name, list(VISIT_FIELDS))}")
    for name, cell in (*mapping.visit.items(), *mapping.prior.items()):
        required = {"column", "role", "kind"} if name in mapping.prior and cell is mapping.prior[name] else {"column"}
        if not isinstance(cell, dict) or not required <= set(cell) <= _CELL_KEYS:
            raise UserError(f"mapping {path}: '{name}' needs {', '.join(sorted(required))}, got {cell!r}")


def _alternatives(cell: Mapping[str, Any]) -> list[str]:
    column = cell["column"]
    return [column] if isinstance(column, str) else list(column)


def _read_cell(row: Mapping[str, str], cell: Mapping[str, Any]) -> Any:
    column = next((name for name in _alternatives(cell) if name in row), None)
    text = "" if column is None else row[column].strip()
    if text.lower() in EMPTY_CELLS:
        return cell.get("empty")
    if "pattern" in cell:
        match = re.search(cell["pattern"], text)
        if match is None:
            raise ValueError(f"column '{column}' holds {text!r}, which does not match {cell['pattern']}")
        text = match[1]
    if "values" in cell:
        for code, value in cell["values"].items():
            if text == str(code) or _number(text) == code:
                return value
        raise ValueError(f"column '{column}' holds the unknown code {text!r}")
    if cell.get("kind") in ("number", "continuous"):
        number = _number(text)
        if number is None:
            raise ValueError(f"column '{column}' holds {text!r}, which is not a number")
        return number
    return text


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    # Infinity is no measurement, and JSON can't hold it.
    return number if number - number == 0 else None
