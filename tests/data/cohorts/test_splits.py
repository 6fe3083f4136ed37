import hashlib
import random
from collections import Counter

import pytest

from admoe_monai.data.cohorts import kfold_subjects, split_subjects
from admoe_monai.errors import UserError

FRACTIONS = {"training": 0.6, "validation": 0.15, "test": 0.25}


def cohort(subjects: int = 200, seed: int = 0) -> list[dict]:
    draw = random.Random(seed)
    visits = []
    for number in range(subjects):
        person = {"subject_id": f"sub-{number:04}", "sex": draw.choice("FM")}
        diagnosis, age = draw.choice(["CN", "CN", "MCI", "AD"]), draw.uniform(60, 90)
        for visit in range(draw.randint(1, 4)):
            visits.append(
                {
                    **person,
                    "session_id": f"ses-{visit}",
                    "days_from_baseline": 365 * visit,
                    "age": age + visit,
                    "diagnosis": diagnosis if visit == 0 else draw.choice(["CN", "MCI", "AD"]),
                }
            )
    return visits


def members(visits: list[dict]) -> set[str]:
    return {visit["subject_id"] for visit in visits}


def test_no_subject_is_in_two_splits_and_no_visit_is_lost():
    visits = cohort()
    splits = split_subjects(visits, FRACTIONS)

    assert sum(len(members(part)) for part in splits.values()) == len(members(visits)) == 200
    assert sum(len(part) for part in splits.values()) == len(visits)


def test_each_split_gets_its_share_of_every_first_diagnosis():
    visits = cohort()
    first = {visit["subject_id"]: visit["diagnosis"] for visit in visits if visit["days_from_baseline"] == 0}
    totals = Counter(first.values())

    for name, part in split_subjects(visits, FRACTIONS).items():
        for diagnosis, count in Counter(first[subject] for subject in members(part)).items():
            assert abs(count - FRACTIONS[name] * totals[diagnosis]) <= 2


def test_sexes_and_ages_are_alike_in_all_splits():
    visits = cohort(400)
    people = {visit["subject_id"]: visit for visit in visits if visit["days_from_baseline"] == 0}

    for part in split_subjects(visits, FRACTIONS).values():
        chosen = [people[subject] for subject in members(part)]
        women = sum(person["sex"] == "F" for person in people.values()) / len(people)
        assert sum(person["sex"] == "F" for person in chosen) / len(chosen) == pytest.approx(women, abs=0.06)
        mean_age = sum(person["age"] for person in people.values()) / len(people)
        assert sum(person["age"] for person in chosen) / len(chosen) == pytest.approx(mean_age, abs=1.5)


def test_the_split_does_not_depend_on_the_order_of_rows():
    visits = cohort()
    shuffled = random.Random(1).sample(visits, len(visits))

    assert [members(part) for part in split_subjects(visits).values()] == [
        members(part) for part in split_subjects(shuffled).values()
    ]


def test_another_seed_gives_another_split():
    visits = cohort()

    assert members(split_subjects(visits, seed=1)["test"]) != members(split_subjects(visits, seed=2)["test"])


def test_the_split_follows_from_seed_and_names_alone():
    names = [f"sub-{number}" for number in range(8)]
    visits = [
        {"subject_id": name, "session_id": "1", "days_from_baseline": 0, "diagnosis": "CN", "age": 70, "sex": "F"}
        for name in names
    ]
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"7:{name}".encode()).hexdigest())
    # Worked out by hand: at each position the split that is furthest behind its share, training first among equals.
    expected = {"training": [0, 2, 4, 5, 7], "validation": [3], "test": [1, 6]}

    for name, part in split_subjects(visits, FRACTIONS, seed=7).items():
        assert members(part) == {ranked[position] for position in expected[name]}


def test_a_split_without_a_share_stays_empty():
    assert split_subjects(cohort(), {"training": 0.7, "test": 0.3})["validation"] == []


def test_visits_without_age_sex_or_diagnosis_are_split_all_the_same():
    visits = [{**visit, "age": None, "sex": None, "diagnosis": None} for visit in cohort(40)]

    assert len(members(split_subjects(visits)["training"])) == 24


def test_folds_partition_the_subjects_evenly():
    visits = cohort(101)
    folds = kfold_subjects(visits, 5)

    assert sorted(len(members(fold)) for fold in folds) == [20, 20, 20, 20, 21]
    assert set.union(*map(members, folds)) == members(visits)


@pytest.mark.parametrize(
    "fractions",
    [
        {"training": 0.6, "test": 0.3},
        {"training": 1.2, "test": -0.2},
        {"training": 0.5, "tests": 0.5},
    ],
)
def test_fractions_that_are_no_shares_are_refused(fractions):
    with pytest.raises(UserError, match="must be shares of training, validation, test that sum to 1"):
        split_subjects(cohort(), fractions)


def test_too_few_subjects_for_a_split_are_refused():
    with pytest.raises(UserError, match="2 subjects are too few for a 'validation' split"):
        split_subjects(cohort(2), FRACTIONS)


@pytest.mark.parametrize("folds", [1, 11])
def test_a_number_of_folds_out_of_range_is_refused(folds):
    with pytest.raises(UserError, match=f"between 2 and the 10 subjects, got {folds}"):
        kfold_subjects(cohort(10), folds)
