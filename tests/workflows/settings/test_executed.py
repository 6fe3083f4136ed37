"""What a config would run, told without running it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from monai.bundle import ConfigParser

from admoe_monai.workflows.settings.executed import executed
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.resources import resource

EVIL = "__import__('os').system('true')"


@pytest.mark.parametrize(
    "value",
    [
        f"${EVIL}",
        f"$ {EVIL}",
        "$import os",
        "%other.yaml::key",
        {"_target_": "os.system", "command": "true"},
        {"a": [{"_target_": "builtins.open"}]},
        {"encoder::_target_": "os.system"},
        {"_target_": "@name"},
        {"_target_": f"${EVIL}"},
        {"_target_": "torch.nn.modules.module.os.system"},
        {"_target_": "admoe_monai.networks.nets.logits.torch.hub.load"},
        {"_target_": "torch.nn.Linear", "_disabled_": f"${EVIL}"},
        {"_target_": "torch.nn.Linear", "_mode_": "debug"},
        # MONAI puts quotes around the name of a reference, which ends the text that it stands in.
        "$'@if + print(1) + @else'",
        "$(lambda: 1)()",
        "$[x for x in (1, 2)]",
        "$().__class__",
        "$1 # @name",
        "$f'{@name}'",
        "$print",
    ],
)
def test_code_is_found(value: Any) -> None:
    assert list(executed({"seed": value}))


@pytest.mark.parametrize("value", ["$'a' + 'b.yaml'", "@name", ["@name"], {"pretrain": ["$@name"]}, "%file"])
def test_names_of_overlays_that_could_not_be_looked_at_count(value: Any) -> None:
    assert list(executed({"phase_overlays": value}))
    assert list(executed({"+phase_overlays::pretrain": value}))


@pytest.mark.parametrize(
    "value", [1, "text", None, "a@b", "@seed", "$4 * @mlp_ratio", "$[2] * @spatial_dims", "$-1 if @a else 2"]
)
def test_values_references_and_arithmetic_run_nothing(value: Any) -> None:
    assert not list(executed({"seed": value}))


@pytest.mark.parametrize("text", ["#7", "@home", "$HOME/a", "a%::b", "it's 100 % #1"])
def test_a_literal_runs_nothing(text: str) -> None:
    assert not list(executed({"name": literal(text), "phase_overlays": [literal(text)]}))


@pytest.mark.parametrize("file", sorted(resource("configs").rglob("*.yaml")), ids=lambda file: file.stem)
def test_the_choices_of_the_package_run_nothing(file: Path) -> None:
    assert not list(executed(yaml.safe_load(file.read_text()) or {}))


def test_a_component_in_a_value_is_no_component(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    value = {"prior": [{"_target_": "os.mkdir", "path": str(trace)}, {"_target_": "a", "#": "@b"}]}
    assert ConfigParser({"visits": literal(value)}).get_parsed_content("visits") == value
    assert not trace.exists()
