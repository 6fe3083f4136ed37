"""Where the configs are: in the checkout the package is run from, or inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

import admoe_monai

PACKAGE = Path(admoe_monai.__file__).parent


def resource(name: str) -> Path:
    """The path of a config or of a part of the bundle, whatever the working directory.

    Args:
        name: as in the repository, e.g. `bundle/configs/common.yaml`.

    Raises:
        FileNotFoundError: if the installation lacks it.
    """
    for root in (PACKAGE.parent, PACKAGE / "resources"):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name} is missing from this installation of admoe_monai; install it again")
