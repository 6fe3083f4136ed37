"""Settings that are texts: paths and names, in which every character counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.errors import UserError

PATHS = ("datalist", "dataset_dir", "cache_dir", "run_dir", "resume", "pretrained")
TEXTS = (*PATHS, "name")
#: Settings that are lists of texts.
LISTS = ("phase_overlays", "classes_diagnosis", "classes_change", "prior_columns", "experts")
_NEEDED = ("datalist", "name")


def check_texts(settings: Mapping[str, Any]) -> None:
    """Check that a text is one.

    Args:
        settings: resolved.

    Raises:
        UserError: naming the setting and its value.
    """
    for name in TEXTS:
        value = settings[name]
        if value is None and name not in _NEEDED:
            continue
        if not isinstance(value, str) or not value:
            raise UserError(f"{name} must be a text, got {value!r}; in a config file, numbers and dates need quotes")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UserError(f"{name} is no UTF-8: {value!r}; rename the file or folder") from error
