"""What the probabilities of a network are worth, in a report: ROC, calibration and decision curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from admoe_monai.evaluation.decision_curve import decision_figure, decision_in_words
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import in_digits, missing, with_interval
from admoe_monai.evaluation.reliability import reliability_figure
from admoe_monai.evaluation.roc import roc_figure, roc_in_words
from admoe_monai.people import FEWEST_PEOPLE


def add_roc(section: Section, numbers: Mapping[str, Any]) -> None:
    """Draw a curve of each class against the rest, where both are enough people for one.

    Args:
        section: Section to add to.
        numbers: Numbers of the report.
    """
    known = {task: curves for task, curves in numbers["roc"].items() if curves}
    if known:
        section.heading("ROC: each class against the rest, first labelled visit of each test person")
    for task, curves in _enough(section, known).items():
        words = "; ".join(roc_in_words(name, curve) for name, curve in curves.items())
        section.picture(f"ROC, {task}", roc_figure(curves), f"ROC curves of {task}. {words}")


def add_calibration(section: Section, numbers: Mapping[str, Any]) -> None:
    """Show how often the network is right where it is so sure.

    Args:
        section: Section to add to.
        numbers: Numbers of the report.
    """
    if not numbers["calibration"]:
        return
    section.heading("Calibration: all labelled test visits, the network as it is")
    for task, bins in numbers["reliability"].items():
        words = "; ".join(
            f"at {entry['confidence']:.2f} right {entry['right']:.2f}, {entry['n_visits']} visits" for entry in bins
        )
        section.picture(f"Reliability, {task}", reliability_figure(bins), f"Reliability of {task}: {words}")
    rows = []
    for task, figures in numbers["calibration"].items():
        number = numbers["test"][task]["n_subjects"]
        visits = sum(entry["n_visits"] for entry in numbers["reliability"][task])
        rows.append([task, visits, *(in_digits(figures[name], number) for name in ("log_loss", "brier", "ece"))])
    section.table(["task", "visits", "log loss", "Brier score", "expected calibration error"], rows)
    _lines(section, numbers)
    section.text("`admoe evaluate RUN_DIR --calibrate` fits a temperature per task.")


def _lines(section: Section, numbers: Mapping[str, Any]) -> None:
    rows = []
    for task, lines in numbers["calibration_lines"].items():
        for name, line in lines.items():
            figures = numbers["test"][task]
            number = figures["class_counts"][name]["subjects"]
            # A line between two groups is as sure as the smaller of them lets it be.
            fewest = min(number, figures["n_subjects"] - number)
            few = fewest < FEWEST_PEOPLE
            cells = [
                missing("too few people") if few else with_interval(line[k], fewest) for k in ("slope", "intercept")
            ]
            rows.append([f"{task}, {name}", number, *cells])
    section.table(["class against the rest", "people", "calibration slope", "calibration intercept"], rows)
    section.text(
        "First labelled visit of each test person. Perfect are a slope of 1 and an intercept of 0: a slope below 1 means that "
        "the network is too sure, an intercept below 0 means that it calls the class too probable on the whole."
    )


def add_decisions(section: Section, numbers: Mapping[str, Any]) -> None:
    """Draw what acting on the probability of a class would be worth, where it and the rest are enough people.

    Args:
        section: Section to add to.
        numbers: Numbers of the report.
    """
    known = {task: curves for task, curves in numbers["decision"].items() if curves}
    if not known:
        return
    network = "at the temperatures of its calibration" if numbers["decision_calibrated"] else "as it is"
    section.heading(f"Decision curves: first labelled visit of each test person, the network {network}")
    section.text(
        "Net benefit per person: who is rightly acted on, less false alarms, of which each counts t / (1 - t) for whoever acts "
        "from a probability t on. The network is of use where its line is above acting on everyone (dashed) and on no one."
    )
    for task, curves in _enough(section, known).items():
        words = "; ".join(decision_in_words(name, curve) for name, curve in curves.items())
        section.picture(
            f"Decision curves, {task}",
            decision_figure(curves),
            f"Decision curves of {task}; the network is above acting on everyone and on no one: {words}",
        )


def _enough(section: Section, tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out curves of few people, and say so: they look as sure as any. A task without other curves is left out."""
    drawn: dict[str, dict[str, Any]] = {}
    for task, curves in tasks.items():
        few = {name for name, curve in curves.items() if min(_sides(curve)) < FEWEST_PEOPLE}
        if few:
            counted = ", ".join(
                "{} ({} against {})".format(name, *_sides(curves[name])) for name in curves if name in few
            )
            section.text(f"{task}: {missing(f'too few people for a curve of {counted}')}")
        if len(few) < len(curves):
            drawn[task] = {name: curve for name, curve in curves.items() if name not in few}
    return drawn


def _sides(curve: Mapping[str, Any]) -> tuple[int, int]:
    return curve["n_class"], curve["n_rest"]
