import json

import pytest

from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts import (
    BidsFolder,
    ChangeRule,
    MergedDatalists,
    Selection,
    SplitRule,
    load_mapping,
    prepare_cohort,
)
from admoe_monai.errors import UserError

BIDS = load_mapping("bids")
RULE = ChangeRule.parse("36m").as_dict()


def make(tmp_path, write_table, add_scan, name, subjects, **options):
    root = tmp_path / name
    write_table(root / "participants.tsv", [{"participant_id": s, "diagnosis": "CN", "age": 70} for s in subjects])
    for subject in subjects:
        add_scan(root, subject, "ses-M000")
    output = tmp_path / f"{name}.json"
    prepare_cohort(output, BidsFolder(root, BIDS), overwrite=True, **options)
    return output


@pytest.fixture
def two_cohorts(tmp_path, write_table, add_scan):
    first = make(tmp_path, write_table, add_scan, "first", [f"sub-{n:02}" for n in range(12)])
    second = make(tmp_path, write_table, add_scan, "second", [f"sub-{n:02}" for n in range(6, 18)])
    return first, second


def test_equal_names_in_two_cohorts_are_two_people(two_cohorts):
    reading = MergedDatalists(two_cohorts).read()
    subjects = {visit["subject_id"] for visit in reading.visits}

    assert reading.problems == []
    assert len(subjects) == 24
    assert {"sub-00", "first:sub-06", "second:sub-06", "sub-17"} <= subjects
    assert {visit["cohort"] for visit in reading.visits} == {"first", "second"}
    assert all((reading.root / visit["image"]).exists() for visit in reading.visits)


def test_one_person_of_two_names_stays_on_one_side_of_the_split(two_cohorts, tmp_path, write_table):
    rows = [{"participant_id": f"sub-{n:02}", "person_id": f"p{n % 12}"} for n in range(18)]
    ids = write_table(tmp_path / "ids.csv", rows)
    (datalist,) = prepare_cohort(tmp_path / "all.json", MergedDatalists(two_cohorts, ids))
    sides = [{visit["person_id"] for visit in part} for part in datalist.splits.values()]

    assert sum(map(len, sides)) == len(set.union(*sides)) == 12


def test_an_id_map_names_people_in_other_spellings(two_cohorts, tmp_path, write_table):
    rows = [{"participant_id": f"{n}", "person_id": f"p{n % 12}"} for n in range(18)]
    visits = MergedDatalists(two_cohorts, write_table(tmp_path / "ids.csv", rows)).read().visits

    assert {visit["person_id"] for visit in visits} == {f"p{n}" for n in range(12)}


def test_a_datalist_that_is_wrong_does_not_hide_the_next(tmp_path):
    with pytest.raises(UserError, match="2 problems") as error:
        MergedDatalists([tmp_path / "a.json", tmp_path / "b.json"]).read()
    assert [line.partition(";")[0] for line in error.value.details] == [
        f"datalist not found: {tmp_path / name}" for name in ("a.json", "b.json")
    ]


def test_labels_stay_as_each_cohort_made_them_on_its_whole_history(tmp_path, write_table, add_scan):
    paths = []
    for name in ("first", "second"):
        root, course = tmp_path / name, ["CN", "CN", "MCI", "CN"]
        subjects = [f"sub-{name}{n}" for n in range(6)]
        write_table(root / "participants.tsv", [{"participant_id": subject} for subject in subjects])
        for subject in subjects:
            rows = [{"session_id": n, "days_from_baseline": 365 * n, "diagnosis": d} for n, d in enumerate(course)]
            write_table(root / subject / f"{subject}_sessions.tsv", rows)
            for n in (0, 1, 3):  # the visit with MCI has no scan, so that no datalist holds it
                add_scan(root, subject, f"ses-{n}")
        options = {"change": ChangeRule(), "selection": Selection(missing_images="drop")}
        paths += [d.path for d in prepare_cohort(tmp_path / f"{name}.json", BidsFolder(root, BIDS), **options)]
    (merged,) = prepare_cohort(tmp_path / "all.json", MergedDatalists(paths))
    names = ("change", "change_reason", "event", "event_days", "followup_days", "diagnosis")

    def labels(*datalists):
        visits = [visit for datalist in datalists for part in datalist.splits.values() for visit in part]
        return {(v["subject_id"], v["session_id"]): [v[name] for name in names] for v in visits}

    assert labels(merged) == labels(*map(load_datalist, paths))
    assert labels(merged)["sub-first0", "ses-1"][:3] == ["conversion", "next diagnosis after 365 days", "conversion"]
    assert merged.label_definition["change"]["horizon"] == "next_visit"
    assert merged.label_definition["diagnosis"]["rule"] == "the diagnosis of the visit as the cohort records it"
    assert merged.report["contradictions"] == []


def test_equal_names_are_noted_unless_the_map_speaks_of_them(two_cohorts, tmp_path, write_table):
    assert (
        "6 subjects of the same name, whatever its zeros, case and prefix, in several cohorts (sub-06, sub-07"
        in MergedDatalists(two_cohorts).read().notes[1]
    )

    rows = [{"participant_id": f"sub-{n:02}", "person_id": f"p{n}"} for n in range(6, 12)]
    assert len(MergedDatalists(two_cohorts, write_table(tmp_path / "ids.csv", rows)).read().notes) == 1


