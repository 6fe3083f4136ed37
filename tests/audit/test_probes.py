from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from admoe_monai.audit.entries import entries_of
from admoe_monai.audit.probes import probe, probes
from admoe_monai.audit.tables import encoded, visit_table
from made_up_cohort import TASKS, clean_cohort


def table(subjects: int = 120, shortcut: bool = False) -> pd.DataFrame:
    cohort = clean_cohort(subjects)
    for visits in cohort.splits.values():
        for visit in visits:
            if shortcut and visit["diagnosis"] == "AD":
                visit["site"] = "site-memory-clinic"
    return visit_table(entries_of(cohort), TASKS, ["age", "sex"])


def test_an_index_is_counted_in_the_order_of_time() -> None:
    cohort = clean_cohort(12)
    frame = visit_table(entries_of(cohort), TASKS, []).sort_values(["subject_id", "days_from_baseline"])
    assert (frame["visit_index"] == frame.groupby("subject_id").cumcount()).all()


def test_text_becomes_categories_and_constants_nothing() -> None:
    frame = pd.DataFrame(
        {"a": ["x", None, "y"], "b": [1, None, 2.5], "c": ["1", "2", "3"], "d": ["z"] * 3, "e": [None] * 3}
    )
    numbers = encoded(frame, list(frame))
    assert list(numbers) == ["a_missing", "a_x", "a_y", "b", "c"]
    np.testing.assert_array_equal(numbers["a_missing"], [0, 1, 0])
    assert numbers["b"].isna().tolist() == [False, True, False]


def test_rare_categories_are_put_together() -> None:
    numbers = encoded(pd.DataFrame({"scanner": [f"s{n // 2 if n < 60 else n}" for n in range(100)]}), ["scanner"])
    assert numbers.shape[1] == 31
    assert numbers["scanner_other"].sum() == 40


def test_acquisition_that_betrays_the_label_is_a_warning_and_honest_acquisition_is_at_chance() -> None:
    figures, findings = probes(table(), TASKS, ["age", "sex"])
    honest = next(figure for figure in figures if (figure.name, figure.task) == ("acquisition alone", "diagnosis"))
    assert honest.low is not None
    assert honest.high is not None
    assert honest.low < 1 / 3 < honest.high
    assert honest.n_subjects == 120
    assert findings == []
    _, findings = probes(table(shortcut=True), TASKS, ["age", "sex"])
    assert [(finding.check, finding.severity) for finding in findings] == [("acquisition_shortcut", "warning")]


def test_time_knows_nothing_at_first_visits() -> None:
    figures = {(f.name, f.task): f for f in probes(table(), TASKS, [])[0]}
    assert figures["time alone", "diagnosis"].value == pytest.approx(1 / 3, abs=0.05)
    assert figures["time alone, all visits", "diagnosis"].visits == "all labelled visits"


def test_too_few_subjects_are_a_note() -> None:
    figures, notes = probes(table(9), TASKS, ["age"])
    assert all(figure.value is None for figure in figures)
    assert {note.severity for note in notes} == {"note"}
    assert "fewer than two classes with 5 subjects" in notes[0].message


def test_a_rare_class_is_left_out_and_named() -> None:
    frame = table(60)
    frame.loc[frame["diagnosis"] == "AD", "diagnosis"] = None
    frame.loc[frame["subject_id"].isin(frame["subject_id"].unique()[:2]), "diagnosis"] = "AD"
    figure = probe("age", frame, ["prior age"], "diagnosis", n_boot=50)
    assert figure.classes == ("CN", "MCI")
    assert figure.note == "without AD (n = 2)"
    assert 5 <= figure.smallest <= figure.n_subjects / 2


def test_a_class_that_comes_with_later_visits_only_is_a_note() -> None:
    frame = table(30)
    frame["diagnosis"] = np.where(frame["visit_index"] == 0, "CN", "MCI")
    assert "fewer than two classes" in probe("age", frame, ["prior age"], "diagnosis").note
    assert probe("time", frame, ["visit_index"], "diagnosis", one_visit_per_subject=False, n_boot=0).value == 1.0
