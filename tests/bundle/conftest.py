"""Bundles of the shared tiny runs. Not to be written to."""

from __future__ import annotations

from pathlib import Path

import pytest

from admoe_monai.workflows.bundles.export import export


@pytest.fixture(scope="package")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("inference") / "bundle", [], 0)


@pytest.fixture(scope="package")
def bundle_2d(tiny_run_2d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run_2d, tmp_path_factory.mktemp("inference_2d") / "bundle", [])
