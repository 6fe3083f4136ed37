"""Where a run's network looks: means in the space of the scans, pictures of a few people, and what they are of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from admoe_monai.errors import UserError
from admoe_monai.workflows.finished.explanation import explain_run
from admoe_monai.workflows.finished.explanation.question import question_of
from admoe_monai.workflows.finished.explanation.saliency import (
    ALL,
    OCCLUSION,
    SMOOTHGRAD,
    MapSettings,
    map_methods,
    mean_maps,
    untrained_network,
)
from admoe_monai.workflows.finished.explanation.scans import ExplainedScans, shared_space
from admoe_monai.workflows.finished.looks import looks_at
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of

Admoe = Callable[..., tuple[int, str, str]]
BOTH = MapSettings((SMOOTHGRAD, OCCLUSION), samples=2, cube_mm=12.0)


@pytest.fixture(params=["3d", "2d"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    source: Path = request.getfixturevalue("tiny_run" if request.param == "3d" else "tiny_run_2d")
    return Path(shutil.copytree(source, tmp_path / "run"))


@pytest.fixture
def run_3d(tiny_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_run, tmp_path / "run"))


def rewrite(run: Path, **fields: Any) -> None:
    path = run / "datalist.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_maps_pictures_and_what_they_are_of_are_written(run: Path, admoe: Admoe) -> None:
    words = ("--method", "smoothgrad", "--method", "occlusion", "--samples", 2, "--scans", 2, "--untrained", 1)
    code, out, err = admoe("explain", run, *words, "--device", "cpu")
    assert code == 0, err
    folder = run / "explanation"
    assert "diagnosis: AD against CN, test split, 1 AD, 1 CN, 1 MCI" in out.replace(
        "1 CN, 1 MCI, 1 AD", "1 AD, 1 CN, 1 MCI"
    )
    about = json.loads((folder / "explanation.json").read_text())
    assert about["people"] == {"CN": 1, "MCI": 1, "AD": 1}
    assert about["settings"]["samples"] == 2
    spatial_dims = TrainedRun.load(run).settings["spatial_dims"]
    for method in ("smoothgrad", "occlusion"):
        maps = {name: nib.load(folder / f"{method}_{name}.nii.gz") for name in ("CN", "MCI", "AD", "all")}
        assert {image.shape for image in maps.values()} == {(16,) * spatial_dims}
        mean = np.mean([maps[name].get_fdata() for name in ("CN", "MCI", "AD")], axis=0)
        assert np.allclose(maps["all"].get_fdata(), mean, atol=1e-6)
        assert abs(mean).max() > 0
        assert len(list((folder / "scans").glob(f"{method}_sub-*.png"))) == 2
        assert (folder / f"{method}_over_untrained.png").stat().st_size > 1000
        strongest = about["strongest"][method]
        assert len(strongest[0]["mm"]) == spatial_dims
        assert abs(strongest[0]["value"]) >= abs(strongest[-1]["value"])
    assert [look.by for look in looks_at(run)][-1] == "explain"


def test_what_is_written_stays_in_the_run_directory(run_3d: Path) -> None:
    explain_run(run_3d, BOTH, overlays=1, untrained=0, device="cpu")
    written = {path.relative_to(run_3d / "explanation").as_posix() for path in (run_3d / "explanation").rglob("*.*")}
    maps = {f"{method}_{name}.nii.gz" for method in BOTH.methods for name in ("CN", "MCI", "AD", "all")}
    pictures = {f"{method}.png" for method in BOTH.methods}
    own = {path for path in written if path.startswith("scans/")}
    assert written - own == maps | pictures | {"mean_scan.nii.gz", "explanation.json"}
    assert len(own) == 2


def test_the_same_seed_gives_the_same_maps(run_3d: Path, tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        settings = MapSettings(samples=1, noise=0.3, seed=seed)
        explain_run(run_3d, settings, overlays=0, untrained=0, output=tmp_path / name, device="cpu")
        found.append(nib.load(tmp_path / name / "smoothgrad_all.nii.gz").get_fdata())
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_scans_without_a_shared_space_have_no_mean(run_3d: Path, admoe: Admoe) -> None:
    rewrite(run_3d, simulated=False)
    code, out, _ = admoe("explain", run_3d, "--samples", 1, "--scans", 2, "--device", "cpu")
    assert code == 0
    assert "no mean map: nothing says that the scans of" in out
    assert "admoe preprocess" in out
    folder = run_3d / "explanation"
    assert not list(folder.glob("*.nii.gz"))
    assert not list(folder.glob("*.png"))
    assert len(list((folder / "scans").glob("*.png"))) == 2
    code, _, err = admoe("explain", run_3d, "--scans", 0, "--device", "cpu")
    assert (code, err.count("\n")) == (1, 1)
    assert "no mean map" in err


@pytest.mark.parametrize(
    ("fields", "space"),
    [
        ({"simulated": False}, None),
        ({"simulated": True}, "the simulated cohort's own, near MNI152"),
        ({"simulated": False, "preprocessing": {"template": "MNI152 so and so"}}, "MNI152 so and so"),
        ({"simulated": False, "preprocessing": {"space": "MNI of another"}}, "MNI of another"),
    ],
)
def test_the_datalist_says_whether_scans_share_a_space(run_3d: Path, fields: dict[str, Any], space: str | None) -> None:
    rewrite(run_3d, **fields)
    assert shared_space(cohort_of(TrainedRun.load(run_3d))) == space


class OneVoxel(nn.Module):
    """Looks at one voxel of its input alone, wherever that lies in the brain."""

    place = (9, 6, 8)

    def forward(self, image: Tensor, tasks: tuple[str, ...], prior: Tensor | None = None) -> Mapping[str, Tensor]:
        x, y, z = self.place
        seen = 5 * image[:, 0, x, y, z]
        return {tasks[0]: torch.stack([-seen, torch.zeros_like(seen), 2 * seen], 1)}


def test_a_planted_weight_is_found_where_it_lies_in_each_head(run_3d: Path) -> None:
    run = TrainedRun.load(run_3d)
    scans = ExplainedScans(run, cohort_of(run), "test", "diagnosis", None, torch.device("cpu"))
    question = question_of(run.settings["classes"], "diagnosis", ("AD", "CN"))
    means = mean_maps(scans, map_methods(OneVoxel(), scans, question, MapSettings(samples=1, noise=0.2)))
    expected = np.zeros(scans.grid.shape)
    for scan in scans:
        place = scan.affine[:3, :3] @ OneVoxel.place + scan.affine[:3, 3]
        voxel = np.linalg.inv(scans.grid.affine) @ np.append(place, 1)
        # All of the tiny cohort's crops are on one lattice.
        expected[tuple(np.round(voxel[:3]).astype(int))] += 15 / len(scans)
    assert np.allclose(means[SMOOTHGRAD][ALL].mean, expected, atol=1e-3)


def test_what_is_occluded_looks_like_everybody_also_without_a_shared_space(run_3d: Path) -> None:
    rewrite(run_3d, simulated=False)
    run = TrainedRun.load(run_3d)
    scans = ExplainedScans(run, cohort_of(run), "test", "diagnosis", None, torch.device("cpu"))
    assert np.allclose(scans.scan, np.mean([scan.grey for scan in scans], axis=0), atol=1e-6)
    assert [scan.affine.tolist() for scan in scans] == [np.diag([3.0, 3.0, 3.0, 1.0]).tolist()] * 3


def test_an_untrained_network_is_of_the_same_make_and_of_its_seed(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    first, again, other = (untrained_network(run, seed).state_dict() for seed in (1, 1, 2))
    name = "head_diagnosis.weight"
    shapes = {key: value.shape for key, value in first.items() if not key.startswith("decoder.")}
    assert shapes == {key: value.shape for key, value in run.network.state_dict().items()}
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])
    assert not torch.equal(first[name], run.network.state_dict()[name])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--task", "cure"), "--task must be one of diagnosis, change, got cure"),
        (("--classes", "AD", "AD"), "--classes must be two different ones, got AD twice"),
        (("--classes", "AD", "SCD"), "--classes must be two of CN, MCI, AD, got SCD"),
        (("--split", "tests"), "--split must be one of training, validation, test, got tests"),
        (("--method", "gradcam"), "--method must be smoothgrad or occlusion, got gradcam"),
        (("--samples", 0), "--samples must be at least 1, got 0"),
        (("--noise", 15), "--noise is a share of the scan's range of intensities, 0 to 1, got 15.0"),
        (("--seed", -1), "--seed must not be negative, got -1"),
        (("--people", 0), "--people must be at least 1, got 0"),
        (("--cube_mm", 0), "--cube_mm must be above 0, got 0.0"),
        (("--checkpoint", "pretrain_checkpoint.pth"), "is from pretraining, which tells no classes apart"),
    ],
)
def test_a_mistake_is_told_in_one_line(tiny_run: Path, admoe: Admoe, words: tuple[Any, ...], line: str) -> None:
    code, _, err = admoe("explain", tiny_run, *words, "--device", "cpu")
    assert (code, err.count("\n")) == (1, 1)
    assert line in err
    assert not (tiny_run / "explanation").exists()


def test_a_split_without_labels_of_the_task_is_told(run_3d: Path) -> None:
    path = run_3d / "datalist.json"
    content = json.loads(path.read_text())
    for visit in content["test"]:
        visit["diagnosis"] = None
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="has no test visit with a diagnosis"):
        explain_run(run_3d, BOTH, device="cpu")
