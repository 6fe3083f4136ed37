from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from admoe_monai.audit import cheap_audit
from admoe_monai.audit.priors import banned_reason, usable_columns
from admoe_monai.data import Datalist
from made_up_cohort import TASKS, clean_cohort


def with_column(values: Any, name: str = "marker", role: str = "clinical", subjects: int = 60) -> Datalist:
    cohort = clean_cohort(subjects)
    cohort.prior.append({"name": name, "role": role, "kind": "continuous", "n": 1})
    for visits in cohort.splits.values():
        for visit in visits:
            visit["prior"][name] = values(visit)
    return cohort


@pytest.mark.parametrize(
    "name",
    [
        "Visit", "visit_number", "session", "VISCODE", "timepoint", "MR Delay", "delay", "days_from_baseline", "Month",
        "followup_days", "scan_date", "n_visits", "visit count", "Group", "DX_bl", "diagnosis", "change_label", "MMSE",
        "mmse_bl", "CDR", "CDRSB", "cdr_global", "p_AD", "prob_MCI", "softmax_0",
    ],
)  # fmt: skip
def test_names_that_know_the_answer_are_banned(name: str) -> None:
    assert (banned_reason(name) is not None) == (name != "Month")


@pytest.mark.parametrize(
    "name",
    ["age", "sex", "education", "years_of_education", "ses", "apoe4", "etiv", "nwbv", "site", "hippocampus", "prediabetes",
     "bmi", "time_up_and_go", "classical_music"],
)  # fmt: skip
def test_honest_names_are_not(name: str) -> None:
    assert banned_reason(name) is None


def test_a_banned_name_counts_only_if_the_column_can_become_an_input() -> None:
    values = np.random.default_rng(0)
    cohort = with_column(lambda visit: values.normal(), "delay", role="banned")
    assert cheap_audit(cohort, tasks=TASKS) == []
    cohort.prior[-1]["role"] = "image_derived"
    assert [finding.check for finding in cheap_audit(cohort, tasks=TASKS)] == ["banned_prior"]
    assert cheap_audit(cohort, prior_columns=["age", "sex"], tasks=TASKS) == []
    assert usable_columns(cohort, TASKS, ["sex", "age", "mmse"]) == ["age", "sex"]


def test_a_column_that_is_the_label_of_a_task_is_no_input() -> None:
    cohort = clean_cohort(30)
    assert "sex" in usable_columns(cohort, TASKS)
    assert "sex" not in usable_columns(cohort, [*TASKS, "sex"])
    assert cheap_audit(cohort, tasks=[*TASKS, "sex"]) == []


def test_a_column_that_tells_a_further_task_is_found() -> None:
    cohort = with_column(lambda visit: {"F": 1.0, "M": 2.0}[visit["sex"]])
    assert cheap_audit(cohort, tasks=TASKS) == []
    assert [finding.check for finding in cheap_audit(cohort, tasks=["sex"])] == ["label_coded_prior"]


def test_class_probabilities_give_the_label_away_together() -> None:
    generator = np.random.default_rng(0)
    cohort = clean_cohort(90)
    names = ("one", "two", "three")
    cohort.prior[:] = [{"name": name, "role": "clinical", "kind": "continuous", "n": 1} for name in names]
    for visits in cohort.splits.values():
        for visit in visits:
            odds = np.exp(generator.normal(0, 1, 3) + 4.0 * (np.array(["CN", "MCI", "AD"]) == visit["diagnosis"]))
            visit["prior"] = dict(zip(names, odds / odds.sum(), strict=True))
    findings = cheap_audit(cohort, tasks=TASKS)
    assert {finding.check for finding in findings if finding.severity == "leak"} == {"label_coded_prior"}


def test_missing_values_can_be_the_label() -> None:
    cohort = with_column(lambda visit: None if visit["diagnosis"] == "AD" else float(visit["diagnosis"] == "MCI"))
    assert [finding.severity for finding in cheap_audit(cohort, tasks=TASKS)] == ["leak"]


def test_a_strong_but_honest_marker_is_no_leak() -> None:
    generator = np.random.default_rng(0)
    stage = {"CN": 0, "MCI": 1, "AD": 2}
    # An AUC of 0.92 between CN and AD, as the best single measures of the brain reach.
    cohort = with_column(lambda visit: stage[visit["diagnosis"]] + generator.normal(), subjects=150)
    assert [finding.severity for finding in cheap_audit(cohort, tasks=TASKS) if finding.severity == "leak"] == []


@pytest.mark.parametrize(("subjects", "severities"), [(9, []), (18, ["warning"])])
def test_few_subjects_do_not_refuse_a_cohort(subjects: int, severities: list[str]) -> None:
    cohort = with_column(lambda visit: {"CN": 1.0, "MCI": 2.0, "AD": 3.0}[visit["diagnosis"]], subjects=subjects)
    assert [finding.severity for finding in cheap_audit(cohort, tasks=TASKS)] == severities
