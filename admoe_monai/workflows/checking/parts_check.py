"""What is wrong inside the network of a config and inside its phases, each with file and line; nothing is built for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver

from admoe_monai.errors import UserError
from admoe_monai.workflows.run.phase import BROUGHT, Phase
from admoe_monai.workflows.settings.declared import PARTS, parser_of, resolved_settings
from admoe_monai.workflows.settings.findings import COMMAND_LINE, Finding
from admoe_monai.workflows.settings.names import refuse_unknown
from admoe_monai.workflows.settings.part_findings import (
    Problem,
    argument_problems,
    component_problems,
    reference_problems,
    replacement_problems,
    text_problems,
    unread_problems,
)
from admoe_monai.workflows.settings.resources import resource
from admoe_monai.workflows.settings.written import read_written

Place = Callable[[str], str]


def findings_in_parts(files: Sequence[Path], given: Mapping[str, Any]) -> list[Finding]:
    """Find arguments that nothing takes, references to nothing and keys that nothing reads.

    Args:
        files: Config files, the entry point first.
        given: Values of the command line by setting.

    Raises:
        UserError: For a config that can't be read as a whole.
    """
    parser = parser_of(files, given)
    resolved_settings(parser)  # spells out of which phase an overlay is
    phases: list[Phase] = parser.get_parsed_content("phases")
    names, found = list(parser["settings"]), list(_in_network(files, given, parser))
    for phase in phases:
        for finding in _in_phase(phase, names):
            found += [finding] if finding not in found else []  # an overlay of both phases is one file
    return found


def _in_network(files: Sequence[Path], given: Mapping[str, Any], parser: ConfigParser) -> Iterator[Finding]:
    ours = ConfigParser.load_config_file(resource(PARTS))["network_def"]
    written = [read_written(file) for file in files]
    sources: list[tuple[Mapping[str, Any], Place]] = [(config.content, config.place) for config in written]
    for content, place in [*sources, (given, lambda _: COMMAND_LINE)]:
        for key, value in content.items():
            first, *way = ReferenceResolver.split_id(str(key).lstrip("+"))
            if first != "network":
                continue
            for name in reversed(way):
                value = {name: value}
            problems = [
                *component_problems(value, ours, first),
                *reference_problems(value, parser.config, first, ()),
                *text_problems(value, first),
            ]
            yield from (Finding(place(where), said) for where, said in problems)


def _in_phase(phase: Phase, settings: Sequence[str]) -> Iterator[Finding]:
    ours = ConfigParser.load_config_files(phase.config_file)
    for overlay in phase.overlays:
        if not Path(overlay).is_file():
            raise UserError(f"phase_overlays of {phase.key} names {overlay}, which is not there")
    whole = _whole(phase, ours)
    for overlay, content in zip(phase.overlays, phase.overlay_contents(), strict=True):
        written = read_written(Path(overlay))
        for key, line in written.repeated.items():
            yield Finding(f"{overlay}, line {line}", f"{key} is set a second time, and only this value counts")
        for key, value in content.items():
            for where, said in _of_key(str(key), value, ours, whole, settings):
                # Within the file, the key stands as it is written, perhaps with a plus.
                yield Finding(written.place(str(key) + where.removeprefix(_plain(str(key)))), said)


def _of_key(
    key: str, value: Any, ours: Mapping[str, Any], whole: Mapping[str, Any], settings: Sequence[str]
) -> Iterator[Problem]:
    name = _plain(key)
    top = name.partition("::")[0]
    try:
        refuse_unknown([top], [*ours, *settings], "key of a phase", "the files of the phase")
    except UserError as error:
        yield name, str(error)
        return
    yield from unread_problems(name, ours, whole)
    yield from replacement_problems(value, ours, key)
    yield from argument_problems(value, whole, name)
    yield from component_problems(value, None, name)
    yield from reference_problems(value, whole, name, (*settings, *BROUGHT))
    yield from text_problems(value, name)


def _whole(phase: Phase, ours: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return ConfigParser.load_config_files(phase.files())
    except Exception:  # of what can't be merged, more is said beside it
        return ours


def _plain(key: str) -> str:
    return ReferenceResolver.normalize_id(key.lstrip("+"))
