"""Hardware and software under which a run promises the same bits."""

from __future__ import annotations

import platform
from typing import Any

import monai
import numpy as np
import torch

import admoe_monai
from admoe_monai.errors import UserError

from .processes import local_rank, world_size


def choose_device(name: str | None) -> torch.device:
    """Choose the device to train on.

    Args:
        name: Name such as cuda, cuda:1 or cpu; None takes the GPU if there is one, and each process of a machine its own.

    Raises:
        UserError: If there is no such device.
    """
    try:
        own = f"cuda:{local_rank()}" if world_size() > 1 else "cuda"
        device = torch.device(name or (own if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {name!r} can't be used here: {str(error).splitlines()[0]}") from error
    return device


def environment(device: torch.device) -> dict[str, Any]:
    """Collect what checkpoints record of the machine; a resumed run is exact only where it is the same.

    Args:
        device: Device that the run trains on.
    """
    return {
        "admoe_monai": admoe_monai.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "monai": monai.__version__,
        "numpy": np.__version__,
        "processor": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "device": device.type if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "world_size": world_size(),
    }
