"""The checks that MONAI's model zoo makes of a bundle, one by one, with MONAI's own tools.

    python scripts/verify/bundle.py BUNDLE [--dataset_dir SCANS] [--datalist datalist.json]

The published schema of metadata.json is not downloaded: metadata_schema.json beside this file follows the field list of
the bundle specification. Exporting in script mode is left out, as the model zoo leaves it out for other Swin transformers:
tracing takes its place. With SCANS the config of inference is held against MONAI's list of properties, with a datalist
that of training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SCHEMA = Path(__file__).with_name("metadata_schema.json")
SECTIONS = ("Authors", "Tags", "Model Description", "Data", "Performance", "System Configuration", "Limitations", "Commands",
            "References", "License")  # fmt: skip


class Check:
    """Runs checks of one bundle and keeps count of those that failed."""

    def __init__(self, bundle: Path) -> None:
        self.bundle = bundle
        self.failed: list[str] = []

    def __call__(self, name: str, check: Callable[[], str]) -> None:
        """Run a check: it returns what it saw, and raises where something is wrong."""
        try:
            seen = check()
        except Exception as error:
            self.failed.append(name)
            seen = f"FAILED: {error}"
        print(f"{name:<28} {seen}", flush=True)

    def monai(self, *arguments: str) -> str:
        """A command of MONAI's bundle tools, run in a process of its own with the bundle's code."""
        environment = {**os.environ, "PYTHONPATH": str(self.bundle.resolve())}
        command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        return (done.stdout + done.stderr).strip()


def main() -> None:
    """Check and print; exit code 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--dataset_dir", type=Path)
    parser.add_argument("--datalist", type=Path)
    options = parser.parse_args()
    bundle: Path = options.bundle
    check = Check(bundle)
    metadata = bundle / "configs/metadata.json"
    inference = bundle / "configs/inference.json"
    about = json.loads(metadata.read_text(encoding="utf-8"))
    meta = ("--meta_file", str(metadata), "--config_file", str(inference))

    check("necessary files", lambda: _present(bundle, "configs/metadata.json", "LICENSE"))
    check("preferred files", lambda: _present(bundle, "models/model.pt", "configs/inference.json", "docs/README.md"))
    check("README after the template", lambda: _sections(bundle / "docs/README.md"))
    check("version in the changelog", lambda: f"{about['version']}: {about['changelog'][about['version']]}")
    check("checksums", lambda: _checksums(bundle))
    check("files over 25 MB", lambda: _large(bundle))
    check(
        "verify_metadata",
        lambda: _last(check.monai("verify_metadata", "--meta_file", str(metadata), "--filepath", str(SCHEMA))),
    )
    check(
        "verify_net_in_out",
        lambda: _last(
            check.monai("verify_net_in_out", "network_def", *meta, "--device", "cpu"), "data shape of network"
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        weights = ("--ckpt_file", str(bundle / "models/model.pt"))
        image = about["network_data_format"]["inputs"]["image"]
        shape = ("--input_shape", str([1, image["num_channels"], *image["spatial_shape"]]))
        ts, onnx = Path(folder, "model.ts"), Path(folder, "model.onnx")
        export = ("--filepath", str(ts), *weights, *meta, "--use_trace", "True", *shape)
        check("ckpt_export (trace)", lambda: check.monai("ckpt_export", "network_def", *export) and _size(ts))
        export_onnx = ("--filepath", str(onnx), *weights, *meta, *shape)
        check("onnx_export", lambda: check.monai("onnx_export", "network_def", *export_onnx) and _size(onnx))
    check("monai.bundle.load", lambda: _load(bundle))
    if options.dataset_dir:
        check("properties of inference", lambda: _properties(bundle, "inference", dataset_dir=str(options.dataset_dir)))
    if options.datalist:
        with tempfile.TemporaryDirectory() as folder:
            places = {"output_dir": f"{folder}/out", "cache_dir": f"{folder}/preprocessed", "device": "cpu"}
            check(
                "properties of training", lambda: _properties(bundle, "train", datalist=str(options.datalist), **places)
            )
    sys.exit(f"{len(check.failed)} checks failed: {', '.join(check.failed)}" if check.failed else 0)


def _present(bundle: Path, *names: str) -> str:
    absent = [name for name in names if not (bundle / name).is_file()]
    if absent:
        raise FileNotFoundError(", ".join(absent))
    return ", ".join(names)


def _sections(readme: Path) -> str:
    text = readme.read_text(encoding="utf-8")
    absent = [name for name in SECTIONS if f"# {name}\n" not in text]
    if absent:
        raise ValueError(f"no section {', '.join(absent)}")
    return f"{len(SECTIONS)} sections"


def _checksums(bundle: Path) -> str:
    lines = (bundle / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    for line in lines:
        digest, _, name = line.partition("  ")
        if hashlib.sha256((bundle / name).read_bytes()).hexdigest() != digest:
            raise ValueError(f"{name} is not the file that was exported")
    return f"{len(lines)} files as exported"


def _large(bundle: Path) -> str:
    """The model zoo wants them listed in large_files.yml, with an address that only an upload can give."""
    large = [
        path.relative_to(bundle).as_posix()
        for path in bundle.rglob("*")
        if path.is_file() and path.stat().st_size > 25e6
    ]
    return f"{', '.join(large)}: to be listed in large_files.yml at an upload" if large else "none"


def _last(output: str, part: str = "") -> str:
    lines = [line for line in output.splitlines() if part in line]
    return lines[-1].rpartition(" - ")[2] if lines else "passed"


def _size(path: Path) -> str:
    return f"{path.name}, {path.stat().st_size / 1e6:.1f} MB"


def _load(bundle: Path) -> str:
    import torch
    from monai.bundle import load

    sys.path.insert(1, str(bundle.resolve()))
    network = load(
        bundle.resolve().name, bundle_dir=str(bundle.resolve().parent), source="monaihosting", workflow_type="inference"
    )
    weights = torch.load(bundle / "models/model.pt", weights_only=True)
    state = network.state_dict()
    if state.keys() != weights.keys() or any(not torch.equal(state[name], weights[name]) for name in weights):
        raise ValueError("the network that it returns has other weights than models/model.pt")
    return f"{type(network).__name__} with the {len(weights)} tensors of models/model.pt"


def _properties(bundle: Path, name: str, **overrides: str) -> str:
    from monai.bundle import ConfigWorkflow

    config = str(bundle / f"configs/{name}.json")
    workflow = ConfigWorkflow(config, workflow_type=name, logging_file=False, bundle_root=str(bundle), **overrides)
    workflow.initialize()
    wrong = workflow.check_properties()
    if wrong != []:
        raise ValueError(f"check_properties() == {wrong}")
    return "check_properties() == []"


if __name__ == "__main__":
    main()
