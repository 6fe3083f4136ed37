"""The logits of a trained network and of every format of its bundle, on the same real scans.

    python scripts/studies/bundle_formats.py RUN_DIR BUNDLE [--scans N]

RUN_DIR holds the run that BUNDLE was exported from. The trainer's logits come from the run's own checkpoint, datalist and
transforms; those of the formats from the bundle's preprocessing, as inference.json builds it, of the same scans. The clinical
values are present as the datalist has them, missing in parts (in each visit some of the columns, drawn at random, but neither
none nor all), and absent. The table tells the largest difference of a logit; exit code 1 if one is above its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import Tensor

from admoe_monai.data import Datalist
from admoe_monai.transforms import prior_features
from admoe_monai.workflows.bundles.formats import FORMATS
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of

CPU = torch.device("cpu")
SPLITS = ("test", "validation", "training")
LIMITS = {"PyTorch": 1e-5, "torchscript": 1e-4, "onnx": 1e-4, "pt2": 1e-4}

Visits = list[dict[str, Any]]
Inputs = tuple[Tensor, ...]


def chosen_visits(cohort: Datalist, number: int) -> Visits:
    """The first visits, those of the test split first: those that trained nothing."""
    return [visit for split in SPLITS for visit in cohort.items(split)][:number]


def with_prior_missing(visits: Visits, columns: Sequence[str], seed: int) -> dict[str, Visits]:
    """The visits under each state of their clinical values; under one alone if the network takes none."""
    if not columns:
        return {"image alone": visits}
    draw = random.Random(seed)
    states: dict[str, Visits] = {"present": visits, "partly missing": [], "absent": []}
    for visit in visits:
        hidden = draw.sample(columns, draw.randint(1, max(1, len(columns) - 1)))
        states["partly missing"].append({**visit, "prior": {**visit["prior"], **dict.fromkeys(hidden)}})
        states["absent"].append({**visit, "prior": dict.fromkeys(visit["prior"])})
    return states


@torch.no_grad()
def trainer_logits(run: TrainedRun, visits: Visits) -> tuple[Inputs, Tensor]:
    """Inputs ``(N, C, *S)`` and ``(N, P)`` of the run's own transforms, and the logits ``(N, K1 + K2)`` of its network."""
    phase = run.phase(visits, CPU)
    network, prepare_batch, inferer = phase["network"].eval(), phase["prepare_batch"], phase["validate::inferer"]
    inputs, logits = [], []
    for batch in phase["validate::dataloader"]:
        image, _, args, kwargs = prepare_batch(batch, CPU)
        outputs = inferer(image, network, *args, **kwargs)
        inputs.append((image, *([kwargs["prior"]] if "prior" in kwargs else [])))
        logits.append(torch.cat([outputs[task] for task in run.settings["classes"]], dim=1))
    return tuple(torch.cat(part) for part in zip(*inputs, strict=True)), torch.cat(logits)


def bundle_inputs(bundle: Path, folder: Path, visits: Visits, columns: Sequence[str]) -> tuple[ConfigParser, Inputs]:
    """The bundle's config of inference for these scans, and what its preprocessing makes of them.

    Args:
        bundle: its root.
        folder: an empty one, for links to the scans and the table of clinical values.
        visits: of a datalist.
        columns: names of the clinical values that the network takes.

    Raises:
        RuntimeError: if the bundle can't use a scan.
    """
    names = [f"{number:04d}_{Path(visit['image']).name}" for number, visit in enumerate(visits)]
    for name, visit in zip(names, visits, strict=True):
        (folder / name).symlink_to(visit["image"])
    values = [["" if visit["prior"].get(c) is None else str(visit["prior"][c]) for c in columns] for visit in visits]
    lines = [",".join(cells) for cells in (["scan", *columns], *([n, *v] for n, v in zip(names, values, strict=True)))]
    (folder / "prior.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = ConfigParser(ConfigParser.load_config_file(bundle / "configs/inference.json"))
    places = {"bundle_root": str(bundle), "dataset_dir": str(folder), "device": "cpu"}
    # All scans, whatever has been predicted before; whether one would be refused as no brain is another question.
    config.update({"dataset::data": "@scans", **({"screening": False} if "screening" in config else {})})
    config.update({**places, "prior_table": str(folder / "prior.csv") if columns else None})
    items = list(config.get_parsed_content("dataset"))
    unusable = [f"{item['scan']}: {item['problem']}" for item in items if item["problem"]]
    if unusable:
        raise RuntimeError(f"{len(unusable)} scans can't be used, the first is {unusable[0]}")
    keys = ["image", "prior"] if columns else ["image"]
    return config, tuple(torch.stack([item[key] for item in items]) for key in keys)


def programs(bundle: Path, config: ConfigParser) -> dict[str, Callable[..., Tensor]]:
    """Every format that the bundle holds, as a function of image and prior."""
    network = config.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(bundle / "models/model.pt", map_location="cpu", weights_only=True))
    inferer = config.get_parsed_content("inferer")
    found: dict[str, Callable[..., Tensor]] = {"PyTorch": lambda image, *prior: inferer(image, network, *prior)}
    for name, (file, _, load) in FORMATS.items():
        if (bundle / "models" / file).is_file():
            found[name] = load(bundle / "models" / file)
    return found


