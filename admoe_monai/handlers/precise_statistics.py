"""Running statistics of batch norm that fit the weights as they are, whenever the network is validated."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines.utils import PrepareBatch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class PreciseStatistics:
    """Measure means and variances of all batch norms over training visits before each validation; without any, do nothing.

    In training a batch norm takes away what the batch at hand has in common; in evaluation, what the last batches had in
    common, seen by weights that have moved on since. Where thousands of features are summed, that offset is larger than
    what sets people apart, and a network that learns well is validated as if it had learned nothing (Wu and Johnson 2021,
    arXiv:2105.07576). Training itself never reads what is measured here.

    Args:
        network: Network that is trained; the evaluator may run another one with the same norms, such as its average.
        loader: Batches of the training visits without augmentation, always in one order.
        prepare_batch: Function that splits a batch into image, labels and arguments of the network.
        inferer: Inferer that runs the network as in training.
        batches: How many batches to look at.
    """

    def __init__(
        self,
        network: nn.Module,
        loader: Iterable[dict[str, Any]],
        prepare_batch: PrepareBatch,
        inferer: Any,
        batches: int = 32,
    ) -> None:
        self.needed = any(isinstance(module, _BatchNorm) for module in network.modules())
        self.loader = loader
        self.prepare_batch = prepare_batch
        self.inferer = inferer
        self.batches = batches

    def attach(self, engine: Engine) -> None:
        """Register for the start of every run of an evaluator."""
        if self.needed:
            engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Measure them, of the network that the evaluator runs."""
        network: nn.Module = engine.network
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        device, training = next(network.parameters()).device, network.training
        momenta = [norm.momentum for norm in norms]
        # No dropout and no random number: only the norms look at batches as in training, and average over all of them.
        # (torch.optim.swa_utils.update_bn puts dropout to training as well, and hands a whole item to the network.)
        network.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        try:
            with torch.no_grad():
                for batch in islice(self.loader, self.batches):
                    image, _, arguments, named = self.prepare_batch(batch, device)
                    self.inferer(image, network, *arguments, **named)
        finally:
            network.train(training)
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
