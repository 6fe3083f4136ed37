import json
from pathlib import Path

import pytest

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

DATA = Path(__file__).parents[4] / "shared/data"
CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}
SPLITS = ("training", "validation", "test")
BIDS = load_mapping("bids")
realdata = pytest.mark.skipif(not DATA.exists(), reason="no real data on this machine")


def make(output, root, **options):
    (datalist,) = prepare_cohort(output, BidsFolder(root, BIDS), **options)
    return datalist


def all_visits(datalist):
    return [visit for split in SPLITS for visit in datalist.splits[split]]


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


def problems_of(root, **options):
    with pytest.raises(UserError) as error:
        make(root / "datalist.json", root, **options)
    return [str(error.value), *error.value.details]


def with_tabs(root):
    """Every row of participants.tsv ends with a tab, as some editors leave it."""
    table = root / "participants.tsv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *(f"{row}\t" for row in rows)]) + "\n")


def test_lines_that_are_wrong_come_before_the_visits_that_are_not_left(bids_cohort):
    with_tabs(bids_cohort)
    _, *lines = problems_of(bids_cohort)

    assert len(lines) == 20
    assert lines[0].endswith("participants.tsv line 2 has 5 cells, the header has 4 (a tab at its end?)")


@pytest.mark.parametrize(
    ("option", "row", "last"),
    [
        ("include", {"participant_id": "sub-99"}, "names nobody of this cohort"),
        ("include", {"participants": "sub-01"}, "has no column 'participant_id'"),
        ("qc", {"participant_id": "sub-01", "qc": "maybe"}, "says qc 'maybe'"),
    ],
)
def test_an_error_of_a_list_comes_after_the_lines_that_are_wrong(bids_cohort, write_table, option, row, last):
    table = bids_cohort / "sub-01/sub-01_sessions.tsv"
    table.write_text(table.read_text().replace("CN", "EMCI"))
    listed = write_table(bids_cohort / "list.tsv", [row])
    _, *lines = problems_of(bids_cohort, selection=Selection(**{option: listed}))

    assert lines[0] == "sub-01 ses-0: column 'diagnosis' holds the unknown code 'EMCI'"
    assert last in lines[-1]


def test_what_leaves_nobody_is_counted(bids_cohort, tmp_path, write_table):
    qc = write_table(tmp_path / "qc.tsv", [{"participant_id": f"{n:02}", "qc": "fail"} for n in range(20)])

    assert problems_of(bids_cohort, selection=Selection(qc=qc)) == [
        "no visit of cohort is left: 60 failed quality control"
    ]


def test_the_report_names_the_prior_columns_and_those_that_are_not_read(bids_cohort, tmp_path):
    people = bids_cohort / "participants.tsv"
    header, *rows = people.read_text().splitlines()
    header = header.replace("sex\tage", "Sexe\tAge")
    people.write_text("\n".join([f"{header}\tapoe_4\tHand", *(f"{row}\t1\tR" for row in rows)]) + "\n")
    datalist = make(tmp_path / "datalist.json", bids_cohort)

    assert {visit["prior"]["age"] for visit in all_visits(datalist)} == set(range(60, 80))
    assert "prior columns: age; never used: mmse, days_from_baseline" in datalist.report["notes"]
    assert (
        "columns that are not read: Sexe (did you mean 'sex'?), apoe_4 (did you mean 'apoe4'?), Hand"
        in datalist.report["notes"]
    )


@pytest.mark.parametrize(("person", "session"), [("Age", "age"), ("age", "AGE"), ("AGE", "Age")])
def test_the_column_of_a_session_wins_over_that_of_the_person_in_any_case(bids_cohort, write_table, person, session):
    people = bids_cohort / "participants.tsv"
    people.write_text(people.read_text().replace("age", person))
    write_table(bids_cohort / "sub-03/sub-03_sessions.tsv", [{"Session_ID": "ses-0", "diagnosis": "CN", session: 99.5}])
    visits = BidsFolder(bids_cohort, BIDS).read().visits

    assert [visit["age"] for visit in visits if visit["subject_id"] == "sub-03"] == [99.5, 63, 63]


def test_one_vague_age_stops_nobody(bids_cohort, tmp_path):
    people = bids_cohort / "participants.tsv"
    people.write_text(people.read_text().replace("\t61\t", "\t89+\t").replace("\t62\t", "\t60-65\t"))
    datalist = make(tmp_path / "datalist.json", bids_cohort)
    ages = {visit["subject_id"]: visit["age"] for visit in all_visits(datalist)}

    assert (ages["sub-01"], ages["sub-02"]) == (89, None)
    assert "column 'age' holds text such as '89+' in 3 visits: read as the number" in datalist.report["notes"]


