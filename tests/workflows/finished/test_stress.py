"""A run's test scans under disturbances: figures of the same people, files, and what the command says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from admoe_monai.errors import UserError
from admoe_monai.run_files import TEST_LOOKS
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.finished.stress import read_strengths
from admoe_monai.workflows.finished.stress.conditions import Condition, conditions_of
from admoe_monai.workflows.finished.stress.predictions import Variants, predict_under

Admoe = Callable[..., tuple[int, str, str]]
HARD = [Condition(), Condition("noise", 0.5), Condition("turn", 20.0)]


@pytest.fixture(params=["3d", "2d"])
def run(request: pytest.FixtureRequest, tiny_run: Path, tiny_run_2d: Path) -> TrainedRun:
    return TrainedRun.load(tiny_run if request.param == "3d" else tiny_run_2d)


def test_undisturbed_predictions_are_those_of_evaluate_and_disturbed_ones_are_others(run: TrainedRun) -> None:
    cohort = cohort_of(run)
    found = predict_under(run, cohort, "test", HARD, "cpu")
    again = predict_under(run, cohort, "test", HARD[::-1], "cpu")
    known = predict(run, cohort, "test", "cpu")
    assert [*found] == ["undisturbed", "noise 0.5 of the range", "turn 20 degrees"]
    for name, table in found.items():
        same = table.probabilities("diagnosis") == pytest.approx(known.probabilities("diagnosis"), abs=1e-6)
        assert same == (name == "undisturbed")
        assert table.probabilities("change") == pytest.approx(again[name].probabilities("change"), abs=1e-6)
        assert [*table.frame["image"]] == [*known.frame["image"]]


def test_a_missing_value_reaches_the_network_as_missing_and_the_image_stays(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    cohort = cohort_of(run)
    conditions = conditions_of({}, ["age", "sex"])
    assert [condition.name for condition in conditions] == [
        "undisturbed",
        "without age",
        "without sex",
        "without age, sex",
    ]
    phase = run.phase([], torch.device("cpu"))
    visits = cohort.items("test")[:1]
    whole, *less = Variants(visits, phase["preprocessing"], phase["validate::preprocessing"], conditions, 0)[0]
    assert not torch.isnan(whole["prior"]).any()
    assert [torch.isnan(item["prior"]).tolist() for item in less] == [[True, False], [False, True], [True, True]]
    assert all(torch.equal(item["image"], whole["image"]) for item in less)
    none = predict_under(run, cohort, "test", conditions, "cpu")["without age, sex"]
    alone = predict(run, cohort, "test", "cpu", with_prior=False)
    assert none.probabilities("diagnosis") == pytest.approx(alone.probabilities("diagnosis"), abs=1e-6)


def test_a_scan_is_disturbed_alike_whatever_stands_around_it(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    phase = run.phase([], torch.device("cpu"))
    chains = phase["preprocessing"], phase["validate::preprocessing"]
    visits = cohort_of(run).items("test")
    many, alone = Variants(visits, *chains, HARD, 0), Variants(visits[2:], *chains, HARD[1:], 0)
    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(many[2][1:], alone[0], strict=True))
    assert not torch.equal(many[1][1]["image"], many[2][1]["image"])


def test_a_mask_turns_with_its_head(tiny_run: Path, tmp_path: Path) -> None:
    run = TrainedRun.load(tiny_run)
    phase = run.phase([], torch.device("cpu"))
    visit = cohort_of(run).items("test")[0]
    scan = nib.load(visit["image"])
    half = np.asarray(scan.dataobj) > 30
    half[half.shape[0] // 2 :] = False
    nib.save(nib.Nifti1Image(half.astype(np.uint8), scan.affine), tmp_path / "mask.nii.gz")
    masked = {**visit, "brain_mask": str(tmp_path / "mask.nii.gz")}
    turn = [Condition(), Condition("turn", 40.0)]
    chains = phase["preprocessing"], phase["validate::preprocessing"]
    still, turned = (item["image"][0].numpy() != 0 for item in Variants([masked], *chains, turn, 0)[0])
    assert turned.sum() == pytest.approx(still.sum(), rel=0.1)
    widths = [np.ptp(np.argwhere(each), axis=0) for each in (still, turned)]
    assert not np.array_equal(*widths)


def test_the_command_writes_numbers_and_a_picture_and_prints_both_figures(
    tiny_run: Path, tmp_path: Path, admoe: Admoe
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    (tmp_path / "strengths.yaml").write_text("noise: [0.1, 0.02]\nturn: [10]\n")
    code, out, err = admoe("stress", run, "--disturbances", tmp_path / "strengths.yaml", "--device", "cpu")
    assert code == 0, err
    for part in ("(SIMULATED), test split", "balanced accuracy", "mean AUC", "noise 0.02 of the range", "without age"):
        assert part in out
    assert "So few people can't tell what any of these changes." in out
    assert {path.name for path in (run / "stress").iterdir()} == {"metrics.json", "stress.png"}
    content = json.loads((run / "stress" / "metrics.json").read_text())
    names = [condition["name"] for condition in content["conditions"]]
    assert names[:4] == ["undisturbed", "noise 0.02 of the range", "noise 0.1 of the range", "turn 10 degrees"]
    assert [*content["figures"]["diagnosis"]["conditions"]] == names
    assert "sub-" not in (run / "stress" / "metrics.json").read_text()
    assert ",stress,best_model.pth,1," in (run / TEST_LOOKS).read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nose: [1]", "unknown disturbance in .*'nose'; did you mean 'noise'"),
        ("noise: 0.1", "noise must be a list of different strengths above 0 and below 2, got 0.1"),
        ("turn: [50]", r"turn must be .* below 45, got \[50\]"),
        ("blur: [.nan]", "blur must be"),
        ("blur: [2, 2]", "blur must be"),
        ("blur: [true]", "blur must be"),
        ("- noise", "must hold a list of strengths per disturbance"),
        ("", "must hold a list of strengths per disturbance"),
        ("noise: [", "not valid YAML"),
    ],
)
def test_strengths_that_are_none_are_refused_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError, match=said) as refused:
        read_strengths(tmp_path / "mine.yaml")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the disturbances .*none\.yaml: No such file"):
        read_strengths(tmp_path / "none.yaml")


def test_a_scan_that_is_missing_is_named(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    cohort = cohort_of(run)
    cohort.splits["test"][0]["image"] = "/nowhere/scan.nii.gz"
    with pytest.raises(UserError, match=r"^scan not found: /nowhere/scan\.nii\.gz$"):
        predict_under(run, cohort, "test", HARD, "cpu")
