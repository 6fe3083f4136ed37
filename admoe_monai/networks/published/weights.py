"""From a published state dict to weights of a network: names, axes, channels, and experts that begin as copies."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..blocks.mmoe import SHARED_EXPERT
from .inflation import fit_merging, fit_patch_kernel, fit_position_bias
from .layouts import OTHER, Layout, layout_of

#: Prefix of the names in a file, and in the network: a whole network or an encoder saved alone, a CNN such as MedicalNet's
#: ResNets, and MONAI's SwinUNETR.
_PLACES = (("", ""), ("", "encoder."), ("", "encoder.backbone."), ("swinViT.", "encoder.backbone."))
_OWN_SWIN_V2 = re.compile(r"^encoder\.layers\.\d+\.blocks\.\d+\.attn\.logit_scale$")
_STAGE_OF_MERGING = re.compile(r"^layers\.(\d+)\.downsample\.")
_EXPERT = re.compile(r"^(.*\.mlp)\.experts\.([^.]+)\.(.*)$")
_BUFFERS = (".relative_coords_table", ".relative_position_index", ".attn_mask")
_FITS = {
    "patch_embed.proj.weight": fit_patch_kernel,
    "cpb_mlp.0.weight": fit_position_bias,
    "downsample.reduction.weight": fit_merging,
}


class UnsuitableWeightsError(ValueError):
    """Weights of a function that the network does not compute, whatever their names are made to be."""


@dataclass(frozen=True)
class FoundWeights:
    """Weights under a network's names.

    Attributes:
        weights: Weights by name; some may have no place in the network, or not its shape.
        layout: Naming that they came with.
        changes: What was done to them beside renaming, a line each.
    """

    weights: dict[str, Tensor]
    layout: Layout
    changes: tuple[str, ...] = ()


def as_network_weights(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], expert_noise: float = 0.0, seed: int = 0
) -> FoundWeights:
    """Rename and reshape published weights; those of a whole network of the same kind stay as they are.

    Args:
        weights: State dict as it was published. Its own head or decoder has no place in the network.
        own: The network's state dict, of which names and shapes count.
        expert_noise: Standard deviation of the noise that is added to every copy of a feed-forward network but the shared
            expert's, as a multiple of each weight's own deviation; 0 gives the features of the network without experts.
        seed: Of the noise.

    Raises:
        UnsuitableWeightsError: For weights of a function that the network can't compute.
    """
    layout = layout_of(weights)
    if any(_OWN_SWIN_V2.match(name) for name in own):
        if layout.is_swin_v2:
            return _as_swin_v2(weights, own, layout, expert_noise, seed)
        if layout is not OTHER:
            raise UnsuitableWeightsError(
                f"these are weights of {layout.name}, which the encoder of this network does not compute; {layout.remedy}"
            )
    ways = [
        {place + n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)}
        for prefix, place in _PLACES
    ]
    return FoundWeights(max(ways, key=lambda way: sum(name in own for name in way)), layout)


def _as_swin_v2(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], layout: Layout, expert_noise: float, seed: int
) -> FoundWeights:
    named = _renamed(weights, layout)
    changes = []
    if copies := _experts(named, own, expert_noise, seed):
        noise = f" with noise of {expert_noise:g} of their deviation" if expert_noise else ""
        changes.append(f"{len(copies)} weights of experts are copies of the feed-forward networks{noise}")
        named |= copies
    fitted: dict[str, Tensor] = {}
    for name, weight in named.items():
        fit = next((fit for end, fit in _FITS.items() if name.endswith(end)), None)
        if fit is not None and name in own and weight.shape != own[name].shape:
            fitted[name] = fit(weight, own[name])
    kernel = "encoder.patch_embed.proj.weight"
    if kernel in fitted and named[kernel].shape[1] != fitted[kernel].shape[1]:
        changes.append(f"{named[kernel].shape[1]} channels summed to one")
    if kernel in fitted and named[kernel].ndim != fitted[kernel].ndim:
        changes.append(f"{named[kernel].ndim - 2}D inflated to {fitted[kernel].ndim - 2}D")
    return FoundWeights(named | fitted, layout, tuple(changes))


def _renamed(weights: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Give names and places as in this package's network: merging begins a stage, one name for the position bias."""
    named: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if name.endswith(_BUFFERS):
            continue
        if not name.startswith(layout.prefix):
            named[name] = weight
            continue
        name = name.removeprefix(layout.prefix).replace(".rpe_mlp.", ".cpb_mlp.")
        if layout.merging_at_end:
            name = _STAGE_OF_MERGING.sub(lambda match: f"layers.{int(match[1]) + 1}.downsample.", name)
        if name == "mask_token":
            named[name] = weight.reshape(-1)
        else:
            named[f"encoder.{name}"] = weight
    return named


def _experts(
    named: Mapping[str, Tensor], own: Mapping[str, Tensor], expert_noise: float, seed: int
) -> dict[str, Tensor]:
    """Make each expert that the weights lack from the feed-forward network in its place."""
    copies: dict[str, Tensor] = {}
    for name in own:
        match = _EXPERT.match(name)
        if name in named or match is None or f"{match[1]}.{match[3]}" not in named:
            continue
        copy = named[f"{match[1]}.{match[3]}"].clone()
        if expert_noise and match[2] != SHARED_EXPERT and copy.numel() > 1:
            # From the name, so that no expert's noise depends on which others there are.
            generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
            noise = torch.randn(copy.shape, generator=generator).to(copy)
            copy += expert_noise * copy.std() * noise
        copies[name] = copy
    return copies
