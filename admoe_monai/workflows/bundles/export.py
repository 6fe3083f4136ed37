"""Export of a finished run to a MONAI bundle that predicts, trains further and evaluates: weights, configs, documents, code."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import nn

from admoe_monai.errors import UserError
from admoe_monai.run_files import DATALIST
from admoe_monai.workflows.finished.calibration import sets_of, temperatures_of
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.run.environment import environment
from admoe_monai.workflows.run.phase import Phase
from admoe_monai.workflows.settings.resources import PACKAGE, resource
from admoe_monai.workflows.settings.table import names_of

from .configs import evaluate_config, inference_config, train_config
from .documents import metadata, readme
from .exportable import check_exportable, check_licence
from .formats import FORMATS, example_inputs, largest_difference, write_formats
from .inference import CONFIG, PRIOR, REFERENCE
from .prediction_sets import set_thresholds
from .reference import LARGEST_REFUSED, measure_training
from .runs import EVALUATE, SETTINGS, TRAIN
from .versions import requirements

logger = logging.getLogger(__name__)

MODEL = "models/model.pt"
CHECKSUMS = "SHA256SUMS"
REQUIREMENTS = "requirements.txt"
CONTAINER = "container"
LARGEST_DIFFERENCE = 1e-5
REFERENCE_SCANS = 20
#: Rooms of the package that a bundle has no use for; the rest is carried along.
LEFT_OUT = ("cli", "audit", "data/cohorts", "data/demo_cohort", "__pycache__", "resources")


def export(
    run_dir: Path,
    bundle: Path,
    formats: Sequence[str] = tuple(FORMATS),
    reference_scans: int = REFERENCE_SCANS,
    dataset_dir: Path | None = None,
    accept_licence: bool = False,
) -> Path:
    """Write a bundle from the best model of a run.

    The bundle is made beside its place and moved there once it is complete and its network has given the run's own logits.

    Args:
        run_dir: Folder of the run.
        bundle: Folder to write, absent or empty.
        formats: Names of the formats in which the network is written beside PyTorch's weights.
        reference_scans: Number of scans of training that are measured, for the comparison of new scans with them; 0 for
            none.
        dataset_dir: Folder of the run's images, if they were moved.
        accept_licence: Whether the user knows that the licence of published weights, which the run began with, allows it.

    Returns:
        Path of the folder.

    Raises:
        UserError: If the run has no best model, the folder is in use, or the weights began with others' and `accept_licence`
            is not given.
    """
    run = TrainedRun.load(run_dir)
    check_exportable(run)
    if not accept_licence:
        check_licence(run.checkpoint.get("origin"))
    bundle = Path(os.path.abspath(bundle))
    if bundle.exists() and (not bundle.is_dir() or any(bundle.iterdir())):
        raise UserError(f"{bundle} exists and is not an empty folder; name another for the bundle")
    unfinished = bundle.with_name(f".{bundle.name}.{os.getpid()}.tmp")
    try:
        _fill(unfinished, run, formats, measure_training(run, reference_scans, dataset_dir=dataset_dir))
        if bundle.exists():
            bundle.rmdir()
        unfinished.rename(bundle)
    except OSError as error:
        raise UserError(f"cannot write the bundle {bundle}: {error.strerror}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return bundle


def _fill(folder: Path, run: TrainedRun, formats: Sequence[str], reference: Mapping[str, Any] | None) -> None:
    screening = _screened(reference)
    for name in ("configs", "models", "docs"):
        (folder / name).mkdir(parents=True)
    temperatures = temperatures_of(run.folder, run.checkpoint["epoch"])
    phases: list[Phase] = run.parser.get_parsed_content("phases")
    sets = None if temperatures is None else sets_of(run.folder, run.checkpoint["epoch"])
    about, tasks = metadata(run, temperatures, sets), list(run.settings["classes"])
    registered = json.loads((run.folder / DATALIST).read_text(encoding="utf-8")).get("preprocessing", {})
    inference = inference_config(
        run,
        temperatures or dict.fromkeys(tasks, 1.0),
        registered,
        screening,
        set_thresholds(sets, run.settings["classes"]),
    )
    _write_json(folder / CONFIG, inference)
    _write_json(folder / REFERENCE, {"reference": reference})
    train = train_config(run, phases[-1].preprocessing_digest(run.settings))
    _write_json(folder / TRAIN, train)
    _write_json(folder / EVALUATE, evaluate_config(train))
    _write_json(
        folder / PRIOR,
        {
            "columns": run.checkpoint["prior"],
            "missing": "An empty cell, or a scan without a row, is a missing value: the network has learned a stand-in "
            "for it. A category that training did not hold counts as missing.",
        },
    )
    places = names_of(place=True)
    kept = {name: value for name, value in run.settings.items() if name not in places}
    seen: dict[str, Any] = {key: run.checkpoint.get(key, []) for key in ("leakage", "pretraining_subjects")}
    seen["origin"] = run.checkpoint.get("origin")
    versions = {name: run.checkpoint["environment"][name] for name in environment(torch.device("cpu"))}
    _write_json(
        folder / SETTINGS, {"settings": kept, "trained_with": versions, "digests": run.checkpoint["digests"]} | seen
    )
    _write_json(folder / "configs/metadata.json", about)
    shutil.copyfile(resource("configs/logging.conf"), folder / "configs/logging.conf")
    shutil.copyfile(resource("bundle/LICENSE"), folder / "LICENSE")
    (folder / REQUIREMENTS).write_text(requirements(about), encoding="utf-8")
    _write_container(folder / CONTAINER)
    torch.save(run.network.state_dict(), folder / MODEL)
    exported = _as_others_load_it(folder)
    shape = [about["network_data_format"]["inputs"]["image"][key] for key in ("num_channels", "spatial_shape")]
    image_shape = [shape[0], *shape[1]]
    cases = list(example_inputs(image_shape, run.settings["prior_dim"]))
    difference = largest_difference(exported, _Logits(run.network.eval(), tasks), cases)
    if not difference <= LARGEST_DIFFERENCE:
        raise RuntimeError(f"the exported network's logits differ from the trained network's by {difference:.2g}")
    logger.info("model.pt computes the logits of the trained network (largest difference %.2g)", difference)
    differences = write_formats(exported, folder / "models", formats, image_shape, about)
    (folder / "docs/README.md").write_text(
        readme(run, about, {"pytorch": difference, **differences}, reference, screening), encoding="utf-8"
    )
    left_out = {PACKAGE / name for name in LEFT_OUT}
    shutil.copytree(
        PACKAGE,
        folder / PACKAGE.name,
        ignore=lambda place, names: [n for n in names if Path(place, n) in left_out or n == "__pycache__"],
    )
    _write_checksums(folder)


def _screened(reference: Mapping[str, Any] | None) -> bool:
    """Tell whether a bundle refuses what can't be a T1w brain scan, where its user does not choose."""
    if (
        reference is None
        or reference["refused"] is None
        or reference["refused"] <= LARGEST_REFUSED * reference["scans"]
    ):
        return True
    logger.warning(
        "%d of %d scans of training are no whole T1w brains as far as registration can tell: this bundle does not refuse "
        "such scans (screening is false in its configs/inference.json)",
        reference["refused"],
        reference["scans"],
    )
    return False


