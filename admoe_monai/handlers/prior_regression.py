"""Finetuning that begins with the answer of a regression on the clinical prior. Axis letters: N visits, P prior, K classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ignite import distributed as idist
from ignite.engine import Engine, Events
from numpy.typing import NDArray
from torch import nn

logger = logging.getLogger(__name__)

#: Function of values ``(N, P)``, labels ``(N,)``, K and the classes' weights that returns weights ``(K, P)`` and bias ``(K,)``.
Fit = Callable[[NDArray[Any], NDArray[Any], int, Sequence[float] | None], tuple[NDArray[Any], NDArray[Any]]]


class PriorRegression:
    """Set the heads of the prior before the first step of a phase, and those of the image to zero.

    A network that has to find out by gradient descent what a few numbers say is, on the data of a few hundred people, worse
    than a regression on them. One that begins as that regression has the image left to learn.

    A phase that goes on in its middle has its heads from the checkpoint; heads that have been trained before, in another run,
    are left as they are.

    Args:
        prior_heads: Linear layer of each task over the prior.
        heads: Linear layer of each task over the image.
        visits: Training visits with ``prior``, ``(P,)`` with NaN where unknown, and a label per task, -1 where unknown.
        fit: Fits the regression. Missing values are given to it as 0, the mean, as which their stand-ins begin.
        class_weights: Weight of each class in the loss, per task: a regression under other weights would not be where the
            loss is lowest, and the first steps would leave it.
    """

    def __init__(
        self,
        prior_heads: Mapping[str, nn.Linear],
        heads: Mapping[str, nn.Linear],
        visits: Iterable[Mapping[str, Any]],
        fit: Fit,
        class_weights: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.prior_heads = dict(prior_heads)
        self.heads = dict(heads)
        self.visits = visits
        self.fit = fit
        self.class_weights = dict(class_weights or {})

    def attach(self, engine: Engine) -> None:
        """Register for the start of the run."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the heads, unless the phase is under way."""
        fresh = {task: head for task, head in self.prior_heads.items() if not head.weight.any()}
        if engine.state.iteration > 0 or not fresh:
            return
        visits = list(self.visits)
        values = np.nan_to_num(np.array([np.asarray(visit["prior"], dtype=np.float64) for visit in visits]))
        for task, head in fresh.items():
            labels = np.array([int(visit[task]) for visit in visits])
            known = labels >= 0
            if len(set(labels[known])) < 2:
                logger.warning("%s: fewer than two classes to begin with a regression on the prior", task)
                continue
            fitted = self.fit(values[known], labels[known], head.out_features, self.class_weights.get(task))
            weight, bias = (torch.from_numpy(np.asarray(part)).to(head.weight) for part in fitted)
            if idist.get_world_size() > 1:
                # Each process has seen all visits, perhaps with other rounding.
                weight, bias = idist.broadcast(weight, src=0), idist.broadcast(bias, src=0)
            with torch.no_grad():
                head.weight.copy_(weight)
                head.bias.copy_(bias)
                self.heads[task].weight.zero_()
                self.heads[task].bias.zero_()
            logger.info("%s begins with a regression on the prior of %d labelled visits", task, int(known.sum()))
