"""Features that start with mean 0 and deviation 1 over the training visits.

A data-dependent initialisation (Krähenbühl et al. 2016, arXiv:1511.06856; Salimans and Kingma 2016, arXiv:1602.07868) of
the norms before the heads. Axis letters: N visits, D width of a feature.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from monai.engines.utils import PrepareBatch
from torch import Tensor, nn
from tqdm import tqdm

logger = logging.getLogger(__name__)

# A feature that hardly differs between people is noise, which a division by its deviation would blow up.
LEAST_OF_MEDIAN = 0.1


class FeatureStandardisation:
    """Set scale and shift of each task's norm before the first step of a phase.

    The average of a feature over all tokens differs between people by a few percent of its size. A head over such
    features mostly sees what all people share: it needs large weights, which magnify every move of the encoder, and
    training stays at chance. As the average of a norm is the norm of the average, scaling the norm is enough, and the
    network stays what it is.

    A phase that goes on in its middle has its norms from the checkpoint and is left alone.

    Args:
        network: Network of which nothing but the norms changes.
        norms: Last norm of each task, with scale and shift.
        heads: Module of each task that receives the averaged features.
        loader: Batches of the training visits without augmentation.
        prepare_batch: Function that splits a batch into image, labels and arguments of the network.
        inferer: Inferer that runs the network as in training.
    """

    def __init__(
        self,
        network: nn.Module,
        norms: Mapping[str, nn.LayerNorm],
        heads: Mapping[str, nn.Module],
        loader: Iterable[dict[str, Any]],
        prepare_batch: PrepareBatch,
        inferer: Any,
    ) -> None:
        self.network = network
        self.norms = dict(norms)
        self.heads = dict(heads)
        self.loader = loader
        self.prepare_batch = prepare_batch
        self.inferer = inferer

    def attach(self, engine: Engine) -> None:
        """Register for the start of the run."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Standardise the features, unless the phase is under way."""
        if engine.state.iteration > 0:
            return
        for task, features in self._features().items():
            # In float64: the deviation is a small difference of large numbers.
            mean, deviation = features.double().mean(0), features.double().std(0, correction=0)
            if idist.get_world_size() > 1:
                # Each process has seen all visits, perhaps with other rounding.
                mean, deviation = idist.broadcast(mean, src=0), idist.broadcast(deviation, src=0)
            scale = deviation.clamp_min(LEAST_OF_MEDIAN * deviation.median().item())
            if not bool((scale > 0).all()):
                logger.warning("Features of %s are the same for all %d visits: left as they are", task, len(features))
                continue
            norm = self.norms[task]
            with torch.no_grad():
                norm.weight.div_(scale.to(norm.weight))
                norm.bias.sub_(mean.to(norm.bias)).div_(scale.to(norm.bias))
            logger.info(
                "Features of %s standardised over %d visits: mean size %.3g, deviation %.3g before",
                task,
                len(features),
                mean.abs().mean(),
                deviation.mean(),
            )

    def _features(self) -> dict[str, Tensor]:
        device = next(self.network.parameters()).device
        features: dict[str, list[Tensor]] = {task: [] for task in self.heads}
        hooks = [
            head.register_forward_pre_hook(lambda _, inputs, task=task: features[task].append(inputs[0].float()))
            for task, head in self.heads.items()
        ]
        training = self.network.training
        self.network.eval()
        try:
            with torch.no_grad():
                for batch in tqdm(self.loader, desc="features", unit="batch", leave=False, disable=None):
                    image, _, arguments, named = self.prepare_batch(batch, device)
                    self.inferer(image, self.network, *arguments, **named)
        finally:
            self.network.train(training)
            for hook in hooks:
                hook.remove()
        return {task: torch.cat(parts) for task, parts in features.items()}
