"""Figures per group of people: a model that is good on average may be good for some alone.

Axis letters: N visits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from admoe_monai.evaluation.evaluate import evaluate_predictions
from admoe_monai.evaluation.predictions import PredictionTable

#: Columns of visits by which figures are given.
GROUPS = ("sex", "age_band", "site", "scanner", "field_strength", "cohort")
BAND_YEARS = 10
#: A group of fewer people says nothing.
FEWEST_SUBJECTS = 5


def evaluate_groups(
    table: PredictionTable, n_boot: int = 2000, seed: int = 0, one_visit_per_subject: bool = True
) -> dict[str, dict[str, dict[str, Any]]]:
    """Evaluate the visits of each sex, age band, site, scanner, field strength and cohort alone.

    Args:
        table: Predictions with these columns, as far as they are known.
        n_boot: Number of resamples of subjects, as in :func:`evaluate_predictions`.
        seed: Seed of the resampling.
        one_visit_per_subject: Whether to use only the first labelled visit of each subject.

    Returns:
        Per grouping and group the result of :func:`evaluate_predictions`, whose intervals show how little a small group
        tells. Groupings with fewer than two groups of five people are left out.
    """
    frame = with_age_bands(table.frame)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for column in GROUPS:
        if column not in frame:
            continue
        values = frame[column].astype("string")
        values = values.mask(values == "")
        sizes = frame.groupby(values)["subject_id"].nunique()
        names = [str(name) for name in sizes.index[sizes >= FEWEST_SUBJECTS]]
        if len(names) > 1:
            found[column] = {
                name: evaluate_predictions(
                    PredictionTable(table.frame[(values == name).fillna(False)], table.classes),
                    table.classes,
                    n_boot=n_boot,
                    seed=seed,
                    one_visit_per_subject=one_visit_per_subject,
                )
                for name in names
            }
    return found


def with_age_bands(frame: pd.DataFrame) -> pd.DataFrame:
    """Add ``age_band``, such as ``70 to 79``, where ages are known.

    Args:
        frame: Visits, with ``age`` in years where it is known.
    """
    if "age" not in frame:
        return frame
    ages = pd.to_numeric(frame["age"], errors="coerce")
    low = (np.floor(ages / BAND_YEARS) * BAND_YEARS).astype("Int64")
    band = low.astype("string") + " to " + (low + BAND_YEARS - 1).astype("string")
    return frame.assign(age_band=band)
