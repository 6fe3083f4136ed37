"""What a run may have replaced and still be exported."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.workflows.bundles.exportable import adjusted, check_exportable


def run(overlays: list[str] | None = None, **network: Any) -> Any:
    phases = {"pretrain": [], "finetune": overlays or []}
    return SimpleNamespace(folder=Path("run"), settings={"network": network, "phase_overlays": phases})


@pytest.mark.parametrize(
    "key", ["preprocessing", "preprocessing::transforms::2::pixdim", "+validate::item_transforms", "prepare_batch"]
)
def test_an_overlay_that_changes_inference_is_refused(key: str, tmp_path: Path) -> None:
    (tmp_path / "overlay.yaml").write_text(f"{key}: [1]\n")
    with pytest.raises(UserError, match=r"overlay.yaml changes .* evaluated, not exported"):
        check_exportable(run([str(tmp_path / "overlay.yaml")]))


def test_overlays_of_training_are_fine() -> None:
    check_exportable(run(["bundle/configs/ema.yaml", "bundle/configs/distributed.yaml"]))


def test_another_network_is_refused_and_other_parts_are_not() -> None:
    with pytest.raises(UserError, match=r"the network of run is a mylab.Mine: export knows .*AlzheimerMMoE alone"):
        check_exportable(run(_target_="mylab.Mine"))
    check_exportable(run(encoder={"attn_drop_rate": 0.1}))


def test_code_of_the_users_own_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "lab_fusion.py").write_text("class Mine: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with caplog.at_level(logging.WARNING):
        check_exportable(run(clinical_fusion={"_target_": "lab_fusion.Mine"}))
    assert "The bundle does not bring lab_fusion.Mine along" in caplog.text


def test_a_choice_that_only_an_overlay_knew_gives_way(caplog: pytest.LogCaptureFixture) -> None:
    parts = {"augmentations": {"light": []}}
    made = adjusted({**parts, "augmentation": "mirror", "selection_metric": "change_auc"}, ["change"])
    assert (made["augmentation"], made["selection_metric"]) == ("light", "balanced_accuracy")
    assert "change_auc came by a phase overlay" in caplog.text
    kept = {**parts, "augmentation": "light", "selection_metric": "change_balanced_accuracy"}
    assert adjusted(kept, ["change"]) == kept
