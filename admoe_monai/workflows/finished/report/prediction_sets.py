"""Prediction sets of a report: what is promised, and what the test split shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.calibration import apply_temperatures
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import in_digits, interval_of, missing, with_interval
from admoe_monai.evaluation.prediction_sets import evaluate_sets, sizes_in_words
from admoe_monai.people import FEWEST_PEOPLE, people

from ..calibration import sets_of, temperatures_of
from ..prediction import TrainedRun


def at_temperatures(run: TrainedRun, table: PredictionTable) -> PredictionTable | None:
    """Return predictions as the run's bundle gives them; None where it has no calibration of its best model.

    Args:
        run: Finished run.
        table: Predictions of its network as it is.
    """
    try:
        temperatures = temperatures_of(run.folder, run.checkpoint["epoch"])
    except UserError:  # damaged, or of another model
        return None
    if temperatures is None or temperatures.keys() != table.classes.keys():
        return None
    return apply_temperatures(table, temperatures)


def set_numbers(run: TrainedRun, calibrated: PredictionTable) -> dict[str, dict[str, Any]]:
    """Measure the prediction sets of a calibrated run; nothing where it was calibrated without them.

    Args:
        run: Finished run.
        calibrated: Predictions at its temperatures.
    """
    try:
        fitted = sets_of(run.folder, run.checkpoint["epoch"])
    except UserError:  # damaged
        return {}
    if fitted is None or {task: {*entry["classes"]} for task, entry in fitted.items()} != {
        task: {*names} for task, names in calibrated.classes.items()
    }:
        return {}
    return evaluate_sets(calibrated, fitted)


def prediction_sets(numbers: Mapping[str, Any]) -> Section:
    """Show promised and found shares of each class, and how much the sets leave open.

    Args:
        numbers: Numbers of the report.
    """
    section = Section("Prediction sets")
    section.text(
        "A prediction set names every class that can't be ruled out. One class is a clear answer; several say that the network "
        "can't tell these apart; none says that the scan is like those of no class."
    )
    found = numbers["prediction_sets"]
    if not found:
        section.text(missing("no thresholds of this model: `admoe evaluate RUN_DIR --calibrate` fits them"))
        return section
    for task, figures in found.items():
        section.heading(f"{task}: {people(figures['n_subjects'])} of the test split, one visit each")
        columns = ["class", "people", "promised", "found", "95 % interval", "people behind the threshold"]
        section.table(columns, [_row(name, own, figures) for name, own in figures["classes"].items()])
        if figures["n_subjects"]:
            mean = with_interval(figures["mean_size"], figures["n_subjects"])
            section.text(
                f"Of {figures['n_subjects']} sets: {sizes_in_words(figures['sizes'])}. Classes in a set: {mean}."
            )
    section.text(
        "The promise is for people like those of the validation split, on average over such splits: this one may miss it, by "
        "the more the fewer people are behind a threshold. Validation also chose the model and its temperatures, so that less "
        "may be found than is promised."
    )
    return section


def _row(name: str, own: Mapping[str, Any], figures: Mapping[str, Any]) -> list[str]:
    number, share = own["n_subjects"], own["coverage"]
    counted = f"{own['held']} of {number}"
    if not own["least_probability"]:
        return [name, str(number), "in every set", counted, missing("needs no measuring"), str(own["n_fitted"])]
    found = counted if number < FEWEST_PEOPLE else f"{in_digits(share['value'], number)} ({counted})"
    return [name, str(number), f"{figures['promised']:.2f}", found, interval_of(share, number), str(own["n_fitted"])]
