"""What is served depends on seed, epoch and index alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.transforms import Compose, RandScaleIntensity
from torch.utils.data import DataLoader

from admoe_monai.data import EpochSampler, SeededDataset


def served(epochs: tuple[int, ...], workers: int = 0, start: int = 0) -> list[Any]:
    transform = Compose([RandScaleIntensity(factors=0.5, prob=0.9)])
    dataset = SeededDataset([torch.full((1, 2), float(i + 1)) for i in range(5)], transform, seed=3)
    sampler = EpochSampler(5, seed=3)
    loader = DataLoader(dataset, batch_size=1, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)
    batches = []
    for epoch in epochs:
        sampler.set_position(epoch, start)
        batches += [batch.flatten().tolist() for batch in loader]
    return batches


def test_workers_that_persist_change_nothing() -> None:
    assert served((0, 1), workers=2) == served((0, 1))


def test_an_epoch_does_not_depend_on_those_before() -> None:
    assert served((0, 1))[5:] == served((1,))
    assert served((0,)) != served((1,))


def test_start_leaves_out_what_was_seen() -> None:
    assert served((1,), start=2) == served((1,))[2:]


def test_ranks_share_an_epoch() -> None:
    keys = [key for rank in (0, 1) for key in EpochSampler(5, num_replicas=2, rank=rank)]
    assert len(keys) == 6
    assert {index for _, index in keys} == set(range(5))


@pytest.mark.parametrize("arguments", [{"length": 0}, {"length": 2, "rank": 1}, {"length": 2, "rank": -1}])
def test_bad_arguments_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        EpochSampler(**arguments)
