"""Names of settings: what configs/train.yaml declares, and the answer to a name that nothing reads.

Nothing here imports torch or MONAI, so that a mistyped name is answered at once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import yaml

from admoe_monai.errors import UserError, nearest

from .resources import resource

DECLARATIONS = "configs/train.yaml"
ENTRY_KEYS = ("imports", "initialize", "training", "finalize", "_meta_")
#: Parts of the plan, and the setting through which each is changed.
DOORS = {"network_def": "network", "phases": "phase_overlays"}
#: Beginnings of the names of entries of a mapping, and that mapping: `classes_sex` is the entry `sex` of `classes`.
PREFIXES = {"classes_": "classes", "weight_": "task_weights"}
NUMBER = "num_classes_"


def declared_settings() -> dict[str, Any]:
    """Return the settings with their defaults, as `configs/train.yaml` declares them; expressions are not evaluated."""
    content: dict[str, Any] = yaml.safe_load(declarations())
    return {key: value for key, value in content.items() if key not in ENTRY_KEYS}


@functools.cache
def declarations() -> str:
    """Return the text of `configs/train.yaml`."""
    return resource(DECLARATIONS).read_text(encoding="utf-8")


def is_short_form(name: str) -> bool:
    """Tell whether a key is an entry of a mapping of settings.

    Args:
        name: Name of a setting, as the user gives it.
    """
    return name not in ("weight_decay",) and name.startswith((*PREFIXES, NUMBER))


def refuse_unknown(
    given: Iterable[str], known: Iterable[str], where: str = "setting", listed_in: str = DECLARATIONS
) -> None:
    """Refuse keys that nothing reads.

    Args:
        given: Keys that the user wrote.
        known: Keys that are read.
        where: Kind of the keys, for the message.
        listed_in: File that lists the known keys, for the message.

    Raises:
        UserError: Naming the first unknown key and the nearest known one.
    """
    known = list(known)
    unknown = [key for key in given if key not in known]
    if unknown:
        hint = nearest(unknown[0], known, cutoff=0.5, mark=";") or f"; {listed_in} lists them all"
        raise UserError(f"unknown {where} '{unknown[0]}'{hint}")
