"""The training data as a pure function of (seed, epoch, index): no generator state goes from one item to the next.

Whatever served the items before, how many workers there are and whether they persist has no influence, so that a run
that was stopped anywhere continues with exactly the items that it would have seen.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from monai.data import Dataset
from monai.transforms import Randomizable
from torch.utils.data import Sampler

Key = tuple[int, int]


def position_seed(*position: int) -> int:
    """Mix non-negative integers into one seed of 32 bits (numpy's `SeedSequence`, stable across machines).

    Args:
        position: where in the run the random numbers are drawn, e.g. seed, epoch and index.
    """
    return int(np.random.SeedSequence(position).generate_state(1)[0])


def leave_signals_to_main(worker: int) -> None:
    """Have a loader's worker ignore the signals that end a run, which schedulers and Ctrl-C send to every process.

    The main process finishes its step, for which it needs the worker, and then dismisses it. Nothing is seeded here, as
    MONAI's function for workers does: an item's transforms are seeded when it is drawn.

    Args:
        worker: its number, which PyTorch passes.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


class EpochSampler(Sampler[Key]):
    """Serves the keys `(epoch, index)` of one epoch, in an order drawn from (seed, epoch) alone.

    The key carries the epoch because `set_epoch` never reaches workers that persist between epochs.

    Args:
        length: number of items of the data set.
        seed: of the run.
        shuffle: whether each epoch has an order of its own; otherwise the items come as they stand, all under epoch 0,
            so that what is random in them (the masks of a validation) is the same each time.
        num_replicas: number of processes among which an epoch is divided.
        rank: which of them this is. The order is padded with its own beginning so that all have the same number.

    Raises:
        ValueError: for an empty data set or a rank outside `num_replicas`.
    """

    def __init__(
        self, length: int, *, seed: int = 0, shuffle: bool = True, num_replicas: int = 1, rank: int = 0
    ) -> None:
        if length < 1:
            raise ValueError(f"length must be positive, got {length}")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"rank must lie in [0, {num_replicas}), got {rank}")
        self.length = length
        self.seed = seed
        self.shuffle = shuffle
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.start = 0

    def set_position(self, epoch: int, start: int = 0) -> None:
        """Choose what the next iteration serves.

        Args:
            epoch: counted from 0.
            start: number of items of this rank to leave out, because an interrupted epoch has already seen them.
        """
        self.epoch = epoch
        self.start = start

    def __iter__(self) -> Iterator[Key]:
        epoch = self.epoch if self.shuffle else 0
        order: Sequence[int] = range(self.length)
        if self.shuffle:
            order = np.random.RandomState(position_seed(self.seed, epoch)).permutation(self.length).tolist()
        padding = -self.length % self.num_replicas
        order = [*order, *(order[i % self.length] for i in range(padding))]
        start, self.start = self.start, 0
        for index in order[self.rank :: self.num_replicas][start:]:
            yield epoch, index

    def __len__(self) -> int:
        return -(-self.length // self.num_replicas)


class SeededDataset(Dataset):
    """A data set whose random transforms are seeded anew for every item from (seed, epoch, index).

    Args:
        data: items, or anything indexable that produces them (see `PreprocessedStore`).
        transform: applied to each item; every `Randomizable` in it is seeded.
        seed: of the run.
    """

    def __init__(self, data: Sequence[Any], transform: Callable[[Any], Any], *, seed: int = 0) -> None:
        super().__init__(data, transform)
        self.seed = seed

    def __getitem__(self, key: Key | int) -> Any:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        item = self.data[index]
        if isinstance(self.transform, Randomizable):
            # The index enters next to last so that (seed, epoch, index) never meets the (seed, epoch) of the order.
            self.transform.set_random_state(seed=position_seed(self.seed, epoch, index, 1))
        return self.transform(item)
