"""A CSV or TSV table of visits, and a pattern that names each one's scan."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

from ..tables import read_rows
from ..visits import Visit, nearest
from .mapping import ColumnMapping

__all__ = ["read_table"]


def read_table(
    path: str | Path, images: str, mapping: ColumnMapping, dataset_dir: str | Path | None = None
) -> tuple[list[Visit], list[dict[str, Any]], list[str]]:
    """Read the visits of a table.

    Args:
        path: the CSV or TSV table, one visit per row.
        images: pattern of the scans' paths with column names in braces, such as ``coronal/{MRI ID}.nii.gz``,
            relative to ``dataset_dir``.
        mapping: what the columns mean.
        dataset_dir: folder of the images; the table's own folder by default.

    Returns:
        The visits, the prior columns, and the problems of the rows, one line each.

    Raises:
        UserError: If the table can't be read or lacks a column that is needed.
    """
    rows = read_rows(path)
    columns = list(rows[0])
    mapping.check_columns(columns, str(path))
    _check_pattern(images, columns)
    root = os.path.abspath(dataset_dir if dataset_dir is not None else Path(path).parent)
    visits: list[Visit] = []
    problems: list[str] = []
    for line, row in enumerate(rows, start=2):
        image = images
        for name in re.findall(r"\{([^{}]*)\}", images):
            image = image.replace(f"{{{name}}}", row[name].strip())
        image = os.path.relpath(image, root) if os.path.isabs(image) else image
        visit, wrong = mapping.to_visit(row, image)
        visits.append(visit)
        problems.extend(f"{path} line {line}: {problem}" for problem in wrong)
    return visits, mapping.prior_columns(columns), problems


def _check_pattern(images: str, columns: Sequence[str]) -> None:
    names = re.findall(r"\{([^{}]*)\}", images)
    if not names:
        raise UserError(
            f"image pattern '{images}' names no column: write one in braces, such as 'scans/{{MRI ID}}.nii.gz'"
        )
    for name in names:
        if name not in columns:
            raise UserError(f"image pattern '{images}' names the unknown column '{name}'{nearest(name, columns)}")
