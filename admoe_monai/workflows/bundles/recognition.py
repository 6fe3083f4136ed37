"""Whether a bundle's inference is what this package's export writes: then its config runs nothing but this package.

A signature would need a key of every author. What export writes follows from the settings that a bundle states, so it is
written anew and compared; of those settings, none is evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from admoe_monai.errors import UserError, reason_of
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.preprocessing.chains import ON_TEMPLATE, TO_TEMPLATE
from admoe_monai.workflows.settings.executed import executed
from admoe_monai.workflows.settings.names import declared_settings
from admoe_monai.workflows.settings.resources import resource
from admoe_monai.workflows.settings.table import names_of
from admoe_monai.workflows.settings.trust import trust_message

from .configs import inference_config
from .inference import CONFIG
from .runs import SETTINGS


def refuse_unlike_export(bundle: Path, trust: bool) -> None:
    """Refuse a bundle whose inference this version's export would not have written, unless the user trusts it.

    Args:
        bundle: Folder of the bundle.
        trust: Whether the user has said so.

    Raises:
        UserError: Naming what would run, or that there is no bundle.
    """
    config = _read(bundle / CONFIG)
    if trust or any(config == candidate for candidate in _as_exported(config, bundle)):
        return
    found = [f"{bundle / CONFIG}, in {key}, would run {text!r}" for key, text in _beside_ours(config)]
    raise UserError(trust_message(found or [f"{bundle / CONFIG} is none that this version's export writes"]))


def _as_exported(config: Mapping[str, Any], bundle: Path) -> Iterator[dict[str, Any]]:
    """Write the config anew, from settings that run nothing, for each state that the scans of training may have been in."""
    try:
        settings = _read(bundle / SETTINGS)["settings"]
    except (UserError, KeyError):
        return
    usual = declared_settings()
    if not isinstance(settings, Mapping) or usual.keys() - settings.keys() - {*names_of(place=True)}:
        return
    settings = {name: settings[name] for name in usual if name in settings}
    if any(True for _ in executed(settings)):
        return
    run = cast(TrainedRun, SimpleNamespace(settings={**dict.fromkeys(names_of(place=True)), **settings}))
    for chain in (None, TO_TEMPLATE, ON_TEMPLATE):
        registered = {"chains": [chain], "spacing_mm": config.get("template_spacing_mm")} if chain else {}
        try:
            temperatures = dict(zip(settings["classes"], map(float, config["temperatures"]), strict=True))
            stated = config.get("set_thresholds")
            sets = None if stated is None else [[float(least) for least in task] for task in stated]
            written = inference_config(run, temperatures, registered, bool(config.get("screening", True)), sets)
        except Exception:  # settings that no run has had
            return
        yield json.loads(json.dumps(written))


def _beside_ours(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what a config would run that stands in no config of this package."""
    ours = "\n".join(path.read_text(encoding="utf-8") for path in sorted(resource("bundle/configs").glob("*.yaml")))
    yield from ((key, text) for key, text in executed(config) if text not in ours)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read ({reason_of(error)}); name the folder of a bundle") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} is no config: it holds a {type(content).__name__}")
    return content
