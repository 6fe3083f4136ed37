"""A finished run to a MONAI bundle that predicts: weights, a config without references to training, documents."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser, ReferenceResolver
from torch import nn

from admoe_monai.errors import UserError
from admoe_monai.networks.nets import SideBySideLogits

from .bundle_documents import metadata, readme
from .inference import CONFIG, PRIOR
from .prediction import TrainedRun
from .resources import resource
from .settings import PARTS

logger = logging.getLogger(__name__)

PARTS_FOLDER = "bundle/configs"
MODEL = "models/model.pt"
LARGEST_DIFFERENCE = 1e-5


def export(run_dir: Path, bundle: Path) -> Path:
    """Write an inference bundle from the best model of a run.

    The bundle is made beside its place and moved there once it is whole and its network has given the run's own logits.

    Args:
        run_dir: a run directory.
        bundle: folder to write, absent or empty.

    Returns:
        The folder.

    Raises:
        UserError: if the run has no best model, or the folder is in use.
    """
    run = TrainedRun.load(run_dir)
    bundle = Path(os.path.abspath(bundle))
    if bundle.exists() and (not bundle.is_dir() or any(bundle.iterdir())):
        raise UserError(f"{bundle} exists and is not an empty folder; name another for the bundle")
    unfinished = bundle.with_name(f".{bundle.name}.{os.getpid()}.tmp")
    try:
        _fill(unfinished, run)
        if bundle.exists():
            bundle.rmdir()
        unfinished.rename(bundle)
    except OSError as error:
        raise UserError(f"cannot write the bundle {bundle}: {error.strerror}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return bundle


def inference_config(run: TrainedRun) -> dict[str, Any]:
    """The config of inference with the settings of a run in the place of references to them.

    Args:
        run: a finished run.
    """
    images = f"images_{run.settings['spatial_dims']}d.yaml"
    config = ConfigParser.load_config_files([resource(f"{PARTS_FOLDER}/{name}") for name in (images, "inference.yaml")])
    del config["augmentations"]
    network = ConfigParser.load_config_file(resource(PARTS))["network_def"]
    # What was trained to reconstruct stays behind: best_model.pth has no decoder.
    config["network_def"]["network"] = {**network, "with_decoder": False}
    shared = ConfigParser.load_config_file(resource(f"{PARTS_FOLDER}/common.yaml"))
    derived = {name: shared[name] for name in ("spatial_size", "classes")}
    parser = ConfigParser({**run.settings, **derived, **config})
    known = {*run.settings, *derived} - config.keys()
    handed_over: dict[str, Any] = _with_values(config, "", known, parser.get_parsed_content)
    # What a reader looks for first; the chain of transforms comes in front only because inference.yaml extends it.
    handed_over["preprocessing"] = handed_over.pop("preprocessing")
    return handed_over


def _with_values(content: Any, place: str, known: set[str], value_of: Callable[[str], Any]) -> Any:
    """Replace each reference and expression in a config that depends on known ids alone by its value."""
    if isinstance(content, dict):
        return {key: _with_values(part, f"{place}::{key}", known, value_of) for key, part in content.items()}
    if isinstance(content, list):
        return [_with_values(part, f"{place}::{i}", known, value_of) for i, part in enumerate(content)]
    if isinstance(content, str):
        ids = {ReferenceResolver.split_id(name)[0] for name in ReferenceResolver.match_refs_pattern(content)}
        if ids and ids <= known:
            return value_of(place.removeprefix("::"))
    return content


def _fill(folder: Path, run: TrainedRun) -> None:
    for name in ("configs", "models", "docs"):
        (folder / name).mkdir(parents=True)
    _write_json(folder / CONFIG, inference_config(run))
    _write_json(
        folder / PRIOR,
        {
            "columns": run.checkpoint["prior"],
            "missing": "An empty cell, or a scan without a row, is a missing value: the network has learned a stand-in "
            "for it. A category that training did not hold counts as missing.",
        },
    )
    about = metadata(run)
    _write_json(folder / "configs/metadata.json", about)
    (folder / "docs/README.md").write_text(readme(run, about), encoding="utf-8")
    shutil.copyfile(resource(f"{PARTS_FOLDER}/logging.conf"), folder / "configs/logging.conf")
    shutil.copyfile(resource("bundle/LICENSE"), folder / "LICENSE")
    trained = SideBySideLogits(run.network)
    torch.save(trained.state_dict(), folder / MODEL)
    difference = _largest_difference(folder, trained.eval(), about)
    if not difference <= LARGEST_DIFFERENCE:
        raise RuntimeError(f"the exported network's logits differ from the trained network's by {difference:.2g}")
    logger.info("The exported network gives the logits of the trained one (largest difference %.2g)", difference)


def _largest_difference(folder: Path, trained: nn.Module, about: Mapping[str, Any]) -> float:
    """Between the logits of the bundle as it was written and those of the network at hand, for a random image."""
    parser = ConfigParser()
    parser.read_config(folder / CONFIG)
    exported = parser.get_parsed_content("network_def").eval()
    exported.load_state_dict(torch.load(folder / MODEL, map_location="cpu", weights_only=True))
    image = about["network_data_format"]["inputs"]["image"]
    generator = torch.Generator().manual_seed(0)
    scan = torch.randn(1, image["num_channels"], *image["spatial_shape"], generator=generator)
    with torch.no_grad():
        return float((exported(scan) - trained(scan)).abs().max())


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=4, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
