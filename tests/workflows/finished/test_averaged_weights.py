"""What a run with an average of its weights is judged by, hands over and goes on from."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from admoe_monai.checkpoints import load_matched, read_checkpoint
from admoe_monai.workflows.bundles.export import MODEL, export
from admoe_monai.workflows.finished.inspection import describe_file
from admoe_monai.workflows.finished.inspection_text import lines_of
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.run.pretrained import load_pretrained
from tiny_runs import MICRO_PLAN, make_run

Weights = Mapping[str, torch.Tensor]


@pytest.fixture(scope="module")
def taken() -> list[Weights]:
    """Weights that finetuning has started from."""
    return []


@pytest.fixture(scope="module")
def run(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory, taken: list[Weights]) -> Path:
    """A run with an average in both phases."""

    def taking(network: nn.Module, weights: Weights) -> Any:
        taken.append(weights)
        return load_matched(network, weights)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("admoe_monai.workflows.run.run.load_matched", taking)
        folder = tmp_path_factory.mktemp("averaged") / "run"
        return make_run(folder, tiny_cohort, **MICRO_PLAN, phase_overlays=["bundle/configs/ema.yaml"])


def weights_in(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The raw and the averaged weights of a checkpoint."""
    contents = read_checkpoint(path)
    return contents["model_state_dict"], contents["further"]["ema"]["model_state_dict"]


def same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(weight, other[name]) for name, weight in one.items())


def test_both_are_in_the_file_and_differ(run: Path) -> None:
    for name in ("pretrain_checkpoint.pth", "best_model.pth"):
        raw, averaged = weights_in(run / name)
        assert raw.keys() == averaged.keys()
        assert not same(raw, averaged)


def test_a_finished_run_predicts_by_the_average(run: Path) -> None:
    loaded = TrainedRun.load(run)
    cohort = cohort_of(loaded)
    raw, averaged = weights_in(run / "best_model.pth")
    assert same(loaded.network.state_dict(), averaged)
    table = predict(loaded, cohort)
    by_hand = TrainedRun.load(run)
    for weights, equal in ((raw, False), (averaged, True)):
        by_hand.network.load_state_dict(weights)
        again = predict(by_hand, cohort)
        for task in ("diagnosis", "change"):
            assert np.array_equal(table.probabilities(task), again.probabilities(task)) is equal


def test_validation_has_seen_the_average(run: Path) -> None:
    loaded = TrainedRun.load(run, "final_model.pth")
    raw, averaged = weights_in(run / "final_model.pth")
    with open(run / "metrics.csv", newline="") as file:
        *_, last = csv.DictReader(file)
    losses = {}
    for name, weights in (("raw", raw), ("averaged", averaged)):
        loaded.network.load_state_dict(weights)
        evaluator = loaded.phase(cohort_of(loaded).items("validation"), torch.device("cpu"))["validate::evaluator"]
        evaluator.run()
        losses[name] = evaluator.state.metrics["loss"]
    assert losses["averaged"] == pytest.approx(float(last["val_loss"]), abs=1e-7)
    assert losses["raw"] != pytest.approx(float(last["val_loss"]), abs=1e-4)


def test_the_bundle_has_the_average(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "bundle", formats=[], reference_scans=0)
    assert same(torch.load(tmp_path / "bundle" / MODEL), weights_in(run / "best_model.pth")[1])


def test_finetuning_starts_from_the_average(run: Path, taken: list[Weights]) -> None:
    _, averaged = weights_in(run / "pretrain_checkpoint.pth")
    assert len(taken) == 1
    assert same(taken[0], {name: weight for name, weight in averaged.items() if not name.startswith("decoder.")})


def test_another_run_starts_from_the_average(run: Path) -> None:
    network = TrainedRun.load(run, "pretrain_checkpoint.pth").network
    raw, averaged = weights_in(run / "pretrain_checkpoint.pth")
    network.load_state_dict(raw)
    load_pretrained(network, run / "pretrain_checkpoint.pth")
    encoder = {name: weight for name, weight in network.state_dict().items() if not name.startswith("decoder.")}
    assert same(encoder, {name: averaged[name] for name in encoder})


def test_inspection_names_the_average_and_prints_none_of_it(run: Path) -> None:
    description = describe_file(run / "best_model.pth")
    assert (description["further"], description["evaluated"]) == (["ema"], "ema")
    assert any("further states" in line and line.endswith(": ema (evaluated)") for line in lines_of(description))
