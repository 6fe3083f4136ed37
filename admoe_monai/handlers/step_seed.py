"""Seeds for whatever draws from the global generators inside a step: dropout and drop-path."""

from __future__ import annotations

import random

import numpy as np
import torch
from ignite.engine import Engine, Events


class StepSeed:
    """Make each step's random numbers a function of (seed, step), so that a resumed run draws the same ones.

    Args:
        seed: Seed of the run.
        stream: Number that tells phases apart, e.g. the first epoch of the phase.
        rank: Rank of the process; each draws numbers of its own.
    """

    def __init__(self, seed: int, stream: int = 0, rank: int = 0) -> None:
        self.position = (seed, stream, rank)

    def attach(self, engine: Engine) -> None:
        """Register for the start of every iteration."""
        engine.add_event_handler(Events.ITERATION_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Seed torch, numpy and Python for the iteration that begins."""
        seed = int(np.random.SeedSequence((*self.position, engine.state.iteration)).generate_state(1)[0])
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 the global generator is what third-party code may draw from
        random.seed(seed)
