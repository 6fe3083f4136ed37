"""Versions of the packages that a bundle was made with and needs."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

#: Fields of metadata.json that hold the version of one package each.
VERSIONS = {"monai_version": "monai", "pytorch_version": "torch", "numpy_version": "numpy"}
#: Packages that the carried code imports beside these.
REQUIRED = (
    "pytorch-ignite", "nibabel", "SimpleITK", "pydicom", "scipy", "nilearn", "matplotlib", "timm", "fire", "PyYAML",
    "tqdm", "tensorboard", "einops", "safetensors",
)  # fmt: skip


def requirements(about: Mapping[str, Any]) -> str:
    """Build the contents of requirements.txt: the versions that metadata.json names, as pip installs them.

    Args:
        about: Contents of metadata.json.
    """
    pinned = {package: about[field] for field, package in VERSIONS.items()} | about["required_packages_version"]
    lines = [f"{package}=={number}" for package, number in pinned.items()]
    made_with = f"# The versions of configs/metadata.json; exported with Python {platform.python_version()}."
    return "\n".join([made_with, *lines]) + "\n"


def public_version(package: str) -> str:
    """Return the version of a package that is installed here, as others can install it."""
    # Builds such as 2.11.0+cpu are not versions that other users could install.
    return version(package).partition("+")[0]
