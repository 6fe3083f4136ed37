"""Remembering tensors that depend on sizes alone, without ever remembering a tensor of a tracer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")

# A network has two window plans per stage at most; training, validation and a few other sizes fit.
CACHED_SIZES = 64


def constant(function: Callable[P, T]) -> Callable[P, T]:
    """Cache a function that builds constant tensors from hashable arguments.

    Derived tables kept as buffers tie a module to one input size. Kept here they serve every size, and every block
    of that size. Under a tracer the function runs anew, since a fake tensor in the cache would outlive its tracer and
    TorchScript's own check wants two equal runs; inference mode is left, since its tensors can't enter a backward.

    Args:
        function: The function to cache.

    Returns:
        The function with a cache of the last results.
    """

    @lru_cache(maxsize=CACHED_SIZES)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
        with torch.inference_mode(False):
            return function(*args, **kwargs)

    def build(*args: P.args, **kwargs: P.kwargs) -> T:
        if torch.compiler.is_compiling() or torch.jit.is_tracing():
            return function(*args, **kwargs)
        return remembered(*args, **kwargs)  # type: ignore[arg-type]

    return build
