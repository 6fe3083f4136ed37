"""The recipes for an image, without the tools that build one: what they copy is laid out, and what they run is run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from admoe_monai.workflows.bundles.export import export

ROOT = "/opt/bundle"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def bundle(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tiny_run, tmp_path_factory.mktemp("container") / "bundle", [], 0)


def dockerfile(bundle: Path) -> list[tuple[str, str]]:
    """Its instructions, with the rest of their lines."""
    lines = [line for line in (bundle / "container/Dockerfile").read_text().splitlines() if not line.startswith("#")]
    instructions = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in instructions if line)]


def definition(bundle: Path) -> dict[str, list[str]]:
    """The lines of each section of the Apptainer file without comments; "" holds its head."""
    sections: dict[str, list[str]] = {"": []}
    section = ""
    for line in (bundle / "container/Apptainer.def").read_text().splitlines():
        if line.startswith("%"):
            section = line.strip()
            sections[section] = []
        elif line.strip() and not line.lstrip().startswith("#"):
            sections[section].append(line.strip())
    return sections


def copied_by_docker(bundle: Path) -> dict[str, str]:
    """Destination below the root of the bundle, and source, of everything that is copied."""
    copied = {}
    for name, rest in dockerfile(bundle):
        if name == "COPY":
            *sources, destination = rest.split()
            assert destination.endswith("/")
            for source in sources:
                # A folder's contents go to the destination, a file goes below it.
                inside = Path(destination) if source.endswith("/") else Path(destination) / Path(source).name
                copied[inside.as_posix()] = source.rstrip("/")
    return copied


def copied_by_apptainer(bundle: Path) -> dict[str, str]:
    pairs = [line.split() for line in definition(bundle)["%files"]]
    return {Path(destination).relative_to(ROOT).as_posix(): source for source, destination in pairs}


@pytest.fixture
def image(bundle: Path, tmp_path: Path) -> Path:
    """The folder that both recipes make, which holds nothing but what they copy."""
    folder = tmp_path / "image"
    for destination, source in copied_by_docker(bundle).items():
        (folder / destination).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (bundle / source).is_dir() else shutil.copy)(bundle / source, folder / destination)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call the script of an image as a user without a home does; everything that it leaves goes to `tmp`."""
    (tmp_path / "tmp").mkdir()

    def call(
        image: Path, *arguments: str | Path, python: str | Path = sys.executable
    ) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path / "tmp"), "OMP_NUM_THREADS": "1"}
        command = ["sh", str(image / "container/predict.sh"), *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, env={**environment, "PYTHON": str(python)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return call


def stand_in(path: Path, command: str) -> Path:
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
    return path


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_both_recipes_copy_the_same_files_of_the_bundle(bundle: Path) -> None:
    copied = copied_by_docker(bundle)
    assert copied == copied_by_apptainer(bundle)
    assert all((bundle / source).exists() for source in copied.values())


def test_both_recipes_begin_with_the_python_of_the_export(bundle: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert dockerfile(bundle)[:2] == [("ARG", f"PYTHON_VERSION={version}"), ("FROM", "python:${PYTHON_VERSION}-slim")]
    assert definition(bundle)[""] == ["Bootstrap: docker", f"From: python:{version}-slim"]


def test_both_recipes_install_and_check_the_same(bundle: Path) -> None:
    commands = [part.strip() for name, rest in dockerfile(bundle) if name == "RUN" for part in rest.split("&&")]
    assert commands == [
        line.replace("{{ TORCH_OPTIONS }}", "$TORCH_OPTIONS") for line in definition(bundle)["%post"][1:]
    ]
    assert definition(bundle)["%arguments"] == [rest for name, rest in dockerfile(bundle) if "TORCH_OPTIONS=" in rest]


def test_both_recipes_run_the_same_script_and_not_as_root(bundle: Path) -> None:
    last = dict(dockerfile(bundle))
    entry = json.loads(last["ENTRYPOINT"])
    assert shlex.split(definition(bundle)["%runscript"][0]) == ["exec", *entry, "$@"]
    assert (bundle / Path(entry[-1]).relative_to(ROOT)).is_file()
    assert json.loads(last["CMD"]) == ["--help"]
    assert last["WORKDIR"] == ROOT
    assert last["USER"] not in ("root", "0", "0:0")


def test_no_host_is_named(bundle: Path) -> None:
    texts = [path.read_text() for path in [bundle / "requirements.txt", *(bundle / "container").iterdir()]]
    hosts = {host for text in texts for host in re.findall(r"https?://([^/\s]+)", text)}
    assert hosts == set()


def test_what_is_copied_passes_the_check_of_the_recipes(bundle: Path, image: Path) -> None:
    check = next(line for line in definition(bundle)["%post"] if line.startswith("sha256sum"))
    assert subprocess.run(check.split(), cwd=image, check=False).returncode == 0
    (image / "models/model.pt").write_bytes(b"")
    assert subprocess.run(check.split(), cwd=image, capture_output=True, check=False).returncode != 0


@pytest.mark.slow
def test_script_writes_the_tables_that_the_bundle_writes(
    bundle: Path, image: Path, run: Run, tiny_cohort: Path, tmp_path: Path
) -> None:
    before = contents(image)
    done = run(image, tiny_cohort.parent, "2024", "--device", "cpu", "--screening", "False")
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "inference", "--device", "cpu"]
    command += ["--screening", "False"]  # the made-up scans are no brains
    command += ["--config_file", str(bundle / "configs/inference.json"), "--bundle_root", str(bundle)]
    command += ["--dataset_dir", str(tiny_cohort.parent), "--output_dir", str(tmp_path / "out")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    for table in ("predictions.csv", "predictions.json", "errors.csv"):
        assert (tmp_path / "2024" / table).read_bytes() == (tmp_path / "out" / table).read_bytes()
    # An image may be read-only, and its folder for temporary files may be the host's.
    assert contents(image) == before
    assert list((tmp_path / "tmp").iterdir()) == []


def test_script_passes_a_users_mistake_on(image: Path, run: Run, tmp_path: Path) -> None:
    done = run(image, tmp_path / "absent", "out")
    assert done.returncode == 1
    assert "no folder of scans" in done.stderr
    assert "Traceback" not in done.stderr


def test_script_hands_its_arguments_over(image: Path, run: Run, tmp_path: Path) -> None:
    python = stand_in(
        tmp_path / "python", f'printf "%s\\n" "$PYTHONPATH" "$HOME" "$USER" "$@" > {tmp_path}/seen; exit 7'
    )
    assert run(image, "some scans", "/out", "--prior_table", "a b.csv", python=python).returncode == 7
    path, home, user, *arguments = (tmp_path / "seen").read_text().splitlines()
    assert path == str(image)
    assert Path(home).parent == tmp_path / "tmp"
    assert user == str(os.getuid())
    given = arguments[arguments.index("--dataset_dir") :]
    assert given == [
        *("--dataset_dir", str(tmp_path / "some scans"), "--output_dir", "/out", "--prior_table", "a b.csv"),
    ]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_script_ends_its_child_when_it_is_ended(image: Path, tmp_path: Path) -> None:
    python = stand_in(tmp_path / "python", f"trap 'exit 75' TERM; : > {tmp_path}/started; while :; do sleep 0.05; done")
    environment = {**os.environ, "PYTHON": str(python), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(["sh", str(image / "container/predict.sh"), "scans", "out"], env=environment) as process:
        while not (tmp_path / "started").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 75
    assert not list(tmp_path.glob("predict.*"))


@pytest.mark.parametrize("arguments", [("--help",), ("scans", "out", "-h")])
def test_script_says_what_it_takes(image: Path, run: Run, arguments: tuple[str, ...]) -> None:
    done = run(image, *arguments, python="false")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: predict.sh SCANS OUT [OPTIONS]")
    assert "--prior_table" in done.stdout
    assert "exit code" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("arguments", [(), ("scans",), ("--device", "cpu"), ("scans", "--device", "cpu")])
def test_script_refuses_what_it_can_not_make_out(image: Path, run: Run, arguments: tuple[str, ...]) -> None:
    done = run(image, *arguments, python="true")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: predict.sh")
