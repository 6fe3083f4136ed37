"""What settings can't mend: said beside a proposal, for whoever prepares the data."""

from __future__ import annotations

from admoe_monai.data import Datalist
from admoe_monai.data.thin_classes import thin_classes


def advice_on(cohort: Datalist) -> list[str]:
    """Name classes that few people have, and the horizon that labels of change depend on.

    Args:
        cohort: Cohort, read with its classes.
    """
    said = {task: thin_classes(cohort.splits, {task: names}) for task, names in cohort.classes.items()}
    horizon = cohort.label_definition.get("change", {}).get("horizon")
    lines = [line for lines in said.values() for line in lines]
    if said.get("change") and horizon:
        lines.append(
            f"labels of change depend on the horizon, here {horizon}; `admoe prepare --horizon` chooses another, "
            "36m or next_visit"
        )
    return lines
