"""What MONAI's model zoo checks of a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import torch
from monai.bundle import ConfigWorkflow, load

from admoe_monai.workflows.bundles.export import export

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "scripts/verify/metadata_schema.json").read_text())


@pytest.fixture(scope="module")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("verified") / "bundle", [], 0)


def test_metadata_follows_the_schema(bundle: Path) -> None:
    about = json.loads((bundle / "configs/metadata.json").read_text())
    jsonschema.validate(about, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**about, "version": "first"}, SCHEMA)


def test_training_config_has_the_properties_that_monai_expects(bundle: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    workflow = ConfigWorkflow(
        str(bundle / "configs/train.json"),
        workflow_type="train",
        logging_file=False,
        bundle_root=str(bundle),
        datalist=str(tiny_cohort),
        output_dir=str(tmp_path / "out"),
        cache_dir=str(tmp_path / "preprocessed"),
        device="cpu",
    )
    workflow.initialize()
    assert workflow.check_properties() == []


# MONAI warns of every config that it parses.
@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")
@pytest.mark.parametrize("workflow_type", ["inference", "train"])
def test_monai_loads_the_network_with_its_weights(bundle: Path, workflow_type: str) -> None:
    network = load(bundle.name, bundle_dir=str(bundle.parent), workflow_type=workflow_type)
    weights = torch.load(bundle / "models/model.pt", weights_only=True)
    state = network.state_dict()
    assert state.keys() == weights.keys()
    assert all(torch.equal(state[name], weights[name]) for name in weights)


@pytest.mark.slow
def test_every_step_of_the_model_zoos_verification_passes(bundle: Path, tiny_cohort: Path) -> None:
    command = [sys.executable, "-W", "ignore", str(ROOT / "scripts/verify/bundle.py"), str(bundle)]
    command += ["--dataset_dir", str(tiny_cohort.parent), "--datalist", str(tiny_cohort)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    assert done.stdout.count("check_properties() == []") == 2
