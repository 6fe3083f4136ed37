"""What weight decay takes in, and that a phase which an earlier version began goes on with what it took in then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from torch import nn

from admoe_monai.checkpoints import IncompatibleCheckpointError, read_checkpoint, write_checkpoint
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of
from admoe_monai.workflows.settings.resources import resource
from tiny_runs import make_run

EXEMPT = ("logit_scale", "cpb_mlp")


def decay_of(checkpoint: dict[str, Any]) -> dict[str, float]:
    """The weight decay of each parameter."""
    names = checkpoint["parameter_names"]
    groups = checkpoint["optimizer_state_dict"]["param_groups"]
    return {names[position]: group["weight_decay"] for group in groups for position in group["params"]}


def move(checkpoint: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Let the optimizer of a checkpoint decay what it exempts."""
    state, order = checkpoint["optimizer_state_dict"], checkpoint["parameter_names"]
    exempt, decayed = (group["params"] for group in state["param_groups"])
    moved = [position for position in exempt if order[position] in names]
    kept = [position for position in exempt if position not in moved]
    places = [*kept, *moved, *decayed]
    new = {old: number for number, old in enumerate(places)}
    groups = [
        {**state["param_groups"][0], "params": [new[position] for position in kept]},
        {**state["param_groups"][1], "params": [new[position] for position in [*moved, *decayed]]},
    ]
    entries = {new[position]: entry for position, entry in state["state"].items()}
    return {
        **checkpoint,
        "optimizer_state_dict": {"state": entries, "param_groups": groups},
        "parameter_names": [order[position] for position in places],
    }


def resumed(checkpoint: dict[str, Any], folder: Path, datalist: Path) -> Path:
    folder.mkdir()
    write_checkpoint(folder / "checkpoint_epoch_1.pth", checkpoint)
    return make_run(
        folder, datalist, resume="auto", max_epochs=3, extend_max_epochs=True, finetune_from="last", patience=0,
        force_resume=True,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["pretrain_checkpoint.pth", "finetune_checkpoint.pth"])
def test_matrices_decay_but_those_of_attention_scales_and_position_bias(tiny_run: Path, name: str) -> None:
    checkpoint = read_checkpoint(tiny_run / name)
    decay, weights = decay_of(checkpoint), checkpoint["model_state_dict"]
    assert decay.keys() == weights.keys()
    exempt = {n for n, w in weights.items() if w.ndim <= 1 or any(part in n for part in EXEMPT)}
    assert {n for n, rate in decay.items() if rate == 0} == exempt
    assert {rate for n, rate in decay.items() if n not in exempt} == {checkpoint["settings"]["weight_decay"]}
    assert all(any(part in n for n in exempt) for part in EXEMPT)


def test_the_groups_follow_what_the_network_exempts(tiny_run: Path) -> None:
    run = TrainedRun.load(tiny_run)
    phase = run.phase(cohort_of(run).items("test"), torch.device("cpu"))
    exempt, decayed = ({id(p) for p in group["params"]} for group in phase["optimizer"].param_groups)
    named = dict(run.network.named_parameters())
    assert {id(named[name]) for name in run.network.no_weight_decay()} <= exempt
    assert id(named["head_diagnosis.weight"]) in decayed


def test_a_network_that_exempts_nothing_can_be_trained() -> None:
    parts = ConfigParser.load_config_file(resource("bundle/configs/common.yaml"))
    parser = ConfigParser({"optimizer_groups": parts["optimizer_groups"], "weight_decay": 0.5})
    parser["network_def"] = nn.Linear(2, 3)
    groups = parser.get_parsed_content("optimizer_groups")
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.0, 1), (0.5, 1)]


def test_a_phase_of_an_earlier_version_goes_on_with_its_own_weight_decay(
    tiny_run: Path, tiny_cohort: Path, tmp_path: Path
) -> None:
    checkpoint = read_checkpoint(tiny_run / "checkpoint_epoch_1.pth")
    moved = {name for name, rate in decay_of(checkpoint).items() if rate == 0 and _is_exempt_matrix(name)}
    run = resumed(move(checkpoint, moved), tmp_path / "run", tiny_cohort)
    decay = decay_of(read_checkpoint(run / "final_model.pth"))
    assert {name for name in moved if decay[name] > 0} == moved
    assert (
        f"also decays {len(moved)} weights of attention scales and position bias" in (run / "training.log").read_text()
    )


def test_a_phase_of_this_version_goes_on_without_a_word(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    run = resumed(read_checkpoint(tiny_run / "checkpoint_epoch_1.pth"), tmp_path / "run", tiny_cohort)
    assert "also decays" not in (run / "training.log").read_text()


def test_any_other_grouping_is_refused(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    checkpoint = move(read_checkpoint(tiny_run / "checkpoint_epoch_1.pth"), {"mask_token"})
    with pytest.raises(IncompatibleCheckpointError, match="grouped otherwise"):
        resumed(checkpoint, tmp_path / "run", tiny_cohort)


def _is_exempt_matrix(name: str) -> bool:
    return any(part in name for part in EXEMPT) and not name.endswith("bias")
