"""Swin Transformer V2 in two and three dimensions, with mixtures of experts and task streams.

Axis letters: B batch, C channels, D width of a token, E experts, T streams of tokens, *S spatial axes, *G tokens along
each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from monai.utils import ensure_tuple_rep
from timm.layers import Mlp, calculate_drop_path_rates, trunc_normal_
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..blocks.mmoe import MMoE
from ..blocks.patch_embedding import PatchEmbed
from ..blocks.stage import SwinTransformerV2Stage
from ..blocks.swin_block import SwinTransformerV2Block
from ..layers.gating import Routing
from .encoder import Encoder, Fusion


class SwinTransformerV2(Encoder):
    """Hierarchical transformer of shifted windows (Liu et al. 2022, arXiv:2111.09883).

    With its defaults in 2D it computes what timm's ``swinv2_*`` models compute, under timm's parameter names.
    Deviations: any number of axes and any input size; windows balanced per axis; padding takes no part in attention;
    feed-forward networks can give way to experts with a gate per task, and the last stages can carry a stream of
    tokens per task. It has nothing to do with MONAI's ``SwinUNETR(use_v2=True)``, which is a Swin V1.

    Args:
        spatial_dims: Number of spatial axes.
        in_channels: Channels of the image.
        img_size: Voxels along each axis of the images to come, at least a patch; nothing is tied to it, and any other
            size works as well.
        patch_size: Voxels of a patch along each axis.
        embed_dim: Width D of a token in the first stage, doubled from stage to stage.
        depths: Blocks of each stage.
        num_heads: Attention heads of each stage.
        window_size: Largest window in tokens, along each axis or along all.
        mlp_ratio: Hidden width of a feed-forward network as a multiple of its width.
        qkv_bias: Whether queries and values have a bias.
        drop_rate: Dropout rate of embedding, projections and feed-forward networks.
        attn_drop_rate: Dropout rate of attention weights.
        drop_path_rate: Rate of stochastic depth of the last block, rising linearly from zero.
        pretrained_window_sizes: Window of each stage that the position bias was trained with; None for the same.
        tasks: The tasks, each with a gate wherever there are experts.
        experts: Names of the experts.
        moe_stages: Indices of the stages that carry experts in every block.
        expert_ratio: Hidden width of an expert as a multiple of its width; None for `mlp_ratio`.
        task_stages: How many of the last stages carry a stream of tokens per task.
        temperature: Divides the logits of the gates.
        top_k: Experts kept per token beside the shared one; None keeps all.
        checkpoint_stages: Indices of the stages whose activations are computed again in the backward pass: less memory.
        patch_embed: Called with axes, channels, width and patch, makes what turns images into tokens ``(B, *G, D)``.
        merging_norm: Whether a LayerNorm ends every merging, as in Swin V2.
        final_norm: Whether there is a norm after the last stage; without it ``norm`` is an identity.

    Raises:
        ValueError: If settings contradict each other.

    Example:
        >>> encoder = SwinTransformerV2(spatial_dims=3, in_channels=1, img_size=96, embed_dim=24, num_heads=(2,) * 4)
        >>> [tuple(m.shape) for m in encoder(torch.zeros(1, 1, 96, 96, 96))][-1]
        (1, 192, 3, 3, 3)
    """

    tasks: tuple[str, ...]

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
        tasks: Sequence[str] = ("features",),
        experts: Sequence[str] = ("shared",),
        moe_stages: Sequence[int] = (),
        expert_ratio: float | None = None,
        task_stages: int = 0,
        temperature: float = 1.0,
        top_k: int | None = None,
        checkpoint_stages: Sequence[int] = (),
        patch_embed: Callable[[int, int, int, int], nn.Module] = PatchEmbed,
        merging_norm: bool = True,
        final_norm: bool = True,
    ) -> None:
        super().__init__()
        stages = len(depths)
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, got {spatial_dims}.")
        if len(num_heads) != stages:
            raise ValueError(f"depths {tuple(depths)} and num_heads {tuple(num_heads)} must name the same stages.")
        if pretrained_window_sizes is not None and len(pretrained_window_sizes) != stages:
            raise ValueError(f"pretrained_window_sizes {tuple(pretrained_window_sizes)} must name {stages} stages.")
        for name, indices in (("moe_stages", moe_stages), ("checkpoint_stages", checkpoint_stages)):
            if not set(indices) <= set(range(stages)):
                raise ValueError(f"{name} {tuple(indices)} must lie in 0 to {stages - 1}.")
        if not 0 <= task_stages <= stages:
            raise ValueError(f"task_stages must lie in 0 to {stages}, got {task_stages}.")
        window = ensure_tuple_rep(window_size, spatial_dims)
        if min(window) < 1 or patch_size < 1:
            raise ValueError(f"window_size and patch_size must be at least 1, got {window} and {patch_size}.")
        size = ensure_tuple_rep(img_size, spatial_dims)
        if min(size) < patch_size:
            raise ValueError(f"An image of {size} voxels is smaller than a patch of {patch_size}.")

        self.spatial_dims = spatial_dims
        self.tasks = tuple(tasks)
        self.checkpoint_stages = frozenset(checkpoint_stages)
        self.mask_dim = embed_dim
        self.patch_size = patch_size
        self.num_features = embed_dim * 2 ** (stages - 1)
        self.fusion_dims = (*(embed_dim * 2**i for i in range(1, stages)), self.num_features)
        self.stride = patch_size * 2 ** (stages - 1)
        # Until a gate tells streams apart they would be copies of one another.
        parted = [i for i in range(stages - task_stages, stages) if i in moe_stages]
        self.first_parted_stage = min(parted, default=stages)
        self.parts_streams = bool(parted)

        self.patch_embed = patch_embed(spatial_dims, in_channels, embed_dim, patch_size)
        self.pos_drop = nn.Dropout(drop_rate)
        drop_path_rates = calculate_drop_path_rates(drop_path_rate, list(depths), stagewise=True)

        def make_mlp(dim: int, with_experts: bool) -> nn.Module:
            if not with_experts:
                return Mlp(dim, int(mlp_ratio * dim), drop=drop_rate)
            hidden = int((mlp_ratio if expert_ratio is None else expert_ratio) * dim)
            return MMoE(dim, hidden, experts=experts, tasks=tasks, temperature=temperature, top_k=top_k, drop=drop_rate)

        self.layers = nn.ModuleList(
            SwinTransformerV2Stage(
                i,
                embed_dim * 2**i,
                num_heads[i],
                window,
                drop_path_rates[i],
                partial(make_mlp, embed_dim * 2**i, i in moe_stages),
                qkv_bias=qkv_bias,
                attn_drop=attn_drop_rate,
                proj_drop=drop_rate,
                pretrained_window_size=None if pretrained_window_sizes is None else pretrained_window_sizes[i],
                merging_norm=merging_norm,
            )
            for i in range(stages)
        )
        self.norm = nn.LayerNorm(self.num_features) if final_norm else nn.Identity()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise as timm does: truncated normal layers, and block norms at zero."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, SwinTransformerV2Block):
                for norm in (module.norm1, module.norm2):
                    nn.init.zeros_(norm.weight)
                    nn.init.zeros_(norm.bias)

    def no_weight_decay(self) -> set[str]:
        """Names of the parameters that Swin V2's recipe exempts from weight decay, beside vectors; as in timm."""
        return {name for name, _ in self.named_parameters() if "cpb_mlp" in name or "logit_scale" in name}

    def embed(self, x: Tensor) -> Tensor:
        """Turn an image ``(B, C, *S)`` into tokens ``(B, *G, D)``, G = ceil(S / patch_size) along each axis."""
        if x.ndim != self.spatial_dims + 2:
            raise ValueError(f"Expected (B, C) and {self.spatial_dims} spatial axes, got shape {tuple(x.shape)}.")
        tokens: Tensor = self.pos_drop(self.patch_embed(x))
        return tokens

    def run_stages(
        self,
        tokens: Tensor,
        tasks: Sequence[str] | None = None,
        guidance: Tensor | None = None,
        fusion: Fusion | None = None,
    ) -> tuple[list[Tensor], list[Routing]]:
        """Run all stages on embedded tokens; arguments and result as in :class:`Encoder`."""
        tasks = self.tasks if tasks is None else tuple(tasks)
        if not tasks or not set(tasks) <= set(self.tasks):
            raise ValueError(f"Expected one or more of the tasks {self.tasks}, got {tasks}.")
        streams: list[Sequence[str]] = [tasks]
        maps: list[Tensor] = []
        routing: list[Routing] = []
        for i, stage in enumerate(self.layers):
            assert isinstance(stage, SwinTransformerV2Stage)
            tokens = stage.downsample(tokens)
            if fusion is not None and fusion.stage == i - 1:
                tokens = fusion(tokens, len(streams))
            if i == self.first_parted_stage:
                streams = [(task,) for task in tasks]
                tokens = tokens.repeat(len(streams), *[1] * (tokens.ndim - 1))
            if i in self.checkpoint_stages and self.training and torch.is_grad_enabled():
                tokens, gates = checkpoint(stage, tokens, streams, guidance, use_reentrant=False)
            else:
                tokens, gates = stage(tokens, streams, guidance)
            maps.append(tokens)
            routing += gates
        if fusion is not None and fusion.stage == len(maps) - 1:
            maps[-1] = fusion(maps[-1], len(streams))
        return maps, routing

    def forward(self, x: Tensor) -> list[Tensor]:
        """Compute the features of every stage.

        Args:
            x: Image, ``(B, C, *S)``.

        Returns:
            One map per stage, ``(B, D * 2^i, *G_i)``: its output before merging and without a norm.
        """
        maps, _ = self.run_stages(self.embed(x))
        return [tokens.movedim(-1, 1) for tokens in maps]

    def forward_features(self, x: Tensor) -> Tensor:
        """Compute the last stage's map and apply the final norm.

        Args:
            x: Image, ``(B, C, *S)``.

        Returns:
            Map, ``(B, num_features, *G)``, channels first as from :meth:`forward`; timm's are channels last.
        """
        maps, _ = self.run_stages(self.embed(x))
        normalised: Tensor = self.norm(maps[-1])
        return normalised.movedim(-1, 1)
