"""Made-up cohorts and finished runs on them, made anew in every test session."""

from __future__ import annotations

import gc
import locale
import logging
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its customary name

from admoe_monai.cli.main import main
from admoe_monai.evaluation import run_pictures
from tiny_runs import SLICES, make_cohort, make_run, write_scan

Admoe = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session", autouse=True)
def _frozen_imports() -> Iterator[None]:
    """Keep what is imported out of garbage collection: a run collects at the end of each phase, which took half its time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def _one_picture_of_curves() -> Iterator[None]:
    """Draw curves.png once: after every epoch of every run it would take a fifth of the time of all tests."""
    draw, pictures = run_pictures.curves_png, list[bytes]()

    def once(path: Path, selection_metric: str) -> bytes:
        if not pictures:
            pictures.append(draw(path, selection_metric))
        return pictures[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_pictures, "curves_png", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests have run out of the memory of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _search_path() -> Iterator[None]:
    """MONAI's bundle workflow leaves its folder on the path, where a new process would find the code that a bundle carries."""
    before = sys.path.copy()
    yield
    sys.path[:] = before


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The datalist of a made-up cohort of twelve volumes; the folder is a BIDS tree. Not to be written to."""
    return make_cohort(tmp_path_factory.mktemp("cohort_3d"))


@pytest.fixture(scope="session")
def tiny_cohort_2d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The datalist of a made-up cohort of twelve slices. Not to be written to."""
    return make_cohort(tmp_path_factory.mktemp("cohort_2d"), spatial_dims=2)


@pytest.fixture(scope="session")
def tiny_run(tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run directory, one epoch of each phase with a clinical prior. Not to be written to: copy it."""
    return make_run(tmp_path_factory.mktemp("run_3d") / "run", tiny_cohort)


@pytest.fixture(scope="session")
def tiny_run_2d(tiny_cohort_2d: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `tiny_run`, for slices of three channels and without a clinical prior."""
    folder = tmp_path_factory.mktemp("run_2d") / "run"
    return make_run(folder, tiny_cohort_2d, **SLICES)


@pytest.fixture(scope="session", params=["3d", pytest.param("2d", marks=pytest.mark.faults)])
def each_cohort(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What `make_run` needs for a cohort of volumes and, in the long version of the tests, for one of slices."""
    if request.param == "3d":
        return {"datalist": request.getfixturevalue("tiny_cohort")}
    return {"datalist": request.getfixturevalue("tiny_cohort_2d"), **SLICES}


@pytest.fixture(scope="session")
def each_run(each_cohort: dict[str, Any], request: pytest.FixtureRequest) -> Path:
    """The finished run of either cohort. Not to be written to: copy it."""
    folder: Path = request.getfixturevalue("tiny_run_2d" if "spatial_dims" in each_cohort else "tiny_run")
    return folder


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """Start `python -m monai.bundle WORDS` in an empty folder and return the line that it leaves with, None at its end."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*words: object) -> str | None:
        monkeypatch.setattr(sys, "argv", ["monai.bundle", *map(str, words), "--logging_file", "False"])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "parsing config_file", UserWarning)
            try:
                runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)
            except SystemExit as left:
                return str(left.code)
        return None

    return run


@pytest.fixture
def admoe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Admoe]:
    """Call the command in this process and return its exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["admoe", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        output = capsys.readouterr()
        if isinstance(left.value.code, str):  # which Python prints to standard error
            return 1, output.out, f"{output.err}{left.value.code}\n"
        return int(left.value.code or 0), output.out, output.err

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield call
    root.handlers, root.level = handlers, level


@pytest.fixture(scope="session")
def make_scan() -> Callable[..., Path]:
    """`write_scan`, for tests of what reads scans."""
    return write_scan


@pytest.fixture
def write_dicom_series() -> Callable[..., Path]:
    """Write a volume (X, Y, Z) as a folder with one DICOM series of axial slices; spacing in mm."""

    def write(folder: Path, volume: np.ndarray, spacing: tuple[float, float, float], series: str = "1.2.3") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        # Writing DICOM (SimpleITK 2.5) leaves the process in the C locale, in which files are read as ASCII.
        before = locale.setlocale(locale.LC_ALL)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        for position in range(volume.shape[2]):
            image = sitk.GetImageFromArray(volume[:, :, position].T[None].astype(np.int16))
            image.SetSpacing(spacing)
            tags = {
                "0008|0060": "MR",
                "0020|000e": series,
                "0020|0013": str(position),
                "0020|0032": f"0\\0\\{spacing[2] * position:g}",
                "0020|0037": "1\\0\\0\\0\\1\\0",
            }
            for tag, text in tags.items():
                image.SetMetaData(tag, text)
            writer.SetFileName(str(folder / f"{series}_{position:03}.dcm"))
            writer.Execute(image)
        locale.setlocale(locale.LC_ALL, before)
        return folder

    return write
