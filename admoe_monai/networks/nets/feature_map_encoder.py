"""Any backbone that returns feature maps as an encoder: CNNs, Swin V1 and whatever else MONAI has.

Axis letters: B batch, C channels, D width of a token, *S spatial axes, *G positions along each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ..layers.gating import Routing
from .encoder import Encoder, Fusion


class FeatureMapEncoder(Encoder):
    """The last feature map of a backbone as tokens, for the heads and the prior of this package.

    There are no experts, and the backbone's input can't be masked token by token: no reconstruction.

    Args:
        backbone: Turns ``(B, C, *S)`` into a map ``(B, D, *G)`` or a list of maps, of which the last is taken.
        num_features: Channels D of that map.

    Raises:
        ValueError: If the backbone returns something else.

    Example:
        >>> backbone = monai.networks.nets.ResNetFeatures("resnet10", pretrained=False)
        >>> FeatureMapEncoder(backbone, 512).embed(torch.zeros(1, 1, 64, 64, 64)).shape
        torch.Size([1, 2, 2, 2, 512])
    """

    def __init__(self, backbone: nn.Module, num_features: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.num_features = num_features
        self.fusion_dims = (num_features,)

    def embed(self, x: Tensor) -> Tensor:
        """Turn an image ``(B, C, *S)`` into tokens ``(B, *G, D)``: all that there is to compute, but for a fusion."""
        maps = self.backbone(x)
        last = maps[-1] if isinstance(maps, (list, tuple)) else maps
        if not isinstance(last, Tensor) or last.ndim != x.ndim or last.shape[1] != self.num_features:
            found = tuple(last.shape) if isinstance(last, Tensor) else type(last).__name__
            raise ValueError(
                f"{type(self.backbone).__name__} must return a map (B, {self.num_features}) with {x.ndim - 2} spatial "
                f"axes or a list of maps that ends with one, got {found}."
            )
        return last.movedim(1, -1)

    def run_stages(
        self,
        tokens: Tensor,
        tasks: Sequence[str] | None = None,
        guidance: Tensor | None = None,
        fusion: Fusion | None = None,
    ) -> tuple[list[Tensor], list[Routing]]:
        """Let a prior meet the tokens; arguments as in :class:`Encoder`, guidance has nothing to guide here."""
        return [tokens if fusion is None else fusion(tokens, 1)], []
