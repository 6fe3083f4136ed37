import unicodedata

import pytest

from admoe_monai.data.identifiers import plain_identifier

DECOMPOSED = unicodedata.normalize("NFD", "é1")


@pytest.mark.parametrize(
    ("one", "other"),
    [("sub-0012", "sub-12"), ("OAS2_0001", "oas2-1"), ("é1", DECOMPOSED), ("É1", "é01"), ("1", "\uff11")],
)
def test_spellings_of_one_identifier_become_one(one, other):
    assert plain_identifier(one) == plain_identifier(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("S1_11", "S11_1"),
        ("sub-1", "sub-10"),
        ("sub", "1"),
        ("a1", "b1"),
        ("müller", "möller"),
        ("王", "李"),
        ("-", "_"),
    ],
)
def test_different_identifiers_stay_different(one, other):
    assert plain_identifier(one) != plain_identifier(other)
