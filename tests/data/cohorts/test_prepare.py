import json

import pytest
from prepared import BIDS, SPLITS, all_visits, make

from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts import (
    BidsFolder,
    ChangeRule,
    Selection,
    SplitRule,
    VisitTable,
    load_mapping,
    prepare_cohort,
)
from admoe_monai.errors import UserError

CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}


def test_a_bids_folder_becomes_a_datalist_that_loads(bids_cohort, tmp_path):
    make(tmp_path / "datalist.json", bids_cohort, change=ChangeRule.parse("12m"))
    datalist = load_datalist(tmp_path / "datalist.json", classes=CLASSES)

    assert [len(datalist.splits[split]) for split in SPLITS] == [36, 9, 15]
    assert (datalist.name, datalist.description, datalist.simulated) == ("cohort", "Simulated people", True)
    assert {visit["label_source"] for visit in all_visits(datalist)} == {"simulated"}
    assert {column["name"] for column in datalist.prior if column["role"] == "banned"} == {"mmse"}


def test_it_says_how_the_labels_and_the_split_were_made(bids_cohort, tmp_path):
    definition = make(tmp_path / "datalist.json", bids_cohort, change=ChangeRule.parse("24m")).label_definition

    assert definition["change"] == {
        "horizon": "24m",
        "horizon_days": 730.5,
        "min_followup_days": 657.45,
        "change_for_ad": "null",
    }
    assert definition["diagnosis"]["source"] == "simulated"
    assert definition["split"]["subjects"] == {"training": 12, "validation": 3, "test": 5}


def test_prior_statistics_come_from_the_training_split_alone(bids_cohort, tmp_path):
    datalist = make(tmp_path / "datalist.json", bids_cohort)
    ages = [visit["age"] for visit in datalist.splits["training"]]
    age = next(column for column in datalist.prior if column["name"] == "age")

    assert (age["mean"], age["n"]) == (pytest.approx(sum(ages) / len(ages)), 36)
    assert age["mean"] != pytest.approx(sum(v["age"] for v in all_visits(datalist)) / 60, abs=1e-6)


def test_labels_are_made_before_visits_without_a_scan_are_dropped(bids_cohort, tmp_path):
    for scan in bids_cohort.glob("sub-00/ses-2/anat/*.nii.gz"):
        scan.unlink()
    datalist = make(
        tmp_path / "datalist.json", bids_cohort, change=ChangeRule(), selection=Selection(missing_images="drop")
    )
    history = {v["session_id"]: v["change"] for v in all_visits(datalist) if v["subject_id"] == "sub-00"}

    assert history == {"ses-0": "stable", "ses-1": "conversion"}
    assert datalist.report["exclusions"] == {"no image": {"visits": 1, "subjects": 0}}
    assert datalist.report["unknown_change"] == {"last visit with a diagnosis": 19}


def test_everything_that_is_wrong_is_reported_in_one_pass_and_nothing_is_written(bids_cohort, tmp_path, write_table):
    table = bids_cohort / "sub-01/sub-01_sessions.tsv"
    table.write_text(table.read_text().replace("CN", "EMCI"))
    next(bids_cohort.glob("sub-02/ses-1/anat/*.nii.gz")).unlink()
    next(bids_cohort.glob("sub-03/ses-0/anat/*.nii.gz")).write_bytes(b"broken")
    with pytest.raises(UserError, match=r"cohort: 5 problems, nothing was written.*--missing_images drop") as error:
        make(tmp_path / "datalist.json", bids_cohort)

    details = "\n".join(error.value.details)
    for problem in (
        "sub-01 ses-0: column 'diagnosis' holds the unknown code 'EMCI'",
        "sub-02 ses-1: no image",
        "sub-03 ses-0: image",
    ):
        assert problem in details
    assert not (tmp_path / "datalist.json").exists()


def test_doubled_rows_of_a_table_are_named_with_both_lines(tmp_path, write_scan):
    header = "Subject ID,MRI ID,MR Delay,M/F,Age,CDR"
    people = [f"p{n},p{n}_MR1,0,M,80,0" for n in range(8)]
    for n in range(8):
        write_scan(tmp_path / f"p{n}_MR1.nii.gz")
    (tmp_path / "table.csv").write_text("\n".join([header, *people, people[3]]) + "\n")

    source = VisitTable(tmp_path / "table.csv", "{MRI ID}.nii.gz", load_mapping("oasis2"))
    with pytest.raises(UserError, match=r"table.csv line 10: visit p3 MR1 stands already at .*table.csv line 5"):
        prepare_cohort(tmp_path / "o.json", source)


