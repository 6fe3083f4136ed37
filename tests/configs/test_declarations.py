"""Every setting is declared once and read somewhere; overlays set declared ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from admoe_monai.workflows.settings.names import DOORS, ENTRY_KEYS, declared_settings
from admoe_monai.workflows.settings.resources import PACKAGE, resource
from admoe_monai.workflows.settings.table import SETTINGS

CONFIGS = resource("configs/train.yaml").parent
OVERLAYS = sorted((CONFIGS / "overlays").glob("*.yaml"))
# In neither a part nor the code of a workflow: `export` and `evaluate` read the settings of a run too, but none only there.
PARTS = "\n".join(path.read_text() for path in resource("bundle/configs/plan.yaml").parent.glob("*.yaml"))
CODE = "\n".join(
    path.read_text()
    for path in (PACKAGE / "workflows").rglob("*.py")
    if path.name not in ("table.py", "checks.py", "changes.py")  # these list settings to check them, which is no use
)


@pytest.mark.parametrize("name", declared_settings())
def test_a_declared_setting_is_read(name: str) -> None:
    read = re.search(rf"@{name}\b", PARTS) or re.search(rf"""["']{name}["']""", CODE)
    asked = f'settings["{name}"]' in (PACKAGE / "workflows/settings/changes.py").read_text()
    assert read or asked or name in DOORS.values()


def test_every_declared_setting_has_a_row_and_every_row_is_declared() -> None:
    assert [*SETTINGS] == [*declared_settings()]


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_an_overlay_sets_declared_settings_to_values_that_pass_the_checks(overlay: Path) -> None:
    assert yaml.safe_load(overlay.read_text()).keys() <= declared_settings().keys()
    resolved_settings(parser_of([CONFIGS / "train.yaml", overlay]))


@pytest.mark.parametrize("entry", ["train.yaml", "pretrain.yaml", "finetune.yaml"])
def test_the_settings_of_an_entry_point_pass_the_checks(entry: str) -> None:
    settings = resolved_settings(parser_of([CONFIGS / entry]))
    epochs = {"train.yaml": (100, 50), "pretrain.yaml": (50, 50), "finetune.yaml": (100, 0)}[entry]
    assert (settings["max_epochs"], settings["pretrain_epochs"]) == epochs


def test_an_entry_point_declares_nothing_that_the_main_one_does_not() -> None:
    for entry in ("pretrain.yaml", "finetune.yaml"):
        assert yaml.safe_load((CONFIGS / entry).read_text()).keys() <= {*ENTRY_KEYS, *declared_settings()}
