"""Whether a config can be built, as far as it shows without data: settings, parts of the phases, network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.workflows.run.phase import Phase
from admoe_monai.workflows.settings.declared import hold_plan, parser_of, resolved_settings
from admoe_monai.workflows.settings.written import read_written

from .network import network_of


def check_config(files: Sequence[Path], given: Mapping[str, Any]) -> list[str]:
    """Build what a config describes, but for what needs scans.

    Args:
        files: Config files, the entry point first.
        given: Values of the command line by setting.

    Returns:
        Lines about the plan and the network.

    Raises:
        UserError: For what can't be built.
    """
    parser = parser_of(files, given)
    settings = resolved_settings(parser)
    only = re.search(r"compose\(['\"](\w+)['\"]\)", str(read_written(files[0]).content.get("initialize")))
    if only:
        hold_plan(parser, only[1])
    phases: list[Phase] = parser.get_parsed_content("phases")
    for phase in phases:
        phase.preprocessing_digest(settings)
    # How wide the encoded prior is, the datalist says; any width does to see whether parts fit.
    known = settings["prior_dim"] is not None or Path(settings["datalist"]).is_file()
    _, network = network_of(files, given if known else {**given, "prior_dim": 1})
    counted = sum(parameter.numel() for parameter in network.parameters())
    epochs = ", ".join(f"{phase.num_epochs} epochs of {phase.name}" for phase in phases if phase.num_epochs)
    without = "" if known else f" (with one column of a prior: {settings['datalist']} is not there)"
    return [f"Plan:    {epochs}", f"Network: {counted:,} parameters{without}"]
