"""Temperature scaling: one number per task that makes probabilities match the frequencies of what happens.

Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599. The order of the classes of a visit stays what it
is, and so do calls and the AUCs of two classes; with three or more, the probability of a class against the rest also depends on
how the rest is divided, so that visits may change places and AUCs against the rest change. Axis letters: N visits, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from admoe_monai.errors import UserError
from admoe_monai.evaluation.predictions import PredictionTable
from admoe_monai.evaluation.reliability import reliability_bins
from admoe_monai.people import FEWEST_PEOPLE, people

#: Bounds of the search; a temperature at one of them means that the network knows nothing, or has seen these visits.
LOWEST, HIGHEST = 0.05, 20.0
#: Factor to a bound within which a temperature counts as being at it.
AT_BOUND = 1.05
#: Logarithmic loss at which nothing is left to fit.
NO_LOSS = 1e-9
#: A smaller probability would be an infinite loss.
SMALLEST = 1e-12


def fit_temperatures(table: PredictionTable) -> dict[str, dict[str, Any]]:
    """Fit the temperature of each task on visits that neither trained the network nor will test it.

    Args:
        table: Predictions of the validation split.

    Returns:
        Per task ``temperature``, ``n_subjects`` and ``n_visits``, ``accuracy`` of these visits (None without any), and
        ``before`` and ``after``: see :func:`calibration_figures`. A task with fewer than two labels keeps temperature 1.
    """
    fitted = {}
    for task in table.classes:
        probabilities, truth, subjects = _labelled(table, task)
        temperature = 1.0
        if len(set(truth.tolist())) > 1:
            found = minimize_scalar(
                lambda log_t, p=probabilities, y=truth: _loss(temper(p, float(np.exp(log_t))), y),
                bounds=(np.log(LOWEST), np.log(HIGHEST)),
                method="bounded",
            )
            temperature = float(np.exp(found.x))
        fitted[task] = {
            "temperature": temperature,
            "n_subjects": len(set(subjects)),
            "n_visits": len(truth),
            "accuracy": float((probabilities.argmax(axis=1) == truth).mean()) if len(truth) else None,
            "before": calibration_figures(probabilities, truth),
            "after": calibration_figures(temper(probabilities, temperature), truth),
        }
    return fitted


def calibration_remarks(fitted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say which temperatures mean little, in plain sentences; none where all are sound.

    Args:
        fitted: Result of :func:`fit_temperatures`.
    """
    said = []
    for task, entry in fitted.items():
        temperature, number = entry["temperature"], entry["n_subjects"]
        if number < FEWEST_PEOPLE:
            said.append(
                f"calibration of {task} rests on {people(number)} of the validation split: "
                f"its temperature may be chance ({FEWEST_PEOPLE} or more are needed)"
            )
        loss = entry["after"]["log_loss"]
        # Where each visit is right, the loss is zero in floating point before the bound is reached.
        if temperature < AT_BOUND * LOWEST or (loss is not None and loss < NO_LOSS):
            why = _why_lowest(entry.get("accuracy"))
            said.append(f"the temperature of {task}, {temperature:.2f}, went to its lower bound: {why}")
        if temperature * AT_BOUND > HIGHEST:
            why = "its probabilities say nothing of these visits"
            said.append(f"the temperature of {task}, {temperature:.2f}, went to its upper bound: {why}")
    return said


def temperatures_in_words(fitted: Mapping[str, Mapping[str, Any]]) -> str:
    """Say of figures that they are those of a calibrated network, which a report of the network as it is has not.

    Args:
        fitted: Result of :func:`fit_temperatures`.
    """
    at = ", ".join(f"{task} {entry['temperature']:.2f}" for task, entry in fitted.items())
    return (
        f"all figures are at the fitted temperatures ({at}); of three or more classes, AUCs against the rest are then others "
        "than without"
    )


def _why_lowest(accuracy: float | None) -> str:
    right, flat = (
        "the network gets each of these visits right, as if it had seen them",
        "its probabilities hardly differ",
    )
    if accuracy is None:  # fitted by an earlier version
        return f"{right}, or {flat}"
    return right if accuracy == 1 else flat


def apply_temperatures(table: PredictionTable, temperatures: dict[str, float]) -> PredictionTable:
    """Return the predictions at other temperatures.

    Args:
        table: Predictions at temperature 1.
        temperatures: Temperature per task, above 0.
    """
    columns = {
        name: column
        for task, temperature in temperatures.items()
        for name, column in zip(table.columns(task), temper(table.probabilities(task), temperature).T, strict=True)
    }
    return PredictionTable(table.frame.assign(**columns), table.classes)


def compare_calibration(before: PredictionTable, after: PredictionTable) -> dict[str, dict[str, Any]]:
    """Compare the calibration of the same visits at two temperatures.

    Args:
        before: Predictions at the first temperature.
        after: Predictions at the second.

    Returns:
        Per task ``n_subjects``, ``n_visits``, ``before`` and ``after``: see :func:`calibration_figures`.
    """
    compared = {}
    for task in before.classes:
        probabilities, truth, subjects = _labelled(before, task)
        compared[task] = {
            "n_subjects": len(set(subjects)),
            "n_visits": len(truth),
            "before": calibration_figures(probabilities, truth),
            "after": calibration_figures(_labelled(after, task)[0], truth),
        }
    return compared


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Compute the softmax of the logits behind probabilities, divided by a temperature; rows of NaN stay so.

    Args:
        probabilities: Array (N, K), each row summing to 1.
        temperature: Number above 0; above 1 the probabilities come closer together.

    Raises:
        UserError: If the temperature is not positive.
    """
    if not temperature > 0:
        raise UserError(f"a temperature must be positive, got {temperature}")
    logits = np.log(np.maximum(probabilities, SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    tempered: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return tempered


def calibration_figures(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float | None]:
    """Measure how far probabilities are from what happens.

    Args:
        probabilities: Array (N, K), each row summing to 1.
        truth: Class indices (N,).

    Returns:
        ``log_loss``; ``brier`` (squared distance from the truth, summed over classes); and ``ece``, the expected
        calibration error of the most probable class in ten bins of equal width. None without visits.
    """
    if not len(truth):
        return {"log_loss": None, "brier": None, "ece": None}
    bins = reliability_bins(probabilities, truth)
    gaps = [abs(entry["right"] - entry["confidence"]) * entry["n_visits"] / len(truth) for entry in bins]
    onehot = np.eye(probabilities.shape[1])[truth]
    return {
        "log_loss": _loss(probabilities, truth),
        "brier": float(((probabilities - onehot) ** 2).sum(axis=1).mean()),
        "ece": float(sum(gaps)),
    }


def _labelled(table: PredictionTable, task: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    truth, probabilities = table.labels(task), table.probabilities(task)
    usable = (truth >= 0) & ~np.isnan(probabilities).any(axis=1)
    return probabilities[usable], truth[usable], table.people(usable).tolist()


def _loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    return float(log_loss(truth, np.maximum(probabilities, SMALLEST), labels=list(range(probabilities.shape[1]))))
