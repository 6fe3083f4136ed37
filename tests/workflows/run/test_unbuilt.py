"""What can't be built is answered with the key that the user has written and the cause, not with MONAI's chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.plan import Checked, Plan
from admoe_monai.workflows.run.run_log import RunLog
from admoe_monai.workflows.settings.declared import parser_of
from admoe_monai.workflows.settings.resources import resource
from tiny_runs import TINY_SETTINGS

ENTRY = resource("configs/train.yaml")
NETWORK: list[tuple[dict[str, Any], str]] = [
    (
        {"encoder": {"embed_dims": 8}},
        "network::encoder::embed_dims: SwinTransformerV2 takes no 'embed_dims'; did you mean",
    ),
    (
        {"encoder": {"_target_": "nowhere.Encoder"}},
        "network::encoder::_target_: nothing can be imported by the name 'nowhere.",
    ),
    ({"encoder": {"embed_dim": "$1/0"}}, "network::encoder::embed_dim is '$1/0': ZeroDivisionError: division by zero"),
    (
        {"encoder": {"embed_dim": "$@embed_dimm"}},
        "network::encoder::embed_dim: nothing is called embed_dimm that @embed_dimm",
    ),
    (
        {"clinical_encoder": {"hiden": 3}},
        "network::clinical_encoder::hiden: ClinicalEncoder takes no 'hiden'; did you mean",
    ),
    (
        {"clinical_fusion": {"name": "sum"}},
        "network: fusion_type must be one of adaptive, concat, add, hadamard, got 'sum'",
    ),
]
PHASE = [
    ("optimizer::_target_: torch.optim.Adamm", "optimizer::_target_: torch.optim has no 'Adamm'; did you mean 'Adam'?"),
    ("optimizer::lr: 1e-4", "optimizer::lr: write 1.0e-4: YAML reads 1e-4 as text"),
    ("optimizer::a::b: 3", "optimizer::a::b: there is no optimizer::a with a part 'b' that could be set"),
    (
        "+trackers:\n- {_target_: admoe_monai.handlers.LogTracker, nothing: 1}",
        "trackers::4::nothing: LogTracker takes no 'noth",
    ),
    ("optimizer::lr: $@train::datalodaer", "@train::datalodaer could refer to; did you mean 'train::dataloader'?"),
    ("optimizer::lr: '@lr_scheduler'", "refers to itself, by way of @"),
]


class Rehearsal(Plan):
    """Plan that is built, without a scan, and not run."""

    def _carry_out(self, log: RunLog, checked: Checked) -> None:
        self.replaced = {"initialize": []}
        self._rehearse(checked.network, checked.start)


def complaint(cohort: Path, folder: Path, **settings: Any) -> str:
    choices = {"datalist": str(cohort), **TINY_SETTINGS, "cache_dir": str(folder / "cache"), **settings}
    with pytest.raises(UserError) as raised:
        Rehearsal(parser_of([ENTRY], choices), ENTRY.parent).run()
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(("network", "said"), NETWORK, ids=str)
def test_a_part_of_the_network_is_named_by_its_key(
    network: dict[str, Any], said: str, tiny_cohort: Path, tmp_path: Path
) -> None:
    assert complaint(tiny_cohort, tmp_path, network=network).startswith(f"the network can't be built: {said}")


@pytest.mark.parametrize(("text", "said"), PHASE, ids=[text.partition(":\n")[0] for text, _ in PHASE])
def test_a_part_of_a_phase_is_named_by_its_key(text: str, said: str, tiny_cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text + "\n")
    answer = complaint(tiny_cohort, tmp_path, phase_overlays={"pretrain": [str(tmp_path / "mine.yaml")]})
    assert answer.startswith("Pretrain (SimMIM) can't be built: ")
    assert said in answer


def test_a_mistake_of_this_package_stays_a_traceback(
    tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("admoe_monai.networks.nets.SwinTransformerV2.__init__", broken)
    choices = {"datalist": str(tiny_cohort), **TINY_SETTINGS, "cache_dir": str(tmp_path / "cache")}
    with pytest.raises(RuntimeError, match="Failed to instantiate"):
        Rehearsal(parser_of([ENTRY], choices), ENTRY.parent).run()
