"""Tasks that can be asked for, and those that can not."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from admoe_monai.errors import UserError
from admoe_monai.workflows.settings.resources import resource
from tiny_runs import CHANGES, DIAGNOSES, make_run

SEX = ["F", "M"]
THREE = {"diagnosis": list(DIAGNOSES), "change": list(CHANGES), "sex": SEX}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes_amyloid": ["neg", "pos"]}, "no visit has the field 'amyloid', which classes names as a task"),
        (
            {"classes_sex": ["F", "X"]},
            r"sex that is not one of the classes F, X: 'M' .first training\[1\].; no visit has .* 'X'",
        ),
        ({"classes_sex": SEX, "prior_columns": ["age", "sex"]}, "prior column 'sex' is the label of the task sex"),
        ({"classes_prior": SEX}, "classes has the task 'prior', a name that is taken"),
        ({"classes_type": SEX}, "classes has the task 'type', a name that is taken"),
        ({"classes": {"change": list(CHANGES)}, "routing": "label_guided"}, "label_guided routing needs a task whose"),
    ],
)
def test_tasks_that_can_not_be_are_refused_before_anything_is_written(
    tiny_cohort: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make_run(tmp_path / "run", tiny_cohort, **settings)
    assert not (tmp_path / "run").exists()


def test_modules_have_the_names_that_rule_out_a_task() -> None:
    with pytest.raises(KeyError, match="type"):
        nn.ModuleDict({"type": nn.Identity()})


def test_the_command_of_the_documentation_has_three_tasks(
    start: Callable[..., str | None], tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[2] / "docs/cohorts.md").read_text()
    words = shlex.split(next(line for line in text.splitlines() if "--classes_sex" in line and "admoe train" in line))
    places, entry = {"datalist.json": str(tiny_cohort)}, ("--config_file", resource("configs/train.yaml"))
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("admoe_monai.workflows.run.plan.Plan.run", lambda plan: asked.append(plan.settings))
    assert words[:2] == ["admoe", "train"]
    assert start("run", "training", *entry, *(places.get(word, word) for word in words[2:])) is None
    (settings,) = asked
    assert settings["classes"] == THREE
    assert settings["task_weights"] == dict.fromkeys(THREE, 1.0)
