from __future__ import annotations

import pytest
import torch
from torch import Tensor

from admoe_monai.networks.nets import SwinTransformerV2, swin_v2_from_timm


def timm_like() -> dict[str, Tensor]:
    net = SwinTransformerV2(2, 3, 16, 4, 4, (2, 2), (1, 2), 4)
    return {**net.state_dict(), "head.fc.weight": torch.zeros(10, 8), "head.fc.bias": torch.zeros(10)}


def test_the_head_and_derived_tables_are_left_out() -> None:
    tables = {
        "layers.0.blocks.1.attn_mask": torch.zeros(1),
        "layers.0.blocks.0.attn.relative_position_index": torch.zeros(1),
        "layers.0.blocks.0.attn.relative_coords_table": torch.zeros(1),
    }
    net = SwinTransformerV2(2, 3, 16, 4, 4, (2, 2), (1, 2), 4)
    net.load_state_dict(swin_v2_from_timm({**timm_like(), **tables}), strict=True)


@pytest.mark.parametrize("name", ["layers.0.blocks.0.mlp.fc3.weight", "model", "patch_embed.proj.weight2"])
def test_an_entry_of_another_model_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        swin_v2_from_timm({**timm_like(), name: torch.zeros(1)})


def test_merging_at_the_end_of_a_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="end of a stage"):
        swin_v2_from_timm({**timm_like(), "layers.0.downsample.reduction.weight": torch.zeros(1)})
