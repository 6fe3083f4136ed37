"""What runs differ in, and the figures of folds together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from admoe_monai.checkpoints import read_checkpoint, write_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.evaluation.folds import evaluate_folds
from admoe_monai.workflows.runs.comparison import compare_runs
from admoe_monai.workflows.runs.comparison_text import lines_of_comparison
from admoe_monai.workflows.runs.folds import lines_of_folds, pool_folds
from tiny_runs import CHANGES, DIAGNOSES

CLASSES = {"diagnosis": DIAGNOSES, "change": CHANGES}
Copy = Callable[..., Path]


@pytest.fixture
def copy(tiny_run: Path, tmp_path: Path) -> Copy:
    """Copies the run under another name, with other settings, digests or environment of its final model."""

    def make(
        folder: str, /, *, digests: dict[str, str] | None = None, torch: str | None = None, **settings: Any
    ) -> Path:
        run = Path(shutil.copytree(tiny_run, tmp_path / folder))
        content = yaml.safe_load((run / "config.yaml").read_text())
        (run / "config.yaml").write_text(yaml.safe_dump({**content, **settings}, sort_keys=False))
        final = read_checkpoint(run / "final_model.pth")
        final["digests"] |= digests or {}
        if torch is not None:
            final["environment"]["torch"] = torch
        write_checkpoint(run / "final_model.pth", final)
        return run

    return make


def evaluated(run: Path, seed: int, first: int = 0) -> PredictionTable:
    """Write what `admoe evaluate` writes, of made-up predictions for 24 subjects."""
    random = np.random.default_rng(seed)
    visits, probabilities = [], {}
    for k in range(24):
        labels = {"diagnosis": DIAGNOSES[k % 3], "change": CHANGES[k % 3]}
        visits.append({"image": str(first + k), "subject_id": f"s{first + k}", "session_id": "1", **labels})
    for task in CLASSES:
        scores = np.exp(random.normal(0, 1, (24, 3)) + 2 * np.eye(3)[np.arange(24) % 3])
        probabilities[task] = scores / scores.sum(1, keepdims=True)
    table = PredictionTable.from_visits(visits, probabilities, CLASSES)
    (run / "evaluation").mkdir()
    table.write(run / "evaluation" / "predictions_test.csv")
    about = {"cohort": "tiny", "simulated": True, "checkpoint": "best_model.pth"}
    content = {**about, "figures": evaluate_predictions(table, CLASSES, n_boot=50)}
    (run / "evaluation" / "metrics_test.json").write_text(json.dumps(content))
    return table


def test_equal_runs_differ_in_nothing(copy: Copy) -> None:
    found = compare_runs([copy("a"), copy("b", name="another", datalist="/elsewhere/datalist.json")])
    assert (found["settings"], found["environment"], found["digests"], found["same_datalist"]) == ({}, {}, {}, True)
    assert found["validation"]["epochs"] == [2, 2]
    assert found["test"] == [None, None]
    assert "test: A, B not evaluated; `admoe evaluate RUN` does it" in lines_of_comparison(found, 80)


def test_what_differs_is_named_and_nothing_else(copy: Copy) -> None:
    runs = [
        copy("a"),
        copy("b", base_lr=0.5, network={"encoder": {"attn_drop_rate": 0.3}}, torch="1.0", digests={"datalist": "x"}),
        copy("c", pretrained="/weights.pth", digests={"the code of mylab.Loss": "y"}),
    ]
    found = compare_runs(runs)
    assert found["settings"] == {
        "base_lr": [0.001, 0.5, 0.001],
        "network.encoder.attn_drop_rate": [None, 0.3, None],
        "pretrained": [None, None, "/weights.pth"],
    }
    assert {name: values[1] for name, values in found["environment"].items()} == {"torch": "1.0"}
    assert found["digests"] == {"the code of mylab.Loss": [None, None, "y"]}
    assert found["same_datalist"] is False


def test_validation_is_that_of_the_checkpoints(copy: Copy) -> None:
    run = copy("a")
    state = read_checkpoint(run / "final_model.pth")["training_state"]
    found = compare_runs([run, copy("b")])["validation"]
    assert found["best_val_acc"][0] == {"value": state["best_val_acc"], "epoch": state["best_val_acc_epoch"]}
    assert found["lowest_val_loss_finetune"][0] == {"value": state["best_loss"], "epoch": state["best_loss_epoch"]}


def test_predictions_of_the_same_subjects_are_compared_in_pairs(copy: Copy) -> None:
    runs = [copy("a"), copy("b"), copy("c")]
    first, second = evaluated(runs[0], 0), evaluated(runs[1], 1)
    found = compare_runs(runs)
    assert found["differences"] == [
        {task: compare_predictions(second, first, task) for task in CLASSES}, {},
    ]  # fmt: skip
    assert found["test"][0]["figures"]["diagnosis"]["n_subjects"] == 24
    json.dumps(found, allow_nan=False)
    text = "\n".join(lines_of_comparison(found, 80))
    assert "diagnosis, B minus A: n = 24 subjects, the same for both" in text
    assert "test: C not evaluated" in text
    assert "(SIMULATED)" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_predictions_of_other_subjects_are_no_pair(copy: Copy) -> None:
    runs = [copy("a"), copy("b")]
    evaluated(runs[0], 0)
    evaluated(runs[1], 1, first=100)
    found = compare_runs(runs)
    assert "no visit with a diagnosis is predicted in both" in found["differences"][0]["diagnosis"]["problem"]
    assert any("no difference, since no visit" in line for line in lines_of_comparison(found, None))


def test_figures_at_fitted_temperatures_are_compared_with_their_like_alone(copy: Copy) -> None:
    runs = [copy("a"), copy("b")]
    for run in runs:
        evaluated(run, seed=0)
    figures = runs[1] / "evaluation" / "metrics_test.json"
    figures.write_text(json.dumps({**json.loads(figures.read_text()), "temperatures": {"diagnosis": 1.2}}))
    said = "one of them was evaluated with --calibrate: evaluate both alike"
    assert compare_runs(runs)["differences"][0]["diagnosis"] == {"problem": said}
    with pytest.raises(UserError, match=r"not of one plan: evaluation with --calibrate is False and True"):
        pool_folds(runs)


def test_one_run_is_no_comparison(copy: Copy) -> None:
    run = copy("a")
    for runs in ([run], [run, run], [run, run / ".." / "a"]):
        with pytest.raises(UserError, match="name two or more different run directories"):
            compare_runs(runs)


def test_a_folder_that_is_no_run_is_one_line(copy: Copy, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"config.yaml can't be read: No such file"):
        compare_runs([copy("a"), tmp_path])


def test_folds_are_averaged(copy: Copy) -> None:
    runs = [copy("fold1"), copy("fold2", seed=1, num_workers=3, digests={"datalist": "x"})]
    tables = [evaluated(run, k, first=100 * k) for k, run in enumerate(runs)]
    found = pool_folds(runs)
    assert found["figures"] == evaluate_folds(dict(zip("ab", tables, strict=True)))
    text = "\n".join(lines_of_folds(found, 80))
    assert "diagnosis: 48 subjects (by fold: 24, 24), 48 visits" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_lr": 0.5}, "are not of one plan: base_lr is 0.001 and 0.5"),
        ({"classes": {"diagnosis": ["CN", "AD"], "change": [*CHANGES]}}, "are not of one plan: classes is"),
        ({"digests": {"phase_overlays": "x"}}, "are not of one plan: the digest of phase_overlays is"),
        ({}, "both test subject s0: they are no folds of a cohort"),
    ],
)
def test_runs_that_are_no_folds_are_refused_in_one_line(copy: Copy, changes: dict[str, Any], said: str) -> None:
    runs = [copy("fold1"), copy("fold2", **changes)]
    for run in runs:
        evaluated(run, 0)
    with pytest.raises(UserError) as refused:
        pool_folds(runs)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_fold_that_was_not_evaluated_is_named_with_the_remedy(copy: Copy) -> None:
    runs = [copy("fold1"), copy("fold2")]
    evaluated(runs[0], 0)
    with pytest.raises(
        UserError, match=r"fold2 has no predictions of its test subjects; run `admoe evaluate .*fold2` first"
    ):
        pool_folds(runs)
    with pytest.raises(UserError, match="name the runs of two or more folds"):
        pool_folds(runs[:1])
