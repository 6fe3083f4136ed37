"""What a study is: arms, folds and seeds, and what is asked of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NETWORK, REGRESSION = "network", "regression"
TRUE, PERMUTED = "true", "permuted"


@dataclass(frozen=True)
class Arm:
    """One way of doing it.

    Attributes:
        name: As the report has it.
        overlays: Overlays behind those of the study.
        settings: Settings behind these.
        model: `network`, or `regression`: a logistic regression on the clinical values.
        labels: `true`, or `permuted`: those of training and validation belong to other people.
    """

    name: str
    overlays: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    model: str = NETWORK
    labels: str = TRUE


@dataclass(frozen=True)
class Study:
    """Arms, folds and seeds.

    Attributes:
        file: File that it was read from.
        name: Name of the study.
        folds: A datalist per fold, as `admoe prepare --folds` writes them.
        seeds: Seeds that each fold of an arm is trained with.
        arms: Arms in the order of the report.
        reference: Arm that the others are compared with.
        task: Task of the primary figure.
        figure: Primary figure.
        overlays: Overlays of all arms.
        settings: Settings of all arms, which overlays of an arm may change.
        threads: CPU threads of each training.
    """

    file: Path
    name: str
    folds: tuple[Path, ...]
    seeds: tuple[int, ...]
    arms: tuple[Arm, ...]
    reference: str
    task: str
    figure: str
    overlays: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1


def short_name(arm: str) -> str:
    """Turn the name of an arm into part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", arm.lower()).strip("-") or "arm"
