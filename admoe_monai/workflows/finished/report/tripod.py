"""The items of TRIPOD+AI, answered with what the run knows of those of CLAIM.

Collins, G. S. et al., "TRIPOD+AI statement", BMJ 385 (2024), doi 10.1136/bmj-2023-078378, by their numbers and in
words of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

#: Number of each item, what it is about, and the items of CLAIM that answer it.
ITEMS: dict[str, tuple[str, tuple[int, ...]]] = {
    "1": ("kind of model that is named in the title", (1,)), "2": ("abstract", ()),
    "3a": ("clinical context", ()), "3b": ("people and purpose it is meant for", ()), "3c": ("known inequalities", ()),
    "4": ("objectives", (6,)),
    "5a": ("sources of data", (7,)), "5b": ("dates", ()),
    "6a": ("setting", ()), "6b": ("who was eligible", (8,)), "6c": ("treatments", ()),
    "7": ("preparation of the data", (9,)),
    "8a": ("outcome", (14, 16)), "8b": ("who assessed it", ()), "8c": ("blinding of that", ()),
    "9a": ("choice of predictors", ()), "9b": ("definition of predictors", (11,)), "9c": ("who assessed them", ()),
    "10": ("sample size", ()), "11": ("missing data", (13,)),
    "12a": ("how the data were divided", (20, 21)), "12b": ("how predictors are handled", (9,)),
    "12c": ("kind of model, how it was built and chosen", (22, 24, 25, 26)), "12d": ("differences between clusters", ()),
    "12e": ("measures of performance", (28, 29)), "12f": ("updating of the model", ()),
    "12g": ("how predictions are made", ()),
    "13": ("imbalance of classes", ()), "14": ("fairness", ()), "15": ("output of the model", ()),
    "16": ("how training and evaluation differ", (32,)), "17": ("ethical approval", ()),
    "18a": ("funding", ()), "18b": ("conflicts of interest", ()), "18c": ("protocol", (41,)), "18d": ("registration", ()),
    "18e": ("sharing of data", ()), "18f": ("sharing of code", (23,)), "19": ("involvement of patients", ()),
    "20a": ("flow of participants", (33,)), "20b": ("characteristics", (34,)),
    "20c": ("training and test people compared", (34,)),
    "21": ("people and events of each analysis", (20,)), "22": ("the whole model", (22,)),
    "23a": ("performance with intervals", (35, 36)), "23b": ("performance by cluster", ()),
    "24": ("results of updating", ()),
    "25": ("interpretation", ()), "26": ("limits", (38,)),
    "27a": ("what becomes of poor input", ()), "27b": ("what the user has to do and know", ()), "27c": ("what comes next", ()),
}  # fmt: skip
#: Groupings of people by what they are, and by where they were scanned.
BY_PERSON, BY_PLACE = ("sex", "age_band"), ("site", "cohort", "scanner", "field_strength")


def tripod_rows(
    claim: Mapping[int, str], settings: Mapping[str, Any], numbers: Mapping[str, Any], otherwise: str
) -> list[list[str]]:
    """Answer each item.

    Args:
        claim: What is known, by item of CLAIM.
        settings: Settings of the run.
        numbers: Numbers of the report.
        otherwise: What stands at an item that the run can't answer.

    Returns:
        Rows of number, subject and answer.
    """
    own = {**_of_the_run(settings, numbers), **_of_groups(numbers["groups"])}
    return [
        [number, subject, own.get(number) or "; ".join(_answers(claim, behind)) or otherwise]
        for number, (subject, behind) in ITEMS.items()
    ]


def _answers(claim: Mapping[int, str], behind: tuple[int, ...]) -> Iterator[str]:
    yield from (claim[number] for number in behind if number in claim)


def _of_groups(groups: Collection[str]) -> dict[str, str]:
    """Name the figures by group; disturbed scans say nothing of them."""
    found = {item: [name for name in kinds if name in groups] for item, kinds in (("14", BY_PERSON), ("23b", BY_PLACE))}
    return {
        item: f"figures by {', '.join(names).replace('_', ' ')} (section Controls)"
        for item, names in found.items()
        if names
    }


def _of_the_run(settings: Mapping[str, Any], numbers: Mapping[str, Any]) -> dict[str, str]:
    weights = (
        "inverse class frequencies weigh the loss"
        if settings["class_weights"] == "balanced"
        else "all classes weigh the same"
    )
    classes = "; ".join(f"{task}: {', '.join(names)}" for task, names in settings["classes"].items())
    return {
        "12f": "none: the model was trained once",
        "12g": "softmax over the classes of a task; the most probable class is called",
        "13": f"{weights} in training; balanced accuracy is the primary figure",
        "15": f"probabilities of {classes}"
        + ("; sets of classes that can't be ruled out (section Prediction sets)" if numbers["prediction_sets"] else ""),
        "24": "none: the model was not updated",
        "27a": "a scan that can't be read, or that the screening of the bundle refuses, gets no prediction but a reason",
    }