class _Logits(nn.Module):
    """Trained network with the answers of the exported one."""

    def __init__(self, network: nn.Module, tasks: Sequence[str]) -> None:
        super().__init__()
        self.network, self.tasks = network, tasks

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        outputs = self.network(inputs[0], tasks=self.tasks, prior=inputs[1] if len(inputs) > 1 else None)
        return torch.cat([outputs[task] for task in self.tasks], dim=1)


def _as_others_load_it(folder: Path) -> nn.Module:
    """Load the network of the bundle as it was written."""
    parser = ConfigParser()
    parser.read_config(folder / CONFIG)
    network: nn.Module = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(folder / MODEL, map_location="cpu", weights_only=True))
    return network


def _write_container(folder: Path) -> None:
    """Write the recipes, with the version of Python that the versions in requirements.txt are known to work with."""
    shutil.copytree(resource(f"bundle/{CONTAINER}"), folder)
    python = ".".join(platform.python_version_tuple()[:2])
    for name in ("Dockerfile", "Apptainer.def"):
        recipe = folder / name
        recipe.write_text(recipe.read_text(encoding="utf-8").replace("@PYTHON_VERSION@", python), encoding="utf-8")


def _write_checksums(folder: Path) -> None:
    """Write one line per file, as `sha256sum -c` reads it."""
    lines = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}\n")
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=4, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
