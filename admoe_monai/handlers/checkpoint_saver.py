"""Collection of a phase's state, and the saving of it in checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from ignite.engine import Engine, Events
from monai.optimizers import WarmupCosineSchedule
from torch import nn
from torch.optim import Optimizer

from admoe_monai.run_files import periodic

from .acting_last import act_last
from .cadence import Cadence
from .training_state import TrainingState

Save = Callable[[str, Mapping[str, Any]], None]


class Stateful(Protocol):
    """Object that a checkpoint can hold: it gives its state as tensors and plain Python, and takes it back."""

    def state_dict(self) -> Mapping[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: Any) -> Any:
        """Take over a state."""


def parameter_names(network: nn.Module, optimizer: Optimizer) -> list[str]:
    """Name the parameters of an optimizer in the order of its groups.

    Args:
        network: Network that owns the parameters.
        optimizer: Optimizer over some or all of them.

    Raises:
        ValueError: If the optimizer holds a parameter that is not the network's.
    """
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    owned = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if any(id(parameter) not in names for parameter in owned):
        raise ValueError("the optimizer holds a parameter that the network does not have (any more)")
    return [names[id(parameter)] for parameter in owned]


class CheckpointSaver:
    """Save complete checkpoints: periodic ones by the cadence, others when asked.

    Listed after the schedule's step, the validation and the row of metrics.csv, so that a file describes a completed epoch
    and nothing that belongs to the epoch is still to be written when a run goes on from it. Handlers that an overlay
    appends act before it all the same, for their state may be in the file.

    Args:
        save: Function that receives a file name and the contents; it adds what the run knows and writes the file.
        network: Network without any wrapper for distributed training, so that names are the same everywhere.
        phase: Name of the phase as the checkpoint states it.
        is_pretrain: Whether the phase is the first of the two.
        cadence: Cadence of the periodic checkpoints.
        further: Other objects whose state an exact resume needs, by the name that the checkpoint gives each.
        evaluated: Name of one of these whose `network`, with its weights as `model_state_dict` in its state, is validated,
            evaluated and exported in place of the trained one; None for the trained network itself.

    Raises:
        ValueError: If something in `further` has no state, or `evaluated` no network.
    """

    def __init__(
        self,
        save: Save,
        network: nn.Module,
        optimizer: Optimizer,
        lr_scheduler: WarmupCosineSchedule,
        training_state: TrainingState,
        phase: str,
        is_pretrain: bool,
        cadence: Cadence,
        further: Mapping[str, Stateful] = MappingProxyType({}),
        evaluated: str | None = None,
    ) -> None:
        for name, part in further.items():
            if not all(callable(getattr(part, method, None)) for method in ("state_dict", "load_state_dict")):
                raise ValueError(f"saver::further::{name} has no state_dict and load_state_dict: {type(part).__name__}")
        self._save = save
        self.network = network
        self.optimizer = optimizer
        self.lr_scheduler = lr_scheduler
        self.training_state = training_state
        self.phase = phase
        self.is_pretrain = is_pretrain
        self.cadence = cadence
        self.further = dict(further)
        self.evaluated = evaluated
        self.evaluated_network = network if evaluated is None else self._network_of(evaluated)
        self._requested: list[str] = []

    def _network_of(self, name: str) -> nn.Module:
        part = self.further.get(name)
        found = getattr(part, "network", None)
        if part is None or not isinstance(found, nn.Module) or "model_state_dict" not in part.state_dict():
            raise ValueError(
                f"saver::evaluated is '{name}', but saver::further has no network of that name to evaluate"
            )
        return found

    def attach(self, engine: Engine) -> None:
        """Register for the end of every epoch."""
        act_last(engine, Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Save what was requested, then a periodic checkpoint if one is due; an early stop makes an epoch the last.

        In this order, because a kill in between would otherwise leave a best file stale for ever.
        """
        while self._requested:
            self.save(engine, self._requested.pop(0))
        epoch = self.training_state.epoch_of(engine.state.epoch)
        if self.cadence.is_due(epoch) or self.training_state.stopped_early:
            self.save(engine, periodic(epoch))

    def request(self, name: str) -> None:
        """Have the state at the end of this epoch saved under a further name.

        Args:
            name: File name within the run directory.
        """
        self._requested.append(name)

    def save(self, engine: Engine, name: str) -> None:
        """Save the state at this moment.

        Args:
            engine: Engine whose position the file states: the trainer.
            name: File name within the run directory.
        """
        self._save(name, self.contents(engine))

    def contents(self, engine: Engine) -> dict[str, Any]:
        """Collect the phase's part of a checkpoint.

        Args:
            engine: Trainer; in the middle of an epoch, `epoch` is the last completed one.
        """
        completed = engine.state.iteration // engine.state.epoch_length
        weights = self.network.state_dict()
        further = {name: dict(part.state_dict()) for name, part in self.further.items()}
        return {
            "epoch": self.training_state.epoch_of(completed),
            "iteration": engine.state.iteration,
            "epoch_length": engine.state.epoch_length,
            "model_state_dict": dict(weights),
            "optimizer_state_dict": self.optimizer.state_dict(),
            "scheduler_state_dict": self.lr_scheduler.state_dict(),
            "parameter_names": parameter_names(self.network, self.optimizer),
            "training_state": self.training_state.state_dict(),
            "best_val_acc": float(self.training_state.best_val_acc),
            "is_pretrain": self.is_pretrain,
            "phase": self.phase,
            "decoder_removed": not any(name.startswith("decoder.") for name in weights),
            # Absent where there are none, as in the files of runs without overlays.
            **({"further": further} if further else {}),
            **({"evaluated": self.evaluated} if self.evaluated is not None else {}),
        }
