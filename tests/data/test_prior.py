import statistics

import pytest

from admoe_monai.data import fit_prior, select_columns
from admoe_monai.errors import UserError

COLUMNS = [
    {"name": "age", "role": "clinical", "kind": "continuous"},
    {"name": "sex", "role": "clinical", "kind": "categorical"},
    {"name": "nwbv", "role": "image_derived", "kind": "continuous"},
    {"name": "mmse", "role": "banned", "kind": "continuous"},
    {"name": "ses", "role": "clinical", "kind": "continuous"},
]
TRAINING = [
    {"prior": {"age": 70.0, "sex": "M", "nwbv": 0.7, "mmse": 29}},
    {"prior": {"age": 75.0, "sex": "F", "nwbv": None, "mmse": 20}},
    {"prior": {"age": 89.0, "sex": "F", "ses": None}},
    {"prior": None},
]


def test_statistics_are_those_of_the_values_that_are_there():
    age, sex, nwbv, _, ses = fit_prior(TRAINING, COLUMNS)

    assert (age["mean"], age["std"], age["n"]) == (78.0, statistics.pstdev([70, 75, 89]), 3)
    assert (sex["categories"], sex["mean"], sex["n"]) == (["F", "M"], None, 3)
    assert (nwbv["mean"], nwbv["std"], nwbv["n"]) == (0.7, 0.0, 1)
    assert (ses["mean"], ses["std"], ses["n"]) == (None, None, 0)


def test_a_banned_column_is_not_fitted():
    mmse = fit_prior(TRAINING, COLUMNS)[3]

    assert (mmse["mean"], mmse["std"], mmse["categories"], mmse["role"]) == (None, None, None, "banned")


def test_by_default_every_clinical_column_with_values_is_chosen():
    assert [column["name"] for column in select_columns(fit_prior(TRAINING, COLUMNS), None, [])] == ["age", "sex"]


def test_named_columns_come_in_the_order_of_their_names():
    chosen = select_columns(fit_prior(TRAINING, COLUMNS), ["nwbv", "age"], [])

    assert [column["name"] for column in chosen] == ["nwbv", "age"]
    assert chosen[1]["mean"] == 78.0


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["agee"], "unknown prior column 'agee', did you mean 'age'?"),
        (["iq"], "unknown prior column 'iq'; known are age, sex, nwbv, mmse, ses"),
        (["mmse"], "'mmse' has the role 'banned' and can't be an input; usable are age, sex, nwbv, ses"),
        (["ses"], "'ses' has no value in the training split"),
        (["age", "age"], "'age' is named twice"),
    ],
)
def test_a_column_that_can_not_be_used_is_refused(names, message):
    with pytest.raises(UserError) as error:
        select_columns(fit_prior(TRAINING, COLUMNS), names, [])
    assert message in str(error.value)


def test_a_column_that_is_the_label_of_a_trained_task_is_left_out_and_by_name_refused():
    columns = fit_prior(TRAINING, COLUMNS)

    assert [column["name"] for column in select_columns(columns, None, ["diagnosis", "sex"])] == ["age"]
    with pytest.raises(UserError) as error:
        select_columns(columns, ["age", "sex"], ["diagnosis", "sex"])
    assert str(error.value) == (
        "prior column 'sex' is the label of the task sex, which is trained; leave it out, or set weight_sex 0"
    )


def test_a_column_is_banned_for_any_task_that_is_a_field():
    columns = [{**COLUMNS[0], "banned_for": ["amyloid"]}, COLUMNS[1]]
    fitted = fit_prior([{**visit, "amyloid": None} for visit in TRAINING], columns)

    assert [column["name"] for column in select_columns(fitted, None, ["amyloid"])] == ["sex"]
    assert [column["name"] for column in select_columns(fitted, None, ["diagnosis"])] == ["age", "sex"]
    with pytest.raises(
        UserError, match="'age' is banned for amyloid, which is trained; leave it out, or set weight_amyloid 0"
    ):
        select_columns(fitted, ["age"], ["amyloid"])


def test_a_column_that_is_banned_for_what_no_visit_has_is_refused():
    training = [{**visit, "diagnosis": "CN"} for visit in TRAINING]
    with pytest.raises(UserError) as error:
        fit_prior(training, [{**COLUMNS[0], "banned_for": ["diagnosi"]}])
    assert str(error.value) == (
        "prior column 'age' is banned for the task 'diagnosi', a field that no visit has, did you mean 'diagnosis'?"
    )


@pytest.mark.parametrize(("key", "value"), [("role", "clinic"), ("kind", "ordinal")])
def test_an_unknown_role_or_kind_is_refused(key, value):
    with pytest.raises(UserError, match=f"prior column 'age' has the {key} '{value}', expected one of"):
        fit_prior(TRAINING, [{**COLUMNS[0], key: value}])


def test_text_in_a_continuous_column_is_refused():
    with pytest.raises(UserError, match="'age' is continuous but holds '70\\+'"):
        fit_prior([{"prior": {"age": "70+"}}], COLUMNS)
