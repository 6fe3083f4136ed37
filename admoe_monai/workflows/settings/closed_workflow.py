"""MONAI's workflow over a config, without the folder of the config on the search path of Python."""

from __future__ import annotations

from typing import Any

from monai.bundle import ConfigWorkflow


class ClosedWorkflow(ConfigWorkflow):
    """Workflow that does not let Python import from the folder it lies in.

    MONAI (1.6.1) puts that folder in front of the standard library, so that any .py file beside the config of a run or a bundle
    would be run as soon as something of its name is imported.
    """

    def run(self) -> Any:
        """Evaluate what the config runs."""
        return self.parser.get_parsed_content(self.run_id)
