"""Mixed precision around the forward pass, on any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import SimpleInferer


class AutocastInferer(SimpleInferer):
    """Run the network under autocast and hand its outputs to the loss in float32.

    MONAI's engines (1.6.1) autocast on CUDA only and build a gradient scaler for bfloat16, which needs none. float16 is
    not offered: Swin transformers overflow in it.

    Args:
        precision: Name of the precision: "bf16", or None to leave the network in float32.

    Raises:
        ValueError: For another precision.
    """

    def __init__(self, precision: str | None = None) -> None:
        super().__init__()
        if precision not in (None, "bf16"):
            raise ValueError(f"amp must be bf16 or null, got {precision!r}")
        self.precision = precision

    def __call__(self, inputs: torch.Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the network on `inputs`."""
        if self.precision is None:
            return network(inputs, *args, **kwargs)
        with torch.autocast(inputs.device.type, torch.bfloat16):
            return _as_float32(network(inputs, *args, **kwargs))


def _as_float32(output: Any) -> Any:
    if isinstance(output, torch.Tensor):
        return output.float() if output.is_floating_point() else output
    if isinstance(output, dict):
        return {key: _as_float32(value) for key, value in output.items()}
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return type(output)(*(_as_float32(value) for value in output))
    if isinstance(output, (list, tuple)):
        return type(output)(_as_float32(value) for value in output)
    return output