def test_contradictions_and_notes_go_into_the_report(bids_cohort, tmp_path, write_table):
    write_table(
        bids_cohort / "sub-01/sub-01_sessions.tsv",
        [{"session_id": "ses-0", "days_from_baseline": 0, "diagnosis": "CN", "cdr": 1.0, "mmse": "n/a"}],
    )
    report = make(tmp_path / "datalist.json", bids_cohort).report

    assert report["contradictions"] == ["sub-01: ses-0 is CN with cdr 1"]
    assert "prior column 'mmse' is empty in 3 of 60 visits" in report["notes"]
    assert json.loads((tmp_path / "datalist.json").read_text())["report"] == report


def test_a_scan_without_a_diagnosis_takes_the_nearest_within_the_window(bids_cohort, tmp_path, write_table):
    rows = [
        {"session_id": "ses-0", "days_from_baseline": 0},
        {"session_id": "ses-1", "days_from_baseline": 360, "diagnosis": "CN"},
        {"session_id": "clinic", "days_from_baseline": 60, "diagnosis": "MCI"},
        {"session_id": "ses-2", "days_from_baseline": 720, "diagnosis": "CN"},
    ]
    write_table(bids_cohort / "sub-01/sub-01_sessions.tsv", rows)
    options = {"selection": Selection(missing_images="drop"), "change": ChangeRule()}
    without = make(tmp_path / "a.json", bids_cohort, **options)
    datalist = make(tmp_path / "b.json", bids_cohort, dx_window_days=180, **options)
    first = [
        next(v for v in all_visits(d) if (v["subject_id"], v["session_id"]) == ("sub-01", "ses-0"))
        for d in (without, datalist)
    ]

    assert [visit["diagnosis"] for visit in first] == [None, "MCI"]
    assert first[1]["diagnosis_reason"] == "of ses-clinic, +60 days away"
    assert first[1]["change"] == "reversion"


def test_folds_and_sites_give_a_datalist_each(bids_cohort, tmp_path):
    datalists = prepare_cohort(tmp_path / "d.json", BidsFolder(bids_cohort, BIDS), split=SplitRule(folds=4))
    assert [d.path.name for d in datalists] == [f"d_fold{k}.json" for k in range(4)]
    assert sorted(v["image"] for d in datalists for v in load_datalist(d.path).splits["test"]) == sorted(
        v["image"] for v in all_visits(load_datalist(datalists[0].path))
    )

    prepare_cohort(tmp_path / "d.json", BidsFolder(bids_cohort, BIDS), split=SplitRule(holdout="site"))
    assert sorted(path.name for path in tmp_path.glob("d_site*")) == ["d_site-A.json", "d_site-B.json"]


def test_an_existing_output_is_kept_unless_told_otherwise(bids_cohort, tmp_path):
    output = tmp_path / "datalist.json"
    output.write_text("precious")
    with pytest.raises(UserError, match="exists: choose another --output, or allow --overwrite"):
        make(output, bids_cohort)
    assert output.read_text() == "precious"
    make(output, bids_cohort, overwrite=True)
    assert load_datalist(output)


def test_notes_say_where_people_without_a_label_are(bids_cohort, tmp_path):
    for name in ("sub-02", "sub-03"):
        table = bids_cohort / name / f"{name}_sessions.tsv"
        table.write_text(table.read_text().replace("CN", "n/a"))
    by_site = prepare_cohort(tmp_path / "d.json", BidsFolder(bids_cohort, BIDS), split=SplitRule(holdout="site"))

    for datalist in by_site:
        assert datalist.report["notes"][-2:] == [
            "1 subjects without any label are in training, for pretraining alone",
            "1 subjects without any label are in test: nothing is trained on them",
        ]


def test_an_output_that_can_not_be_written_is_known_before_scans_are_read(bids_cohort, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("admoe_monai.data.cohorts.prepare.check_images", lambda *_: pytest.fail("the scans were read"))
    with pytest.raises(
        UserError, match=r"^cannot write .*/file/d\.json: .*/file is no folder; name another with --output"
    ):
        make(tmp_path / "file/d.json", bids_cohort)


def test_a_disk_that_is_full_is_one_line(bids_cohort, tmp_path, monkeypatch):
    def full(path, datalist):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("admoe_monai.data.cohorts.prepare.save_datalist", full)
    with pytest.raises(
        UserError, match=r"^cannot write .*/d\.json: No space left on device; make room or name another"
    ):
        make(tmp_path / "d.json", bids_cohort)
