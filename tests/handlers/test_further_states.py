"""What a checkpoint holds beside the phase's own state, and who acts before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.optimizers import WarmupCosineSchedule
from torch import nn

from admoe_monai.handlers import Cadence, CheckpointSaver, TrainingState, Validation, act_last


class Kept:
    """A state of one number, and maybe a network."""

    def __init__(self, **state: Any) -> None:
        self.state = state
        self.network = nn.Linear(2, 2)

    def state_dict(self) -> dict[str, Any]:
        return self.state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.state = dict(state)


def saver_of(**choices: Any) -> CheckpointSaver:
    network = nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = WarmupCosineSchedule(optimizer, warmup_steps=1, t_total=4)
    return CheckpointSaver(
        lambda name, contents: None,
        network,
        optimizer,
        schedule,
        TrainingState(),
        "Pretrain (SimMIM)",
        True,
        Cadence(1, 0),
        **choices,
    )


ENGINE = SimpleNamespace(state=SimpleNamespace(iteration=3, epoch_length=3))


def test_a_phase_without_further_states_writes_no_key_for_them() -> None:
    assert {"further", "evaluated"} & saver_of().contents(ENGINE).keys() == set()


def test_further_states_are_written_by_name() -> None:
    kept = Kept(model_state_dict={}, number=1)
    contents = saver_of(further={"mine": kept, "other": Kept()}, evaluated="mine").contents(ENGINE)
    assert contents["further"] == {"mine": {"model_state_dict": {}, "number": 1}, "other": {}}
    assert contents["evaluated"] == "mine"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"further": {"mine": object()}}, "saver::further::mine has no state_dict and load_state_dict: object"),
        ({"evaluated": "mine"}, "saver::evaluated is 'mine', but saver::further has no network of that name"),
        ({"further": {"mine": Kept(number=1)}, "evaluated": "mine"}, "has no network of that name"),
    ],
)
def test_what_has_no_state_or_no_weights_is_refused(choices: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        saver_of(**choices)


def test_validation_of_another_network_than_is_evaluated_later_on_is_refused() -> None:
    kept = Kept(model_state_dict={})
    saver = saver_of(further={"mine": kept}, evaluated="mine")
    arguments = (Cadence(1, 0), TrainingState(), saver, "lowest.pth")
    Validation(SimpleNamespace(network=kept.network), *arguments)
    with pytest.raises(ValueError, match=r"not that of 'mine'.* must come after .*distributed.yaml"):
        Validation(SimpleNamespace(network=saver.network), *arguments)


def test_who_acts_last_does_so_whatever_is_registered_later() -> None:
    engine, acted = Engine(lambda engine, batch: None), []
    for name in ("first of the last", "second of the last"):
        act_last(engine, Events.EPOCH_COMPLETED, lambda _, name=name: acted.append(name))
    engine.add_event_handler(Events.EPOCH_COMPLETED, lambda _: acted.append("appended"))
    engine.run(range(1), max_epochs=1)
    assert acted == ["appended", "first of the last", "second of the last"]
    engine.run(range(1), max_epochs=1)  # a second run registers nobody twice
    assert len(acted) == 6
