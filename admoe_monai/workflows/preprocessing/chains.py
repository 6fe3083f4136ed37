"""Chains of transforms that bring scans onto the template, as `bundle/configs/to_template.yaml` declares them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from monai.bundle import ConfigParser

from admoe_monai.errors import UserError
from admoe_monai.scan_files import ScanFileError, open_scan
from admoe_monai.transforms import on_template_grid, template_grid
from admoe_monai.workflows.settings.preprocessing_digest import preprocessing_digest
from admoe_monai.workflows.settings.resources import resource

CONFIG = "bundle/configs/to_template.yaml"
TO_TEMPLATE = "to_template"
ON_TEMPLATE = "on_template"
#: Packages whose arithmetic decides the bits, beside what every digest of preprocessing holds.
PACKAGES = ("SimpleITK", "nilearn", "scipy")


class TemplateChains:
    """Chains at one spacing.

    Args:
        spacing_mm: Edge of the voxels to write; None for the config's own.

    Raises:
        UserError: If the grid can't be filled with such voxels.
    """

    def __init__(self, spacing_mm: float | None = None) -> None:
        self.parser = ConfigParser(ConfigParser.load_config_file(resource(CONFIG)))
        if spacing_mm is not None:
            self.parser["template_spacing_mm"] = spacing_mm
        self.spacing_mm = float(self.parser.get_parsed_content("template_spacing_mm"))
        try:
            template_grid(self.spacing_mm)
        except ValueError as error:
            raise UserError(f"--spacing: {error}") from error

    def __getitem__(self, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """Return a chain, made on first use."""
        chain: Callable[[dict[str, Any]], dict[str, Any]] = self.parser.get_parsed_content(name)
        return chain

    def digest(self, name: str) -> str:
        """Digest what decides the bits that a chain gives, in 16 characters.

        Args:
            name: Name of the chain.
        """
        parts = [preprocessing_digest(self.parser, name), *(f"{package} {version(package)}" for package in PACKAGES)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def chain_of(image: str) -> str:
    """Choose the chain that a scan needs: a scan on a known grid of MNI152 enters at the end.

    Args:
        image: Path of the scan.
    """
    try:
        scan = open_scan(image)
        return ON_TEMPLATE if on_template_grid(scan.shape, scan.affine) else TO_TEMPLATE
    except ScanFileError:  # about which the chain says more
        return TO_TEMPLATE
