from __future__ import annotations

import hashlib
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
from admoe_monai.workflows.bundles import export as export_module
from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.settings.resources import resource


@pytest.fixture(scope="module")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle in all formats."""
    return export(tiny_run, tmp_path_factory.mktemp("exported") / "bundle", reference_scans=0)


def strings(content: object) -> list[str]:
    if isinstance(content, dict):
        return [text for part in content.values() for text in strings(part)]
    if isinstance(content, list):
        return [text for part in content for text in strings(part)]
    return [content] if isinstance(content, str) else []


def test_bundle_holds_the_files_that_monai_looks_for(bundle: Path) -> None:
    files = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("admoe_monai/")} == {
        "LICENSE", "SHA256SUMS", "requirements.txt", "container/Apptainer.def", "container/Dockerfile",
        "container/predict.sh", "configs/evaluate.json", "configs/inference.json", "configs/logging.conf",
        "configs/metadata.json", "configs/prior.json", "configs/reference.json", "configs/settings.json",
        "configs/train.json", "docs/README.md",
        "models/model.onnx", "models/model.pt", "models/model.pt2", "models/model.ts",
    }  # fmt: skip


def test_a_bundle_logs_as_training_does(bundle: Path) -> None:
    assert (bundle / "configs/logging.conf").read_bytes() == resource("configs/logging.conf").read_bytes()


def test_code_is_carried_along_without_what_a_bundle_has_no_use_for(bundle: Path) -> None:
    names = {path.relative_to(bundle / "admoe_monai").as_posix() for path in (bundle / "admoe_monai").rglob("*")}
    assert {"__init__.py", "errors.py", "networks/nets/logits.py", "transforms/load_scan.py"} <= names
    assert not {"cli", "data/cohorts", "data/demo_cohort", "audit"} & names


def test_checksums_are_of_every_file(bundle: Path) -> None:
    lines = dict(reversed(line.split("  ")) for line in (bundle / "SHA256SUMS").read_text().splitlines())
    files = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert lines.keys() == files
    for name in ("models/model.pt", "configs/inference.json"):
        assert lines[name] == hashlib.sha256((bundle / name).read_bytes()).hexdigest()


def test_weights_are_those_of_the_best_model_without_a_decoder(bundle: Path, tiny_run: Path) -> None:
    weights = torch.load(bundle / "models/model.pt", weights_only=True)
    best = torch.load(tiny_run / "best_model.pth", weights_only=True)["model_state_dict"]
    assert weights.keys() == best.keys()
    assert all(torch.equal(weights[name], best[name]) for name in best)
    assert not any("decoder" in name for name in weights)


def content(bundle: Path) -> bytes:
    """Of all files that are not code of the package."""
    return b"".join(p.read_bytes() for p in bundle.rglob("*") if p.is_file() and "admoe_monai" not in p.parts)


def test_no_path_of_this_machine_leaves_it(bundle: Path, tiny_run: Path, tiny_cohort: Path) -> None:
    text = content(bundle)
    for path in (tiny_run.parent, tiny_cohort.parent, bundle.parent, Path.home()):
        assert str(path).encode() not in text


def test_nobody_of_the_cohort_is_named(bundle: Path) -> None:
    assert b"sub-0" not in content(bundle)


@pytest.mark.parametrize("name", ["inference", "train"])
def test_config_refers_to_nothing_that_only_a_run_knows(bundle: Path, name: str) -> None:
    config = json.loads((bundle / f"configs/{name}.json").read_text())
    references = {name for text in strings(config) for name in re.findall(r"@(\w+)", text)}
    assert references
    assert references <= config.keys()
    assert config["network_def"]["encoder"]["img_size"] == 16
    (spacing,) = [t for t in config["preprocessing"]["transforms"] if t["_target_"].endswith("Spacingd")]
    assert spacing["pixdim"] == [3.0, 3.0, 3.0]


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


def test_requirements_are_the_versions_of_the_metadata(bundle: Path) -> None:
    about = json.loads((bundle / "configs/metadata.json").read_text())
    comment, *lines = (bundle / "requirements.txt").read_text().splitlines()
    named = {"monai": about["monai_version"], "torch": about["pytorch_version"], "numpy": about["numpy_version"]}
    assert dict(line.split("==") for line in lines) == named | about["required_packages_version"]
    assert comment.startswith("#")
    # A build such as 2.11.0+cpu is not to be had everywhere.
    assert not any("+" in line for line in lines)


def test_readme_has_no_placeholder_left(bundle: Path) -> None:
    readme = (bundle / "docs/README.md").read_text()
    assert readme.startswith("---\nlicense: apache-2.0\nlibrary_name: monai\n")
    assert "$" not in readme
    assert "| training | 6 | 6 |" in readme


def test_network_of_slices_without_a_prior_is_exported(tiny_run_2d: Path, tmp_path: Path) -> None:
    bundle = export(tiny_run_2d, tmp_path / "bundle", [])
    assert json.loads((bundle / "configs/prior.json").read_text())["columns"] == []
    about = json.loads((bundle / "configs/metadata.json").read_text())
    assert about["network_data_format"]["inputs"].keys() == {"image"}
    assert about["network_data_format"]["inputs"]["image"]["channel_def"].keys() == {"0", "1", "2"}


def test_empty_folder_is_taken(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    assert (export(tiny_run, tmp_path / "bundle", [], 0) / "models/model.pt").is_file()


def test_folder_in_use_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        export(tiny_run, tmp_path, [], 0)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_run_without_a_best_model_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    (run / "best_model.pth").unlink()
    with pytest.raises(CheckpointError, match=r"has no best_model\.pth: nothing was finetuned in it"):
        export(run, tmp_path / "bundle", reference_scans=0)
    assert not (tmp_path / "bundle").exists()


def test_failure_leaves_nothing_behind(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "largest_difference", lambda *_: float("nan"))
    with pytest.raises(RuntimeError, match="logits differ"):
        export(tiny_run, tmp_path / "bundle", reference_scans=0)
    assert list(tmp_path.iterdir()) == []


def test_command_prints_how_to_go_on(tiny_run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["export", str(tiny_run), str(tmp_path / "bundle"), "--formats", "none", "--reference_scans", "0"]
    )
    assert result.exit_code == 0
    assert "monai.bundle run inference" in result.output


def test_settings_and_versions_go_along(bundle: Path) -> None:
    content = json.loads((bundle / "configs/settings.json").read_text())
    assert content["settings"]["embed_dim"] == 8
    assert content["trained_with"]["torch"] == torch.__version__
    assert not {"datalist", "run_dir", "cache_dir"} & content["settings"].keys()


def test_figures_of_the_test_split_go_along_if_the_run_has_some_of_this_model(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    assert CliRunner().invoke(app, ["evaluate", str(run), "--calibrate"]).exit_code == 0
    bundle = export(run, tmp_path / "bundle", [], 0)
    about = json.loads((bundle / "configs/metadata.json").read_text())
    readme = (bundle / "docs/README.md").read_text()
    figures = about["eval_metrics"]["test"]["diagnosis"]
    assert (figures["n_subjects"], figures["metrics"]["balanced_accuracy"]["chance"]) == (3, pytest.approx(1 / 3))
    assert "| diagnosis | 3 | balanced accuracy |" in readme
    assert "calibrated by one temperature per task" in readme
    config = json.loads((bundle / "configs/inference.json").read_text())
    assert config["temperatures"] == [about["calibration"][task] for task in ("diagnosis", "change")]

    metrics = run / "evaluation/metrics_test.json"
    metrics.write_text(metrics.read_text().replace('"epoch": 1', '"epoch": 0'))
    other = export(run, tmp_path / "other", [], 0)
    assert "was not evaluated on its test split" in (other / "docs/README.md").read_text()


def test_calibration_of_another_model_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    assert CliRunner().invoke(app, ["evaluate", str(run), "--calibrate"]).exit_code == 0
    path = run / "evaluation/calibration.json"
    path.write_text(path.read_text().replace('"epoch": 1', '"epoch": 0'))
    with pytest.raises(UserError, match=r"is of epoch 0, best_model.pth of epoch 1; fit it anew"):
        export(run, tmp_path / "bundle", [], 0)


def test_an_unknown_format_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown format 'tensorflow'; known are torchscript, onnx, pt2"):
        export(tiny_run, tmp_path / "bundle", ["tensorflow"], 0)
    assert list(tmp_path.iterdir()) == []