def test_names_in_another_spelling_are_noted_as_well(two_cohorts):
    path = two_cohorts[1]
    path.write_text(path.read_text().replace('"subject_id": "sub-', '"subject_id": "0'))

    assert "6 subjects of the same name" in MergedDatalists(two_cohorts).read().notes[1]
    assert "(006 or sub-06, 007 or sub-07, 008 or sub-08, …)" in MergedDatalists(two_cohorts).read().notes[1]


def test_datalists_of_one_name_are_two_cohorts(two_cohorts):
    for path in two_cohorts:
        path.write_text(json.dumps(json.loads(path.read_text()) | {"name": "bids"}))
    reading = MergedDatalists(two_cohorts).read()

    assert (reading.name, len({visit["subject_id"] for visit in reading.visits})) == ("bids+bids-2", 24)
    assert {"bids:sub-06", "bids-2:sub-06"} <= {visit["subject_id"] for visit in reading.visits}
    assert {visit["cohort"] for visit in reading.visits} == {"bids", "bids-2"}
    assert reading.notes[1] == f"a datalist before is called bids too: {two_cohorts[1]} is bids-2 here"


def test_a_map_that_contradicts_itself_is_refused(two_cohorts, tmp_path, write_table):
    rows = [{"participant_id": "sub-01", "person_id": name} for name in ("p1", "p2")]
    with pytest.raises(UserError, match=r"ids.csv contradicts itself about 01: person_id is p1 and p2"):
        MergedDatalists(two_cohorts, write_table(tmp_path / "ids.csv", rows)).read()


def test_a_cohort_is_held_out(two_cohorts, tmp_path):
    (datalist,) = prepare_cohort(
        tmp_path / "all.json", MergedDatalists(two_cohorts), split=SplitRule(holdout="cohort=second")
    )

    assert {visit["cohort"] for visit in datalist.splits["test"]} == {"second"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"simulated": True}, "simulated and real scans can't be in one datalist"),
        ({"preprocessing": {"space": "MNI152"}}, "its scans were preprocessed in another way"),
        ({"label_definition": {"change": {"horizon": "24m"}}}, "change is labelled with the horizon 24m, in"),
        ({"label_definition": {"change": {**RULE, "change_for_ad": "stable"}}}, "with the change for ad stable, in"),
    ],
)
def test_what_does_not_go_together_is_a_problem(two_cohorts, change, problem):
    path = two_cohorts[1]
    path.write_text(json.dumps(json.loads(path.read_text()) | change))

    assert problem in MergedDatalists(two_cohorts).read().problems[0]


def test_what_is_unknown_may_be_left_out(two_cohorts, tmp_path):
    path = two_cohorts[1]
    content = json.loads(path.read_text())
    for split in ("training", "validation", "test"):
        content[split] = [
            {k: v for k, v in visit.items() if k in ("image", "subject_id", "session_id")} for visit in content[split]
        ]
    path.write_text(json.dumps(content | {"label_definition": {"change": None, "diagnosis": None}}))
    two_cohorts[0].write_text(
        json.dumps(json.loads(two_cohorts[0].read_text()) | {"label_definition": {"change": None}})
    )
    (merged,) = prepare_cohort(tmp_path / "all.json", MergedDatalists(two_cohorts))

    visits = [visit for part in merged.splits.values() for visit in part]
    assert [visit["diagnosis"] for visit in visits].count(None) == 12
    assert len(visits) == 24


def test_labels_of_different_origin_are_refused_unless_asked_for(two_cohorts, tmp_path):
    path = two_cohorts[1]
    path.write_text(path.read_text().replace('"label_source": "clinical"', '"label_source": "cdr"'))
    with pytest.raises(UserError, match="diagnoses of different origin, 12 cdr and 12 clinical, are no one label"):
        prepare_cohort(tmp_path / "all.json", MergedDatalists(two_cohorts))

    assert prepare_cohort(tmp_path / "all.json", MergedDatalists(two_cohorts), allow_mixed_labels=True)


def test_what_one_cohort_bans_none_may_use(two_cohorts):
    path = two_cohorts[1]
    content = json.loads(path.read_text())
    content["prior"]["columns"][0]["role"] = "banned"
    path.write_text(json.dumps(content))

    assert MergedDatalists(two_cohorts).read().columns[0]["role"] == "banned"


def test_what_one_cohort_bans_for_a_task_none_may_use_for_it(two_cohorts):
    path = two_cohorts[1]
    content = json.loads(path.read_text())
    content["prior"]["columns"][0]["banned_for"] = ["change"]
    path.write_text(json.dumps(content))

    assert MergedDatalists(two_cohorts).read().columns[0]["banned_for"] == ["change"]


def test_one_datalist_is_nothing_to_merge(two_cohorts):
    with pytest.raises(UserError, match="merge needs two or more datalists"):
        MergedDatalists(two_cohorts[:1]).read()
