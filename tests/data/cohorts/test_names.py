import pytest

from admoe_monai.data.cohorts.names import is_alike, name_key, pair_names, session_name, subject_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ses-1", "ses-01"),
        ("ses-M00", "ses-M000"),
        ("ses-m012", "ses-M12"),
        ("M06", "ses-M006"),
        ("ses-preop", "pre-op"),
        ("sub01", "sub-1"),
        ("ses-2019-01-05", "ses-20190105"),
        ("sub-002_S_0413", "sub-002S0413"),
    ],
)
def test_spellings_of_a_name_have_one_key(one, other):
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ses-1", "ses-10"), ("ses-M06", "ses-M60"), ("ses-1_5", "ses-15"), ("ses-pre", "ses-post"), ("ses-1", "ses-M1")],
)
def test_other_names_have_other_keys(one, other):
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("ses-bl", "ses-baseline", True),
        ("ses-bl", "ses-M000", True),
        ("ses-1", "ses-M1", True),
        ("ses-baselin", "ses-baseline", True),
        ("ses-M012", "ses-M024", False),
        ("ses-pre", "ses-post", False),
        ("ses-1", "ses-2", False),
        ("002_S_0413", "sub-ADNI002S0413", True),
    ],
)
def test_names_may_be_one_if_their_numbers_are_equal_and_their_letters_nearly(one, other, alike):
    assert is_alike(one, other) is alike
    assert is_alike(other, one) is alike


def test_an_exact_name_wins_over_a_spelling():
    assert pair_names(["1", "01"], ["ses-1", "ses-01"], session_name) == ({"1": "ses-1", "01": "ses-01"}, {})


def test_a_spelling_counts_where_it_fits_one_name_alone():
    assert pair_names(["sub-1", "7"], ["sub-01", "sub-02"], subject_name) == ({"sub-1": "sub-01"}, {})


def test_what_may_be_two_names_is_not_clear():
    assert pair_names(["sub-001"], ["sub-1", "sub-01"], subject_name) == ({}, {"sub-001": ["sub-01", "sub-1"]})
