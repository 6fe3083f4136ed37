"""Settings in their short or earlier forms: `classes_sex: [F, M]` for a line of `classes`, a list of overlays for both phases.

Checkpoints and config.yaml hold the full forms; runs made before version 0.1.0 have `classes_<task>`, `weight_<task>` and
`num_classes_<task>`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from admoe_monai.errors import UserError

from .names import NUMBER, PREFIXES, is_short_form


def take_in(
    settings: MutableMapping[str, Any], defaults: Mapping[str, Any], value_of: Callable[[str], Any] | None = None
) -> None:
    """Take short forms into the mappings that they are entries of.

    Args:
        settings: Settings of the user, or of a checkpoint; changed in place.
        defaults: Declared values of the mappings, where the settings have none.
        value_of: Function that evaluates a setting; by default it stands as it is.

    Raises:
        UserError: If a number of classes contradicts their names.
    """
    value_of = value_of or settings.__getitem__
    given = [name for name in settings if is_short_form(name)]
    for prefix, whole in PREFIXES.items():
        entries = {name.removeprefix(prefix): settings[name] for name in given if name.startswith(prefix)}
        if entries:
            settings[whole] = {**settings.get(whole, defaults[whole]), **entries}
    for name in given:
        if name.startswith(NUMBER):
            task = name.removeprefix(NUMBER)
            names = settings.get("classes", defaults["classes"]).get(task)
            number = value_of(name)
            if not isinstance(names, (list, tuple)) or number != len(names):
                have = f"has {len(names)} names" if isinstance(names, (list, tuple)) else "lists none"
                raise UserError(f"{name} is {number} but classes_{task} {have}")
    for name in given:
        del settings[name]


def in_full(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Spell out what applies to several tasks or phases, and make lists of tuples, as a config file would have them.

    The command line makes tuples (`--img_size 96,112,96`), and earlier checkpoints hold some.

    Args:
        settings: Settings, resolved and checked.

    Returns:
        The settings with a weight for each task and overlays for each phase.

    Raises:
        UserError: If overlays are of a phase that is none.
    """
    from admoe_monai.checkpoints import PHASES  # torch comes with it

    settings = {name: _with_lists(value) for name, value in settings.items()}
    overlays = settings["phase_overlays"]
    if isinstance(overlays, Mapping):
        for phase in overlays:
            if phase not in PHASES:
                raise UserError(f"phase_overlays names the phase '{phase}'; there are {', '.join(PHASES)}")
    by_phase = overlays if isinstance(overlays, Mapping) else dict.fromkeys(PHASES, overlays)
    return {
        **settings,
        "task_weights": {task: settings["task_weights"].get(task, 1.0) for task in settings["classes"]},
        "phase_overlays": {phase: list(by_phase.get(phase, [])) for phase in PHASES},
    }


def _with_lists(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_with_lists(part) for part in value]
    return {key: _with_lists(part) for key, part in value.items()} if isinstance(value, dict) else value
