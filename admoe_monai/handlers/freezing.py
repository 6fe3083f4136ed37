"""Parts of the network that a phase leaves as they are."""

from __future__ import annotations

import logging
import re

from ignite.engine import Engine, Events
from torch import nn

from admoe_monai.errors import UserError

logger = logging.getLogger(__name__)


class Freezing:
    """Freeze parameters while a phase is trained.

    They get no gradients, so that neither the optimizer nor its weight decay moves them; dropout acts as ever. The phases share
    one network: at the end of the phase the parameters can be trained again.

    Args:
        network: Network that is trained.
        parameters: Regular expression that names of parameters begin with, such as `encoder.` or `encoder.stages.0.`.

    Raises:
        UserError: If it fits no name, or all of them.
    """

    def __init__(self, network: nn.Module, parameters: str) -> None:
        named = {name: p for name, p in network.named_parameters() if re.match(parameters, name)}
        trained = sum(p.numel() for name, p in network.named_parameters() if name not in named)
        if not named or not trained:
            parts = ", ".join(name for name, _ in network.named_children())
            which = "no parameter" if not named else "every parameter"
            raise UserError(f"freezing '{parameters}' fits {which} of the network; its parts are {parts}")
        self._frozen = list(named.values())
        self._line = (
            f"Frozen: {sum(p.numel() for p in self._frozen):,} parameters, '{parameters}'; trained: {trained:,}"
        )

    def attach(self, engine: Engine) -> None:
        """Register for the start and the end of training."""
        engine.add_event_handler(Events.STARTED, self._freeze)
        engine.add_event_handler(Events.COMPLETED, self._release)

    def _freeze(self, engine: Engine) -> None:
        logger.info("%s", self._line)
        self._set(False)

    def _release(self, engine: Engine) -> None:
        self._set(True)

    def _set(self, trained: bool) -> None:
        for parameter in self._frozen:
            parameter.requires_grad_(trained)
