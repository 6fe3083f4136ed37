"""Networks small enough for a test, with the parts that bundle/configs/plan.yaml puts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from admoe_monai.networks.blocks import PixelShuffleDecoder
from admoe_monai.networks.nets import AlzheimerMMoE, SwinTransformerV2

Network = TypeVar("Network", bound=AlzheimerMMoE)

CLASSES = {"diagnosis": 3, "change": 3}
EXPERTS = ("shared", "cn", "mci", "ad")
ENCODER: dict[str, Any] = {
    "img_size": 16, "patch_size": 2, "embed_dim": 4, "depths": (2, 2), "num_heads": (1, 2), "window_size": 3,
    "moe_stages": (0, 1), "task_stages": 1, "experts": EXPERTS, "drop_path_rate": 0.0,
}  # fmt: skip


def tiny_encoder(
    spatial_dims: int = 3, classes: Mapping[str, Sequence[str] | int] = CLASSES, **settings: Any
) -> SwinTransformerV2:
    """Make the encoder for a network of these classes.

    Args:
        settings: Of the encoder, in the place of `ENCODER`.
    """
    return SwinTransformerV2(
        spatial_dims, 1, **{"tasks": ("reconstruction", *classes), "final_norm": False, **ENCODER, **settings}
    )


def tiny_network(
    spatial_dims: int = 3,
    kind: type[Network] = AlzheimerMMoE,  # type: ignore[assignment]
    classes: Mapping[str, Sequence[str] | int] = CLASSES,
    encoder: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Network:
    """Make a network with a prior of three numbers, which meets the tokens after the first stage.

    Args:
        encoder: Settings of the encoder, in the place of `ENCODER`.
        settings: Of the network.
    """
    decoder = partial(PixelShuffleDecoder, spatial_dims=spatial_dims, out_channels=1)
    return kind(
        tiny_encoder(spatial_dims, classes, **(encoder or {})),
        classes,
        **{"decoder": decoder, "prior_dim": 3, "fusion_stage": 0, **settings},
    )
