"""Prediction sets travel with a bundle as temperatures do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from admoe_monai.cli.main import app
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.bundles.predict import predict_scans
from admoe_monai.workflows.bundles.recognition import refuse_unlike_export

TASKS = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}


@pytest.fixture(scope="module")
def run(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with thresholds among its probabilities, as if there had been enough people."""
    folder = Path(shutil.copytree(tiny_run, tmp_path_factory.mktemp("with_sets") / "run"))
    assert CliRunner().invoke(app, ["evaluate", str(folder), "--calibrate", "--device", "cpu"]).exit_code == 0
    table = PredictionTable.read(folder / "evaluation/predictions_test.csv")
    calibration, metrics = (folder / "evaluation" / name for name in ("calibration.json", "metrics_test.json"))
    content, figures = json.loads(calibration.read_text()), json.loads(metrics.read_text())
    for task, names in TASKS.items():
        for place, name in enumerate(names[:2]):
            least = sorted(table.probabilities(task)[:, place])[1] - 1e-6
            content["tasks"][task]["set"]["classes"][name] = {"least_probability": least, "n_subjects": 20 + place}
            if task == "diagnosis":
                figures["prediction_sets"][task]["classes"][name]["least_probability"] = least
    calibration.write_text(json.dumps(content))
    metrics.write_text(json.dumps(figures))
    return folder


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(run, tmp_path_factory.mktemp("bundle_with_sets") / "bundle", [], 0)


def test_predictions_have_a_column_of_sets(bundle: Path, run: Path, tmp_path: Path) -> None:
    scans = Path(json.loads((run / "datalist.json").read_text())["dataset_dir"])
    predict_scans(bundle, {"dataset_dir": str(scans), "output_dir": str(tmp_path), "screening": False, "device": "cpu"})
    sets = json.loads((bundle / "configs/inference.json").read_text())["set_thresholds"]
    predictions = json.loads((tmp_path / "predictions.json").read_text())["predictions"]
    for (task, names), thresholds in zip(TASKS.items(), sets, strict=True):
        for prediction in predictions:
            pairs = zip(names, thresholds, strict=True)
            expected = [name for name, least in pairs if prediction["probabilities"][task][name] >= least]
            assert prediction["sets"][task] == expected
    header, *rows = (line.split(",") for line in (tmp_path / "predictions.csv").read_text().splitlines())
    assert header[header.index("p_change_reversion") + 1 :][:3] == ["diagnosis_set", "change_set", "flags"]
    column = [row[header.index("diagnosis_set")] for row in rows]
    assert column == ["|".join(prediction["sets"]["diagnosis"]) for prediction in predictions]
    assert len({*column}) > 1


def test_metadata_and_readme_say_what_is_promised_and_found(bundle: Path) -> None:
    about = json.loads((bundle / "configs/metadata.json").read_text())["prediction_sets"]["tasks"]
    readme = " ".join((bundle / "docs/README.md").read_text().split())
    assert about["diagnosis"]["promised"] == 0.9
    assert about["diagnosis"]["classes"]["CN"]["n_subjects"] == 20
    assert about["diagnosis"]["classes"]["CN"]["test"] == {"held": 1, "n_subjects": 1}
    # What was found of other thresholds is not told of these.
    assert about["change"]["classes"]["stable"]["test"] is None
    assert "`diagnosis_set` is promised to hold the class of 90% of the people of each" in readme
    assert "(behind the thresholds: CN 20 people, MCI 21 people, AD 1 person)" in readme
    assert "On the test split it holds: CN 1 of 1, MCI 1 of 1, AD 1 of 1. In every set for want of people" in readme
    assert "`p_<task>_<class>`, `diagnosis_set`, `change_set`, flags" in readme


def test_a_bundle_with_sets_is_recognised_and_what_is_no_number_is_not(bundle: Path, tmp_path: Path) -> None:
    refuse_unlike_export(bundle, trust=False)
    path = Path(shutil.copytree(bundle, tmp_path / "bundle")) / "configs/inference.json"
    content = json.loads(path.read_text())
    content["set_thresholds"][0][0] = "$__import__('os').mkdir('trace')"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"in set_thresholds.* would run"):
        refuse_unlike_export(tmp_path / "bundle", trust=False)


def test_a_run_without_sets_has_the_bundle_that_it_had_before(tiny_run: Path, tmp_path: Path) -> None:
    bundle = export(tiny_run, tmp_path / "bundle", [], 0)
    assert "set_thresholds" not in (bundle / "configs/inference.json").read_text()
    assert json.loads((bundle / "configs/metadata.json").read_text())["prediction_sets"] is None
    readme = (bundle / "docs/README.md").read_text()
    assert "prediction set" not in readme
    assert "`p_<task>_<class>`, flags" in readme
