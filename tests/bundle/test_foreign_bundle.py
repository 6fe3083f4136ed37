"""A bundle of others is code: `admoe predict` runs none of it unless it is trusted, and what only looks never does."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.workflows.bundles import recognition
from admoe_monai.workflows.bundles.export import export
from admoe_monai.workflows.bundles.recognition import refuse_unlike_export

Admoe = Callable[..., tuple[int, str, str]]
Change = Callable[[dict[str, Any], str], None]


def _expression(config: dict[str, Any], trace: str) -> None:
    config["batch_size"] = f"$[1, __import__('os').mkdir({trace!r})][0]"


def _target(config: dict[str, Any], trace: str) -> None:
    config["initialize"] = {"_target_": "os.mkdir", "path": trace}


def _imports(config: dict[str, Any], trace: str) -> None:
    config["imports"].append("$import planted_in_bundle")


def _data_alone(config: dict[str, Any], trace: str) -> None:
    config["scans"] = {"_target_": "os.mkdir", "path": trace}


CHANGES: dict[str, tuple[str, Change]] = {
    "expression": ("configs/inference.json", _expression),
    "target": ("configs/inference.json", _target),
    "imports": ("configs/inference.json", _imports),
    "component": ("configs/inference.json", _data_alone),
}
#: Files that inference does not read as code, whatever they hold.
UNREAD = ("configs/train.json", "configs/evaluate.json", "configs/metadata.json")


@pytest.fixture(scope="module")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("ours") / "bundle", [], 0)


@pytest.fixture
def foreign(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that holds a module of its own, which writes a file when it is imported."""
    copy = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    (copy / "planted_in_bundle.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(copy))  # as MONAI does for the folder of a config
    return copy


def plant(bundle: Path, kind: str, trace: Path) -> None:
    name, change = CHANGES[kind]
    config = json.loads((bundle / name).read_text())
    change(config, str(trace))
    (bundle / name).write_text(json.dumps(config))


def predict(admoe: Admoe, bundle: Path, scans: Path, *words: object) -> tuple[int, str, str]:
    given = ("--dataset_dir", scans, "--output_dir", "out", "--device", "cpu", "--no-screening")
    return admoe("predict", bundle, *given, *words)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_foreign_bundle_runs_when_it_is_trusted_and_else_does_not(
    kind: str, foreign: Path, admoe: Admoe, tiny_cohort: Path, tmp_path: Path
) -> None:
    plant(foreign, kind, tmp_path / "trace")
    scan = next(tiny_cohort.parent.rglob("*.nii.gz"))
    code, output, error = predict(admoe, foreign, scan)
    assert (code, output) == (1, "")
    assert error.count("\n") == 1
    assert "would run" in error
    assert "--trust" in error
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "out").exists()
    # Some of them are broken by what was put in; that it was run shows all the same.
    with contextlib.suppress(Exception):
        predict(admoe, foreign, scan, "--trust")
    assert (tmp_path / "trace").exists()


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("command", ["inspect --config", "check", "train"])
def test_what_looks_at_a_foreign_bundle_runs_nothing(
    command: str, kind: str, foreign: Path, admoe: Admoe, tmp_path: Path
) -> None:
    plant(foreign, kind, tmp_path / "trace")
    code, _, error = admoe(*command.split(), foreign / "configs/inference.json")
    assert code == 1
    assert error
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("name", UNREAD)
def test_other_files_of_a_bundle_are_no_code_of_inference(
    name: str, foreign: Path, admoe: Admoe, tiny_cohort: Path, tmp_path: Path
) -> None:
    config = json.loads((foreign / name).read_text())
    config |= {"initialize": "$import planted_in_bundle", "version": "$__import__('planted_in_bundle')"}
    (foreign / name).write_text(json.dumps(config))
    (foreign / "configs/logging.conf").write_text("[handler_a]\nclass=__import__('planted_in_bundle')\n")
    code, _, error = predict(admoe, foreign, next(tiny_cohort.parent.rglob("*.nii.gz")))
    assert (code, error.count("Traceback")) == (0, 0)
    assert (tmp_path / "out/predictions.csv").is_file()
    assert not (tmp_path / "trace").exists()


def test_a_module_in_a_bundle_of_ours_is_not_imported(
    bundle: Path, admoe: Admoe, tiny_cohort: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    scan = next(tiny_cohort.parent.rglob("*.nii.gz"))
    code, _, _ = admoe("predict", copy, "--dataset_dir", scan, "--output_dir", tmp_path / "out", "--device", "cpu")
    assert code == 0
    assert str(copy) not in sys.path


@pytest.mark.parametrize(
    "settings", [{}, {"classes": {"_target_": "builtins.eval", "source": "1"}}, {"network": {"a": "$1()"}}]
)
def test_settings_that_could_run_are_not_taken_for_ours(settings: dict[str, Any], foreign: Path) -> None:
    path = foreign / "configs/settings.json"
    recorded = json.loads(path.read_text())
    recorded["settings"] = {**recorded["settings"], **settings} if settings else {}
    path.write_text(json.dumps(recorded))
    with pytest.raises(UserError, match="none that this version's export writes"):
        refuse_unlike_export(foreign, trust=False)


def test_a_changed_value_is_not_ours(foreign: Path) -> None:
    path = foreign / "configs/inference.json"
    path.write_text(path.read_text().replace('"output_dir": "./predictions"', '"output_dir": "/etc"'))
    with pytest.raises(UserError, match="none that this version's export writes"):
        refuse_unlike_export(foreign, trust=False)


def test_bundles_of_ours_are_recognised(bundle: Path, tiny_run_2d: Path, tmp_path: Path) -> None:
    refuse_unlike_export(bundle, trust=False)
    refuse_unlike_export(export(tiny_run_2d, tmp_path / "slices", [], 0), trust=False)


@pytest.mark.parametrize(
    "text", ["$__import__('os').mkdir('trace')", "$@batch_size and __import__('os').mkdir('trace')"]
)
def test_the_voxels_of_registered_scans_are_a_number(text: str, foreign: Path, tmp_path: Path) -> None:
    """What a bundle states of them goes into the config that it is compared with."""
    path = foreign / "configs/inference.json"
    stated = {**json.loads(path.read_text()), "template_spacing_mm": 2.0}
    config = next(c for c in recognition._as_exported(stated, foreign) if "template_spacing_mm" in c)
    path.write_text(json.dumps(config))
    refuse_unlike_export(foreign, trust=False)
    path.write_text(json.dumps({**config, "template_spacing_mm": text}))
    with pytest.raises(UserError, match="add --trust"):
        refuse_unlike_export(foreign, trust=False)
    assert not (tmp_path / "trace").exists()
