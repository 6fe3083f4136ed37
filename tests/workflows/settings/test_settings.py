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
        ({"mask_ratio": 1.0}, "mask_ratio must lie between 0 and 1, got 1.0"),
        ({"classes_diagnosis": ["AD"]}, r"classes_diagnosis must list two or more different names, got \['AD'\]"),
        ({"num_classes_change": 2}, "num_classes_change is 2 but classes_change has 3 names"),
        ({"keep_checkpoints": 1}, "keep_checkpoints must be all or a number of two or more, got 1"),
        ({"routing": "best"}, "routing must be one of learned, label_guided, uniform, got 'best'"),
    ],
)
def test_a_value_that_cannot_work_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        settings(**given)


def test_the_number_of_classes_follows_from_their_names() -> None:
    assert settings(classes_diagnosis=["CN", "AD"])["num_classes_diagnosis"] == 2


def test_an_absent_config_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no config file .*absent.yaml"):
        parser_of([tmp_path / "absent.yaml"])


def test_checking_leaves_good_settings_alone() -> None:
    good = settings()
    before = dict(good)
    check(good)
    assert good == before
