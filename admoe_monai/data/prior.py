"""Prior columns: their roles, their choice, and statistics fitted on the training split alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from admoe_monai.errors import UserError

from .visits import Visit, is_boundless, nearest

__all__ = ["KINDS", "ROLES", "USABLE_ROLES", "column_problems", "fit_prior", "select_columns"]

USABLE_ROLES = ("clinical", "image_derived")
ROLES = (*USABLE_ROLES, "time", "identifier", "banned")
KINDS = ("continuous", "categorical")


def fit_prior(visits: Sequence[Visit], columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fit the statistics that encode the prior.

    Args:
        visits: the training split, and nothing else.
        columns: ``name``, ``role`` and ``kind`` of each column, and ``banned_for``: tasks whose label it knows, by the
            visits' fields that hold these labels.

    Returns:
        Each column with ``n`` (visits that hold a value), ``mean`` and ``std`` (of the population, continuous columns)
        and ``categories`` (sorted, categorical columns); columns that may not be an input are not fitted.

    Raises:
        UserError: If a role or kind is unknown, a column is banned for a task that no visit has a field of, or a
            continuous column holds something that is not a number.
    """
    fitted = []
    fields = {name for visit in visits for name in visit}
    for column in columns:
        name, role, kind = column["name"], column["role"], column["kind"]
        banned_for = list(column.get("banned_for") or ())
        if visits and (unknown := [task for task in banned_for if task not in fields]):
            raise UserError(
                f"prior column '{name}' is banned for the task '{unknown[0]}', a field that no visit has"
                f"{nearest(unknown[0], sorted(fields))}"
            )
        for what, value, known in (("role", role, ROLES), ("kind", kind, KINDS)):
            if value not in known:
                raise UserError(f"prior column '{name}' has the {what} {value!r}, expected one of {', '.join(known)}")
        values = [visit["prior"][name] for visit in visits if (visit.get("prior") or {}).get(name) is not None]
        entry: dict[str, Any] = {
            "name": name,
            "role": role,
            "kind": kind,
            "banned_for": banned_for,
            "mean": None,
            "std": None,
            "categories": None,
        }
        if role in USABLE_ROLES and values and kind == "continuous":
            if text := next((value for value in values if isinstance(value, str)), None):
                raise UserError(f"prior column '{name}' is continuous but holds {text!r}")
            entry.update(mean=statistics.fmean(values), std=statistics.pstdev(values))
        elif role in USABLE_ROLES and kind == "categorical":
            entry["categories"] = sorted(set(values), key=str)
        fitted.append({**entry, "n": len(values)})
    return fitted


def column_problems(columns: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the columns that a datalist declares, one line each.

    Args:
        columns: as the file holds them, each with a ``name``. One that may be an input needs what :func:`fit_prior` gives it.
    """
    names = [column["name"] for column in columns]
    for position, column in enumerate(columns):
        place = f"prior column '{column['name']}'"
        if column["name"] in names[:position]:
            yield f"{place} is declared twice"
        for what, known in (("role", ROLES), ("kind", KINDS)):
            if column.get(what) not in known:
                said = f"the {what} {column[what]!r}" if column.get(what) is not None else f"no {what}"
                yield f"{place} has {said}, expected one of {', '.join(known)}"
        banned_for = column.get("banned_for")
        if not (
            banned_for is None or (isinstance(banned_for, list) and all(isinstance(task, str) for task in banned_for))
        ):
            yield f"{place} has 'banned_for' {banned_for!r}, expected a list of tasks"
        if column.get("role") in USABLE_ROLES and column.get("kind") in KINDS:
            yield from (f"{place} {wrong}" for wrong in _unfitted(column))


def _unfitted(column: Mapping[str, Any]) -> Iterator[str]:
    """What the encoding of a column needs and it lacks."""
    advice = "`admoe prepare` fits it on the training split"
    count = column.get("n")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        yield f"has 'n' {count!r}, expected the number of training visits with a value; {advice}"
    elif count and column["kind"] == "categorical":
        categories = column.get("categories")
        if not (
            isinstance(categories, list) and categories and all(isinstance(c, (str, int, float)) for c in categories)
        ):
            yield f"has 'categories' {categories!r}, expected a list of values; {advice}"
    elif count:
        for name in ("mean", "std"):
            value = column.get(name)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or is_boundless(value) or value != value:
                yield f"has '{name}' {value!r}, expected a number; {advice}"


def select_columns(
    columns: Sequence[Mapping[str, Any]], names: Sequence[str] | None, tasks: Sequence[str]
) -> list[dict[str, Any]]:
    """Choose the columns that enter the network.

    The prior is fused into what all tasks share, so a column that is banned for one trained task can't be used at all; one
    of a task's own name is its label, and banned for it.

    Args:
        columns: the fitted columns of a datalist.
        names: columns to use, in order; ``None`` takes every clinical one that has a value in training and is not banned.
        tasks: that are trained.

    Raises:
        UserError: If a name is unknown, repeated, without a value in training, or of a column that may not be an input.
    """
    by_name = {column["name"]: dict(column) for column in columns}
    if names is None:
        free = (column for column in by_name.values() if not _banned(column, tasks))
        return [column for column in free if column["role"] == "clinical" and column["n"]]
    for position, name in enumerate(names):
        if name not in by_name:
            known = ", ".join(by_name) or "none"
            raise UserError(f"unknown prior column '{name}'{nearest(name, list(by_name)) or f'; known are {known}'}")
        column = by_name[name]
        if column["role"] not in USABLE_ROLES:
            raise UserError(
                f"prior column '{name}' has the role '{column['role']}' and can't be an input; usable are "
                f"{', '.join(c['name'] for c in by_name.values() if c['role'] in USABLE_ROLES) or 'none'}"
            )
        if banned := _banned(column, tasks):
            why = "the label of the task" if banned[0] == name else "banned for"
            raise UserError(
                f"prior column '{name}' is {why} {banned[0]}, which is trained; leave it out, or set weight_{banned[0]} 0"
            )
        if not column["n"]:
            raise UserError(f"prior column '{name}' has no value in the training split")
        if name in names[:position]:
            raise UserError(f"prior column '{name}' is named twice")
    return [by_name[name] for name in names]


def _banned(column: Mapping[str, Any], tasks: Sequence[str]) -> list[str]:
    return [task for task in (column["name"], *(column.get("banned_for") or ())) if task in tasks]
