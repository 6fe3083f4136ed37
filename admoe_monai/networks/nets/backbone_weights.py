"""Weights of a backbone that was published alone, under the names that it has as the encoder of a network."""

from __future__ import annotations

from collections.abc import Container, Mapping

from torch import Tensor

#: Prefix of the names in a file, and in the network: timm's Swin V2 (or any encoder saved alone), a CNN such as MedicalNet's
#: ResNets, and MONAI's SwinUNETR.
_PLACES = (("", "encoder."), ("", "encoder.backbone."), ("swinViT.", "encoder.backbone."))


def as_encoder_weights(weights: Mapping[str, Tensor], names: Container[str]) -> dict[str, Tensor]:
    """Rename the weights of a backbone; those of a whole network keep their names.

    Args:
        weights: State dict as it was published. Its own head or decoder has no place in the network.
        names: Names of the network's own state dict.

    Returns:
        The weights under whichever names most of the network's are among.
    """
    ways = [dict(weights)]
    for prefix, place in _PLACES:
        ways.append({place + n.removeprefix(prefix): w for n, w in weights.items() if n.startswith(prefix)})
    return max(ways, key=lambda way: sum(name in names for name in way))
