"""What the config of an exported bundle calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from admoe_monai.checkpoints import CheckpointError, check_integrity
from admoe_monai.errors import UserError

from .entry import one_line_errors
from .environment import choose_device
from .settings import calling_workflow, refuse_unknown

CONFIG = "configs/inference.json"
PRIOR = "configs/prior.json"


def infer() -> None:
    """Predict the scans; `inference` of an exported bundle."""
    parser = calling_workflow().parser
    with one_line_errors():
        bundle = Path(parser.get_parsed_content("bundle_root"))
        if not (bundle / CONFIG).is_file():
            raise UserError(f"there is no {CONFIG} in {bundle}; name the bundle with --bundle_root")
        refuse_unknown(parser.config, [*ConfigParser.load_config_file(bundle / CONFIG), "_meta_"], "setting", CONFIG)
        try:
            check_integrity(Path(parser.get_parsed_content("model_file")))
        except CheckpointError as error:
            raise UserError(f"the bundle's weights can't be used, copy it again: {error}") from error
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
