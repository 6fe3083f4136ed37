"""The conditions that a run's test scans are predicted under: as they are, disturbed, and with clinical values missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from admoe_monai.errors import UserError, reason_of
from admoe_monai.workflows.settings.names import refuse_unknown
from admoe_monai.yaml_files import load_yaml

from .disturbances import DISTURBANCES

Strengths = Mapping[str, Sequence[float]]

UNDISTURBED = "undisturbed"


@dataclass(frozen=True)
class Condition:
    """One way to show the scans of a split.

    Attributes:
        kind: Name of a disturbance; None where the image is as it is.
        strength: Strength of the disturbance, in its unit.
        without: Clinical values that are missing.
    """

    kind: str | None = None
    strength: float = 0.0
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the condition, for tables."""
        if self.without:
            return f"without {', '.join(self.without)}"
        if self.kind is None:
            return UNDISTURBED
        return f"{self.kind.replace('_', ' ')} {self.strength:g} {DISTURBANCES[self.kind].unit}"


def conditions_of(strengths: Strengths, prior: Sequence[str]) -> list[Condition]:
    """List all conditions, the undisturbed one first.

    Args:
        strengths: Strengths per kind of disturbance.
        prior: Clinical values that the network sees: each is missing once, and then all.
    """
    missing = [(name,) for name in prior] + ([tuple(prior)] if len(prior) > 1 else [])
    return [
        Condition(),
        *(Condition(kind, strength) for kind, values in strengths.items() for strength in values),
        *(Condition(without=names) for names in missing),
    ]


def default_strengths() -> Strengths:
    """Return the strengths of all disturbances that are applied by default."""
    return {kind: disturbance.strengths for kind, disturbance in DISTURBANCES.items()}


def read_strengths(path: Path) -> Strengths:
    """Read strengths in the place of the defaults; what the file does not name is not done.

    Args:
        path: YAML file with a list of strengths per kind of disturbance.

    Raises:
        UserError: If the file can't be read, or a kind or a strength is none.
    """
    try:
        content: Any = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the disturbances {path}: {reason_of(error)}") from error
    except yaml.YAMLError as error:
        raise UserError(f"the disturbances {path} are not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not content:
        raise UserError(f"{path} must hold a list of strengths per disturbance, such as `noise: [0.02, 0.05]`")
    refuse_unknown(list(map(str, content)), list(DISTURBANCES), f"disturbance in {path}:", "docs/commands.md")
    return {str(kind): _checked(path, str(kind), values) for kind, values in content.items()}


def _checked(path: Path, kind: str, values: Any) -> tuple[float, ...]:
    below = DISTURBANCES[kind].below
    good = isinstance(values, list) and all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 < value < below
        for value in values
    )
    if not good or len({*values}) < len(values):
        raise UserError(
            f"{path}: {kind} must be a list of different strengths above 0 and below {below:g}, got {values!r}"
        )
    return tuple(sorted(map(float, values)))
