"""The network that a config would build, without any run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from admoe_monai.errors import UserError, root_cause
from admoe_monai.workflows.run.cohort import load_cohort
from admoe_monai.workflows.run.unbuilt import ENCODER_HINT, in_words
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings


def network_of(
    config_files: Iterable[Path], given: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], nn.Module]:
    """Resolve the settings of a config and build its network, with decoder.

    Args:
        config_files: Entry point and its overlays, or overlays alone.
        given: Values by setting that go before those of the files.

    Raises:
        UserError: For a mistake in the config.
    """
    parser = parser_of(config_files, given)
    settings = resolved_settings(parser)
    if not settings["use_clinical_prior"]:
        settings["prior_dim"] = 0
    elif settings["prior_dim"] is None:
        if not Path(settings["datalist"]).is_file():
            raise UserError(
                f"the width of the prior is not known without {settings['datalist']}; set datalist or prior_dim in the config"
            )
        load_cohort(settings)
    parser["prior_dim"] = settings["prior_dim"]
    with in_words("the network", bool(settings["network"]), ENCODER_HINT):
        try:
            network: nn.Module = parser.get_parsed_content("network_def")
        except RuntimeError as error:  # MONAI's wrapping of what a constructor objects to
            # Of torch's own is a size that no memory holds.
            if not isinstance(cause := root_cause(error), RuntimeError) or settings["network"]:
                raise
            raise UserError(f"the network can't be built from these settings: {str(cause).splitlines()[0]}") from error
    return settings, network
