"""What `admoe check` says of the inside of network and phases is wrong; what is right there, it lets pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from admoe_monai.workflows.checking.parts_check import findings_in_parts
from admoe_monai.workflows.settings.config_files import known_configs

RIGHT = {
    "an optimizer": "optimizer::_target_: torch.optim.RMSprop\noptimizer::momentum: 0.9",
    "an augmentation": "augmentations::mine:\n- {_target_: monai.transforms.RandFlipd, keys: image, prob: 0.5}",
    "a tracker": "+trackers:\n- {_target_: admoe_monai.handlers.TensorBoardTracker, writer: '@writer'}",
    "a metric": "validate::additional_metrics::auc: {_target_: monai.handlers.ROCAUC, output_transform: '$lambda o: o'}",
    "a part for a state": "train::mine: {_target_: torch.nn.Linear, in_features: 1, out_features: 1}\n"
    "saver::further::mine: '@train::mine'",
    "an entry of a list": "preprocessing::transforms::2::mode: nearest",
    "a part that others know": "optimizer::lr: $@base_lr * len(@train::dataloader) * @num_epochs",
    "another function": "loss: {_target_: $torch.nn.L1Loss}",
}


@pytest.mark.parametrize("name", known_configs())
def test_nothing_is_wrong_with_the_parts_of_this_package(name: str) -> None:
    path = known_configs()[name]
    files = [path] if path.parent.name == "configs" else [known_configs()["train"], path]
    assert list(map(str, findings_in_parts(files, {}))) == []


@pytest.mark.parametrize("name", ["contrast", "ema", "freeze_encoder", "distributed"])
def test_nothing_is_wrong_with_the_phase_overlays_of_this_package(name: str) -> None:
    overlays = {"phase_overlays": {"pretrain": [f"bundle/configs/{name}.yaml"]}}
    assert list(map(str, findings_in_parts([known_configs()["train"]], overlays))) == []


@pytest.mark.parametrize("text", RIGHT.values(), ids=list(RIGHT))
def test_what_a_phase_takes_is_no_mistake(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text + "\n")
    found = findings_in_parts(
        [known_configs()["train"]], {"phase_overlays": {"finetune": [str(tmp_path / "mine.yaml")]}}
    )
    assert list(map(str, found)) == []


def test_a_mistake_in_an_overlay_of_both_phases_is_named_once(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("optimizer::lrr: 1.0\n")
    found = findings_in_parts([known_configs()["train"]], {"phase_overlays": [str(tmp_path / "mine.yaml")]})
    assert [str(finding) for finding in found] == [
        f"{tmp_path / 'mine.yaml'}, line 1: optimizer::lrr: AdamW takes no 'lrr'; did you mean 'lr'?"
    ]
