import json
import logging
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from admoe_monai.cli.prepare import prepare
from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts.prepare import prepare_cohort
from admoe_monai.errors import UserError

DATA = Path(__file__).parents[4] / "shared/data"
CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}
SPLITS = ("training", "validation", "test")


@pytest.fixture
def cohort(tmp_path):
    """BIDS folder of 20 subjects with three yearly visits; every fourth converts at the last."""
    root = tmp_path / "cohort"
    people = ["participant_id\tsex\tage"]
    for number in range(20):
        subject = f"sub-{number:02}"
        people.append(f"{subject}\t{'FM'[number % 2]}\t{60 + number}")
        rows = ["session_id\tdays_from_baseline\tdiagnosis\tmmse"]
        for visit in range(3):
            converts = number % 4 == 0 and visit == 2
            rows.append(f"ses-{visit}\t{360 * visit}\t{'MCI' if converts else 'CN'}\t29")
            scan = root / subject / f"ses-{visit}" / "anat" / f"{subject}_ses-{visit}_T1w.nii.gz"
            scan.parent.mkdir(parents=True)
            scan.touch()
        (root / subject / f"{subject}_sessions.tsv").write_text("\n".join(rows) + "\n")
    (root / "participants.tsv").write_text("\n".join(people) + "\n")
    (root / "dataset_description.json").write_text(json.dumps({"Name": "Simulated people", "simulated": True}))
    return root


def all_visits(datalist):
    return [visit for split in SPLITS for visit in datalist.splits[split]]


def test_a_bids_folder_becomes_a_datalist_that_loads(cohort, tmp_path):
    prepare_cohort(tmp_path / "datalist.json", directory=cohort, horizon="12m")
    datalist = load_datalist(tmp_path / "datalist.json", classes=CLASSES)

    assert [len(datalist.splits[split]) for split in SPLITS] == [36, 9, 15]
    assert (datalist.name, datalist.description, datalist.simulated) == ("cohort", "Simulated people", True)
    assert {visit["label_source"] for visit in all_visits(datalist)} == {"simulated"}
    assert {column["name"] for column in datalist.prior if column["role"] == "banned"} == {"mmse", "days_from_baseline"}


def test_it_says_how_the_labels_were_made(cohort, tmp_path):
    definition = prepare_cohort(tmp_path / "datalist.json", directory=cohort, horizon="24m").label_definition

    assert definition["change"] == {
        "horizon": "24m",
        "horizon_days": 730.5,
        "min_followup_days": 657.45,
        "change_for_ad": "null",
    }
    assert definition["diagnosis"]["source"] == "simulated"


def test_prior_statistics_come_from_the_training_split_alone(cohort, tmp_path):
    datalist = prepare_cohort(tmp_path / "datalist.json", directory=cohort)
    ages = [visit["age"] for visit in datalist.splits["training"]]
    age = next(column for column in datalist.prior if column["name"] == "age")

    assert (age["mean"], age["n"]) == (pytest.approx(sum(ages) / len(ages)), 36)
    assert age["mean"] != pytest.approx(sum(v["age"] for v in all_visits(datalist)) / 60, abs=1e-6)


def test_labels_are_made_before_visits_without_a_scan_are_dropped(cohort, tmp_path, caplog):
    for scan in cohort.glob("sub-00/ses-2/anat/*.nii.gz"):
        scan.unlink()
    with caplog.at_level(logging.WARNING):
        datalist = prepare_cohort(
            tmp_path / "datalist.json", directory=cohort, horizon="next_visit", missing_images="drop"
        )
    history = {v["session_id"]: v["change"] for v in all_visits(datalist) if v["subject_id"] == "sub-00"}

    assert history == {"ses-0": "stable", "ses-1": "conversion"}
    assert "1 of 60 visits have no image" in caplog.text
    assert "sub-00 ses-2 (no T1w scan)" in caplog.text


def test_missing_images_are_an_error_that_counts_them_and_writes_nothing(cohort, tmp_path):
    for scan in cohort.glob("sub-0[0-4]/ses-2/anat/*.nii.gz"):
        scan.unlink()
    with pytest.raises(UserError, match=r"5 of 60 visits .*sub-00 ses-2 .*and 2 more; --missing_images drop goes on"):
        prepare_cohort(tmp_path / "datalist.json", directory=cohort)
    assert not (tmp_path / "datalist.json").exists()


def test_a_bad_cell_is_an_error_that_writes_nothing(cohort, tmp_path):
    table = cohort / "sub-01/sub-01_sessions.tsv"
    table.write_text(table.read_text().replace("CN", "EMCI"))
    with pytest.raises(UserError, match="sub-01 ses-0: column 'diagnosis' holds the unknown code 'EMCI'"):
        prepare_cohort(tmp_path / "datalist.json", directory=cohort)
    assert not (tmp_path / "datalist.json").exists()


