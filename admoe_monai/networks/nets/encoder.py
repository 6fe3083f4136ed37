"""What a network asks of its encoder, and how a clinical prior reaches the tokens inside of it.

Axis letters: B batch, C channels of the image, D width of a token, E experts, T streams of tokens, *S spatial axes, *G
tokens along each of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from ..layers.gating import Routing

#: Task of SimMIM, which every encoder that can mask has.
RECONSTRUCTION = "reconstruction"


class Fusion(NamedTuple):
    """Where and with what the tokens of an encoder meet an encoded prior.

    Attributes:
        stage: Index of the stage after which they meet, behind its merging.
        module: Fuses tokens ``(B, *G, D)`` with a prior ``(B, D)``.
        prior: The encoded prior, ``(B, D)``.
    """

    stage: int
    module: nn.Module
    prior: Tensor

    def __call__(self, tokens: Tensor, streams: int) -> Tensor:
        """Fuse ``(T * B, *G, D)``: where T streams have parted already, the prior enters each of them."""
        fused: Tensor = self.module(tokens, self.prior.repeat(streams, 1))
        return fused


class Encoder(nn.Module, ABC):
    """An image becomes tokens, tokens go through stages.

    What is declared here with a value holds for a plain encoder, without experts and without SimMIM; one that has more
    says so. A backbone that only returns feature maps goes into :class:`FeatureMapEncoder`.

    Attributes:
        num_features: Width D of the tokens after the last stage.
        fusion_dims: Per stage the width of the tokens that a prior meets after it.
        tasks: The tasks that have gates of their own; None if it serves any.
        parts_streams: Whether the last stage has one stream of tokens per task instead of one for all.
        mask_dim: Width of the tokens that :meth:`embed` returns, where a mask token can stand in for any of them as
            SimMIM wants it; None if none can.
        patch_size: Voxels of the image per token that :meth:`embed` returns, along each axis; needed with ``mask_dim`` alone.
        stride: Voxels of the image per token along each axis after the last stage; needed with ``mask_dim`` alone.
    """

    num_features: int
    fusion_dims: tuple[int, ...]
    tasks: tuple[str, ...] | None = None
    parts_streams: bool = False
    mask_dim: int | None = None
    patch_size: int
    stride: int

    @abstractmethod
    def embed(self, x: Tensor) -> Tensor:
        """Turn an image ``(B, C, *S)`` into tokens ``(B, *G, D)``.

        Raises:
            ValueError: If the image has another number of axes.
        """

    @abstractmethod
    def run_stages(
        self,
        tokens: Tensor,
        tasks: Sequence[str] | None = None,
        guidance: Tensor | None = None,
        fusion: Fusion | None = None,
    ) -> tuple[list[Tensor], list[Routing]]:
        """Run all stages on embedded tokens.

        Args:
            tokens: Tokens of the first stage, ``(B, *G, D)``.
            tasks: The tasks at hand, all by default.
            guidance: Expert weights that replace the gates of a sample, ``(B, E)``; rows of NaN leave them in place.
            fusion: Lets a prior meet the tokens, once.

        Returns:
            The output of each stage, channels last, before merging, ``(T * B, *G, D)`` with T streams one after another
            along the batch where they are parted, in the order of the tasks; and what the gates said.

        Raises:
            ValueError: If a task is unknown.
        """

    def no_weight_decay(self) -> set[str]:
        """Names of the parameters that are exempt from weight decay, beside vectors."""
        return set()


def check_encoder(encoder: Encoder, tasks: Iterable[str], with_decoder: bool) -> None:
    """Find what an encoder lacks, before anything is built for it.

    Args:
        encoder: Encoder of a network.
        tasks: Classification tasks of the network.
        with_decoder: Whether the network reconstructs.

    Raises:
        ValueError: Naming what it lacks.
    """
    if not isinstance(encoder, Encoder):
        raise ValueError(
            f"{type(encoder).__name__} is no Encoder; put a backbone that returns feature maps into a FeatureMapEncoder."
        )
    if RECONSTRUCTION in tasks:
        raise ValueError(f"'{RECONSTRUCTION}' has no classes: it is there with a decoder.")
    if with_decoder and encoder.mask_dim is None:
        raise ValueError(f"{cannot_mask(encoder)} Set decoder to null.")
    needed = (*([RECONSTRUCTION] if with_decoder else []), *tasks)
    unknown = [] if encoder.tasks is None else [task for task in needed if task not in encoder.tasks]
    if unknown:
        raise ValueError(
            f"The tasks of the encoder are {', '.join(encoder.tasks or ())}: it lacks {', '.join(unknown)}."
        )


def cannot_mask(encoder: Encoder) -> str:
    """Say why there is no reconstruction behind an encoder."""
    return f"{type(encoder).__name__} can't mask tokens, so there is no reconstruction behind it."
