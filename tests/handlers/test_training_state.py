import math

import pytest
import torch

from admoe_monai.checkpoints import to_plain
from admoe_monai.handlers import Cadence, TrainingState


def test_cadence_is_due_after_every_interval_and_at_the_last_epoch() -> None:
    cadence = Cadence(interval=3, last_epoch=7)
    assert [epoch for epoch in range(8) if cadence.is_due(epoch)] == [2, 5, 7]


def test_cadence_refuses_an_interval_of_zero() -> None:
    with pytest.raises(ValueError, match="got 0"):
        Cadence(interval=0, last_epoch=3)


def test_patience_counts_validations_without_a_lower_loss() -> None:
    state = TrainingState(patience=2)
    stopped = []
    for epoch, loss in enumerate([1.0, 1.0, 0.9, 0.95, 0.9]):
        state.validated(epoch, loss)
        stopped.append(state.stopped_early)
    assert stopped == [False, False, False, False, True]
    assert state.best_loss_epoch == 2


def test_patience_of_zero_never_stops() -> None:
    state = TrainingState(patience=0)
    for epoch in range(5):
        state.validated(epoch, 1.0)
    assert not state.stopped_early


def test_equal_accuracy_with_a_lower_loss_is_better() -> None:
    state = TrainingState()
    assert state.validated(0, 1.0, 0.5).accuracy
    assert not state.validated(1, 1.1, 0.5).accuracy
    assert state.validated(2, 0.9, 0.5).accuracy
    assert not state.validated(3, 0.1, 0.4).accuracy
    assert (state.best_val_acc, state.best_val_acc_epoch) == (0.5, 2)


def test_first_accuracy_counts_even_if_it_is_zero() -> None:
    assert TrainingState().validated(0, 1.0, 0.0).accuracy


@pytest.mark.parametrize(("loss", "accuracy"), [(1.0, math.nan), (math.nan, 0.9), (math.inf, 0.9), (-math.inf, 0.9)])
def test_what_is_not_finite_is_never_the_best(loss: float, accuracy: float) -> None:
    state = TrainingState()
    assert not state.validated(0, loss, accuracy).accuracy
    assert state.validated(1, 1.5, 0.4).accuracy
    assert not state.validated(2, loss, accuracy).accuracy
    assert (state.best_val_acc, state.best_val_acc_epoch, state.best_val_acc_loss) == (0.4, 1, 1.5)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_no_improvement_and_uses_up_patience(loss: float) -> None:
    state = TrainingState(patience=2)
    improved = [state.validated(epoch, value).loss for epoch, value in enumerate([loss, 1.0, loss, loss])]
    assert improved == [False, True, False, False]
    assert (state.best_loss, state.best_loss_epoch, state.stopped_early) == (1.0, 1, True)


@pytest.mark.parametrize(("score", "other"), [("best_loss", "best_val_acc"), ("best_val_acc", "best_loss")])
def test_a_score_that_is_forgotten_is_set_by_the_next_validation_and_the_other_kept(score: str, other: str) -> None:
    state = TrainingState()
    state.validated(0, 0.5, 0.9)
    state.forget(score)
    assert (state.state_dict()[f"{score}_epoch"], state.state_dict()[f"{other}_epoch"]) == (-1, 0)
    improved = state.validated(1, 1.0, 0.1)
    assert improved == (score == "best_loss", score == "best_val_acc")
    assert (state.state_dict()[f"{score}_epoch"], state.state_dict()[f"{other}_epoch"]) == (1, 0)


def test_a_score_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="no best score 'best'"):
        TrainingState().forget("best")


def test_state_survives_a_checkpoint() -> None:
    state = TrainingState(first_epoch=4, patience=3)
    state.add({"loss": 6.0}, 3)
    state.add({"loss": 1.0}, 1)
    state.validated(4, 0.7, 0.6)
    state.validated(5, 0.8, 0.5)
    restored = TrainingState(first_epoch=4, patience=3)
    restored.load_state_dict(to_plain(state.state_dict()))
    assert vars(restored) == vars(state)
    assert restored.averages() == {"loss": pytest.approx(7 / 4)}


def test_restored_state_does_not_share_its_sums_with_the_checkpoint() -> None:
    state = TrainingState()
    state.add({"loss": 1.0}, 1)
    saved = state.state_dict()
    state.add({"loss": 1.0}, 1)
    assert saved["sums"] == {"loss": 1.0}


def test_incomplete_state_is_refused_by_name() -> None:
    saved = TrainingState().state_dict()
    del saved["best_loss"]
    with pytest.raises(ValueError, match="best_loss"):
        TrainingState().load_state_dict(saved)


def test_epochs_count_over_the_whole_run() -> None:
    assert [TrainingState(first_epoch=50).epoch_of(epoch) for epoch in (1, 2)] == [50, 51]
    assert math.isinf(TrainingState().best_loss)
    assert torch.tensor(TrainingState().averages().get("loss", 0.0)) == 0
