import pytest

from admoe_monai.data.cohorts.change_rule import ChangeRule, parse_time
from admoe_monai.errors import UserError


@pytest.mark.parametrize(
    ("text", "days"),
    [("next_visit", "next_visit"), ("36m", 1095.75), ("3y", 1095.75), ("400d", 400.0), ("1.5 y", 547.875)],
)
def test_a_horizon_is_read_as_people_write_it(text, days):
    assert parse_time(text) == days


@pytest.mark.parametrize("text", ["36", "m", "-3m", "0d", "next visit", "nan d"])
def test_a_horizon_that_makes_no_sense_is_refused(text):
    with pytest.raises(UserError, match="is not understood: write next_visit, 36m"):
        parse_time(text)


def test_the_rule_says_itself_in_plain_values():
    assert ChangeRule.parse("24m").as_dict() == {
        "horizon": "24m", "horizon_days": 730.5, "min_followup_days": 657.45, "change_for_ad": "null",
    }  # fmt: skip
    assert ChangeRule().as_dict()["horizon"] == "next_visit"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (("next_visit", "12m"), "min_followup is a time"),
        (("36m", "next_visit"), "min_followup is a time"),
        (
            ("12m", "36m"),
            "min_followup 36m is longer than the horizon 12m, after which .*: take --horizon 36m, or a shorter",
        ),
        (("36m", None, "none"), "change_for_ad must be one of null, stable, got 'none'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule, message):
    with pytest.raises(UserError, match=message):
        ChangeRule.parse(*rule)


@pytest.mark.parametrize(("horizon", "followup"), [("3y", "36m"), ("36m", "3y"), ("12m", "1y")])
def test_a_followup_as_long_as_the_horizon_is_one_rule_in_other_words(horizon, followup):
    assert ChangeRule.parse(horizon, followup).followup == parse_time(followup)
