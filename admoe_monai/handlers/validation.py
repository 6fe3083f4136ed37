"""Validation by the plan's cadence, and what follows from its result."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ignite.engine import Engine, Events
from monai.engines import Evaluator

from .acting_last import act_last
from .cadence import Cadence
from .checkpoint_saver import CheckpointSaver
from .training_state import TrainingState

logger = logging.getLogger(__name__)


class Validation:
    """Validate, record the scores and have the best files saved.

    MONAI's ValidationHandler knows an interval only; here the last epoch of the phase is validated in any case. Listed
    before the saver, which writes what is requested here.

    Args:
        evaluator: Evaluator, whose metrics must include "loss".
        training_state: State that receives the scores.
        saver: Saver that writes the best files.
        lowest_loss_file: Name of the file that follows the lowest validation loss.
        best_accuracy_file: Name of the file that follows the best selection metric; None where the phase has none.
        selection_metric: Name of the evaluator's metric that chooses the best model, higher being better; None where the
            phase has none.
        metrics: Names of the evaluator's metrics, to report early that the one that chooses is none of them; None: unknown.

    Raises:
        ValueError: If the evaluator has no such metric, or runs another network than the saver has evaluated later on.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        cadence: Cadence,
        training_state: TrainingState,
        saver: CheckpointSaver,
        lowest_loss_file: str,
        best_accuracy_file: str | None = None,
        selection_metric: str | None = None,
        metrics: Iterable[str] | None = None,
    ) -> None:
        if metrics is not None and selection_metric is not None and selection_metric not in (known := [*metrics]):
            raise ValueError(f"selection_metric must be one of {', '.join(known)}, got '{selection_metric}'")
        if saver.evaluated is not None and evaluator.network is not saver.evaluated_network:
            raise ValueError(
                f"validate::evaluator::network is not that of '{saver.evaluated}', whose weights are evaluated later on: the "
                "overlay that says so must come after others that set it, such as bundle/configs/distributed.yaml"
            )
        self.evaluator = evaluator
        self.cadence = cadence
        self.training_state = training_state
        self.saver = saver
        self.lowest_loss_file = lowest_loss_file
        self.best_accuracy_file = best_accuracy_file
        self.selection_metric = selection_metric

    def attach(self, engine: Engine) -> None:
        """Register for the end of every epoch."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Validate if it is due."""
        epoch = self.training_state.epoch_of(engine.state.epoch)
        if not self.cadence.is_due(epoch):
            return
        self.evaluator.run(global_epoch=engine.state.epoch)
        metrics = self.evaluator.state.metrics
        accuracy = None if self.selection_metric is None else float(metrics[self.selection_metric])
        improvement = self.training_state.validated(epoch, float(metrics["loss"]), accuracy)
        if improvement.loss:
            self.saver.request(self.lowest_loss_file)
        if improvement.accuracy and self.best_accuracy_file is not None:
            self.saver.request(self.best_accuracy_file)


class EarlyStop:
    """End the phase once the training state says that patience is exhausted; listed after everything that saves."""

    def __init__(self, training_state: TrainingState) -> None:
        self.training_state = training_state

    def attach(self, engine: Engine) -> None:
        """Register for the end of every epoch."""
        act_last(engine, Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Terminate if patience is exhausted."""
        state = self.training_state
        if state.stopped_early:
            logger.info(
                "Early stopping: no lower validation loss in %d validations (lowest %.4f at epoch %d)",
                state.validations_without_improvement,
                state.best_loss,
                state.best_loss_epoch,
            )
            engine.terminate()
