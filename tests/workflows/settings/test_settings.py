from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from admoe_monai.errors import UserError
from admoe_monai.workflows.settings.declared import check, parser_of, resolved_settings


def settings(**given: Any) -> dict[str, Any]:
    return resolved_settings(parser_of([], given))


@pytest.mark.parametrize(("given", "nearest"), [("max_epoch", "max_epochs"), ("patiens", "patience")])
def test_an_unknown_setting_names_the_nearest(given: str, nearest: str) -> None:
    with pytest.raises(UserError, match=f"unknown setting '{given}'; did you mean '{nearest}'"):
        parser_of([], {given: 3})


def test_an_unknown_setting_like_no_other_points_to_the_list() -> None:
    with pytest.raises(UserError, match=r"'zzzzzz'; configs/train.yaml lists them all"):
        parser_of([], {"zzzzzz": 3})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"base_lr": "1e-4"}, r"base_lr must be a number, got '1e-4' \(write 1.0e-4"),
        ({"max_epochs": 3, "pretrain_epochs": 4}, r"max_epochs \(3\).*pretrain_epochs \(4\)"),
        ({"max_epochs": 0, "pretrain_epochs": 0}, r"max_epochs \(0\)"),
        ({"max_epochs": 2.5, "pretrain_epochs": 1}, "max_epochs must be a whole number, got 2.5"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": True}, "batch_size must be a number, got True"),
        ({"spatial_dims": 4}, "spatial_dims must be one of 2, 3, got 4"),
        ({"mask_patch_size": 6}, r"mask_patch_size \(6\) must be a multiple of patch_size \(4\)"),
        ({"mask_ratio": 1.0}, "mask_ratio must be below 1, got 1.0"),
        ({"classes_diagnosis": ["AD"]}, r"classes_diagnosis must list two or more different names, got \['AD'\]"),
        ({"num_classes_change": 2}, "num_classes_change is 2 but classes_change has 3 names"),
        ({"keep_checkpoints": 1}, "keep_checkpoints must be all or a number of two or more, got 1"),
        ({"amp": "fp16"}, "amp must be one of None, bf16, got 'fp16'"),
        ({"task_weights": {"age": 1.0}}, r"task_weights names the task 'age', which classes does not"),
        ({"weight_decy": 0.1}, "unknown setting 'weight_decy'; did you mean 'weight_decay'"),
        ({"weight_change": -1}, "weight_change must be a number of 0 or more, got -1"),
        ({"phase_overlays": {"warmup": []}}, "phase_overlays names the phase 'warmup'; there are pretrain, finetune"),
        ({"network_def": {"_target_": "x.Y"}}, "network_def is no setting.*goes into the setting network"),
        ({"phases": []}, "phases is no setting.*goes into the setting phase_overlays"),
    ],
)
def test_a_value_that_cannot_work_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        settings(**given)


def test_short_forms_are_entries_of_the_mappings_that_a_run_records() -> None:
    made = settings(classes_diagnosis=["CN", "AD"], classes_sex=["F", "M"], weight_change=0.5, num_classes_diagnosis=2)
    assert made["classes"] == {
        "diagnosis": ["CN", "AD"],
        "change": ["stable", "conversion", "reversion"],
        "sex": ["F", "M"],
    }
    assert made["task_weights"] == {"diagnosis": 1.0, "change": 0.5, "sex": 1.0}
    assert not {"classes_diagnosis", "weight_change", "num_classes_diagnosis"} & made.keys()


def test_overlays_of_one_phase_and_of_all() -> None:
    both = settings(phase_overlays=["a.yaml"])["phase_overlays"]
    assert both == {"pretrain": ["a.yaml"], "finetune": ["a.yaml"]}
    assert settings(phase_overlays={"finetune": ["a.yaml"]})["phase_overlays"] == {
        "pretrain": [],
        "finetune": ["a.yaml"],
    }


def test_what_the_command_line_makes_tuples_of_are_the_lists_of_a_config_file() -> None:
    made = settings(
        img_size=(96, 112, 96), classes={"diagnosis": ("CN", "AD")}, network={"encoder": {"a": ((1, 2), 3)}}
    )
    assert made["img_size"] == [96, 112, 96]
    assert made["classes"] == {"diagnosis": ["CN", "AD"]}
    assert made["network"] == {"encoder": {"a": [[1, 2], 3]}}


def test_an_absent_config_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no config file .*absent.yaml"):
        parser_of([tmp_path / "absent.yaml"])


def test_checking_leaves_good_settings_alone() -> None:
    good = settings()
    before = dict(good)
    check(good)
    assert good == before
