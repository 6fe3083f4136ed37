"""Robustness in a report: what `admoe stress` has found of the same model, if it was run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.stress_picture import stress_figure
from admoe_monai.evaluation.pages.wording import with_interval
from admoe_monai.evaluation.stress import FIGURES, verdict
from admoe_monai.run_files import STRESS

from ..kept import check_estimate, read_kept
from ..prediction import TrainedRun
from ..stress.disturbances import DISTURBANCES
from ..stress.run import NUMBERS, points_of


def stress_of(run: TrainedRun) -> dict[str, Any] | None:
    """Read what a stress test of the run's best model has found; None where there is none that can be read.

    Args:
        run: Finished run.
    """
    epoch = run.checkpoint["epoch"]
    found = read_kept(run.folder / STRESS / NUMBERS, _checked)
    return found if found and found["epoch"] == epoch else None


def robustness(numbers: Mapping[str, Any]) -> Section:
    """Show figures under disturbances beside those of the undisturbed scans; nothing where none were tried.

    Args:
        numbers: Numbers of the report.
    """
    section = Section("Robustness")
    stress = numbers["stress"]
    if stress is None:
        return section
    section.text(
        "The first labelled visit of each test person, disturbed before all preprocessing: noise is a share of the range of "
        "intensities, a bias field of the gain from its darkest to its brightest place, blur a full width at half maximum. "
        "Differences are to the undisturbed scans of the same people."
    )
    for kind, points in points_of(stress["conditions"], stress["figures"]).items():
        title = kind.replace("_", " ")
        section.picture(title, stress_figure(DISTURBANCES[kind].unit, points), f"Balanced accuracy under {title}")
    for task, entry in stress["figures"].items():
        section.heading(f"Disturbed scans: {task}")
        number = entry["n_subjects"]
        rows = [
            [
                name,
                with_interval(condition["metrics"]["balanced_accuracy"], number),
                *(
                    with_interval(condition["minus"][figure], number, sign=True) if figure in condition["minus"] else ""
                    for figure in FIGURES
                ),
            ]
            for name, condition in entry["conditions"].items()
        ]
        section.table(["", "balanced accuracy", "minus undisturbed", "mean AUC minus undisturbed"], rows)
        section.text(" ".join(verdict(entry["conditions"])))
    return section


def tried(numbers: Mapping[str, Any]) -> str:
    """Say which disturbances were tried, for a checklist.

    Args:
        numbers: Numbers of the report.
    """
    stress = numbers["stress"]
    if stress is None:
        return "no corrupted scans were tried"
    number = sum(condition["kind"] is not None for condition in stress["conditions"])
    return f"{number} disturbance{'s' * (number != 1)} of the test scans (section Robustness)"


def _checked(content: Any) -> dict[str, Any]:
    """Look at everything that the page shows, so that it doesn't stop at a file of another version."""
    conditions = content["conditions"]
    names = [condition["name"] for condition in conditions]
    kinds = {condition["kind"] for condition in conditions}
    strengths = [condition["strength"] for condition in conditions]
    if not names or not kinds <= {None, *DISTURBANCES} or not all(isinstance(each, int | float) for each in strengths):
        raise ValueError("disturbances that this version doesn't know")
    for entry in content["figures"].values():
        if not isinstance(entry["n_subjects"], int) or [*entry["conditions"]] != names:
            raise ValueError("figures of other conditions")
        for condition in entry["conditions"].values():
            for estimate in (*(condition["metrics"][figure] for figure in FIGURES), *condition["minus"].values()):
                check_estimate(estimate)
            if not isinstance(condition["other_calls"], int):
                raise TypeError("calls must be counted")
    return {**content, "epoch": content["epoch"]}
