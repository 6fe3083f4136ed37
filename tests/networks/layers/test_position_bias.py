from __future__ import annotations

import itertools
import math

import pytest
import torch

from admoe_monai.networks.layers.position_bias import relative_positions

CPU = torch.device("cpu")


@pytest.mark.parametrize("pretrained", [None, (7, 7, 7)])
def test_each_pair_finds_the_log_spaced_coordinate_of_its_offset(pretrained: tuple[int, ...] | None) -> None:
    window = (3, 1, 4)
    coordinates, index = relative_positions(window, pretrained, CPU)
    tokens = list(itertools.product(*(range(w) for w in window)))
    pairs = coordinates[index].reshape(len(tokens), len(tokens), 3)
    for (i, a), (j, b) in itertools.product(enumerate(tokens), repeat=2):
        for axis, extent in enumerate(pretrained or window):
            x = 8 * (a[axis] - b[axis]) / max(extent - 1, 1)
            expected = math.copysign(math.log2(1 + abs(x)) / math.log2(8), x)
            assert float(pairs[i, j, axis]) == pytest.approx(expected, abs=1e-6)
