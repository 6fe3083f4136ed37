from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from admoe_monai.networks.blocks.swin_block import SwinTransformerV2Block
from admoe_monai.networks.blocks.window_attention import WindowAttention

STREAMS = [("features",)]


def make_block(spatial_dims: int, window: int, shifted: bool) -> SwinTransformerV2Block:
    torch.manual_seed(0)
    attention = WindowAttention(8, 2, spatial_dims=spatial_dims)
    block = SwinTransformerV2Block(8, attention, nn.Identity(), window_size=(window,) * spatial_dims, shifted=shifted)
    for parameter in block.parameters():
        parameter.data.normal_(std=0.5)
    return block.double()


def log_spaced(offset: int, extent: int) -> float:
    x = 8 * offset / max(extent - 1, 1)
    return math.copysign(math.log2(1 + abs(x)) / 3, x)


def naive_attention(attention: WindowAttention, x: Tensor, window_size: int, shifted: bool) -> Tensor:
    """Token by token and in original coordinates: who is in whose window follows from floor((p - shift) / window)."""
    size = x.shape[1:-1]
    counts = [math.ceil(length / window_size) for length in size]
    window = [math.ceil(length / count) for length, count in zip(size, counts, strict=True)]
    shift = [w // 2 if shifted and count > 1 else 0 for w, count in zip(window, counts, strict=True)]
    places = list(torch.cartesian_prod(*(torch.arange(length) for length in size)).tolist())
    cells = [tuple((p - s) // w for p, s, w in zip(place, shift, window, strict=True)) for place in places]

    heads, width = attention.num_heads, x.shape[-1] // attention.num_heads
    assert attention.q_bias is not None
    assert attention.v_bias is not None
    q_weight, k_weight, v_weight = attention.qkv.weight.chunk(3)
    out = torch.zeros_like(x)
    for sample, tokens in enumerate(x.flatten(1, -2)):
        q = (tokens @ q_weight.T + attention.q_bias).reshape(-1, heads, width)
        k = (tokens @ k_weight.T).reshape(-1, heads, width)
        v = (tokens @ v_weight.T + attention.v_bias).reshape(-1, heads, width)
        for i, place in enumerate(places):
            others = [j for j, cell in enumerate(cells) if cell == cells[i]]
            offsets = torch.tensor(
                [[log_spaced(a - b, w) for a, b, w in zip(place, places[j], window, strict=True)] for j in others]
            ).to(x)
            bias = 16 * torch.sigmoid(attention.cpb_mlp(offsets))
            mixed = []
            for head in range(heads):
                cosine = torch.cosine_similarity(q[i, head], k[others, head], dim=-1)
                scale = min(float(attention.logit_scale[head]), math.log(100))
                weights = torch.softmax(cosine * math.exp(scale) + bias[:, head], dim=0)
                mixed.append(weights @ v[others, head])
            out[(sample, *place)] = attention.proj(torch.cat(mixed))
    return out


@pytest.mark.parametrize("size", [(5, 4), (6, 3, 5), (4, 4, 2)])
@pytest.mark.parametrize("shifted", [False, True])
def test_windowed_attention_equals_a_naive_one_with_shift_and_padding(size: tuple[int, ...], shifted: bool) -> None:
    block = make_block(len(size), window=3, shifted=shifted)
    x = torch.randn(2, *size, 8, dtype=torch.float64)
    with torch.no_grad():
        # float32 coordinates of the position bias bound the agreement.
        assert torch.allclose(block._attend(x), naive_attention(block.attn, x, 3, shifted), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shifted", [False, True])
def test_padding_has_no_influence(shifted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    block = make_block(3, window=3, shifted=shifted)
    x = torch.randn(1, 5, 4, 4, 8, dtype=torch.float64)
    with torch.no_grad():
        expected = block._attend(x)
        pad = nn.functional.pad
        monkeypatch.setattr("admoe_monai.networks.layers.windows.F.pad", lambda t, p: pad(t, p, value=1e3))
        assert torch.equal(block._attend(x), expected)


def test_logit_scale_is_clamped_at_a_hundred() -> None:
    attention = make_block(2, window=4, shifted=False).attn
    x = torch.randn(1, 1, 16, 8, dtype=torch.float64)
    attention.logit_scale.data.fill_(math.log(100))
    expected = attention(x, (4, 4))
    attention.logit_scale.data.fill_(50.0)
    assert torch.equal(attention(x, (4, 4)), expected)


def test_keys_have_no_bias_and_neither_has_anything_on_request() -> None:
    names = dict(WindowAttention(8, 2, spatial_dims=3, qkv_bias=False).named_parameters())
    assert {"q_bias", "v_bias", "k_bias", "qkv.bias"}.isdisjoint(names)


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="10 can't be shared out among 3"):
        WindowAttention(10, 3, spatial_dims=2)
