from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from admoe_monai.checkpoints import CheckpointError
from admoe_monai.cli.main import app
from admoe_monai.errors import UserError
from admoe_monai.workflows import export as export_module
from admoe_monai.workflows.export import export


@pytest.fixture(scope="module")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("exported") / "bundle")


def strings(content: object) -> list[str]:
    if isinstance(content, dict):
        return [text for part in content.values() for text in strings(part)]
    if isinstance(content, list):
        return [text for part in content for text in strings(part)]
    return [content] if isinstance(content, str) else []


def test_bundle_holds_the_files_that_monai_looks_for(bundle: Path) -> None:
    files = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert files == {
        "LICENSE", "configs/inference.json", "configs/logging.conf", "configs/metadata.json", "configs/prior.json",
        "docs/README.md", "models/model.pt",
    }  # fmt: skip


def test_weights_are_those_of_the_best_model_without_a_decoder(bundle: Path, tiny_run: Path) -> None:
    weights = torch.load(bundle / "models/model.pt", weights_only=True)
    best = torch.load(tiny_run / "best_model.pth", weights_only=True)["model_state_dict"]
    assert weights.keys() == {f"network.{name}" for name in best}
    assert all(torch.equal(weights[f"network.{name}"], best[name]) for name in best)
    assert not any("decoder" in name for name in weights)


def test_no_path_of_this_machine_leaves_it(bundle: Path, tiny_run: Path, tiny_cohort: Path) -> None:
    text = "".join(path.read_text() for path in bundle.rglob("*") if path.is_file() and path.suffix != ".pt")
    for path in (tiny_run.parent, tiny_cohort.parent, bundle.parent, Path.home()):
        assert str(path) not in text


def test_nobody_of_the_cohort_is_named(bundle: Path) -> None:
    text = "".join(path.read_text() for path in bundle.rglob("*") if path.is_file() and path.suffix != ".pt")
    assert "sub-0" not in text


def test_config_refers_to_nothing_that_only_training_knows(bundle: Path) -> None:
    config = json.loads((bundle / "configs/inference.json").read_text())
    references = {name for text in strings(config) for name in re.findall(r"@(\w+)", text)}
    assert references
    assert references <= config.keys()
    assert config["network_def"]["network"]["img_size"] == 16
    assert config["preprocessing"]["transforms"][2]["pixdim"] == [3.0, 3.0, 3.0]


def test_metadata_describes_the_network_at_hand(bundle: Path) -> None:
    about = json.loads((bundle / "configs/metadata.json").read_text())
    formats = about["network_data_format"]
    assert formats["inputs"]["image"]["spatial_shape"] == [16, 16, 16]
    assert formats["inputs"]["prior"]["channel_def"] == {"0": "age", "1": "sex=M"}
    assert formats["outputs"]["pred"]["channel_def"]["4"] == "change conversion"
    assert about["version"] in about["changelog"]
    assert about["training_data"]["training"] == {
        "subjects": 6, "visits": 6, "diagnosis": {"AD": 2, "CN": 2, "MCI": 2},
        "change": {"conversion": 2, "reversion": 2, "stable": 2},
    }  # fmt: skip
    assert "SIMULATED" in about["data_source"]


# The fields that MONAI's bundle specification asks for; its schema file can't be had offline.
@pytest.mark.parametrize(
    "field",
    [
        "schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version",
        "required_packages_version", "task", "description", "authors", "copyright", "network_data_format",
    ],
)  # fmt: skip
def test_metadata_has_the_fields_of_the_specification(bundle: Path, field: str) -> None:
    assert field in json.loads((bundle / "configs/metadata.json").read_text())


@pytest.mark.parametrize(
    "field", ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data", "channel_def"]
)
def test_formats_have_the_fields_of_the_specification(bundle: Path, field: str) -> None:
    formats = json.loads((bundle / "configs/metadata.json").read_text())["network_data_format"]
    assert field in formats["inputs"]["image"]
    assert field in formats["outputs"]["pred"]


def test_readme_has_no_placeholder_left(bundle: Path) -> None:
    readme = (bundle / "docs/README.md").read_text()
    assert "$" not in readme
    assert "| training | 6 | 6 |" in readme


def test_network_of_slices_without_a_prior_is_exported(tiny_run_2d: Path, tmp_path: Path) -> None:
    bundle = export(tiny_run_2d, tmp_path / "bundle")
    assert json.loads((bundle / "configs/prior.json").read_text())["columns"] == []
    about = json.loads((bundle / "configs/metadata.json").read_text())
    assert about["network_data_format"]["inputs"].keys() == {"image"}
    assert about["network_data_format"]["inputs"]["image"]["channel_def"].keys() == {"0", "1", "2"}


def test_empty_folder_is_taken(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    assert (export(tiny_run, tmp_path / "bundle") / "models/model.pt").is_file()


def test_folder_in_use_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        export(tiny_run, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_run_without_a_best_model_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    (run / "best_model.pth").unlink()
    with pytest.raises(CheckpointError, match=r"no checkpoint .*best_model\.pth"):
        export(run, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_failure_leaves_nothing_behind(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "_largest_difference", lambda *_: float("nan"))
    with pytest.raises(RuntimeError, match="logits differ"):
        export(tiny_run, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_command_prints_how_to_go_on(tiny_run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(tiny_run), str(tmp_path / "bundle")])
    assert result.exit_code == 0
    assert "monai.bundle run inference" in result.output