def test_masked_times_of_scans_are_unknown_with_a_note(bids_cohort, tmp_path, write_table):
    for n, time in enumerate(["2012-03-05T10:11:12.345000", "XXXX-XX-XX", "10:11:12", "2012-03-05T10:11:12Z"]):
        name = f"sub-{n:02}_ses-0"
        write_table(
            bids_cohort / f"sub-{n:02}/ses-0/{name}_scans.tsv",
            [{"filename": f"anat/{name}_T1w.nii.gz", "acq_time": time}],
        )

    assert (
        "column 'acq_time' holds text such as 'XXXX-XX-XX' in 2 visits: no day or a masked one, counted as unknown"
        in make(tmp_path / "datalist.json", bids_cohort).report["notes"]
    )


def test_advice_that_would_lose_labels_is_not_given(bids_cohort, tmp_path, write_table):
    people = bids_cohort / "participants.tsv"
    people.write_text(people.read_text().replace("sub-07", "sub-7").replace("sub-08", "sub-88"))
    message, *lines = problems_of(bids_cohort)

    assert "--missing_images" not in message
    assert lines[0].endswith("participants.tsv: 'sub-7' has no folder; did you mean sub-07?")
    assert lines[1].startswith("sub-88: no image: there is no folder ")


def oasis2(output, images="coronal/{MRI ID}.nii.gz", **options):
    source = VisitTable(DATA / "oasis2_slices/oasis_longitudinal.csv", images, load_mapping("oasis2"))
    (datalist,) = prepare_cohort(output, source, **{"change": ChangeRule(), **options})
    return datalist


@pytest.mark.realdata
@realdata
def test_oasis2_is_prepared_from_the_published_table(tmp_path):
    datalist = oasis2(tmp_path / "datalist.json")
    visits = all_visits(load_datalist(tmp_path / "datalist.json", classes=CLASSES))

    assert len(visits) == 247
    assert len({visit["subject_id"] for visit in visits}) == 99
    assert [sum(v["diagnosis"] == name for v in visits) for name in CLASSES["diagnosis"]] == [140, 79, 28]
    assert [sum(v["change"] == name for v in visits) for name in CLASSES["change"]] == [114, 18, 2]
    assert next(column for column in datalist.prior if column["name"] == "mmse")["role"] == "banned"


@pytest.mark.realdata
@realdata
def test_every_trap_of_oasis2_is_reported(tmp_path):
    report = oasis2(tmp_path / "datalist.json").report

    assert "OAS2_0131: group says 'Converted', but the diagnoses are MCI, CN" in report["contradictions"]
    text = " | ".join(report["notes"])
    for trap in (
        "visit numbers of 4 subjects skip",
        "'ses' is empty in 14 of 247 visits",
        "'mmse' is empty in 2 of 247 visits",
        "slices of two axes",
        "247 of 247 images have neither qform nor sform",
        "heads are larger than heads are",
        "the background is not 0 in 247 of 247 images",
        "the next visit lies 229 to 1707 days away",
    ):
        assert trap in text


@pytest.mark.realdata
@realdata
def test_oasis2_axial_slices_that_are_missing_are_listed_or_dropped(tmp_path):
    with pytest.raises(UserError, match="4 problems, nothing was written") as error:
        oasis2(tmp_path / "datalist.json", "axial/{MRI ID}.nii.gz")
    assert len(error.value.details) == 4

    datalist = oasis2(tmp_path / "datalist.json", "axial/{MRI ID}.nii.gz", selection=Selection(missing_images="drop"))
    assert len(all_visits(datalist)) == 243


@pytest.mark.realdata
@realdata
def test_at_a_horizon_of_36_months_82_visits_of_oasis2_are_followed_too_briefly(tmp_path):
    visits = all_visits(oasis2(tmp_path / "datalist.json", change=ChangeRule.parse("36m", "36m", "stable")))
    unknown = [visit["change_reason"] for visit in visits if visit["change"] is None]

    assert sum(reason.startswith("followed for") for reason in unknown) == 82
    assert sum(reason == "changed after the horizon or before, nobody knows" for reason in unknown) == 6
    assert sum(reason == "last visit with a diagnosis" for reason in unknown) == 99


@pytest.mark.realdata
@realdata
def test_young_brains_of_oasis1_have_no_diagnosis(tmp_path):
    folder = DATA / "oasis1_t1w_2mm"
    source = VisitTable(folder / "oasis_cross-sectional.csv", "{ID}.nii.gz", load_mapping("oasis1"))
    (datalist,) = prepare_cohort(tmp_path / "datalist.json", source)
    visits = all_visits(datalist)

    assert len(visits) == 15
    assert {visit["diagnosis"] for visit in visits} == {None}
    assert {visit["days_from_baseline"] for visit in visits} == {0}
    assert "nobody has a label: this cohort is for pretraining alone" in datalist.report["notes"]
