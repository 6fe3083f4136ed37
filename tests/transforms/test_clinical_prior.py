import math

import numpy as np
import pytest
import torch

from admoe_monai.errors import UserError
from admoe_monai.transforms import ClinicalPrior, ClinicalPriord, encode_prior, prior_features

AGE = {"name": "age", "role": "clinical", "kind": "continuous", "mean": 70.0, "std": 5.0, "categories": None}
SEX = {"name": "sex", "role": "clinical", "kind": "categorical", "categories": ["F", "M"]}
APOE = {"name": "apoe", "role": "clinical", "kind": "categorical", "categories": ["e2", "e3", "e4"]}
COLUMNS = [AGE, SEX, APOE]


def test_continuous_values_are_z_scores_and_categories_indicators():
    encoded = encode_prior({"age": 80, "sex": "M", "apoe": "e3"}, COLUMNS)

    assert encoded.dtype == np.float32
    assert encoded.tolist() == [2.0, 1.0, 0.0, 1.0, 0.0]


def test_features_name_the_numbers_in_order():
    assert prior_features(COLUMNS) == ["age", "sex=M", "apoe=e2", "apoe=e3", "apoe=e4"]


@pytest.mark.parametrize("missing", [{}, {"age": None, "sex": None, "apoe": None}, {"age": math.nan}])
def test_missing_values_are_nan(missing):
    assert np.isnan(encode_prior(missing, COLUMNS)).all()


def test_single_missing_values_leave_the_others_alone():
    encoded = encode_prior({"age": 65, "apoe": "e2"}, COLUMNS)

    np.testing.assert_array_equal(encoded, np.float32([-1.0, np.nan, 1.0, 0.0, 0.0]))


def test_a_category_that_training_never_saw_is_missing():
    assert np.isnan(encode_prior({"age": 70, "sex": "X", "apoe": "e9"}, COLUMNS)[1:]).all()


def test_a_column_that_is_constant_in_training_is_only_centred():
    assert encode_prior({"age": 71}, [{**AGE, "std": 0.0}]).tolist() == [1.0]


def test_the_transform_gives_a_float32_vector_and_knows_its_features():
    transform = ClinicalPrior(COLUMNS)
    vector = transform({"age": 75, "sex": "F", "apoe": "e4"})

    assert vector.dtype == torch.float32
    assert vector.shape == (len(transform.features),)
    assert transform(None).isnan().all()


def test_the_twin_replaces_the_values_without_touching_its_input():
    item = {"prior": {"age": 70.0}}
    encoded = ClinicalPriord("prior", [AGE])(item)

    assert encoded["prior"].tolist() == [0.0]
    assert item["prior"] == {"age": 70.0}


@pytest.mark.parametrize("value", ["old", [70], math.inf])
def test_a_value_that_is_no_finite_number_is_refused(value):
    with pytest.raises(UserError, match=r"prior column 'age' holds .* not a (finite )?number"):
        encode_prior({"age": value}, COLUMNS)


@pytest.mark.parametrize("role", ["banned", "time", "identifier"])
def test_a_column_that_may_not_be_an_input_is_refused(role):
    with pytest.raises(UserError, match=f"'age' has the role '{role}'"):
        ClinicalPrior([{**AGE, "role": role}])


def test_a_prior_without_columns_is_refused():
    with pytest.raises(UserError, match="at least one column"):
        ClinicalPrior([])
