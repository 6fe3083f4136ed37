from __future__ import annotations

import os
import signal

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from admoe_monai.data import leave_signals_to_main


class Numbers(Dataset):
    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.tensor([index, os.getpid()])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_workers_serve_on_after_a_signal_to_all_processes(number: int) -> None:
    loader = DataLoader(Numbers(), batch_size=1, num_workers=1, prefetch_factor=1, worker_init_fn=leave_signals_to_main)
    served = []
    for batch in loader:
        index, worker = batch[0].tolist()
        served.append(index)
        if index == 1:
            os.kill(worker, number)
    assert served == list(range(40))
