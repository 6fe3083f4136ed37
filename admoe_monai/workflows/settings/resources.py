"""Location of the configs: in the checkout the package is run from, or inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

import admoe_monai

PACKAGE = Path(admoe_monai.__file__).parent


def resource(name: str) -> Path:
    """Find a config or a part of the bundle, whatever the working directory.

    Args:
        name: Path as in the repository, e.g. `bundle/configs/common.yaml`.

    Raises:
        FileNotFoundError: If the installation lacks it.
    """
    for root in (PACKAGE.parent, PACKAGE / "resources"):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name} is missing from this installation of admoe_monai; install it again")
