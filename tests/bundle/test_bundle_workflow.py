"""An exported bundle as a workflow of MONAI: its description, its properties, and a user's mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.bundle import ConfigWorkflow, verify_net_in_out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"dataset_dir": "absent"}, "no folder of scans"),
        ({"dataset_dir": "empty"}, "holds no scan"),
        ({"bundle_root": "empty"}, "--bundle_root"),
        ({"prior_table": "absent.csv"}, "table not found"),
        ({"device": "abacus"}, "can't be used here"),
        ({"batch_sizes": 2}, "did you mean 'batch_size'"),
        ({"model_file": "half.pt"}, "copy it again"),
    ],
)
def test_mistake_leaves_as_one_line(
    bundle: Path, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    overrides: dict[str, object], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "half.pt").write_bytes((bundle / "models/model.pt").read_bytes()[:5000])
    settings = {"bundle_root": str(bundle), "dataset_dir": str(tiny_cohort.parent), "output_dir": "out", **overrides}
    config = str(bundle / "configs/inference.json")
    workflow = ConfigWorkflow(config, workflow_type="inference", run_id="inference", logging_file=False, **settings)
    workflow.initialize()
    with pytest.raises(SystemExit) as left:
        workflow.run()
    assert str(left.value.code).startswith("error: ")
    assert message in str(left.value.code)
    assert "\n" not in str(left.value.code)
    assert not (tmp_path / "out" / "predictions.csv").exists()


def test_network_fits_its_description(bundle: Path, bundle_2d: Path) -> None:
    for folder in (bundle, bundle_2d):
        verify_net_in_out(
            "network_def",
            meta_file=str(folder / "configs/metadata.json"),
            config_file=str(folder / "configs/inference.json"),
            device="cpu",
        )


def test_config_has_the_properties_that_monai_expects(bundle: Path, tiny_cohort: Path) -> None:
    workflow = ConfigWorkflow(
        str(bundle / "configs/inference.json"),
        workflow_type="inference",
        logging_file=False,
        bundle_root=str(bundle),
        dataset_dir=str(tiny_cohort.parent),
    )
    workflow.initialize()
    assert workflow.check_properties() == []
