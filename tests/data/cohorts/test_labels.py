import csv
from collections import Counter
from pathlib import Path

import pytest

from admoe_monai.data import change_labels, label_changes
from admoe_monai.data.cohorts.labels import parse_horizon
from admoe_monai.errors import UserError

OASIS2 = Path(__file__).parents[4] / "shared/data/oasis2_slices/oasis_longitudinal.csv"


def test_the_next_visit_decides():
    history = [(0, "CN"), (400, "MCI"), (800, "CN"), (1200, "CN")]

    assert change_labels(history) == ["conversion", "reversion", "stable", None]


def test_the_order_of_rows_does_not_matter():
    assert change_labels([(800, "CN"), (0, "CN"), (400, "MCI")]) == [None, "conversion", "reversion"]


def test_the_last_visit_and_unknown_diagnoses_have_no_label():
    assert change_labels([(0, "CN"), (300, None), (600, "MCI")]) == ["conversion", None, None]
    assert change_labels([(0, "CN"), (None, "MCI")]) == [None, None]


def test_the_most_severe_stage_has_no_label_unless_asked_for():
    history = [(0, "AD"), (400, "AD"), (800, "MCI")]

    assert change_labels(history) == [None, None, None]
    assert change_labels(history, change_for_ad="stable") == ["stable", "reversion", None]


@pytest.mark.parametrize(
    ("later", "label"),
    [
        ([(500, "CN"), (1000, "CN")], "stable"),
        ([(500, "CN"), (900, "MCI")], "conversion"),
        ([(500, "MCI"), (900, "CN")], None),  # an unstable course
        ([(500, "CN"), (999, "CN")], None),  # followed too briefly
        ([(500, "CN"), (1500, "CN")], "stable"),  # the same on both sides of the horizon
        ([(500, "CN"), (1500, "MCI")], None),  # nobody knows when
        ([(1500, "MCI")], None),
        ([], None),
    ],
)
def test_what_counts_within_a_horizon(later, label):
    assert change_labels([(0, "CN"), *later], horizon=1000)[0] == label


def test_a_shorter_follow_up_may_be_enough():
    assert change_labels([(0, "CN"), (900, "CN")], horizon=1000, min_followup=900)[0] == "stable"
    assert change_labels([(0, "CN"), (899, "CN")], horizon=1000, min_followup=900)[0] is None


def test_a_reversion_goes_down_in_the_order_that_is_given():
    assert change_labels([(0, "late"), (9, "early")], severity=("early", "late", "end")) == ["reversion", None]


def test_a_diagnosis_without_a_place_in_the_order_is_refused():
    with pytest.raises(UserError, match="diagnosis 'EMCI' has no place in the order CN < MCI < AD"):
        change_labels([(0, "EMCI")])


def test_subjects_do_not_mix_and_visits_keep_their_order():
    visits = [
        {"subject_id": subject, "days_from_baseline": days, "diagnosis": diagnosis}
        for subject, days, diagnosis in [("a", 0, "CN"), ("b", 0, "MCI"), ("a", 9, "MCI"), ("b", 9, "MCI")]
    ]
    labelled = label_changes(visits)

    assert [visit["change"] for visit in labelled] == ["conversion", "stable", None, None]
    assert [visit["subject_id"] for visit in labelled] == ["a", "b", "a", "b"]
    assert "change" not in visits[0]


@pytest.mark.parametrize(
    ("text", "days"),
    [("next_visit", "next_visit"), ("36m", 1095.75), ("3y", 1095.75), ("400d", 400.0), ("1.5 y", 547.875)],
)
def test_a_horizon_is_read_as_people_write_it(text, days):
    assert parse_horizon(text) == days


@pytest.mark.parametrize("text", ["36", "m", "-3m", "0d", "next visit", "nan d"])
def test_a_horizon_that_makes_no_sense_is_refused(text):
    with pytest.raises(UserError, match="is not understood: write next_visit, 36m"):
        parse_horizon(text)


@pytest.mark.realdata
@pytest.mark.skipif(not OASIS2.exists(), reason="no real data on this machine")
@pytest.mark.parametrize(("change_for_ad", "expected"), [("null", (114, 18, 2)), ("stable", (127, 18, 3))])
def test_oasis2_from_one_visit_to_the_next(change_for_ad, expected):
    diagnoses = {"0.0": "CN", "0.5": "MCI", "1.0": "AD", "2.0": "AD"}
    with OASIS2.open(newline="") as file:
        visits = [
            {
                "subject_id": row["Subject ID"],
                "days_from_baseline": float(row["MR Delay"]),
                "diagnosis": diagnoses[row["CDR"]],
            }
            for row in csv.DictReader(file)
        ]
    counts = Counter(visit["change"] for visit in label_changes(visits, change_for_ad=change_for_ad))

    assert (counts["stable"], counts["conversion"], counts["reversion"]) == expected
