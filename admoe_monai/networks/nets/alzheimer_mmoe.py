"""One network for all tasks: an encoder, SimMIM decoder, clinical prior, one head per classification task.

Axis letters: B batch, C channels, D width of a token, E experts, K classes, P prior columns, *S spatial axes, *G tokens
along each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from timm.layers import trunc_normal_
from torch import Tensor, nn

from ..blocks.clinical_encoder import ClinicalEncoder
from ..blocks.clinical_fusion import AdaptiveFusion
from ..blocks.pooling import AveragePooling
from .encoder import RECONSTRUCTION, Encoder, Fusion, cannot_mask, check_encoder


class AlzheimerMMoE(nn.Module):
    """Reconstruction and any number of classification tasks behind one encoder, such as Swin Transformer V2 with experts.

    Reconstruction follows SimMIM (Xie et al. 2022, arXiv:2111.09886), the experts MMoE (Ma et al., KDD 2018). A pass
    is for tasks, either reconstruction or one or more of the others; the clinical prior takes part in the latter only.
    Deviation from SimMIM: the decoder's output is cropped to the image where its size is no multiple of the stride.

    The encoder is handed in ready. What has to fit it is handed in as something to call: a class, or a
    ``functools.partial`` of one, which is what ``_mode_: callable`` makes in a MONAI config.

    Args:
        encoder: Turns images into tokens; see :class:`Encoder`. Its gates must know ``reconstruction``, if it can mask,
            and every task of ``classes``.
        classes: Per classification task the names of its classes, or their number. The head of a task is the child
            ``head_<task>``, and tasks keep this order.
        decoder: Called with ``in_channels`` (the encoder's width) and ``stride``, makes what turns ``(B, D, *G)`` into
            an image; None for a network without reconstruction.
        prior_dim: Numbers P of the clinical prior per visit; 0 for a network without clinical modules.
        clinical_encoder: Called with ``prior_dim`` and ``dim``, makes the encoder of the prior.
        clinical_fusion: Called with ``dim``, makes what lets tokens meet the encoded prior.
        prior_head: Called with P and the number of classes, makes what turns the prior into logits that are added to those of
            the image; None for a prior that reaches the heads through the tokens alone.
        pooling: Called with the width of a token, makes what turns ``(B, *G, D)`` into features ``(B, D)``: one for each
            classification task.
        fusion_stage: The prior meets the tokens after this stage and its merging; None for the last stage.

    Raises:
        ValueError: If the parts contradict each other.

    Example:
        >>> encoder = SwinTransformerV2(3, 1, img_size=64, tasks=("reconstruction", "diagnosis"), final_norm=False)
        >>> network = AlzheimerMMoE(encoder, {"diagnosis": ["CN", "MCI", "AD"]})
        >>> network(torch.zeros(1, 1, 64, 64, 64))["diagnosis"].shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        encoder: Encoder,
        classes: Mapping[str, Sequence[str] | int],
        *,
        decoder: Callable[..., nn.Module] | None = None,
        prior_dim: int = 0,
        clinical_encoder: Callable[..., nn.Module] = ClinicalEncoder,
        clinical_fusion: Callable[..., nn.Module] = AdaptiveFusion,
        prior_head: Callable[..., nn.Module] | None = None,
        pooling: Callable[..., nn.Module] = AveragePooling,
        fusion_stage: int | None = None,
    ) -> None:
        super().__init__()
        check_encoder(encoder, classes, decoder is not None)
        self.encoder = encoder
        self.num_classes = {task: named if isinstance(named, int) else len(named) for task, named in classes.items()}
        for task, number in self.num_classes.items():
            if number < 2:
                raise ValueError(f"A task needs two or more classes, got {number} of {task}.")
        width, stages = encoder.num_features, len(encoder.fusion_dims)
        # The order in which random numbers are drawn from here on decides the initial weights of a seed.
        self.mask_token: nn.Parameter | None = None
        if encoder.mask_dim is not None:
            self.mask_token = nn.Parameter(trunc_normal_(torch.zeros(encoder.mask_dim), std=0.02))
        tasks = (*([] if encoder.mask_dim is None else [RECONSTRUCTION]), *classes)
        self.task_norms = nn.ModuleDict({task: nn.LayerNorm(width) for task in tasks})
        self.decoder: nn.Module | None = None
        if decoder is not None:
            self.decoder = decoder(in_channels=width, stride=encoder.stride)
        self.prior_dim = prior_dim
        self.fusion_stage = stages - 1 if fusion_stage is None else fusion_stage
        if prior_dim:
            if not 0 <= self.fusion_stage < stages:
                raise ValueError(
                    f"fusion_stage must lie in 0 to {stages - 1}, or null for the last, got {fusion_stage}."
                )
            fusion_dim = encoder.fusion_dims[self.fusion_stage]
            self.prior_stand_in = nn.Parameter(torch.zeros(prior_dim))
            self.clinical_encoder = clinical_encoder(prior_dim=prior_dim, dim=fusion_dim)
            self.clinical_fusion = clinical_fusion(dim=fusion_dim)
        self.poolings = nn.ModuleDict({task: pooling(width) for task in self.num_classes})
        self.poolings[RECONSTRUCTION] = AveragePooling()
        heads = {task: nn.Linear(width, number) for task, number in self.num_classes.items()}
        for task, head in heads.items():
            self.add_module(f"head_{task}", head)
            trunc_normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        self.prior_heads: nn.ModuleDict | None = None
        if prior_head is not None and prior_dim:
            self.prior_heads = nn.ModuleDict({t: prior_head(prior_dim, n) for t, n in self.num_classes.items()})
            for parameter in self.prior_heads.parameters():
                nn.init.zeros_(parameter)

    def no_weight_decay(self) -> set[str]:
        """Names of the parameters that are exempt from weight decay, beside vectors: the encoder's, and heads of the prior."""
        of_prior = {name for name, _ in self.named_parameters() if name.startswith("prior_heads.")}
        return of_prior | {f"encoder.{name}" for name in self.encoder.no_weight_decay()}

    def check_tasks(self, tasks: Sequence[str]) -> None:
        """See whether one pass can be for these tasks.

        Args:
            tasks: As :meth:`forward` takes them.

        Raises:
            ValueError: If a task is unknown, can't be combined or lacks its decoder.
        """
        if RECONSTRUCTION not in tasks:
            if not tasks or not set(tasks) <= self.num_classes.keys():
                raise ValueError(f"Expected one or more of the tasks {tuple(self.num_classes)}, got {tuple(tasks)}.")
        elif len(tasks) > 1:
            raise ValueError(f"A pass is for reconstruction or for classification, got {tuple(tasks)}.")
        elif self.mask_token is None:
            raise ValueError(cannot_mask(self.encoder))
        elif self.decoder is None:
            raise ValueError("This network has no decoder: it can't reconstruct.")

    def forward(
        self,
        x: Tensor,
        tasks: Sequence[str] | None = None,
        prior: Tensor | None = None,
        mask: Tensor | None = None,
        guidance: Tensor | None = None,
    ) -> dict[str, Any]:
        """Compute the outputs of the tasks at hand.

        Args:
            x: Image, ``(B, C, *S)``.
            tasks: ``("reconstruction",)``, or one or more classification tasks, all of them by default. Before the
                streams part they share the mean of their gates, so that one task alone isn't weighted as all together.
            prior: Clinical prior, ``(B, P)``; NaN or None where it is unknown. Reconstruction never sees it.
            mask: Boolean ``(B, 1, *G)``, True = masked: patches that the mask token stands in for.
            guidance: Expert weights that replace the gates of a sample, ``(B, E)``; rows of NaN leave them in place.

        Returns:
            For ``reconstruction`` ``(B, C, *S)``, for any other task ``(B, K)``; under ``features`` the pooled tokens of
            each of these tasks ``(B, D)``, of reconstruction their average; and under ``routing`` a list of
            :class:`Routing`, one per block with experts and task.

        Raises:
            ValueError: If a task is unknown, can't be combined or lacks its decoder, or if a shape doesn't fit.
        """
        tasks = tuple(self.num_classes) if tasks is None else tuple(tasks)
        self.check_tasks(tasks)
        tokens = self._mask(self.encoder.embed(self._blank(x, mask)), mask)
        known = None if RECONSTRUCTION in tasks else self._known(x.shape[0], prior)
        fusion = (
            None if known is None else Fusion(self.fusion_stage, self.clinical_fusion, self.clinical_encoder(known))
        )
        maps, routing = self.encoder.run_stages(tokens, tasks, _informative(guidance), fusion)

        outputs: dict[str, Any] = {}
        # Views by number rather than chunks by size: an exported program stays free in the size of its batch.
        parted = self.encoder.parts_streams
        streams = maps[-1].unflatten(0, (len(tasks), -1)).unbind(0) if parted else [maps[-1]] * len(tasks)
        features: dict[str, Tensor] = {}
        for task, stream in zip(tasks, streams, strict=True):
            tokens = self.task_norms[task](stream)
            features[task] = self.poolings[task](tokens)
            outputs[task] = self._head(task, tokens, features[task], x)
            if known is not None and self.prior_heads is not None:
                outputs[task] = outputs[task] + self.prior_heads[task](known)
        outputs["features"] = features
        outputs["routing"] = routing
        return outputs

    def _head(self, task: str, tokens: Tensor, features: Tensor, x: Tensor) -> Tensor:
        if task != RECONSTRUCTION:
            logits: Tensor = self.get_submodule(f"head_{task}")(features)
            return logits
        assert self.decoder is not None
        volume: Tensor = self.decoder(tokens.movedim(-1, 1))
        for axis, length in enumerate(x.shape[2:], start=2):
            volume = volume.narrow(axis, 0, length)
        return volume

    def _blank(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Empty masked patches, for an encoder that embeds a patch together with its surroundings."""
        if mask is None:
            return x
        if self.mask_token is None:
            raise ValueError(cannot_mask(self.encoder))
        grid = tuple(-(-length // self.encoder.patch_size) for length in x.shape[2:])
        if mask.shape != (x.shape[0], 1, *grid):
            raise ValueError(f"A mask of shape {tuple(mask.shape)} doesn't fit a grid of {grid}.")
        for axis, length in enumerate(x.shape[2:], start=2):
            mask = mask.repeat_interleave(self.encoder.patch_size, axis).narrow(axis, 0, length)
        return x.masked_fill(mask.bool(), 0.0)

    def _mask(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        if mask is None or self.mask_token is None:
            return tokens
        return torch.where(mask.bool().movedim(1, -1), self.mask_token.to(tokens.dtype), tokens)

    def _known(self, batch: int, prior: Tensor | None) -> Tensor | None:
        """Let what has been learned stand in for missing values."""
        if not self.prior_dim:
            if prior is not None:
                raise ValueError("This network was built without a clinical prior (prior_dim=0) but was given one.")
            return None
        known = self.prior_stand_in.expand(batch, -1)
        if prior is None:
            return known
        if prior.shape != known.shape:
            raise ValueError(f"Expected a prior of shape {tuple(known.shape)}, got {tuple(prior.shape)}.")
        return torch.where(prior.isnan(), known, prior.to(known.dtype))


def _informative(guidance: Tensor | None) -> Tensor | None:
    """Drop guidance that guides nobody, for the dense path is the faster one."""
    return None if guidance is None or bool(guidance.isnan().all()) else guidance
