"""What the config of an exported bundle calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError
from admoe_monai.workflows.entry import one_line_errors
from admoe_monai.workflows.environment import choose_device
from admoe_monai.workflows.settings import calling_workflow

from .runs import check_bundle

CONFIG = "configs/inference.json"
PRIOR = "configs/prior.json"


def infer() -> None:
    """Predict the scans; `inference` of an exported bundle."""
    parser = calling_workflow().parser
    with one_line_errors():
        check_bundle(parser, Path(str(parser.get_parsed_content("bundle_root"))), [CONFIG])
        choose_device(str(parser.get_parsed_content("device")))
        parser.get_parsed_content("evaluator").run()


def prior_columns(bundle_root: str | Path) -> list[dict[str, Any]]:
    """The statistics of the prior columns that a bundle's network takes; empty for a network without a prior.

    They stand in a file of their own, because MONAI (1.6.1) replaces every # in the strings of a config.

    Args:
        bundle_root: folder of the bundle.

    Raises:
        UserError: if the file is absent or damaged.
    """
    path = Path(bundle_root) / PRIOR
    try:
        columns: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["columns"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} can't be read ({error}); name the bundle with --bundle_root") from error
    return columns