@torch.no_grad()
def compare(run: TrainedRun, bundle: Path, states: dict[str, Visits], batch_size: int) -> dict[str, Any]:
    """Per state of the clinical values: the largest differences of inputs and, per format, of logits."""
    columns = [column["name"] for column in run.checkpoint["prior"]]
    found: dict[str, Any] = {}
    for state, visits in states.items():
        expected_inputs, expected = trainer_logits(run, visits)
        with tempfile.TemporaryDirectory() as folder:
            config, inputs = bundle_inputs(bundle, Path(folder), visits, columns)
        differences = {}
        for name, program in programs(bundle, config).items():
            parts = zip(*(tensor.split(batch_size) for tensor in inputs), strict=True)
            differences[name] = float((torch.cat([program(*part) for part in parts]) - expected).abs().max())
        # NaN against NaN is no difference, NaN against a number is: it comes out as NaN.
        gaps = [
            (a - b).abs().masked_fill(a.isnan() & b.isnan(), 0) for a, b in zip(inputs, expected_inputs, strict=True)
        ]
        found[state] = {
            "largest_difference_of_inputs": float(torch.stack([gap.max() for gap in gaps]).max()),
            "largest_logit": float(expected.abs().max()),
            "share_missing": float(inputs[1].isnan().double().mean()) if len(inputs) > 1 else None,
            "largest_difference_of_logits": differences,
        }
    return found


def main() -> None:
    """Compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--scans", type=int, default=20)
    parser.add_argument("--batch_size", type=int, default=4, help="of the formats; the run has its own")
    parser.add_argument("--seed", type=int, default=0, help="of the clinical values that are hidden")
    parser.add_argument("--output", type=Path, help="JSON file; by default RUN_DIR/evaluation/bundle_formats.json")
    options = parser.parse_args()
    run = TrainedRun.load(options.run_dir)
    visits = chosen_visits(cohort_of(run), options.scans)
    columns = [column["name"] for column in run.checkpoint["prior"]]
    found = compare(
        run,
        Path(os.path.abspath(options.bundle)),
        with_prior_missing(visits, columns, options.seed),
        options.batch_size,
    )
    formats = list(next(iter(found.values()))["largest_difference_of_logits"])
    print(f"{len(visits)} scans; clinical values {', '.join(prior_features(run.checkpoint['prior'])) or 'none'}\n")
    print(f"| format | limit | {' | '.join(found)} |\n| --- | ---: |{' ---: |' * len(found)}")
    for name in formats:
        _print_row(name, f"{LIMITS[name]:.0e}", [s["largest_difference_of_logits"][name] for s in found.values()])
    _print_row("inputs", "", [state["largest_difference_of_inputs"] for state in found.values()])
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {package: version(package) for package in ("torch", "monai", "numpy", "onnxruntime")},
        "scans": len(visits),
        "limits": {name: LIMITS[name] for name in formats},
        "clinical_values": found,
    }
    output = options.output or options.run_dir / "evaluation/bundle_formats.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    # Not "above": NaN is above nothing.
    failed = [
        f"{name} with clinical values {state}"
        for state, figures in found.items()
        for name, difference in figures["largest_difference_of_logits"].items()
        if not difference <= LIMITS[name]
    ]
    sys.exit(f"above the limit: {'; '.join(failed)}" if failed else 0)


def _print_row(name: str, limit: str, differences: Sequence[float]) -> None:
    print(f"| {name} | {limit} | {' | '.join(f'{value:.1e}' for value in differences)} |")


if __name__ == "__main__":
    main()
