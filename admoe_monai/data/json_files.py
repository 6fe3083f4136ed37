"""JSON that others have written: one way to read it, and one kind of error for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError, reason_of

__all__ = ["read_json"]


def read_json(path: Path, what: str) -> Any:
    """Read a file of JSON in UTF-8, UTF-16 or UTF-32, with or without a byte order mark; NaN is null.

    Args:
        path: path of the file.
        what: what the file is, for messages.

    Raises:
        FileNotFoundError: If there is none.
        UserError: If it can't be read or is no JSON.
    """
    try:
        return json.loads(path.read_bytes(), parse_constant=_constant)  # which knows a byte order mark
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{what} {path} can't be read: {reason_of(error)}") from error
    except (ValueError, RecursionError) as error:  # covers JSON, text decoding, and brackets within brackets
        raise UserError(f"{what} {path} is not valid JSON: {reason_of(error)}") from error


def _constant(name: str) -> float | None:
    """Read what Python writes into JSON beyond the standard: NaN is a missing value, which a run could not write down."""
    return None if name == "NaN" else float(name)
