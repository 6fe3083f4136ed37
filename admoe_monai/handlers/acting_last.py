"""Registration at the end of an event's handlers, for those that record the results of all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ignite.engine import Engine, Events


def act_last(engine: Engine, event: Events, handler: Callable[..., Any]) -> None:
    """Register a handler behind all that are listed, in whatever order; several stay in the order of these calls.

    Handlers of one event act in the order of their registration, and overlays append theirs to the list: registered with
    them, a handler that saves would miss what they make of the step that has just ended.

    Args:
        engine: Engine that fires the event, the trainer as a rule.
        event: Event at which the handler acts.
        handler: Function called with the engine.
    """

    def register(engine: Engine) -> None:
        if not engine.has_event_handler(handler, event):
            engine.add_event_handler(event, handler)

    engine.add_event_handler(Events.STARTED, register)
