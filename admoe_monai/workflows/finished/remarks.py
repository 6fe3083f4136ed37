"""Remarks on the data and the calibration behind the figures of a run, in plain sentences."""

from __future__ import annotations

from admoe_monai.data import Datalist
from admoe_monai.data.other_labels import left_out_lines
from admoe_monai.data.thin_classes import thin_classes

from .calibration import calibration_remarks_of
from .prediction import TrainedRun


def remarks_of(run: TrainedRun, cohort: Datalist) -> list[str]:
    """Say what was left out, which classes few people have, and what the calibration rests on.

    Args:
        run: Finished run.
        cohort: Cohort of the run.
    """
    return [
        *left_out_lines(cohort.label_definition, cohort.classes),
        *thin_classes(cohort.splits, cohort.classes),
        *calibration_remarks_of(run.folder),
    ]
