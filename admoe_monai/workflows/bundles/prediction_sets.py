"""What a bundle says of its prediction sets, and the thresholds that its inference takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.people import people

Sets = Mapping[str, Mapping[str, Any]]


def set_thresholds(sets: Sets | None, classes: Mapping[str, Sequence[str]]) -> list[list[float]] | None:
    """Line up the thresholds with the network's probabilities.

    Args:
        sets: Fitted sets per task; None where the run has none.
        classes: Class names of each task.
    """
    if sets is None:
        return None
    return [[sets[task]["classes"][name]["least_probability"] for name in names] for task, names in classes.items()]


def sets_in_metadata(sets: Sets | None, found: Sets) -> dict[str, Any] | None:
    """Describe the sets for metadata.json.

    Args:
        sets: Fitted sets per task; None where the run has none.
        found: What `admoe evaluate` found of sets on the test split, per task; it counts if it is of these thresholds.
    """
    if sets is None:
        return None
    return {
        "method": "class-conditional split conformal",
        "tasks": {
            task: {"promised": fitted["promised"], "classes": _classes(fitted["classes"], found.get(task))}
            for task, fitted in sets.items()
        },
    }


def sets_in_readme(described: Mapping[str, Any] | None) -> list[str]:
    """Say in paragraphs what the sets promise, and what was found; none where there are no sets.

    Args:
        described: Result of :func:`sets_in_metadata`.
    """
    if described is None:
        return []
    said = [
        "A prediction set names every class that can't be ruled out; one of no class says that the scan is like none."
    ]
    for task, entry in described["tasks"].items():
        own = entry["classes"]
        behind = ", ".join(f"{name} {people(part['n_subjects'])}" for name, part in own.items())
        said.append(
            f"`{task}_set` is promised to hold the class of {entry['promised']:.0%} of the people of each, if they are like "
            f"those of the validation split, which also chose these weights (behind the thresholds: {behind})."
        )
        held = [f"{name} {p['test']['held']} of {p['test']['n_subjects']}" for name, p in own.items() if p["test"]]
        if held:
            said.append(f"On the test split it holds: {', '.join(held)}.")
        every = [name for name, part in own.items() if part["least_probability"] == 0]
        if every:
            said.append(f"In every set for want of people in validation: {', '.join(every)}.")
    return said


def _classes(fitted: Sets, found: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    measured = (found or {}).get("classes", {})
    same = all(
        name in measured and measured[name]["least_probability"] == own["least_probability"]
        for name, own in fitted.items()
    )
    return {
        name: {**own, "test": {key: measured[name][key] for key in ("held", "n_subjects")} if same else None}
        for name, own in fitted.items()
    }
