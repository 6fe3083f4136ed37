"""An exported bundle trained further and evaluated, as its users do."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow

from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from tiny_runs import inference_arguments

ROOT = Path(__file__).parents[2]
# Runs `python -m monai.bundle` where the package is not installed: its folder is taken off Python's path.
HIDDEN = (
    "import runpy, sys; sys.path = [p for p in sys.path if p.rstrip('/') != sys.argv[1]]; del sys.argv[1]; "
    "runpy.run_module('monai.bundle', run_name='__main__')"
)


@pytest.fixture(scope="module")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("trained") / "bundle", [], 0)


def workflow(bundle: Path, configs: list[str], run_id: str, folder: Path, datalist: Path, **overrides: object) -> None:
    made = ConfigWorkflow(
        [str(bundle / "configs" / name) for name in configs],
        workflow_type="train",
        run_id=run_id,
        logging_file=False,
        bundle_root=str(bundle),
        datalist=str(datalist),
        output_dir=str(folder / "out"),
        cache_dir=str(folder / "preprocessed"),
        device="cpu",
        **overrides,
    )
    made.initialize()
    made.run()


def test_training_begins_with_the_bundles_weights(bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    workflow(bundle, ["train.json"], "training", tmp_path, tiny_cohort, max_epochs=1, base_lr=1.0e-12, min_lr=1.0e-12)
    weights = torch.load(bundle / "models/model.pt", weights_only=True)
    trained = torch.load(tmp_path / "out/best_model.pth", weights_only=True)
    assert trained["settings"]["pretrain_epochs"] == 0
    assert trained["model_state_dict"].keys() == weights.keys()
    # At a learning rate of next to nothing the weights stay what they were.
    for name, weight in weights.items():
        torch.testing.assert_close(trained["model_state_dict"][name], weight, atol=1e-6, rtol=0)


def test_evaluation_gives_the_figures_of_the_run(
    bundle: Path, tiny_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    workflow(bundle, ["train.json", "evaluate.json"], "evaluating", tmp_path, tiny_cohort)
    with open(tmp_path / "out/metrics.csv", newline="") as file:
        figures = {row[0]: float(row[1]) for row in csv.reader(file)}
    run = TrainedRun.load(tiny_run)
    table = predict(run, cohort_of(run), "test", "cpu")
    hits = table.probabilities("diagnosis").argmax(1) == table.labels("diagnosis")
    assert figures["diagnosis_balanced_accuracy"] == pytest.approx(hits.mean())  # one visit per class


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"max_epoch": 3}, "did you mean 'max_epochs'"),
        ({"datalist": "absent.json"}, "datalist not found"),
        ({"bundle_root": "elsewhere"}, "name the bundle with --bundle_root"),
    ],
)
def test_a_mistake_leaves_as_one_line(
    bundle: Path, tiny_cohort: Path, tmp_path: Path, overrides: dict[str, object], message: str
) -> None:
    settings = {
        "bundle_root": str(bundle),
        "datalist": str(tiny_cohort),
        "output_dir": str(tmp_path / "out"),
        **overrides,
    }
    config = str(bundle / "configs/train.json")
    made = ConfigWorkflow(config, workflow_type="train", run_id="training", logging_file=False, **settings)
    made.initialize()
    with pytest.raises(SystemExit) as left:
        made.run()
    assert message in str(left.value.code)
    assert "\n" not in str(left.value.code)


def test_the_code_that_is_carried_along_is_enough(bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        HIDDEN,
        str(ROOT),
        *inference_arguments(bundle, tiny_cohort.parent),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "12 scans predicted" in done.stdout
