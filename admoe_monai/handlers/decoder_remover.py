"""Removal of the decoder from the network between reconstruction and classification."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ignite.engine import Engine, Events
from torch import nn
from torch.optim import Optimizer

logger = logging.getLogger(__name__)


class DecoderRemover:
    """Remove the decoder once the engine has completed, after its last save.

    The optimizer lets go of every parameter too: it would keep the decoder's weights and their moments in memory.

    Args:
        network: Network that loses its decoder in place.
        remove: Function that takes the network and returns the number of parameters removed.
        optimizer: Optimizer of the phase that ends.
    """

    def __init__(self, network: nn.Module, remove: Callable[[nn.Module], int], optimizer: Optimizer) -> None:
        self.network = network
        self.remove = remove
        self.optimizer = optimizer

    def attach(self, engine: Engine) -> None:
        """Register for the end of the run."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Remove the decoder, its gradients and the optimizer's hold on it."""
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer.state.clear()
        for group in self.optimizer.param_groups:
            group["params"] = []
        engine.state.output = None
        removed = self.remove(self.network)
        logger.info("Decoder removed: %s parameters", f"{removed:,}")
