"""Visits from the rows of a table, by a small YAML file that says what each column means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

import yaml

from admoe_monai.errors import UserError
from admoe_monai.yaml_files import load_yaml

from ..visits import VISIT_FIELDS, is_boundless, nearest
from .cell_values import value_problem, wrong_values
from .cells import CellError, cell_problem, columns_of, is_present, read_cell
from .reading import Record
from .reserves import Reserve

__all__ = ["ColumnMapping", "built_in_mappings", "load_mapping"]

FOLDER = Path(__file__).parent / "mappings"
#: Beside the fields of a visit: when it was, where no column counts the days.
TIME_FIELDS = ("date", "months")
IDENTITY = ("subject_id", "session_id")
REQUIRED_FIELDS = (*IDENTITY, "diagnosis")


@dataclass(frozen=True)
class ColumnMapping:
    """Meaning of the columns of a cohort's table.

    Attributes:
        name: Short name of the cohort.
        visit: Per field of a visit, the cell it comes from (see :mod:`.cells`); beside them ``date`` and ``months``,
            from which days are counted where there is no ``days_from_baseline``.
        prior: The same per prior column, with ``role`` and ``kind`` (``continuous`` or ``categorical``), and
            ``banned_for`` (tasks whose label it knows).
        label_source: Origin of the diagnoses, such as ``clinical`` or ``cdr``.
        diagnosis_rule: One sentence on how diagnoses were made.
        cohort: Name of the cohort for every visit, where no column tells.
        description: One sentence on the cohort.
        missing: Codes that mean nothing in every column.
        checks: Columns that are compared with what the visits say, by name: ``visit_number`` (counts the visits of a
            subject) and others, such as a group, with ``course``: per value a regular expression that the subject's
            diagnoses, each followed by a space, must match in full.
    """

    name: str
    visit: dict[str, dict[str, Any]]
    prior: dict[str, dict[str, Any]] = field(default_factory=dict)
    label_source: str = "clinical"
    diagnosis_rule: str = ""
    cohort: str | None = None
    description: str = ""
    missing: Sequence[Any] = ()
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def columns_of(self, name: str) -> list[str]:
        """Columns that a field of a visit may come from; the first present one counts."""
        return columns_of(self.visit[name])

    @property
    def courses(self) -> dict[str, dict[str, str]]:
        """Courses of diagnoses that the values of each check stand for."""
        return {name: check["course"] for name, check in self.checks.items() if "course" in check}

    @property
    def column_names(self) -> list[str]:
        """Columns that the mapping names."""
        cells = (*self.visit.values(), *self.prior.values(), *self.checks.values())
        return list(dict.fromkeys(name for cell in cells for name in columns_of(cell)))

    def missing_columns(self, columns: Sequence[str], source: str) -> dict[str, str]:
        """Messages on the columns that identify or label a visit and that a table lacks, by field of the visit.

        Args:
            columns: Header of the table.
            source: Name of the table, for the message.
        """
        missing = {}
        for name in REQUIRED_FIELDS:
            wanted = self.columns_of(name)
            if not set(wanted) & set(columns):
                missing[name] = (
                    f"{source} has no column '{wanted[0]}' for {name}{nearest(wanted[0], columns)} "
                    f"(mapping '{self.name}', columns {', '.join(columns)})"
                )
        return missing

    def check_columns(self, columns: Sequence[str], source: str) -> None:
        """Raise a ``UserError`` if the table lacks columns that identify or label a visit.

        Args:
            columns: Header of the table.
            source: Name of the table, for the message.
        """
        if missing := list(self.missing_columns(columns, source).values()):
            raise UserError(missing[0], missing if len(missing) > 1 else ())

    def prior_columns(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Name, role and kind of the prior columns that a table has.

        Args:
            columns: Header of the table.
        """
        return [
            {"name": name, **{key: cell[key] for key in ("role", "kind", "banned_for") if key in cell}}
            for name, cell in self.prior.items()
            if is_present(cell, columns)
        ]

    def to_record(self, row: Mapping[str, str], image: str | None, place: str) -> tuple[Record, list[str]]:
        """Translate one row to a visit.

        Args:
            row: Text per column, as the table holds it.
            image: Path of the scan relative to the cohort's folder, `None` where there is no scan.
            place: File and line of the row, for messages.

        Returns:
            The visit, and the faults of the row (place, column and value), one line each.
        """
        problems: list[str] = []
        reserves: list[Reserve] = []

        def read(cell: Mapping[str, Any], reserves: list[Reserve] | None = reserves) -> Any:
            try:
                return read_cell(row, cell, self.missing, reserves)
            except CellError as error:
                problems.append(f"{place}: {error}")
                return None

        def fits(name: str, value: Any) -> bool:
            """Whether a field can hold what its cell gives; a code may stand for anything."""
            if value is None or not (wrong := value_problem(name, value)):
                return True
            problems.append(f"{place}: column '{', '.join(self.columns_of(name))}' gives {wrong}")
            return False

        found: dict[str, Any] = {}
        for name, cell in self.visit.items():
            so_far = len(problems)
            # Days make the labels: there a vague number is none.
            found[name] = read(cell, None) if name == "days_from_baseline" else read(cell) if name != "months" else None
            found[name] = found[name] if fits(name, found[name]) else None
            if name in IDENTITY and not found[name] and len(problems) == so_far:
                problems.append(f"{place}: column '{self.columns_of(name)[0]}' is empty")
        if "months" in self.visit:
            is_dated = found.get("date") is not None or found.get("days_from_baseline") is not None
            months = self._months(row, reserves) if is_dated else read(self.visit["months"])
            found["months"] = months if fits("months", months) else None
        visit = {**dict.fromkeys(VISIT_FIELDS), **{k: v for k, v in found.items() if k not in TIME_FIELDS}}
        visit["image"] = image
        visit["cohort"] = visit["cohort"] or self.cohort
        visit["label_source"] = self.label_source if visit["diagnosis"] is not None else None
        visit["prior"] = {name: read(cell) for name, cell in self.prior.items() if is_present(cell, list(row))}
        if large := [name for name, value in visit["prior"].items() if is_boundless(value)]:
            problems.append(f"{place}: prior column '{large[0]}' is larger than any number that can be right")
        checks = {name: row[check["column"]].strip() for name, check in self.checks.items() if check["column"] in row}
        # A column that serves as field and as prior would be reported twice.
        record = Record(visit, place, checks, found.get("date"), found.get("months"), list(dict.fromkeys(reserves)))
        return record, list(dict.fromkeys(problems))

    def _months(self, row: Mapping[str, str], reserves: list[Reserve]) -> Any:
        """Months from the code of a visit whose day is known; a code without months is noted and ignored."""
        try:
            return read_cell(row, self.visit["months"], self.missing, reserves)
        except CellError as error:
            reserves.append(Reserve(error.column, error.text, "a visit code that tells no month; the day does"))
            return None


