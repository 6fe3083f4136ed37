"""Network of a bundle in the formats that others run: TorchScript, ONNX and torch.export, each compared with PyTorch.

All take the image ``(B, C, *S)`` and, where the network has one, the prior ``(B, P)`` with NaN for what is missing; the size of
the image is that of training, that of the batch is free.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.run_log import silenced

logger = logging.getLogger(__name__)

Inputs = tuple[Tensor, ...]
Run = Callable[..., Tensor]

LARGEST_DIFFERENCE = 1e-4
LARGEST_BATCH = 1024
#: Number of random scans on which each format is compared with PyTorch, for every pattern of missing values.
CHECKED = 2


def write_formats(
    network: nn.Module, folder: Path, formats: Sequence[str], image_shape: Sequence[int], about: Mapping[str, Any]
) -> dict[str, float]:
    """Write a network in several formats and compare each with PyTorch on random scans, with and without prior.

    Args:
        network: Network from image and prior to one tensor of logits, in evaluation mode.
        folder: Folder that receives ``model.ts``, ``model.onnx`` and ``model.pt2``.
        formats: Names of formats, of ``FORMATS``.
        image_shape: Shape ``(C, *S)``.
        about: Metadata of the bundle, which TorchScript and ONNX carry along.

    Returns:
        Largest difference of a logit per format.

    Raises:
        UserError: If a format is unknown.
        RuntimeError: If a format computes something else.
    """
    prior_dim = about["network_data_format"]["inputs"].get("prior", {}).get("num_channels", 0)
    cases = list(example_inputs(image_shape, prior_dim))
    differences = {}
    for name in formats:
        if name not in FORMATS:
            raise UserError(f"unknown format '{name}'; known are {', '.join(FORMATS)}")
        file, write, load = FORMATS[name]
        # Two samples: a batch of one would become a constant of the program.
        with _quiet(), torch.no_grad():
            write(network, cases[0], folder / file, about)
            differences[name] = largest_difference(load(folder / file), network, cases)
        if not differences[name] <= LARGEST_DIFFERENCE:
            raise RuntimeError(f"{file} computes logits that differ by {differences[name]:.2g} from the network's")
        logger.info("%s computes the logits of the network (largest difference %.2g)", file, differences[name])
    return differences


def example_inputs(image_shape: Sequence[int], prior_dim: int, seed: int = 0) -> Iterator[Inputs]:
    """Yield random scans with a prior that is present, missing in parts and absent; without a prior, scans alone.

    Args:
        image_shape: Shape ``(C, *S)``.
        prior_dim: Number of prior values per visit; 0 for a network without a prior.
        seed: Seed of the random numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(CHECKED, *image_shape, generator=generator)
    if not prior_dim:
        yield (image,)
        return
    present = torch.randn(CHECKED, prior_dim, generator=generator)
    partly = present.masked_fill(torch.rand(present.shape, generator=generator) < 0.5, torch.nan)
    for prior in (present, partly, torch.full_like(present, torch.nan)):
        yield image, prior


@torch.no_grad()
def largest_difference(run: Run, network: nn.Module, cases: Sequence[Inputs]) -> float:
    """Measure the largest difference of any logit between two programs.

    Args:
        run: Function of the inputs of a case.
        network: Network that takes the same inputs.
        cases: Inputs to compare the two on.
    """
    return max(float((run(*inputs) - network(*inputs)).abs().max()) for inputs in cases)


def _write_torchscript(network: nn.Module, inputs: Inputs, path: Path, about: Mapping[str, Any]) -> None:
    from monai.data import save_net_with_metadata

    # Its own check runs the trace twice and compares graphs, which tells nothing beyond the logits compared here.
    traced = torch.jit.trace(network, inputs, check_trace=False)
    save_net_with_metadata(
        traced, str(path), include_config_vals=False, append_timestamp=False, meta_values=dict(about)
    )


def _load_torchscript(path: Path) -> Run:
    loaded: Run = torch.jit.load(str(path), map_location="cpu")
    return loaded


def _write_program(network: nn.Module, inputs: Inputs, path: Path, about: Mapping[str, Any]) -> None:
    torch.export.save(torch.export.export(network, inputs, dynamic_shapes=_free_batch(inputs)), path)


def _load_program(path: Path) -> Run:
    loaded: Run = torch.export.load(path).module()
    return loaded


def _write_onnx(network: nn.Module, inputs: Inputs, path: Path, about: Mapping[str, Any]) -> None:
    import onnx

    torch.onnx.export(
        network,
        inputs,
        path,
        input_names=["image", "prior"][: len(inputs)],
        output_names=["pred"],
        dynamo=True,
        dynamic_shapes=_free_batch(inputs),
        external_data=False,
        verbose=False,
    )
    model = onnx.load(path)
    described = {
        "classes": about["network_data_format"]["outputs"]["pred"]["channel_def"],
        "prior": about["network_data_format"]["inputs"].get("prior", {}).get("channel_def", {}),
    }
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in described.items()})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _load_onnx(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def run(*inputs: Tensor) -> Tensor:
        fed = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
        return torch.from_numpy(session.run(None, fed)[0])

    return run


def _free_batch(inputs: Inputs) -> tuple[dict[int, Any], ...]:
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    return tuple({0: batch} for _ in inputs)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what exporters say of themselves: that TorchScript is deprecated, that a trace holds for one size."""
    with warnings.catch_warnings(), silenced(logging.WARNING):
        warnings.simplefilter("ignore")
        yield


Write = Callable[[nn.Module, Inputs, Path, Mapping[str, Any]], None]
#: Name of a format, its file, how it is written and how it is loaded.
FORMATS: dict[str, tuple[str, Write, Callable[[Path], Run]]] = {
    "torchscript": ("model.ts", _write_torchscript, _load_torchscript),
    "onnx": ("model.onnx", _write_onnx, _load_onnx),
    "pt2": ("model.pt2", _write_program, _load_program),
}
