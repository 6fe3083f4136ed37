"""A bundle of a run on preprocessed scans: it takes the scans as they were before, and preprocesses them likewise."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from monai.bundle import ConfigWorkflow
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from admoe_monai.data import Datalist, save_datalist
from admoe_monai.errors import UserError
from admoe_monai.transforms import RegisterToTemplated, ScreenScand
from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.preprocessing.preprocess import preprocess
from synthetic_heads import affine_about_the_brain, head_scan, on_grid_scan, write_scan
from tiny_runs import CHANGES, DIAGNOSES, make_run

SUBJECTS = {"training": range(3), "validation": range(3, 4), "test": range(4, 6)}


def turned_head(number: int) -> MetaTensor:
    """A whole head that lies elsewhere and is smaller than the template."""
    turn = Rotation.from_euler("xyz", [3 * number, -4, 2 * number], degrees=True).as_matrix()
    return head_scan(affine_about_the_brain(turn, scale=0.9 + 0.01 * number, shift_mm=(4.0, -number, 5.0)))


def slight_variation(number: int) -> MetaTensor:
    """A brain on the template's own grid, as other software leaves it."""
    return on_grid_scan(seed=number)


@pytest.mark.parametrize(
    ("make", "chain"),
    [
        pytest.param(slight_variation, "on_template", id="registered-elsewhere"),
        pytest.param(turned_head, "to_template", id="raw", marks=pytest.mark.slow),
    ],
)
def test_scans_as_they_were_before_preprocessing_get_the_run_s_own_predictions(
    make: Callable[[int], MetaTensor], chain: str, tmp_path: Path
) -> None:
    splits = {}
    for split, numbers in SUBJECTS.items():
        splits[split] = [
            {
                "image": str(write_scan(tmp_path / "scans" / f"sub-{n}_T1w.nii.gz", make(n))),
                "subject_id": f"sub-{n}", "session_id": "1",
                "diagnosis": DIAGNOSES[n % 3], "change": CHANGES[n % 3], "label_source": "made up",
            }
            for n in numbers
        ]  # fmt: skip
    raw = tmp_path / "scans" / "datalist.json"
    save_datalist(raw, Datalist("heads", raw.parent, splits, simulated=True, description="Made up for tests."))
    datalist = preprocess(raw, tmp_path / "preprocessed", spacing_mm=3.0)
    assert datalist is not None
    run = make_run(tmp_path / "run", datalist, img_size=48, use_clinical_prior=False, batch_size=2)

    bundle = export(run, tmp_path / "bundle", [], reference_scans=3)
    assert list(json.loads(datalist.read_text())["preprocessing"]["chains"]) == [chain]
    reference = json.loads((bundle / "configs/reference.json").read_text())["reference"]
    assert (reference["scans"], reference["refused"]) == (3, 0)
    assert "correlation" in reference["measures"]
    workflow = ConfigWorkflow(
        str(bundle / "configs/inference.json"), workflow_type="inference", run_id="inference", logging_file=False,
        bundle_root=str(bundle), dataset_dir=str(raw.parent), output_dir=str(tmp_path / "out"), device="cpu",
        overlays=True,
    )  # fmt: skip
    workflow.initialize()
    workflow.run()

    with open(tmp_path / "out/predictions.csv", newline="") as file:
        rows = {row["subject_id"]: row for row in csv.DictReader(file)}
    assert (tmp_path / "out/errors.csv").read_text().splitlines() == ["scan,error"]
    assert len(rows) == 6
    assert len(list((tmp_path / "out/overlays").glob("*.png"))) == 6
    trained = TrainedRun.load(run)
    expected = predict(trained, cohort_of(trained), "test", "cpu")
    for task in ("diagnosis", "change"):
        columns = expected.columns(task)
        found = [[float(rows[subject][name]) for name in columns] for subject in expected.frame["subject_id"]]
        np.testing.assert_allclose(found, expected.probabilities(task), atol=1e-6, rtol=0)


def test_a_scan_that_does_not_lie_where_those_of_training_lay_is_refused(tmp_path: Path) -> None:
    item = RegisterToTemplated("image", spacing_mm=3.0, aligned=True)({"image": turned_head(9)})
    with pytest.raises(UserError, match="no T1w scan of a brain"):
        ScreenScand("image")(item)
