import pytest

from admoe_monai.data.cohorts import SplitRule
from admoe_monai.errors import UserError


def cohort(count=30):
    return [
        {
            "subject_id": f"sub-{n:02}", "session_id": session, "days_from_baseline": 0, "age": 70, "sex": "F",
            "diagnosis": ("CN", "MCI", "AD")[n % 3], "change": None, "site": "ABCD"[n // 10], "cohort": "X",
        }
        for n in range(count)
        for session in ("a", "b")
    ]  # fmt: skip


def people(visits):
    return {visit["subject_id"] for visit in visits}


def test_shares_are_the_default():
    (splits,) = SplitRule().divide(cohort()).values()

    assert [len(people(part)) for part in splits.values()] == [18, 5, 7]


def test_folds_test_everybody_once_and_validate_by_the_next():
    divisions = SplitRule(folds=5).divide(cohort())

    assert list(divisions) == [f"fold{k}" for k in range(5)]
    assert sorted(name for splits in divisions.values() for name in people(splits["test"])) == sorted(people(cohort()))
    for k in range(5):
        parts = [people(part) for part in divisions[f"fold{k}"].values()]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 30
        assert parts[1] == people(divisions[f"fold{(k + 1) % 5}"]["test"])


def test_a_site_is_held_out_or_each_in_turn():
    (splits,) = SplitRule(holdout="site=B").divide(cohort()).values()

    assert {visit["site"] for visit in splits["test"]} == {"B"}
    assert {visit["site"] for visit in splits["training"]} == {"A", "C"}
    assert [len(people(part)) for part in splits.values()] == [16, 4, 10]
    assert list(SplitRule(holdout="site").divide(cohort())) == ["site-A", "site-B", "site-C"]


def test_somebody_scanned_at_two_sites_is_held_out_as_a_whole():
    visits = cohort()
    visits[0]["site"] = "B"  # one of two visits of sub-00, whose other one is at A
    (splits,) = SplitRule(holdout="site=B").divide(visits).values()

    assert "sub-00" in people(splits["test"])
    assert "sub-00" not in people(splits["training"]) | people(splits["validation"])


def test_a_published_split_is_taken_over(tmp_path, write_table):
    names = ["train"] * 20 + ["val"] * 4 + ["test"] * 6
    rows = [{"participant_id": f"{n:02}", "split": name} for n, name in enumerate(names)]
    (splits,) = SplitRule(listed=write_table(tmp_path / "split.tsv", rows)).divide(cohort()).values()
    assert [len(people(part)) for part in splits.values()] == [20, 4, 6]

    for name in ("train", "validation", "test"):
        chosen = [row for row in rows if row["split"] == {"validation": "val"}.get(name, name)]
        write_table(tmp_path / "lists" / f"{name}.tsv", [{"participant_id": row["participant_id"]} for row in chosen])
    (same,) = SplitRule(listed=tmp_path / "lists").divide(cohort()).values()
    assert same == splits


def test_a_published_split_must_know_everybody_and_name_three_splits(tmp_path, write_table):
    table = write_table(tmp_path / "split.tsv", [{"participant_id": f"{n:02}", "split": "train"} for n in range(28)])
    with pytest.raises(UserError, match=r"does not say to which split 2 subjects belong \(sub-28, sub-29") as error:
        SplitRule(listed=table).divide(cohort())
    assert error.value.details == ("sub-28", "sub-29")
    table = write_table(tmp_path / "split.tsv", [{"participant_id": f"{n:02}", "split": "holdout"} for n in range(30)])
    with pytest.raises(UserError, match="has the unknown split 'holdout'"):
        SplitRule(listed=table).divide(cohort())


def test_a_published_split_that_names_somebody_in_two_splits_is_refused(tmp_path, write_table):
    rows = [{"participant_id": f"{n:02}", "split": "train"} for n in range(30)]
    rows += [{"participant_id": "sub-03", "split": "test"}, {"participant_id": "sub-04", "split": "train"}]
    with pytest.raises(UserError, match=r"split.tsv contradicts itself about 03: split is train and test"):
        SplitRule(listed=write_table(tmp_path / "split.tsv", rows)).divide(cohort())


def test_one_person_under_two_names_stays_on_one_side():
    visits = cohort(40)
    for visit in visits:
        visit["person_id"] = f"p{int(visit['subject_id'][-2:]) // 2}"
    (splits,) = SplitRule().divide(visits).values()
    sides = [{visit["person_id"] for visit in part} for part in splits.values()]

    assert sum(map(len, sides)) == len(set.union(*sides)) == 20


def test_who_has_no_label_is_in_training_for_pretraining_alone():
    visits = cohort()
    for visit in visits[:20]:
        visit["diagnosis"] = None
    (splits,) = SplitRule().divide(visits).values()

    assert {f"sub-{n:02}" for n in range(10)} <= people(splits["training"])
    assert [len(people(part)) for part in splits.values()] == [22, 3, 5]


def test_who_has_no_label_is_held_out_with_the_site():
    visits = [
        {**visit, "diagnosis": None} if visit["subject_id"] in ("sub-00", "sub-10") else visit for visit in cohort()
    ]
    (splits,) = SplitRule(holdout="site=B").divide(visits).values()

    assert {visit["site"] for visit in splits["test"]} == {"B"}
    assert {visit["site"] for part in ("training", "validation") for visit in splits[part]} == {"A", "C"}
    assert "sub-10" in people(splits["test"])
    assert "sub-00" in people(splits["training"])
    assert sum(map(len, splits.values())) == 60


def test_a_site_where_nobody_has_a_label_is_no_test_set():
    visits = [{**visit, "diagnosis": None} if visit["site"] == "C" else visit for visit in cohort()]

    assert list(SplitRule(holdout="site").divide(visits)) == ["site-A", "site-B"]
    with pytest.raises(UserError, match="--holdout site=C: nobody there has a label; known are A, B"):
        SplitRule(holdout="site=C").divide(visits)


def test_a_published_split_holds_for_those_without_a_label_too(tmp_path, write_table):
    visits = [
        {**visit, "diagnosis": None} if visit["subject_id"] in ("sub-28", "sub-29") else visit for visit in cohort()
    ]
    names = ["train"] * 20 + ["val"] * 4 + ["test"] * 5  # which has nothing on sub-29
    rows = [{"participant_id": f"{n:02}", "split": name} for n, name in enumerate(names)]
    (splits,) = SplitRule(listed=write_table(tmp_path / "split.tsv", rows)).divide(visits).values()

    assert "sub-28" in people(splits["test"])
    assert "sub-29" in people(splits["training"])
    assert [len(people(part)) for part in splits.values()] == [21, 4, 5]


def test_a_cohort_without_any_label_is_divided_all_the_same():
    (splits,) = SplitRule().divide([{**visit, "diagnosis": None} for visit in cohort()]).values()

    assert [len(people(part)) for part in splits.values()] == [18, 5, 7]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 5, "holdout": "site"}, "give one of --folds, --holdout and --splits"),
        (
            {"holdout": "sites"},
            "must name one of site, cohort, scanner, field_strength, got 'sites', did you mean 'site'?",
        ),
        ({"holdout": "site=Z"}, "--holdout site=Z: there is no such site; known are A, B, C"),
        ({"holdout": "cohort"}, "the cohort has 1 known cohort; two or more are needed"),
        ({"folds": 2}, "--folds must be at least 3"),
    ],
)
def test_a_rule_that_can_not_work_is_refused(options, message):
    with pytest.raises(UserError) as error:
        SplitRule(**options).divide(cohort())
    assert message in str(error.value)


@pytest.mark.parametrize("spelled", ["{}", "sub-{}", "SUB-{:03}"])
def test_a_published_split_names_people_in_another_spelling(tmp_path, write_table, spelled):
    names = ["train"] * 20 + ["val"] * 4 + ["test"] * 6
    rows = [{"Participant_ID": spelled.format(n), "Split": name} for n, name in enumerate(names)]
    (splits,) = SplitRule(listed=write_table(tmp_path / "split.tsv", rows)).divide(cohort()).values()

    assert [len(people(part)) for part in splits.values()] == [20, 4, 6]


def test_a_name_of_a_published_split_that_may_be_two_people_is_refused(tmp_path, write_table):
    visits = [*cohort(), {**cohort()[0], "subject_id": "sub-0"}]
    listed = write_table(tmp_path / "split.tsv", [{"participant_id": "sub-000", "split": "test"}])

    with pytest.raises(UserError, match="'000' may be sub-0 or sub-00; write it as the cohort does"):
        SplitRule(listed=listed).divide(visits)
