"""What needs less than the network: the image alone, and the clinical values alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from admoe_monai.data import Datalist
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.baselines import held_out_baseline
from admoe_monai.transforms import encode_prior, prior_features

from ..prediction import TrainedRun, predict

IMAGE_ALONE = "image alone (clinical values missing)"
CLINICAL_ALONE = "clinical values alone (logistic regression)"


def baseline_tables(
    run: TrainedRun, cohort: Datalist, classes: Mapping[str, Sequence[str]], device: str | None
) -> dict[str, dict[str, PredictionTable]]:
    """Predict the test split by the baselines that give fused figures their meaning.

    Args:
        run: Finished run.
        cohort: Cohort of the run.
        classes: Class names of each task.
        device: Device to run on; None takes the GPU if there is one.

    Returns:
        Predictions per baseline and task; none for a run without clinical values. A task that the clinical values can't be
        fitted on, for want of a class, has none of them.
    """
    columns = run.checkpoint["prior"]
    if not columns:
        return {}
    image_alone = predict(run, cohort, "test", device, with_prior=False)
    found = {IMAGE_ALONE: dict.fromkeys(classes, image_alone)}
    clinical_alone = {}
    for task, names in classes.items():
        training, test = (clinical_table(cohort, split, columns, task) for split in ("training", "test"))
        try:
            clinical_alone[task] = held_out_baseline(training, test, prior_features(columns), names, task)
        except UserError:  # a class without a training visit, or no labelled visit
            continue
    return found | ({CLINICAL_ALONE: clinical_alone} if clinical_alone else {})


def clinical_table(cohort: Datalist, split: str, columns: Sequence[Mapping[str, Any]], task: str) -> pd.DataFrame:
    """Lay out the encoded clinical values of a split beside the labels of a task, one row per visit.

    Args:
        cohort: Cohort with the split.
        split: Name of the split.
        columns: Statistics of the prior columns.
        task: Name of the task.
    """
    visits = cohort.splits[split]
    kept = ("image", "subject_id", "person_id", "session_id", "days_from_baseline", task)
    table = pd.DataFrame([{name: visit.get(name) for name in kept} for visit in visits])
    encoded = [encode_prior(visit.get("prior") or {}, columns) for visit in visits]
    return table.join(pd.DataFrame(encoded, columns=prior_features(columns)))
