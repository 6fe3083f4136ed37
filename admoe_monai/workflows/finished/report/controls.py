"""Controls of a report: what needs less, who is predicted how well, and what the experts do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.pages.curves import bars_figure
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import missing, with_interval

from ..prediction import TrainedRun
from .failures import wrong
from .groups import groups

HEADLINE = ("balanced_accuracy", "macro_auc")


def controls(run: TrainedRun, numbers: Mapping[str, Any]) -> Section:
    """Show what puts the figures into their place.

    Args:
        run: Finished run.
        numbers: Numbers of the report.
    """
    section = Section("Controls")
    _baselines(section, numbers)
    groups(section, numbers)
    wrong(section, numbers)
    _gates(section, run, numbers)
    for task, changes in numbers["recall_without_expert"].items():
        _removals(section, task, changes, numbers["visits"]["test"][task])
    return section


def _baselines(section: Section, numbers: Mapping[str, Any]) -> None:
    if not numbers["yardsticks"]:
        section.heading("Beside what needs less")
        section.text(missing("the run uses no clinical values, so that there is nothing to take away"))
        return
    everything = {"network": numbers["test"], **numbers["yardsticks"]}
    for task in numbers["test"]:
        section.heading(f"Beside what needs less: {task}")
        rows = [
            [name, found[task]["n_subjects"], *_headline(found[task]), _difference(numbers, name, task)]
            for name, found in everything.items()
            if task in found
        ]
        section.table(["", "people", "balanced accuracy", "mean AUC", "network minus it, balanced accuracy"], rows)


def _difference(numbers: Mapping[str, Any], name: str, task: str) -> str:
    compared = numbers["network_minus"].get(name, {}).get(task, {})
    estimate = compared.get("differences", {}).get("balanced_accuracy")
    if estimate is None:
        return "" if name == "network" else missing("no person has both predictions")
    return with_interval(estimate, compared["n_subjects"], sign=True)


def _headline(figures: Mapping[str, Any]) -> list[str]:
    return [with_interval(figures["metrics"][name], figures["n_subjects"]) for name in HEADLINE]


def _gates(section: Section, run: TrainedRun, numbers: Mapping[str, Any]) -> None:
    weights, experts = numbers["gate_weights"], run.settings["experts"]
    if not weights:
        return
    section.heading("Experts: mean gate weight per class")
    tasks = "|".join(map(re.escape, run.settings["classes"]))
    found = (re.fullmatch(rf"(stage\d+_(?:{tasks}))_{re.escape(experts[0])}", key) for key in weights)
    groups = ["all", *numbers["gate_weights_of"]]
    for place in (match[1] for match in found if match):
        keys = {e: [f"{place}_{e}" + ("" if g == "all" else f"_of_{g}") for g in groups] for e in experts}
        series = {expert: [weights.get(key, 0.0) for key in names] for expert, names in keys.items()}
        title = place.replace("_", ", ", 1)
        of_all = ", ".join(f"{expert} {values[0]:.2f}" for expert, values in series.items())
        section.picture(
            title, bars_figure(groups, series, "mean weight"), f"Mean gate weights, {title}; of all: {of_all}"
        )


def _removals(
    section: Section, task: str, changes: Mapping[str, Mapping[str, float]], visits: Mapping[str, int]
) -> None:
    """Count visits, which shares of few visits would hide."""
    counted = {
        expert: {label: round(change * visits[label]) for label, change in found.items()}
        for expert, found in changes.items()
    }
    labels = list(next(iter(counted.values()), {}))
    if not labels:
        return
    section.heading(f"{task}: without one expert")
    if not any(change for found in counted.values() for change in found.values()):
        section.text(
            f"Taking away any one of the experts {', '.join(counted)} changes for no class how many of the "
            f"{sum(visits[label] for label in labels)} labelled test visits are right."
        )
        return
    rows = [
        [expert, *(f"{found[label]:+d}" if found[label] else "0" for label in labels)]
        for expert, found in counted.items()
    ]
    section.text(
        "Change of the number of labelled test visits that are right, when the gates give an expert no weight."
    )
    section.table(["without", *(f"{label}, of {visits[label]}" for label in labels)], rows)