def test_doubled_rows_of_a_table_are_refused(tmp_path):
    (tmp_path / "x_MR1.nii").touch()
    header = "Subject ID,MRI ID,MR Delay,M/F,Age,CDR"
    people = [f"p{n},p{n}_MR1,0,M,80,0" for n in range(8)]
    for n in range(8):
        (tmp_path / f"p{n}_MR1.nii").touch()
    (tmp_path / "table.csv").write_text("\n".join([header, *people, people[3]]) + "\n")

    with pytest.raises(UserError, match="visit 'p3 MR1' is listed before"):
        prepare_cohort(tmp_path / "o.json", table=tmp_path / "table.csv", images="{MRI ID}.nii", mapping="oasis2")


def test_an_existing_output_is_kept_unless_told_otherwise(cohort, tmp_path):
    output = tmp_path / "datalist.json"
    output.write_text("precious")
    with pytest.raises(UserError, match="exists: choose another --output, or allow --overwrite"):
        prepare_cohort(output, directory=cohort)
    assert output.read_text() == "precious"
    prepare_cohort(output, directory=cohort, overwrite=True)
    assert load_datalist(output)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "nothing to prepare: give a BIDS folder, or --table and --images"),
        ({"directory": ".", "images": "{a}.nii"}, "--images goes with a --table"),
        ({"table": "t.csv"}, "a --table needs --images"),
        ({"directory": ".", "horizon": "soon"}, "horizon 'soon' is not understood"),
        ({"directory": ".", "horizon": "next_visit", "min_followup": "12m"}, "min_followup is a time"),
        ({"directory": ".", "missing_images": "ignore"}, "missing_images must be one of error, drop, got 'ignore'"),
        ({"directory": ".", "change_for_ad": "none"}, "change_for_ad must be one of null, stable, got 'none'"),
        ({"directory": ".", "mapping": "bid"}, "unknown mapping 'bid', did you mean 'bids'?"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(tmp_path, arguments, message):
    with pytest.raises(UserError) as error:
        prepare_cohort(tmp_path / "datalist.json", **arguments)
    assert message in str(error.value)


def run(*arguments):
    app = typer.Typer()
    app.command()(prepare)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_needs_a_folder_only_and_prints_a_summary(cohort, tmp_path):
    result = run(cohort, "--output", tmp_path / "datalist.json", "--horizon", "next_visit")

    assert result.exit_code == 0, result.output
    for text in ("cohort (simulated)", "diagnosis CN", "change conversion", "change unknown", "wrote"):
        assert text in result.output
    assert "36 (12)" in result.output


def test_the_command_takes_options_in_the_spelling_of_the_settings(cohort, tmp_path):
    result = run(
        cohort,
        *("--output", tmp_path / "d.json", "--horizon", "24m", "--min_followup", "12m", "--change_for_ad", "stable"),
        *("--missing_images", "drop", "--fractions", "0.5", "0.0", "0.5", "--seed", "7"),
    )

    assert result.exit_code == 0, result.output
    datalist = load_datalist(tmp_path / "d.json")
    assert [len(datalist.splits[split]) for split in SPLITS] == [30, 0, 30]
    assert datalist.label_definition["change"]["min_followup_days"] == pytest.approx(365.25)


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no real data on this machine")
def test_oasis2_is_prepared_from_the_published_table(tmp_path):
    folder = DATA / "oasis2_slices"
    datalist = prepare_cohort(
        tmp_path / "datalist.json",
        table=folder / "oasis_longitudinal.csv",
        images="coronal/{MRI ID}.nii.gz",
        mapping="oasis2",
        horizon="next_visit",
    )
    visits = all_visits(load_datalist(tmp_path / "datalist.json", classes=CLASSES))

    assert len(visits) == 247
    assert len({visit["subject_id"] for visit in visits}) == 99
    assert [sum(v["diagnosis"] == name for v in visits) for name in CLASSES["diagnosis"]] == [140, 79, 28]
    assert [sum(v["change"] == name for v in visits) for name in CLASSES["change"]] == [114, 18, 2]
    assert next(column for column in datalist.prior if column["name"] == "mmse")["role"] == "banned"


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no real data on this machine")
def test_oasis2_axial_slices_that_are_missing_are_counted(tmp_path):
    arguments = {
        "table": DATA / "oasis2_slices/oasis_longitudinal.csv",
        "images": "axial/{MRI ID}.nii.gz",
        "mapping": "oasis2",
        "horizon": "next_visit",
    }
    with pytest.raises(UserError, match="4 of 247 visits have no image"):
        prepare_cohort(tmp_path / "datalist.json", **arguments)

    datalist = prepare_cohort(tmp_path / "datalist.json", missing_images="drop", **arguments)
    assert len(all_visits(datalist)) == 243


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.exists(), reason="no real data on this machine")
def test_young_brains_of_oasis1_have_no_diagnosis(tmp_path):
    folder = DATA / "oasis1_t1w_2mm"
    datalist = prepare_cohort(
        tmp_path / "datalist.json",
        table=folder / "oasis_cross-sectional.csv",
        images="{ID}.nii.gz",
        mapping="oasis1",
    )
    visits = all_visits(datalist)

    assert len(visits) == 15
    assert {visit["diagnosis"] for visit in visits} == {None}
    assert {visit["days_from_baseline"] for visit in visits} == {0}
