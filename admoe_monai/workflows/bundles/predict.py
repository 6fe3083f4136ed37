"""Inference of an exported bundle from our own command, which looks at its configs before they are run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow

from admoe_monai.errors import one_line_errors
from admoe_monai.workflows.settings.closed_workflow import ClosedWorkflow
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.resources import resource

from .inference import CONFIG
from .recognition import refuse_unlike_export


def predict_scans(bundle: Path, values: Mapping[str, Any], trust: bool = False) -> None:
    """Predict scans, as `python -m monai.bundle run inference` does.

    Args:
        bundle: Folder of the bundle.
        values: Values by name of the bundle's config, such as `dataset_dir` and `output_dir`.
        trust: Whether a config that this version's export does not write is run, with the code that the bundle carries.

    Raises:
        UserError: If it would be such a config.
        SystemExit: With one line for a mistake that shows later.
    """
    refuse_unlike_export(bundle, trust)
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    kind: type[ConfigWorkflow] = ConfigWorkflow if trust else ClosedWorkflow
    with one_line_errors():
        workflow = kind(
            config_file=str(bundle / CONFIG),
            # Those of the bundle are read by MONAI as configs and as code of Python's logging.
            meta_file=str(resource("configs/metadata.json")),
            logging_file=str(resource("configs/logging.conf")),
            workflow_type="inference",
            run_id="inference",
            **literal({"bundle_root": str(bundle), **values}),
        )
        workflow.initialize()
        workflow.run()
        workflow.finalize()
