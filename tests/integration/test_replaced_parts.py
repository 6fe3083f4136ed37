"""What a user puts in the place of a part of ours is recorded, resumed bit for bit, and named when it changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.checkpoints import IncompatibleCheckpointError, read_checkpoint
from admoe_monai.errors import UserError
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.settings.declared import parser_of
from run_comparison import differences, run_differences
from tiny_runs import MICRO_PLAN, make_run

LOSS = """
from admoe_monai.losses import SimMIMLoss


class ScaledLoss(SimMIMLoss):
    def forward(self, prediction, target):
        return {factor} * super().forward(prediction, target)
"""
SCHEDULE = """
lr_scheduler:
  _target_: torch.optim.lr_scheduler.StepLR
  optimizer: '@optimizer'
  step_size: 2
  gamma: 0.5
optimizer::_target_: torch.optim.RMSprop
"""
AUGMENTATION = """
augmentations::mirror:
- _target_: monai.transforms.RandFlipd
  keys: [image, foreground]
  prob: 0.5
  spatial_axis: 1
"""


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python imports from, with a module of the user's own."""
    folder = tmp_path / "laboratory"
    folder.mkdir()
    (folder / "mylab.py").write_text(LOSS.format(factor=2.0))
    (folder / "loss.yaml").write_text("loss::_target_: mylab.ScaledLoss\n")
    (folder / "mirror.yaml").write_text(AUGMENTATION)
    (folder / "schedule.yaml").write_text(SCHEDULE)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    sys.modules.pop("mylab", None)


def resume_from_own_config(run: Path, folder: Path, **settings: Any) -> Path:
    """Go on after epoch 0 in another folder, with nothing but what the run has recorded."""
    given = {"resume": str(run / "checkpoint_epoch_0.pth"), "run_dir": str(folder), **settings}
    Plan(parser_of([run / "config.yaml"], given), run).run()
    return folder


#: Kinds that go the same way as another one.
LIKE_ANOTHER = ("a shape of the network", "a prior at the heads", "an own augmentation")


def replacements(laboratory: Path) -> dict[str, dict[str, Any]]:
    """Each kind of part that a user can replace."""
    return {
        "an argument of the network": {"network": {"encoder": {"attn_drop_rate": 0.3}}},
        "a shape of the network": {"network": {"encoder": {"mlp_ratio": 2.0}}},
        "another stem": {"stem": "cnn"},
        "a prior at the heads": {"prior_at_head": True},
        "an own loss of one phase": {"phase_overlays": {"pretrain": [str(laboratory / "loss.yaml")]}},
        "an own schedule and optimizer": {"phase_overlays": [str(laboratory / "schedule.yaml")]},
        "an own augmentation": {"phase_overlays": [str(laboratory / "mirror.yaml")], "augmentation": "mirror"},
    }


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.slow) if kind in LIKE_ANOTHER else kind for kind in replacements(Path())],
)
def test_a_run_with_a_replaced_part_is_repeated_by_its_own_config(
    kind: str, laboratory: Path, tiny_cohort: Path, tiny_run: Path, tmp_path: Path
) -> None:
    settings = replacements(laboratory)[kind]
    run = make_run(tmp_path / "run", tiny_cohort, **MICRO_PLAN, **settings)
    recorded = yaml.safe_load((run / "config.yaml").read_text())
    assert {name: recorded[name] for name in settings if name != "phase_overlays"} == {
        name: value for name, value in settings.items() if name != "phase_overlays"
    }
    made = resume_from_own_config(run, tmp_path / "made")
    assert run_differences(made, run)[:5] == []
    TrainedRun.load(made)
    plain = make_run(tmp_path / "plain", tiny_cohort, **MICRO_PLAN)
    weights = [read_checkpoint(folder / "final_model.pth")["model_state_dict"] for folder in (plain, run)]
    assert any(True for _ in differences(*weights)), "the part had no effect"


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("an argument of the network", {"encoder": {"attn_drop_rate": 0.3}}, {}),
        ("another argument", {}, {"encoder": {"attn_drop_rate": 0.3}}),
    ],
)
def test_another_network_is_refused_on_resume(
    kind: str, before: dict[str, Any], after: dict[str, Any], tiny_cohort: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", tiny_cohort, max_epochs=1, network=before)
    with pytest.raises(IncompatibleCheckpointError, match=r"was trained with network .*, which no resume can change"):
        make_run(run, tiny_cohort, max_epochs=2, extend_max_epochs=True, resume="auto", network=after)


def test_other_code_of_a_class_of_the_users_own_is_named_on_resume(
    laboratory: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    overlays = {"pretrain": [str(laboratory / "loss.yaml")]}
    run = make_run(tmp_path / "run", tiny_cohort, **MICRO_PLAN, phase_overlays=overlays)
    assert "the code of mylab.ScaledLoss" in read_checkpoint(run / "checkpoint_epoch_0.pth")["digests"]
    (laboratory / "mylab.py").write_text(LOSS.format(factor=3.0))
    with pytest.raises(
        IncompatibleCheckpointError, match=r"written under the code of mylab.ScaledLoss \w{16}, not \w{16}"
    ):
        resume_from_own_config(run, tmp_path / "made")


@pytest.mark.parametrize(("part", "setting"), [("network_def", "network"), ("phases", "phase_overlays")])
def test_a_whole_part_of_the_plan_is_refused(part: str, setting: str, tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text(f"{part}: {{_target_: admoe_monai.networks.nets.AlzheimerMMoE}}\n")
    with pytest.raises(UserError, match=f"^{part} is no setting.* goes into the setting {setting}$"):
        parser_of([tmp_path / "overlay.yaml"])
