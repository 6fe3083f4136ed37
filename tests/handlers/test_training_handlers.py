"""Handlers driven by a small engine of their own."""

import gc
import weakref
from types import SimpleNamespace

import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from monai.engines.utils import IterationEvents
from torch import nn

from admoe_monai.errors import UserError
from admoe_monai.handlers import (
    DecoderRemover,
    EarlyStop,
    FiniteLoss,
    GradientClipping,
    StepSeed,
    TrainingState,
    Validation,
)
from admoe_monai.handlers.cadence import Cadence
from admoe_monai.networks.nets import remove_decoder


def engine_of(step=lambda engine, batch: None) -> Engine:
    engine = Engine(step)
    engine.register_events(*IterationEvents)
    return engine


def test_step_seed_makes_a_step_a_function_of_its_number() -> None:
    def draws(first: int, steps: int) -> list[float]:
        drawn: list[float] = []
        engine = engine_of(lambda engine, batch: drawn.append(torch.rand(1).item()))
        StepSeed(seed=1, stream=7).attach(engine)
        engine.state.max_epochs, engine.state.epoch_length = 1, 4
        engine.load_state_dict({"iteration": first, "epoch_length": 4, "max_epochs": 1})
        torch.rand(5)
        engine.run(range(4), max_epochs=1)
        return drawn[:steps]

    assert draws(2, 2) == draws(0, 4)[2:]
    assert len(set(draws(0, 4))) == 4


def test_a_loss_that_is_not_finite_stops_before_the_step() -> None:
    stepped = []

    def step(engine: Engine, batch: dict) -> None:
        engine.state.output = {"loss": torch.tensor(float("nan"))}
        engine.fire_event(IterationEvents.LOSS_COMPLETED)
        stepped.append(True)

    engine = engine_of(step)
    FiniteLoss().attach(engine)
    with pytest.raises(UserError, match=r"step 1 \(batch: a.nii, b.nii\)"):
        engine.run([{"image_path": ["a.nii", "b.nii"]}])
    assert not stepped


def test_clipping_waits_for_the_last_of_the_accumulated_steps() -> None:
    weight = nn.Linear(1, 1, bias=False)
    norms = []

    def step(engine: Engine, batch: int) -> None:
        weight.weight.grad = torch.full((1, 1), 10.0)
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)
        norms.append(weight.weight.grad.norm().item())

    engine = engine_of(step)
    GradientClipping(weight, max_norm=1.0, accumulation_steps=2).attach(engine)
    engine.run(range(5))
    assert norms == [10.0, pytest.approx(1.0), 10.0, pytest.approx(1.0), pytest.approx(1.0)]


def test_the_norm_that_is_told_is_the_mean_over_the_steps_of_the_epoch_before_clipping() -> None:
    weight, told = nn.Linear(1, 1, bias=False), []

    def step(engine: Engine, batch: float) -> None:
        weight.weight.grad = torch.full((1, 1), batch * engine.state.epoch)
        engine.fire_event(IterationEvents.BACKWARD_COMPLETED)

    engine = engine_of(step)
    GradientClipping(weight, max_norm=1.0, accumulation_steps=2).attach(engine)
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda: told.append(engine.state.metrics["gradient_norm"]))
    engine.run([100.0, 2.0, 100.0, 4.0], max_epochs=2)
    assert told == [3.0, 6.0]


@pytest.mark.parametrize("max_norm", [None, 1.0], ids=["unclipped", "clipped"])
@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_a_gradient_that_is_not_finite_stops_before_the_step(max_norm: float | None, accumulation_steps: int) -> None:
    network = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    # The root of zero is finite, its gradient is not; under accumulation the batch after it is blameless.
    images = {
        "a.nii": torch.ones(1, 2),
        "b.nii": torch.ones(1, 2),
        "c.nii": torch.zeros(1, 2),
        "d.nii": torch.ones(1, 2),
    }
    trainer = SupervisedTrainer(
        torch.device("cpu"),
        max_epochs=1,
        train_data_loader=[{"image": i, "label": i, "image_path": [path]} for path, i in images.items()],
        network=network,
        optimizer=optimizer,
        loss_function=lambda prediction, label: prediction.square().sum().sqrt(),
        accumulation_steps=accumulation_steps,
        train_handlers=[FiniteLoss(), GradientClipping(network, max_norm, accumulation_steps)],
        decollate=False,
    )
    with pytest.raises(UserError, match=r"norm of the gradient is nan at .* step 3 \(batch: c.nii\)"):
        trainer.run()
    assert network.weight.isfinite().all()


class Saver:
    evaluated = None

    def __init__(self) -> None:
        self.names: list[str] = []

    def save(self, engine: Engine, name: str) -> None:
        self.names.append(name)

    def request(self, name: str) -> None:
        self.names.append(name)


def test_validation_requests_what_has_improved_and_nothing_else() -> None:
    results = iter([(1.0, 0.5), (0.9, 0.4), (1.2, 0.6)])
    evaluator = SimpleNamespace(state=SimpleNamespace(metrics={}))

    def run(global_epoch: int) -> None:
        loss, accuracy = next(results)
        evaluator.state.metrics = {"loss": loss, "balanced_accuracy": accuracy}

    evaluator.run = run
    saver, state, engine = Saver(), TrainingState(), engine_of()
    Validation(
        evaluator, Cadence(1, 2), state, saver, "lowest.pth", "best.pth", selection_metric="balanced_accuracy"
    ).attach(engine)
    engine.run(range(1), max_epochs=3)
    assert saver.names == ["lowest.pth", "best.pth", "lowest.pth", "best.pth"]


def test_early_stop_ends_the_engine() -> None:
    state, engine = TrainingState(patience=1), engine_of()
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda: state.validated(0, 1.0))
    EarlyStop(state).attach(engine)
    engine.run(range(1), max_epochs=9)
    assert engine.state.epoch == 2


def test_removed_decoder_leaves_the_memory() -> None:
    network = nn.Module()
    network.encoder, network.decoder = nn.Linear(2, 2), nn.Linear(2, 3)
    optimizer = torch.optim.AdamW(network.parameters())
    (network.encoder.weight.sum() + network.decoder.weight.sum()).backward()
    optimizer.step()
    decoder_weight = weakref.ref(network.decoder.weight)
    engine = engine_of()
    DecoderRemover(network, remove_decoder, optimizer).attach(engine)
    engine.run(range(1))
    gc.collect()
    assert decoder_weight() is None
    assert not [name for name in network.state_dict() if name.startswith("decoder")]
    assert not optimizer.state
