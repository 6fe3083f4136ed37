from __future__ import annotations

import pytest
import torch

from admoe_monai.checkpoints import IncompatibleCheckpointError, weights_to_evaluate

RAW, AVERAGED = {"weight": torch.zeros(2)}, {"weight": torch.ones(2)}


def test_a_checkpoint_is_evaluated_by_its_weights_unless_it_says_otherwise() -> None:
    further = {"ema": {"model_state_dict": AVERAGED, "steps": 3}}
    assert weights_to_evaluate({"model_state_dict": RAW}) == RAW
    assert weights_to_evaluate({"model_state_dict": RAW, "further": further}) == RAW
    assert weights_to_evaluate({"model_state_dict": RAW, "further": further, "evaluated": "ema"}) == AVERAGED


@pytest.mark.parametrize("further", [{}, {"further": {}}, {"further": {"ema": {"steps": 3}}}])
def test_weights_that_are_not_there_are_named(further: dict) -> None:
    with pytest.raises(IncompatibleCheckpointError, match="'ema', which it does not hold"):
        weights_to_evaluate({"model_state_dict": RAW, "evaluated": "ema", **further})