def built_in_mappings() -> list[str]:
    """Names of the mappings that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_mapping(name: str | Path) -> ColumnMapping:
    """Read a mapping.

    Args:
        name: A built-in one (see :func:`built_in_mappings`) or the path of a YAML file.

    Raises:
        UserError: If there is no such mapping, or the file is not a valid one.
    """
    known = built_in_mappings()
    path = FOLDER / f"{name}.yaml" if str(name) in known else Path(name)
    if not path.is_file():
        what = f"there is no mapping file {name}" if Path(name).suffix else f"unknown mapping '{name}'"
        raise UserError(f"{what}{nearest(str(name), known)}; built in are {', '.join(known)}")
    try:
        content = load_yaml(path.read_text(encoding="utf-8-sig"))
        # A word without a value is one that is not there.
        mapping = ColumnMapping(**{word: value for word, value in content.items() if value is not None})
    except (yaml.YAMLError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"mapping {path} is not understood: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise UserError(f"mapping {path} can't be read: {error.strerror}") from error
    _check(mapping, path)
    return mapping


def _check(mapping: ColumnMapping, path: Path) -> None:
    for word in ("name", "label_source", "diagnosis_rule", "description", "cohort"):
        if not isinstance(getattr(mapping, word), (str, NoneType)):
            raise UserError(f"mapping {path}: '{word}' must be text, got {getattr(mapping, word)!r}")
    for word in ("visit", "prior", "checks"):
        entries = getattr(mapping, word)
        if not isinstance(entries, dict) or not all(isinstance(name, str) for name in entries):
            raise UserError(f"mapping {path}: '{word}' must hold cells by name, got {entries!r}")
    for _, codes, wrong in wrong_values(
        {"missing": list(mapping.missing) if mapping.missing == () else mapping.missing}
    ):
        raise UserError(f"mapping {path}: 'missing' holds {codes!r}: {wrong}")
    for name in REQUIRED_FIELDS:
        if name not in mapping.visit:
            hint = "; a table without one can name its column of dates" if name == "session_id" else ""
            raise UserError(f"mapping {path} does not say which column is '{name}'{hint}")
    if not {"days_from_baseline", *TIME_FIELDS} & set(mapping.visit):
        raise UserError(f"mapping {path} does not say when a visit was: days_from_baseline, date or months")
    known = [*VISIT_FIELDS, *TIME_FIELDS]
    for name in mapping.visit:
        if name not in known:
            raise UserError(f"mapping {path} names the unknown field '{name}'{nearest(name, known)}")
    cells = [(name, cell_problem(cell)) for name, cell in mapping.visit.items()]
    cells += [(name, cell_problem(cell, ("role", "kind"), ("banned_for",))) for name, cell in mapping.prior.items()]
    cells += [(name, cell_problem(cell, (), ("course",))) for name, cell in mapping.checks.items()]
    cells += [
        (name, "" if isinstance(cell.get("column"), str) else f"needs one column, got {cell!r}")
        for name, cell in mapping.checks.items()
        if isinstance(cell, dict)
    ]
    for name, problem in cells:
        if problem:
            raise UserError(f"mapping {path}: '{name}' {problem}")
