"""The table of what may change on resume."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.checkpoints import IncompatibleCheckpointError
from admoe_monai.workflows.settings.changes import check_changes
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings

OLD = resolved_settings(parser_of([]))
MACHINE = {
    "torch": "1", "monai": "1", "numpy": "1", "admoe_monai": "1", "device": "cpu", "threads": 1, "world_size": 1
}  # fmt: skip
DIGESTS = {"datalist": "a"}


def change(digests: dict[str, str] | None = None, machine: dict[str, Any] | None = None, **new: Any) -> None:
    checkpoint = {"settings": OLD, "digests": DIGESTS, "environment": MACHINE}
    check_changes(
        {**OLD, **new},
        checkpoint,
        digests or DIGESTS,
        {**MACHINE, **(machine or {})},
        Path("run/checkpoint_epoch_3.pth"),
    )


@pytest.mark.parametrize(
    "new",
    [
        {"eval_interval": 3}, {"save_interval": 3}, {"keep_checkpoints": 2}, {"patience": 3}, {"num_workers": 2},
        {"run_dir": "elsewhere"}, {"name": "other"}, {"cache_dir": "elsewhere"}, {"datalist": "moved/datalist.json"},
    ],
    ids=lambda new: next(iter(new)),
)  # fmt: skip
def test_what_is_free_or_a_place_changes_in_silence(new: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    change(**new)
    assert not caplog.records


@pytest.mark.parametrize(
    "new",
    [{"seed": 7}, {"pretrain_epochs": 20}, {"embed_dim": 24}, {"depths": [2, 2]}, {"img_size": 64},
     {"classes": {"diagnosis": ["CN", "AD", "MCI"]}}, {"network": {"encoder": {}}}, {"use_clinical_prior": False}],
    ids=lambda new: next(iter(new)),
)  # fmt: skip
def test_what_never_changes_is_refused_even_by_force(new: dict[str, Any]) -> None:
    name, value = next(iter(new.items()))
    with pytest.raises(IncompatibleCheckpointError) as refusal:
        change(force_resume=True, **new)
    message = str(refusal.value)
    assert f"with {name} {OLD[name]}, not {value}" in message
    assert "--config_file run/config.yaml" in message
    assert "\n" not in message


def test_another_end_of_the_plan_is_asked_for_by_name(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(IncompatibleCheckpointError, match=r"max_epochs 100, not 120.*--extend_max_epochs True"):
        change(max_epochs=120, force_resume=True)
    change(max_epochs=120, extend_max_epochs=True)
    assert "max_epochs changes from 100 to 120: the schedule is rebuilt" in caplog.text


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("batch_size", {"batch_size": 8}),
        ("accumulation_steps", {"accumulation_steps": 2}),
        ("amp", {"amp": "bf16"}),
        ("base_lr", {"base_lr": 1.0}),
        ("datalist", {"digests": {"datalist": "b"}}),
        ("device", {"machine": {"device": "H200"}}),
        ("threads", {"machine": {"threads": 2}}),
        ("world_size", {"machine": {"world_size": 2}}),
    ],
)
def test_what_changes_the_result_needs_force_and_is_logged(
    name: str, new: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(IncompatibleCheckpointError, match=f"under {name} .*--force_resume True"):
        change(**new)
    change(force_resume=True, **new)
    assert f"Forced: {name} changes from" in caplog.text
    assert "not exact" in caplog.text


def test_the_same_product_of_batch_and_accumulation_is_accepted_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    change(batch_size=2, accumulation_steps=2)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "2 x accumulation_steps 2 replaces 4 x 1" in caplog.text


def test_another_version_of_a_library_is_said(caplog: pytest.LogCaptureFixture) -> None:
    change(machine={"torch": "2"})
    assert "torch was 1 and is 2: bit-exactness is not promised" in caplog.text
