"""The page and the tables of a study."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from admoe_monai.evaluation.arms import evaluate_arms
from admoe_monai.evaluation.predictions import PredictionTable
from admoe_monai.workflows.studies.page import page_of_study
from admoe_monai.workflows.studies.text import lines_of_plan, lines_of_study
from admoe_monai.workflows.studies.wording import verdict
from page_checks import read_page

CLASSES = {"diagnosis": ["CN", "AD"]}


def predictions(fold: int, sharpness: float, people: int, seed: int) -> PredictionTable:
    random = np.random.default_rng([fold, seed, people])
    rows = []
    for n in range(people):
        label = ["CN", "AD"][n % 2]
        p_ad = 1 / (1 + np.exp(-(sharpness * (1 if label == "AD" else -1) + random.normal(0, 1))))
        rows.append({"subject_id": f"{fold}-{n}", "session_id": "1", "diagnosis": label})
        rows[-1] |= {"p_diagnosis_CN": 1 - p_ad, "p_diagnosis_AD": p_ad}
    return PredictionTable(pd.DataFrame(rows), CLASSES)


def study(people: int = 40, seeds: int = 2) -> dict[str, Any]:
    arms = {"full": 1.0, "the same": 1.0, "chance": 0.0}
    tables = {
        name: [[predictions(fold, sharpness, people, seed + 20 * place) for seed in range(seeds)] for fold in range(2)]
        for place, (name, sharpness) in enumerate(arms.items())
    }
    one = {"people": people, "visits": people, "labelled_people": people}
    return {
        "name": "made up",
        "primary": {"task": "diagnosis", "figure": "balanced_accuracy"},
        "reference": "full",
        "seeds": [*range(seeds)],
        "plan": {
            "overlays": ["tiny"],
            "settings": {"max_epochs": 3},
            "threads": 1,
            "arms": {n: {"overlays": [], "settings": {}, "model": "network", "labels": "true"} for n in arms},
        },
        "cohort": {"name": "cohort", "description": "Made up.", "simulated": True},
        "flow": [dict.fromkeys(("training", "validation", "test"), one)] * 2,
        "figures": evaluate_arms(tables, "diagnosis", "full", n_boot=200),
    }


def test_the_page_says_first_what_was_found_and_what_nobody_can_tell() -> None:
    found = study()
    page = read_page(page_of_study(found))
    text = page.text
    assert text.index("Balanced accuracy of diagnosis, the primary figure, is 0.") < text.index("minus full")
    assert "guessing reaches 0.50" in text
    assert "Worse than 'full': chance (-0." in text
    assert "Cannot tell from 'full' with so many people: the same (" in text
    assert "2 seeds per fold: three or more are needed" in text
    assert "The scans are simulated" in text


def test_the_same_study_gives_the_same_bytes() -> None:
    assert page_of_study(study()) == page_of_study(study())


def test_few_people_are_counted() -> None:
    text = read_page(page_of_study(study(people=6))).text
    assert "no figure: 6 subjects labelled CN" in text
    assert "Right: CN " in text
    assert "of 6" in text


def test_a_terminal_shows_one_table_of_arms() -> None:
    lines = lines_of_study(study(), None)
    assert lines[0] == "diagnosis: 80 test people (CN 40, AD 40), 2 folds"
    rows = {
        name: next(line for line in lines if line.startswith(f"  {name} ")) for name in ("full", "the same", "chance")
    }
    assert rows["full"].endswith("reference")
    assert rows["the same"].endswith("cannot tell")
    assert rows["chance"].endswith("worse")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 0.2, "better"),
        (-0.2, -0.1, "worse"),
        (-0.1, 0.2, "cannot tell"),
        (0.0, 0.2, "cannot tell"),
        (None, None, "cannot tell"),
    ],
)
def test_an_interval_that_holds_zero_cannot_tell(low: float | None, high: float | None, said: str) -> None:
    assert verdict({"value": 0.1, "low": low, "high": high}) == said


def test_a_plan_is_told_with_time_and_disk() -> None:
    row = {
        "arm": "full",
        "cells": 4,
        "done": 1,
        "begun": 1,
        "seconds": 90.0,
        "bytes": 2_000_000,
        "of": "full",
        "seconds_left": 270.0,
    }
    lines = lines_of_plan([row], 2, None)
    assert "1 min 30 s" in lines[2]
    assert "2 MB" in lines[2]
    assert lines[-2:] == ["4 cells, 1 done, 3 to do", "about 2 min 15 s left with 2 at a time; 0.01 GB in the end"]
    assert "--first" in lines_of_plan([{**row, "done": 0, "seconds": None, "bytes": None, "of": None}], 2, None)[-1]
