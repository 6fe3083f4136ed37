"""What settings can't mend: said beside a proposal, for whoever prepares the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .facts import CohortFacts

#: Training visits of a class below which a task is hardly learnt.
FEW = 10


def advice_on(facts: CohortFacts, label_definition: Mapping[str, Any]) -> list[str]:
    """Name labels that are missing or few.

    Args:
        facts: Facts of the cohort.
        label_definition: Account of how the labels of a task were made, as the datalist gives it.
    """
    training, lines = facts.splits["training"], []
    for task, names in facts.classes.items():
        counts = {name: training.classes[task].get(name, 0) for name in names}
        few = [f"{name} {count}" for name, count in counts.items() if count < FEW]
        if not sum(counts.values()):
            lines.append(f"no training visit has a label of {task}: its head learns nothing")
        elif few:
            lines.append(f"few training visits by class of {task}: {', '.join(few)}")
        if task == "change" and few and any(training.classes["diagnosis"].values()):
            horizon = (label_definition.get("change") or {}).get("horizon", "36m")
            lines.append(
                f"labels of change depend on the horizon, here {horizon}; `admoe prepare --horizon` chooses another, "
                "36m or next_visit"
            )
    if not facts.splits["test"].labelled and any(any(counts.values()) for counts in training.classes.values()):
        lines.append("no test visit has a label: `admoe evaluate` will have nothing to compare with")
    return lines
