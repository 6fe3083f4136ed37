from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from admoe_monai.networks.layers.constants import constant


class Adds(nn.Module):
    def __init__(self, table: Callable[[int], Tensor]) -> None:
        super().__init__()
        self.table = table

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table(4)


@pytest.fixture
def table() -> Callable[[int], Tensor]:
    return constant(lambda length: torch.arange(length))


def test_a_constant_is_built_once_per_size(table: Callable[[int], Tensor]) -> None:
    assert table(4) is table(4)
    assert len(table(5)) == 5


def test_an_export_leaves_no_fake_tensor_behind(table: Callable[[int], Tensor]) -> None:
    torch.export.export(Adds(table), (torch.zeros(4),))
    assert type(table(4)) is torch.Tensor
    assert torch.equal(Adds(table)(torch.zeros(4)), torch.arange(4.0))


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:FutureWarning")
def test_a_first_trace_passes_the_tracers_own_check(table: Callable[[int], Tensor]) -> None:
    traced = torch.jit.trace(Adds(table), torch.zeros(4))
    assert torch.equal(traced(torch.ones(4)), torch.arange(4.0) + 1)
