import csv
from collections import Counter
from pathlib import Path

import pytest

from admoe_monai.data.cohorts import ChangeRule, change_labels, label_changes
from admoe_monai.data.cohorts.labels import fill_diagnoses
from admoe_monai.errors import UserError

OASIS2 = Path(__file__).parents[4] / "shared/data/oasis2_slices/oasis_longitudinal.csv"


def labels(history, **rule):
    return [change.label for change in change_labels(history, ChangeRule(**rule))]


def visit(subject, session, days, diagnosis, **fields):
    return {
        "subject_id": subject, "session_id": session, "days_from_baseline": days, "diagnosis": diagnosis,
        "label_source": None if diagnosis is None else "clinical", "change": None, **fields,
    }  # fmt: skip


def test_the_next_visit_decides():
    assert labels([(0, "CN"), (400, "MCI"), (800, "CN"), (1200, "CN")]) == ["conversion", "reversion", "stable", None]


def test_the_order_of_rows_does_not_matter():
    assert labels([(800, "CN"), (0, "CN"), (400, "MCI")]) == [None, "conversion", "reversion"]


def test_the_last_visit_and_unknown_diagnoses_have_no_label():
    assert labels([(0, "CN"), (300, None), (600, "MCI")]) == ["conversion", None, None]
    assert labels([(0, "CN"), (None, "MCI")]) == [None, None]


def test_the_most_severe_stage_has_no_label_unless_asked_for():
    history = [(0, "AD"), (400, "AD"), (800, "MCI")]

    assert labels(history) == [None, None, None]
    assert labels(history, change_for_ad="stable") == ["stable", "reversion", None]


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
    assert labels([(0, "CN"), *later], horizon=1000, min_followup=1000)[0] == label


def test_nine_tenths_of_the_horizon_are_follow_up_enough_unless_told_otherwise():
    assert labels([(0, "CN"), (900, "CN")], horizon=1000)[0] == "stable"
    assert labels([(0, "CN"), (899, "CN")], horizon=1000)[0] is None


def test_a_label_says_how_it_came_about():
    unstable, short, late, last = (
        change_labels([(0, "CN"), *later], ChangeRule(1000))[0]
        for later in ([(500, "MCI"), (900, "CN")], [(500, "CN")], [(500, "CN"), (1500, "MCI")], [])
    )

    assert (unstable.event, unstable.event_days, unstable.followup_days) == ("conversion", 500, 900)
    assert (unstable.reason, short.reason) == ("worse and better within the horizon", "followed for 500 days only")
    assert (late.label, late.event, late.event_days) == (None, "conversion", 1500)
    assert (last.event, last.event_days, last.followup_days, last.reason) == (
        None,
        None,
        0,
        "last visit with a diagnosis",
    )


def test_a_reversion_goes_down_in_the_order_that_is_given():
    assert labels([(0, "late"), (9, "early")], severity=("early", "late", "end")) == ["reversion", None]


def test_a_diagnosis_without_a_place_in_the_order_is_refused():
    with pytest.raises(UserError, match="diagnosis 'EMCI' has no place in the order CN < MCI < AD"):
        change_labels([(0, "EMCI")])


def test_subjects_do_not_mix_and_visits_keep_their_order():
    visits = [visit("a", "1", 0, "CN"), visit("b", "1", 0, "MCI"), visit("a", "2", 9, "MCI"), visit("b", "2", 9, "MCI")]
    labelled = label_changes(visits)

    assert [v["change"] for v in labelled] == ["conversion", "stable", None, None]
    assert [v["subject_id"] for v in labelled] == ["a", "b", "a", "b"]
    assert "event" not in visits[0]


def test_a_label_that_comes_with_the_data_is_kept():
    labelled = label_changes([visit("a", "1", 0, "CN", change="conversion"), visit("a", "2", 9, "CN")])

    assert (labelled[0]["change"], labelled[0]["change_reason"]) == ("conversion", "given with the data")
    assert labelled[0]["event"] is None


def test_a_scan_between_visits_takes_the_nearest_diagnosis_with_its_label_within_the_window():
    visits = label_changes(
        [
            visit("a", "dx1", 0, "CN"),
            visit("a", "scan", 100, None),
            visit("a", "dx2", 150, "MCI"),
            visit("a", "far", 900, None),
        ]
    )
    assert fill_diagnoses(visits, window_days=180) == 1

    scan, far = visits[1], visits[3]
    assert (scan["diagnosis"], scan["label_source"], scan["change"]) == ("MCI", "clinical", None)
    assert (scan["diagnosis_reason"], scan["followup_days"]) == ("of dx2, +50 days away", 50)
    assert (far["diagnosis"], visits[0]["change"], visits[0]["event_days"]) == (None, "conversion", 150)


def test_a_lent_diagnosis_is_no_point_of_the_history():
    visits = label_changes([visit("a", "scan", 10, None), visit("a", "dx", 0, "CN")])
    fill_diagnoses(visits, window_days=30)

    assert [v["change"] for v in visits] == [None, None]  # not "stable" from the scan to its own diagnosis


@pytest.mark.realdata
@pytest.mark.skipif(not OASIS2.exists(), reason="no real data on this machine")
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ChangeRule(), (114, 18, 2)),
        (ChangeRule(change_for_ad="stable"), (127, 18, 3)),
    ],
)
def test_oasis2_from_one_visit_to_the_next(rule, expected):
    diagnoses = {"0.0": "CN", "0.5": "MCI", "1.0": "AD", "2.0": "AD"}
    with OASIS2.open(newline="") as file:
        visits = [
            visit(row["Subject ID"], row["MRI ID"], float(row["MR Delay"]), diagnoses[row["CDR"]])
            for row in csv.DictReader(file)
        ]
    counts = Counter(v["change"] for v in label_changes(visits, rule))

    assert (counts["stable"], counts["conversion"], counts["reversion"]) == expected
