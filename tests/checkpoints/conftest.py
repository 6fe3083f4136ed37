"""A small whole checkpoint."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import FINETUNE, FORMAT_VERSION


@pytest.fixture
def contents() -> dict[str, Any]:
    """Of finetuning, after epoch 3."""
    network = torch.nn.Linear(6, 3)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    network(torch.ones(2, 6)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "iteration": 24,
        "epoch_length": 6,
        "model_state_dict": network.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "scheduler_state_dict": {"last_epoch": 24},
        "best_val_acc": 0.625,
        "is_pretrain": False,
        "phase": FINETUNE,
        "decoder_removed": True,
        "format_version": FORMAT_VERSION,
        "parameter_names": ["weight", "bias"],
        "training_state": {"count": 0},
        "settings": {"seed": 42},
        "digests": {"datalist": "0" * 16},
        "environment": {"torch": "2.15"},
    }
