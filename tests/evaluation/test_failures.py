"""The surest mistakes, and what the wrong have in common."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.failures import common_to_wrong, said_of_wrong, share_difference, worst_cases

CLASSES = {"diagnosis": ["CN", "MCI", "AD"]}


def table(number: int = 90, share: float = 0.6, seed: int = 0) -> PredictionTable:
    """People of three sites with two visits each, of whom those of one site are often called wrong at the first."""
    random = np.random.default_rng(seed)
    rows = []
    for n in range(number):
        truth, site = n % 3, "abc"[n // 3 % 3]
        wrong = random.uniform() < (share if site == "b" else 0.1)
        p = np.full(3, 0.1)
        p[(truth + wrong) % 3] += 0.7
        row = {
            "subject_id": f"s{n:03}",
            "diagnosis": CLASSES["diagnosis"][truth],
            "site": site,
            "sex": "FM"[n // 9 % 2],
        }
        for visit in range(2):
            value = row | {"session_id": f"v{visit}", "days_from_baseline": 300.0 * visit, "age": 70.0 + n % 7}
            called = p if visit == 0 else np.roll(p, 1)
            rows.append(
                value | {f"p_diagnosis_{name}": q for name, q in zip(CLASSES["diagnosis"], called, strict=True)}
            )
    return PredictionTable(pd.DataFrame(rows), CLASSES)


def test_the_surest_mistakes_come_first_with_who_they_are_of() -> None:
    frame = table().frame
    at = frame.index[(frame["subject_id"] == "s003") & (frame["session_id"] == "v0")][0]
    frame.loc[at, ["p_diagnosis_CN", "p_diagnosis_MCI", "p_diagnosis_AD"]] = [0.01, 0.04, 0.95]
    found = worst_cases(PredictionTable(frame, CLASSES))
    columns = ["task", "subject_id", "session_id", "truth", "called", "probability", "age", "sex", "site", "scanner"]
    assert [*found.columns] == columns
    assert len(found) == 10
    assert [*found.iloc[0][columns[:9]]] == ["diagnosis", "s003", "v0", "CN", "AD", 0.95, 73.0, "F", "b"]
    assert found["probability"].is_monotonic_decreasing
    assert (found["truth"] != found["called"]).all()
    assert {*found["session_id"]} == {"v0"}
    assert found["scanner"].isna().all()


def test_what_the_wrong_have_in_common_is_said_with_counts_and_how_much_was_looked_at() -> None:
    found = common_to_wrong(table())["diagnosis"]
    site = next(entry for entry in found["compared"] if entry["group"] == "b")
    others = [entry for entry in found["compared"] if entry["factor"] == "site" and entry["group"] != "b"]
    assert (site["n"], site["others"]) == (30, 60)
    assert site["wrong"] + site["others_wrong"] == found["n_wrong"]
    assert site["low"] > 0
    assert all(entry["difference"] < 0 for entry in others)
    said = said_of_wrong("diagnosis", found)
    assert said[0] == f"diagnosis: {found['n_wrong']} of 90 people are called wrong."
    assert said[1].startswith(f"Site b: {site['wrong']} of 30 wrong, of the others {site['others_wrong']} of 60 (+0.")
    # Three classes, three sites, one of two sexes; one band of ages has no others.
    assert said[-1] == "7 groups were compared with the others; of so many, about 0.4 stand out by chance alone."


def test_where_nothing_stands_out_that_is_said() -> None:
    found = common_to_wrong(table(share=0.1, seed=2))["diagnosis"]
    said = said_of_wrong("diagnosis", found)
    assert "Nothing stands out in what they have in common." in said[0]
    assert len(said) == 2


def test_groups_of_few_people_are_not_compared() -> None:
    found = common_to_wrong(table(number=18))["diagnosis"]
    assert {entry["factor"] for entry in found["compared"]} == set()
    assert said_of_wrong("diagnosis", found)[0].endswith("; there are too few of them to compare groups.")


def test_without_a_label_there_is_nobody_to_be_wrong() -> None:
    nobody = PredictionTable(table(number=12).frame.assign(diagnosis=""), CLASSES)
    assert worst_cases(nobody).empty
    assert common_to_wrong(nobody) == {"diagnosis": {"n_subjects": 0, "n_wrong": 0, "compared": []}}
    assert said_of_wrong("diagnosis", common_to_wrong(nobody)["diagnosis"]) == []


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe 1998, table II, method 10: 56/70 and 48/80, and 9/10 and 3/10.
    assert share_difference((56, 70), (48, 80)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert share_difference((9, 10), (3, 10)) == pytest.approx((0.6, 0.1705, 0.8090), abs=5e-5)
