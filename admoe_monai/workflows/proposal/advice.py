"""What settings can't mend: said beside a proposal, for whoever prepares the data."""

from __future__ import annotations

from admoe_monai.data import Datalist
from admoe_monai.data.thin_classes import thin_classes

#: People in training below which a plain CNN is worth a run: from 420 it learned more than a transformer of patches did, and
#: with more than a thousand nobody has held them against each other (docs/studies.md).
FEW_FOR_A_TRANSFORMER = 1_000


def advice_on(cohort: Datalist, stem: str) -> list[str]:
    """Name classes that few people have, the horizon of labels of change, and controls that may learn more from few people.

    Args:
        cohort: Cohort, read with its classes.
        stem: What turns images into tokens, as the setting of that name has it.
    """
    said = {task: thin_classes(cohort.splits, {task: names}) for task, names in cohort.classes.items()}
    horizon = cohort.label_definition.get("change", {}).get("horizon")
    lines = [line for lines in said.values() for line in lines]
    if said.get("change") and horizon:
        lines.append(
            f"labels of change depend on the horizon, here {horizon}; `admoe prepare --horizon` chooses another, "
            "36m or next_visit"
        )
    labelled = {visit["subject_id"] for visit in cohort.labelled("training")}
    if stem == "patch" and 0 < len(labelled) < FEW_FOR_A_TRANSFORMER:
        lines.append(
            f"from {len(labelled)} people in training a plain CNN may learn more than this transformer of patches, as it did "
            "from 420 simulated ones: add encoder_cnn behind this file and compare"
        )
    if stem == "cnn" and labelled:
        lines.append(
            "pretraining made this network worse where 100 simulated people had labels: add from_scratch behind this file and "
            "compare"
        )
    return lines
