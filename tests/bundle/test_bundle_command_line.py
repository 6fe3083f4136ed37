"""Paths on the command line of a bundle: read as they are typed, or refused."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from admoe_monai.workflows.bundles.export import export
from tiny_runs import write_scan

Start = Callable[..., str | None]


@pytest.fixture(scope="module")
def bundle(tiny_run_2d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run_2d, tmp_path_factory.mktemp("exported") / "bundle #1 of é", [], 0)


def command(bundle: Path, *words: object) -> list[object]:
    return [
        "run", "inference", "--config_file", bundle / "configs/inference.json", "--bundle_root", bundle, "--device", "cpu",
        *words,
    ]  # fmt: skip


@pytest.mark.parametrize(("scans", "output"), [("scans #1", "out #2"), ("@scans", "50%"), ("2024_01", "$out,é")])
def test_scans_in_an_odd_folder_are_predicted_into_another(scans: str, output: str, start: Start, bundle: Path) -> None:
    write_scan(Path(scans) / "a #1.nii.gz", 1, spatial_dims=2)
    assert start(*command(bundle, "--dataset_dir", scans, "--output_dir", output)) is None
    with open(Path(output) / "predictions.csv", newline="") as file:
        assert [row["scan"] for row in csv.DictReader(file)] == ["a #1.nii.gz"]
    assert {path.name for path in Path.cwd().iterdir()} == {scans, output}


@pytest.mark.parametrize("words", [["--dataset_dir", "my", "scans"], ["--output_dir", "my", "scans", "out"]])
def test_a_path_without_quotes_is_one_line(words: list[str], start: Start, bundle: Path) -> None:
    write_scan(Path("my") / "a.nii.gz", 1, spatial_dims=2)
    assert start(*command(bundle, *words)) == "error: unexpected word 'scans': quote paths with spaces"
    assert [path.name for path in Path.cwd().iterdir()] == ["my"]


def test_a_path_without_quotes_is_one_line_in_training_too(start: Start, bundle: Path) -> None:
    config = bundle / "configs/train.json"
    line = start("run", "training", "--config_file", config, "--bundle_root", bundle, "--datalist", "my", "d.json")
    assert line == "error: unexpected word 'd.json': quote paths with spaces"
    assert list(Path.cwd().iterdir()) == []


def test_a_bundle_is_finetuned_from_and_into_odd_folders(start: Start, bundle: Path, tiny_cohort_2d: Path) -> None:
    cohort = Path(shutil.copytree(tiny_cohort_2d.parent, Path("co#hort")))
    words = [
        "--datalist",
        cohort / "datalist.json",
        "--output_dir",
        "out #2",
        "--cache_dir",
        "@cache",
        "--max_epochs",
        1,
    ]
    config = bundle / "configs/train.json"
    assert start("run", "training", "--config_file", config, "--bundle_root", bundle, "--device", "cpu", *words) is None
    assert (Path("out #2") / "checkpoint_epoch_0.pth").is_file()
    assert {path.name for path in Path.cwd().iterdir()} == {"co#hort", "out #2", "@cache"}
