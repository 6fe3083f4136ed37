"""One network for all tasks: encoder with experts, SimMIM decoder, clinical prior, two classification heads.

Axis letters: B batch, C channels, D width of a token, E experts, K classes, P prior columns, *S spatial axes, *G tokens
along each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.networks.layers.factories import Conv
from timm.layers import trunc_normal_
from torch import Tensor, nn

from ..blocks.clinical_encoder import ClinicalEncoder
from ..blocks.clinical_fusion import CLINICAL_FUSIONS
from ..layers.pixel_shuffle import PixelShuffle
from .swin_transformer_v2 import Fuse, SwinTransformerV2

RECONSTRUCTION = "reconstruction"
CLASSIFICATION = ("diagnosis", "change")
EXPERTS = ("shared", "cn", "mci", "ad")


class AlzheimerMMoE(nn.Module):
    """Swin Transformer V2 with experts for reconstruction, diagnosis and change.

    Reconstruction follows SimMIM (Xie et al. 2022, arXiv:2111.09886), the experts MMoE (Ma et al., KDD 2018). A pass
    is for tasks, either reconstruction or one or both of the others; the clinical prior takes part in the latter only.
    Deviation from SimMIM: the decoder's output is cropped to the image where its size is no multiple of the stride.

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        img_size: Voxels along each axis of the image that is usually shown; other sizes work as well.
        patch_size: Voxels of a patch along each axis.
        embed_dim: Width of a token in the first stage, doubled from stage to stage.
        depths: Blocks of each stage.
        num_heads: Attention heads of each stage.
        window_size: Largest window in tokens, along each axis or along all.
        mlp_ratio: Hidden width of a feed-forward network or expert as a multiple of its width.
        qkv_bias: Whether queries and values have a bias.
        drop_rate: Dropout rate of embedding, projections and feed-forward networks.
        attn_drop_rate: Dropout rate of attention weights.
        drop_path_rate: Rate of stochastic depth of the last block, rising linearly from zero.
        pretrained_window_sizes: Window of each stage that the position bias was trained with; None for the same.
        moe_stages: Indices of the stages that carry experts; None for the last alone.
        task_stages: How many of the last stages carry a stream of tokens per task.
        experts: Names of the experts.
        temperature: Divides the logits of the gates.
        top_k: Experts kept per token beside the shared one; None keeps all.
        num_classes_diagnosis: Number of diagnoses.
        num_classes_change: Number of kinds of change.
        prior_dim: Numbers P of the clinical prior per visit; 0 for a network without clinical modules.
        prior_hidden: Width of the first layer of the clinical encoder.
        fusion_stage: The prior meets the tokens after this stage and its merging, or after the last stage.
        fusion_type: ``adaptive``, ``concat``, ``add`` or ``hadamard``.
        with_decoder: Whether there is a decoder; a network for classification alone goes without.

    Raises:
        ValueError: If settings contradict each other.

    Example:
        >>> network = AlzheimerMMoE(3, 1, img_size=64, embed_dim=24, depths=(2, 2), num_heads=(2, 4), fusion_stage=0)
        >>> network(torch.zeros(1, 1, 64, 64, 64))["diagnosis"].shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        img_size: int | Sequence[int],
        patch_size: int = 4,
        embed_dim: int = 48,
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        window_size: int | Sequence[int] = 7,
        mlp_ratio: float = 4.0,
        qkv_bias: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        pretrained_window_sizes: Sequence[int] | None = None,
        *,
        moe_stages: Sequence[int] | None = None,
        task_stages: int = 1,
        experts: Sequence[str] = EXPERTS,
        temperature: float = 1.0,
        top_k: int | None = None,
        num_classes_diagnosis: int = 3,
        num_classes_change: int = 3,
        prior_dim: int = 0,
        prior_hidden: int = 128,
        fusion_stage: int = 2,
        fusion_type: str = "adaptive",
        with_decoder: bool = True,
    ) -> None:
        super().__init__()
        stages = len(depths)
        if min(num_classes_diagnosis, num_classes_change) < 2:
            raise ValueError(
                f"Each task needs two or more classes, got {num_classes_diagnosis} diagnoses and "
                f"{num_classes_change} kinds of change."
            )
        self.encoder = SwinTransformerV2(
            spatial_dims,
            in_channels,
            img_size,
            patch_size,
            embed_dim,
            depths,
            num_heads,
            window_size,
            mlp_ratio,
            qkv_bias,
            drop_rate,
            attn_drop_rate,
            drop_path_rate,
            pretrained_window_sizes,
            tasks=(RECONSTRUCTION, *CLASSIFICATION),
            experts=experts,
            moe_stages=(stages - 1,) if moe_stages is None else moe_stages,
            task_stages=task_stages,
            temperature=temperature,
            top_k=top_k,
            final_norm=False,
        )
        width, stride = self.encoder.num_features, self.encoder.stride
        self.mask_token = nn.Parameter(trunc_normal_(torch.zeros(embed_dim), std=0.02))
        self.task_norms = nn.ModuleDict({task: nn.LayerNorm(width) for task in self.encoder.tasks})
        self.decoder: nn.Sequential | None = None
        if with_decoder:
            self.decoder = nn.Sequential(
                Conv[Conv.CONV, spatial_dims](width, stride**spatial_dims * in_channels, kernel_size=1),
                PixelShuffle(spatial_dims, stride),
            )
        self.prior_dim = prior_dim
        self.fusion_stage = fusion_stage
        if prior_dim:
            if not 0 <= fusion_stage < stages:
                raise ValueError(f"fusion_stage must lie in 0 to {stages - 1}, got {fusion_stage}.")
            if fusion_type not in CLINICAL_FUSIONS:
                raise ValueError(f"fusion_type must be one of {', '.join(CLINICAL_FUSIONS)}, got '{fusion_type}'.")
            fusion_dim = min(embed_dim * 2 ** (fusion_stage + 1), width)
            self.prior_stand_in = nn.Parameter(torch.zeros(prior_dim))
            self.clinical_encoder = ClinicalEncoder(prior_dim, prior_hidden, fusion_dim)
            self.clinical_fusion = CLINICAL_FUSIONS[fusion_type](fusion_dim)
        self.head_diagnosis = nn.Linear(width, num_classes_diagnosis)
        self.head_change = nn.Linear(width, num_classes_change)
        for head in (self.head_diagnosis, self.head_change):
            trunc_normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    def no_weight_decay(self) -> set[str]:
        """Names of the parameters that are exempt from weight decay, beside vectors: the encoder's."""
        return {f"encoder.{name}" for name in self.encoder.no_weight_decay()}

    def forward(
        self,
        x: Tensor,
        tasks: Sequence[str] = CLASSIFICATION,
        prior: Tensor | None = None,
        mask: Tensor | None = None,
        guidance: Tensor | None = None,
    ) -> dict[str, Any]:
        """Compute the outputs of the tasks at hand.

        Args:
            x: Image, ``(B, C, *S)``.
            tasks: ``("reconstruction",)``, or one or both of ``diagnosis`` and ``change``. Before the streams part they
                share the mean of their gates, so that one task alone isn't weighted as both together are.
            prior: Clinical prior, ``(B, P)``; NaN or None where it is unknown. Reconstruction never sees it.
            mask: Boolean ``(B, 1, *G)``, True = masked: patches that the mask token stands in for.
            guidance: Expert weights that replace the gates of a sample, ``(B, E)``; rows of NaN leave them in place.

        Returns:
            Per task ``reconstruction`` ``(B, C, *S)``, ``diagnosis`` and ``change`` ``(B, K)``; and under ``routing``
            a list of :class:`Routing`, one per block with experts and task.

        Raises:
            ValueError: If a task is unknown, can't be combined or lacks its decoder, or if a shape doesn't fit.
        """
        tasks = tuple(tasks)
        if RECONSTRUCTION in tasks and len(tasks) > 1:
            raise ValueError(f"A pass is for reconstruction or for classification, got {tasks}.")
        if RECONSTRUCTION in tasks and self.decoder is None:
            raise ValueError("This network has no decoder: it can't reconstruct.")
        tokens = self._mask(self.encoder.embed(x), mask)
        fuse = None if RECONSTRUCTION in tasks else self._fusion(x.shape[0], len(tasks), prior)
        maps, routing = self.encoder.run_stages(tokens, tasks, _informative(guidance), fuse)

        outputs: dict[str, Any] = {}
        parted = self.encoder.first_parted_stage < len(self.encoder.layers)
        # Views by number rather than chunks by size: an exported program stays free in the size of its batch.
        streams = maps[-1].unflatten(0, (len(tasks), -1)).unbind(0) if parted else [maps[-1]] * len(tasks)
        for task, stream in zip(tasks, streams, strict=True):
            outputs[task] = self._head(task, self.task_norms[task](stream), x)
        outputs["routing"] = routing
        return outputs

    def _head(self, task: str, tokens: Tensor, x: Tensor) -> Tensor:
        if task != RECONSTRUCTION:
            logits: Tensor = self.get_submodule(f"head_{task}")(tokens.flatten(1, -2).mean(dim=1))
            return logits
        assert self.decoder is not None
        volume: Tensor = self.decoder(tokens.movedim(-1, 1))
        for axis, length in enumerate(x.shape[2:], start=2):
            volume = volume.narrow(axis, 0, length)
        return volume

    def _mask(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        if mask is None:
            return tokens
        if mask.shape != (tokens.shape[0], 1, *tokens.shape[1:-1]):
            raise ValueError(f"A mask of shape {tuple(mask.shape)} doesn't fit a grid of {tuple(tokens.shape[1:-1])}.")
        return torch.where(mask.bool().movedim(1, -1), self.mask_token.to(tokens.dtype), tokens)

    def _fusion(self, batch: int, tasks: int, prior: Tensor | None) -> Fuse | None:
        if not self.prior_dim:
            if prior is not None:
                raise ValueError("This network was built without a clinical prior (prior_dim=0) but was given one.")
            return None
        known = self.prior_stand_in.expand(batch, -1)
        if prior is not None:
            if prior.shape != known.shape:
                raise ValueError(f"Expected a prior of shape {tuple(known.shape)}, got {tuple(prior.shape)}.")
            known = torch.where(prior.isnan(), known, prior.to(known.dtype))
        encoded = self.clinical_encoder(known)

        def fuse(stage: int, tokens: Tensor) -> Tensor:
            if stage != self.fusion_stage:
                return tokens
            # Where the streams have parted already, the prior enters each of them.
            streams = tasks if stage >= self.encoder.first_parted_stage else 1
            fused: Tensor = self.clinical_fusion(tokens, encoded.repeat(streams, 1))
            return fused

        return fuse


def _informative(guidance: Tensor | None) -> Tensor | None:
    """Drop guidance that guides nobody, for the dense path is the faster one."""
    return None if guidance is None or bool(guidance.isnan().all()) else guidance
