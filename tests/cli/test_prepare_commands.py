"""The five kinds of `admoe prepare`, each on a small cohort on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from admoe_monai.cli.main import app
from admoe_monai.data import Datalist, load_datalist
from admoe_monai.errors import UserError
from small_cohorts import make_bids_cohort, write_scan_file, write_table_file

SPLITS = ("training", "validation", "test")
KINDS = ("bids", "clinica", "table", "slices", "merge")
HEADER = "Subject ID,MRI ID,MR Delay,M/F,Age,CDR\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["prepare", *map(str, arguments)])


def prepared(output: Path, *arguments: object) -> Datalist:
    result = run(*arguments, "--output", output)
    assert result.exit_code == 0, result.output
    return load_datalist(output)


def visits_of(datalist: Datalist) -> list[dict[str, Any]]:
    return [visit for split in SPLITS for visit in datalist.splits[split]]


def table_of_visits(folder: Path) -> Path:
    """Eight subjects with a visit each, and their scans."""
    folder.mkdir()
    for n in range(8):
        write_scan_file(folder / f"scans/p{n}_MR1.nii.gz", seed=n)
    table = folder / "table.csv"
    table.write_text(HEADER + "".join(f"p{n},p{n}_MR1,0,M,80,{n % 3 / 2}\n" for n in range(8)))
    return table


def test_classes_of_few_people_are_warned_of_below_the_table_of_each_datalist(tmp_path: Path) -> None:
    table = table_of_visits(tmp_path / "cohort")
    options = (
        "--images",
        "scans/{MRI ID}.nii.gz",
        "--mapping",
        "oasis2",
        "--output",
        tmp_path / "d.json",
        "--folds",
        3,
    )
    result = run("table", table, *options)

    assert result.exit_code == 0, result.output
    warnings = [line for line in result.output.splitlines() if line.startswith("warning: ")]
    assert sum(line.startswith("warning: few people with a diagnosis: training ") for line in warnings) == 3
    # No one has any change label here, which the report says.
    assert not any("change" in line for line in warnings)


def test_a_bids_folder_needs_no_option_and_prints_a_summary(tmp_path: Path) -> None:
    cohort = make_bids_cohort(tmp_path / "cohort")
    result = run("bids", cohort, "--output", tmp_path / "datalist.json", "--horizon", "next_visit")

    assert result.exit_code == 0, result.output
    for text in (
        "cohort (simulated)",
        "diagnosis: simulated;",
        "change: horizon next_visit",
        "diagnosis CN",
        "change conversion",
        "change unknown: 20 visits, last",
        "wrote",
    ):
        assert text in result.output
    assert "36 (12)" in result.output


@pytest.mark.parametrize("options", [[], ["--horizon", "24m", "--seed", "7", "--fractions", "0.5", "0.2", "0.3"]])
def test_a_folder_alone_is_a_bids_folder_and_gives_the_same_bytes(tmp_path: Path, options: list[str]) -> None:
    cohort = make_bids_cohort(tmp_path / "cohort")
    output = tmp_path / "datalist.json"
    prepared(output, "bids", cohort, *options)
    named = output.read_bytes()
    output.unlink()
    prepared(output, cohort, *options)
    assert output.read_bytes() == named

    output.unlink()
    assert run(*options, "--output", output, cohort).exit_code == 0  # options may come first
    assert output.read_bytes() == named


def test_options_have_the_spelling_of_the_settings(tmp_path: Path) -> None:
    datalist = prepared(
        tmp_path / "d.json",
        make_bids_cohort(tmp_path / "cohort"),
        *("--horizon", "24m", "--min_followup", "12m", "--change_for_ad", "stable", "--dx_window_days", "30"),
        *("--missing_images", "drop", "--fractions", "0.5", "0.0", "0.5", "--seed", "7", "--check_images", "headers"),
    )

    assert [len(datalist.splits[split]) for split in SPLITS] == [30, 0, 30]
    assert datalist.label_definition["change"]["min_followup_days"] == pytest.approx(365.25)
    assert datalist.label_definition["change"]["change_for_ad"] == "stable"
    assert datalist.label_definition["split"]["seed"] == 7
    assert "0 visits have the diagnosis of another day, within 30 days" in datalist.report["notes"]


def test_lists_quality_control_and_folds_reach_the_cohort(tmp_path: Path) -> None:
    cohort = make_bids_cohort(tmp_path / "cohort")
    people = [{"participant_id": f"sub-{n:02}"} for n in range(12)]
    include = write_table_file(tmp_path / "include.tsv", people)
    qc = write_table_file(tmp_path / "qc.tsv", [{"participant_id": "sub-00", "session_id": "ses-0", "qc": "fail"}])
    result = run(cohort, "--include", include, "--qc", qc, "--folds", 3, "--output", tmp_path / "d.json")

    assert result.exit_code == 0, result.output
    datalists = [load_datalist(tmp_path / f"d_fold{k}.json") for k in range(3)]
    assert [len(visits_of(datalist)) for datalist in datalists] == [35] * 3
    assert sorted(v["image"] for d in datalists for v in d.splits["test"]) == sorted(
        v["image"] for v in visits_of(datalists[0])
    )


def test_a_scan_of_a_derivative_and_the_preferred_one_are_taken(tmp_path: Path) -> None:
    cohort = make_bids_cohort(tmp_path / "cohort")
    for scan in sorted(cohort.glob("sub-*/*/anat/*.nii.gz")):
        below = cohort / "derivatives/fmriprep" / scan.parent.relative_to(cohort)
        for number, kind in enumerate(("desc-a", "desc-b")):
            name = scan.name.replace("_T1w", f"_{kind}_T1w")
            write_scan_file(below / name, seed=number + 2 * len(list(cohort.rglob("*desc*"))))
    datalist = prepared(tmp_path / "d.json", cohort, "--derivative", "fmriprep", "--prefer", "desc-b")

    assert {"desc-b" in visit["image"] and "fmriprep" in visit["image"] for visit in visits_of(datalist)} == {True}


def test_a_folder_of_scans_without_tables_is_a_cohort_for_pretraining(tmp_path: Path) -> None:
    for n in range(8):
        write_scan_file(tmp_path / f"bids/sub-{n}/ses-1/anat/sub-{n}_ses-1_T1w.nii.gz", seed=n)
    np.savez(tmp_path / "bids/template.npz", slice=np.ones((4, 4)))
    result = run(tmp_path / "bids", "--output", tmp_path / "d.json")

    assert result.exit_code == 0, result.output
    assert "note: there is no participants.tsv" in result.output
    assert "note: nobody has a label: this cohort is for pretraining alone" in result.output


def test_clinica_takes_scans_of_caps_and_labels_of_bids(tmp_path: Path) -> None:
    cohort = make_bids_cohort(tmp_path / "cohort")
    for n in range(20):
        for visit in range(3):
            subject, session = f"sub-{n:02}", f"ses-{visit}"
            name = f"{subject}_{session}_space-MNI152NLin2009cSym_desc-Crop_res-1x1x1_T1w.nii.gz"
            write_scan_file(tmp_path / "caps/subjects" / subject / session / "t1_linear" / name, seed=3 * n + visit)
    datalist = prepared(tmp_path / "d.json", "clinica", tmp_path / "caps", "--bids", cohort, "--horizon", "next_visit")

    assert len(visits_of(datalist)) == 60
    assert {visit["diagnosis"] for visit in visits_of(datalist)} == {"CN", "MCI"}
    assert datalist.preprocessing["pipeline"] == "clinica t1-linear"
    assert datalist.label_definition["change"]["horizon"] == "next_visit"


def test_a_table_names_its_scans_by_a_pattern(tmp_path: Path) -> None:
    table = table_of_visits(tmp_path / "cohort")
    datalist = prepared(tmp_path / "d.json", "table", table, "--images", "scans/{MRI ID}.nii.gz", "--mapping", "oasis2")

    assert sorted(Path(visit["image"]).name for visit in visits_of(datalist)) == [f"p{n}_MR1.nii.gz" for n in range(8)]
    assert {visit["diagnosis"] for visit in visits_of(datalist)} == {"CN", "MCI", "AD"}


def test_the_images_of_a_table_may_lie_in_another_folder(tmp_path: Path) -> None:
    table = table_of_visits(tmp_path / "cohort").rename(tmp_path / "table.csv")
    options = ("--images", "scans/{MRI ID}.nii.gz", "--mapping", "oasis2", "--dataset_dir", tmp_path / "cohort")

    assert prepared(tmp_path / "d.json", "table", table, *options).dataset_dir == tmp_path / "cohort"


def test_slices_of_the_original_code_keep_their_labels(tmp_path: Path) -> None:
    for n in range(12):
        values = np.random.default_rng(n).uniform(0, 255, (32, 32)).astype(np.float32)
        np.savez(tmp_path / f"p{n}_0.npz", slice=values, label=n % 3, change_label=0, prior=np.ones(3))
    result = run("slices", tmp_path, "--subject_pattern", "(p[0-9]+)_", "--output", tmp_path / "d.json")

    assert result.exit_code == 0, result.output
    assert len(visits_of(load_datalist(tmp_path / "d.json"))) == 12
    assert "its columns are banned" in result.output


def two_datalists(folder: Path, label_source: str) -> list[Path]:
    """The same table prepared twice: by OASIS-2's mapping and by another one, which says where its labels come from."""
    other = folder / "other.yaml"
    other.write_text(
        f"name: other\nlabel_source: {label_source}\nvisit:\n"
        "  subject_id: {column: Subject ID}\n  session_id: {column: MRI ID}\n"
        "  days_from_baseline: {column: MR Delay, kind: number}\n"
        "  diagnosis: {column: CDR, values: {0.0: CN, 0.5: MCI, 1.0: AD}}\n"
    )
    paths = [folder / "one.json", folder / "two.json"]
    for path, mapping in zip(paths, ("oasis2", other), strict=True):
        table = table_of_visits(folder / path.stem)
        prepared(path, "table", table, "--images", "scans/{MRI ID}.nii.gz", "--mapping", mapping)
    return paths


def test_datalists_are_merged_with_one_person_under_two_names(tmp_path: Path) -> None:
    ids = write_table_file(tmp_path / "ids.tsv", [{"participant_id": f"p{n}", "person_id": f"x{n}"} for n in range(8)])
    datalist = prepared(tmp_path / "both.json", "merge", *two_datalists(tmp_path, "cdr"), "--id_map", ids)

    assert len(visits_of(datalist)) == 16
    people = [{visit["person_id"] for visit in visits} for visits in datalist.splits.values()]
    assert sum(map(len, people)) == len(set.union(*people)) == 8


def test_labels_of_two_origins_are_mixed_if_asked_for(tmp_path: Path) -> None:
    paths = two_datalists(tmp_path, "clinical")
    refused = run("merge", *paths, "--output", tmp_path / "both.json").exception

    assert isinstance(refused, UserError)
    assert "--allow_mixed_labels mixes them" in str(refused)
    assert prepared(tmp_path / "both.json", "merge", *paths, "--allow_mixed_labels")


def test_a_folder_with_a_name_like_a_command_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_bids_cohort(Path("tables"))

    assert len(visits_of(prepared(tmp_path / "d.json", "tables"))) == 60
