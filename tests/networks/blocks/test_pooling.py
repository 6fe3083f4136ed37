from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from admoe_monai.networks.blocks.pooling import POOLINGS, AveragePooling, SpatiallyWeightedPooling, make_pooling
from admoe_monai.networks.nets import AlzheimerMMoE, FeatureMapEncoder, PlainCNN, SwinTransformerV2

GRID = (3, 2, 4)


def test_the_average_is_the_mean_over_all_places() -> None:
    tokens = torch.randn(2, *GRID, 5)
    assert torch.allclose(AveragePooling()(tokens), tokens.mean((1, 2, 3)), atol=1e-6)


def test_weights_are_applied_to_what_sets_people_apart_at_each_place() -> None:
    pooling = SpatiallyWeightedPooling(5, GRID, gain=16.0).double()
    with torch.no_grad():
        pooling.excess.normal_()
    tokens = 3 + torch.randn(7, *GRID, 5, dtype=torch.float64)
    apart = (tokens - tokens.mean(0)) / (tokens.var(0, correction=0) + 1e-5).sqrt()
    weights = (1 + 16 * pooling.excess) / 24**0.5
    assert torch.allclose(pooling(tokens), (apart * weights).sum((1, 2, 3)), atol=1e-12)
    # The running statistics of PyTorch: a tenth of the batch, with the unbiased variance.
    mean, variance = 0.1 * tokens.mean(0), 0.9 + 0.1 * tokens.var(0)
    other = torch.randn(2, *GRID, 5, dtype=torch.float64)
    expected = ((other - mean) / (variance + 1e-5).sqrt() * weights).sum((1, 2, 3))
    assert torch.allclose(pooling.eval()(other), expected, atol=1e-12)


def test_what_all_people_share_changes_nothing() -> None:
    pooling, tokens = SpatiallyWeightedPooling(5, GRID).double(), torch.randn(4, *GRID, 5, dtype=torch.float64)
    assert torch.allclose(pooling(tokens), pooling(tokens + 10 * torch.randn(1, *GRID, 5)), atol=1e-9)


def test_a_batch_of_one_is_normalised_by_what_was_seen_before() -> None:
    pooling, one = SpatiallyWeightedPooling(5, GRID), torch.randn(1, *GRID, 5)
    pooling(torch.randn(6, *GRID, 5))
    before = pooling.state_dict()["apart.running_mean"].clone()
    in_training = pooling.train()(one)
    assert torch.equal(pooling.state_dict()["apart.running_mean"], before)
    assert torch.equal(in_training, pooling.eval()(one))


def test_a_place_is_found_that_an_average_can_not_see() -> None:
    """The same structure lies at one of two places: its average says nothing, its place everything."""
    torch.manual_seed(0)
    labels = torch.arange(40) % 2
    tokens = 0.1 * torch.randn(40, *GRID, 5)
    tokens[labels == 0, 0, 0, 0] += 1
    tokens[labels == 1, 2, 1, 3] += 1
    accuracy = {}
    for name in POOLINGS:
        pooling, head = make_pooling(5, GRID, name), torch.nn.Linear(5, 2)
        optimizer = torch.optim.Adam([*pooling.parameters(), *head.parameters()], lr=0.05)
        for _ in range(60):
            loss = F.cross_entropy(head(pooling(tokens)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracy[name] = (head(pooling.eval()(tokens)).argmax(1) == labels).float().mean().item()
    assert accuracy["weighted"] == 1.0
    assert accuracy["average"] < 0.8


def test_what_can_not_be_pooled_is_named() -> None:
    with pytest.raises(ValueError, match="must be one of average, weighted, got 'max'"):
        make_pooling(5, GRID, "max")
    with pytest.raises(ValueError, match=r"a grid of \(3, 2, 4\) tokens.*got a grid of \(3, 2, 3\)"):
        SpatiallyWeightedPooling(5, GRID)(torch.randn(1, 3, 2, 3, 5))
    with pytest.raises(ValueError, match="says how many tokens"):
        AlzheimerMMoE(
            FeatureMapEncoder(PlainCNN(2, 1, (4, 8)), 8), {"a": 2}, pooling=partial(make_pooling, name="weighted")
        )


@pytest.mark.parametrize(("spatial_dims", "size"), [(2, (13, 20)), (3, (13, 20, 9))])
def test_a_transformer_says_with_which_grid_it_ends(spatial_dims: int, size: tuple[int, ...]) -> None:
    encoder = SwinTransformerV2(
        spatial_dims, 1, size, 2, 8, (1, 1), (1, 2), 4, tasks=("reconstruction", "a"), final_norm=False
    )
    tokens = encoder.run_stages(encoder.embed(torch.zeros(1, 1, *size)))[0][-1]
    assert tokens.shape[1:-1] == encoder.grid
    network = AlzheimerMMoE(encoder, {"a": 2}, pooling=partial(make_pooling, name="weighted"))
    assert network(torch.randn(2, 1, *size), ("a",))["a"].shape == (2, 2)
