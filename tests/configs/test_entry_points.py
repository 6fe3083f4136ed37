"""An entry point for one phase trains that phase: an overlay that brings the other one is refused by name."""

from __future__ import annotations

import pytest
from monai.bundle import ConfigWorkflow

from admoe_monai.workflows.settings.resources import resource


def compose(entry: str, *overlays: str, **settings: object) -> ConfigWorkflow:
    files = [
        str(resource(f"configs/{entry}.yaml")),
        *(str(resource(f"configs/overlays/{name}.yaml")) for name in overlays),
    ]
    workflow = ConfigWorkflow(
        config_file=files, logging_file=False, workflow_type="train", run_id="training", **settings
    )
    workflow.initialize()
    return workflow


def test_pretraining_alone_is_not_followed_by_finetuning() -> None:
    with pytest.raises(
        SystemExit, match=r"trains pretrain_epochs \(2\) epochs and no others, but max_epochs is 7: set --pre"
    ):
        compose("pretrain", "tiny", "demo")


def test_finetuning_alone_does_not_begin_with_pretraining() -> None:
    with pytest.raises(SystemExit, match=r"has no pretraining, but pretrain_epochs is 2: add --pretrain_epochs 0"):
        compose("finetune", "tiny", "demo")


@pytest.mark.parametrize(
    ("entry", "settings", "plan"),
    [("pretrain", {"max_epochs": 2}, (2, 2)), ("finetune", {"pretrain_epochs": 0}, (0, 7)), ("train", {}, (2, 7))],
)
def test_the_remedy_that_is_named_helps(entry: str, settings: dict[str, object], plan: tuple[int, int]) -> None:
    parser = compose(entry, "tiny", "demo", **settings).parser
    assert tuple(parser.get_parsed_content(name) for name in ("pretrain_epochs", "max_epochs")) == plan


def test_the_number_of_epochs_of_one_phase_is_set_by_one_setting() -> None:
    assert compose("pretrain", "tiny", pretrain_epochs=7).parser.get_parsed_content("max_epochs") == 7
