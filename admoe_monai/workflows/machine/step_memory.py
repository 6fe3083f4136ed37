"""Memory of a training step, counted without computing anything.

The network runs forward on torch's meta device, where tensors have shapes and no values, and what autograd keeps for the
backward pass is added up, each storage once. Measured on the CPU (float32, one and two scans of the default network, one and
four of `tiny`), a step takes what gradients and AdamW need and 1.3 times that. On a GPU this was not measured: the bound
that a batch has to keep leaves room for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import Tensor, nn
from torch.func import functional_call

from admoe_monai.networks.nets.alzheimer_mmoe import RECONSTRUCTION

#: Share of the memory that a step may take.
ROOM = 0.7
#: Python, torch and MONAI themselves, or the context of CUDA, in bytes.
PROGRAM = 1.1 * 2**30
#: Memory of a step as a multiple of what autograd keeps.
OVERHEAD = 1.3
#: Weights, gradients and the two moments of AdamW, in copies of the weights.
COPIES = 4


@dataclass(frozen=True)
class StepMemory:
    """Memory of a training step.

    Attributes:
        parameters: Number of parameters.
        kept: Bytes that autograd keeps of one scan, in the hungrier of the phases.
    """

    parameters: int
    kept: int

    def of_batch(self, scans: int) -> float:
        """Estimate the memory of a step, in bytes.

        Args:
            scans: Number of scans in the batch.
        """
        return PROGRAM + COPIES * 4 * self.parameters + OVERHEAD * self.kept * scans


def step_memory(parser: ConfigParser, settings: dict[str, Any]) -> StepMemory:
    """Build the network of a config without weights and count what a step of either phase keeps.

    Args:
        parser: Parser of the settings, completed; `prior_dim` is filled in.
        settings: The same settings, resolved.

    Raises:
        Exception: Whatever the network objects to.
    """
    with torch.device("meta"):
        network: nn.Module = parser.get_parsed_content("network_def")
    phases = (False, True) if settings["pretrain_epochs"] else (False,)
    kept = max(kept_by_scan(network, settings, is_pretrain) for is_pretrain in phases)
    return StepMemory(sum(parameter.numel() for parameter in network.parameters()), kept)


def kept_by_scan(network: nn.Module, settings: Mapping[str, Any], is_pretrain: bool) -> int:
    """Count the bytes that autograd keeps of one scan for the backward pass.

    Args:
        network: Network on any device; its weights are neither read nor copied.
        settings: Resolved settings.
        is_pretrain: Whether it reconstructs, or answers the tasks.

    Raises:
        Exception: Whatever the network objects to.
    """
    edges, axes = settings["img_size"], settings["spatial_dims"]
    sizes = list(edges) if isinstance(edges, (list, tuple)) else [edges] * axes
    return _kept(
        network, settings["in_channels"], sizes, (RECONSTRUCTION,) if is_pretrain else tuple(settings["classes"])
    )


def batch_that_fits(measured: float, scans: int, kept: int, memory: float) -> int:
    """Estimate the largest batch that a machine has room for; 0 if not even one scan fits.

    Args:
        measured: Memory that a step has taken, in bytes.
        scans: Number of scans in its batch.
        kept: Bytes that autograd keeps of one scan.
        memory: Memory of the machine, in bytes, of which a step may take a share of :data:`ROOM`.
    """
    return max(scans + int((ROOM * memory - measured) // (OVERHEAD * kept)), 0)


def _kept(network: nn.Module, channels: int, sizes: Sequence[int], tasks: tuple[str, ...]) -> int:
    image = torch.zeros(1, channels, *sizes, device="meta")
    stand_ins = {
        name: torch.empty_like(tensor, device="meta", requires_grad=tensor.requires_grad)
        for name, tensor in chain(network.named_parameters(), network.named_buffers())
    }
    known = {tensor.untyped_storage()._cdata for tensor in stand_ins.values()}
    # The storages are held, so that no address is used twice.
    storages: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in known:
            storages[storage._cdata] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        outputs = functional_call(network, stand_ins, (image,), {"tasks": tasks})
        # It stays alive until the storages are counted.
        loss = torch.stack([outputs[task].square().mean() for task in tasks]).sum()
    total = sum(storage.nbytes() for storage in storages.values())
    del loss
    return total
