"""A proposal: settings of a run with the reason for each, tried on the settings' own checks and the network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from admoe_monai.data import load_datalist
from admoe_monai.errors import UserError
from admoe_monai.workflows.machine.hardware import Machine
from admoe_monai.workflows.machine.step_memory import ROOM, StepMemory, step_memory
from admoe_monai.workflows.run.cohort import class_weights, load_cohort
from admoe_monai.workflows.settings.declared import declared_settings, parser_of, resolved_settings
from admoe_monai.workflows.settings.literal_text import literal
from admoe_monai.workflows.settings.resources import resource

from . import rules
from .advice import advice_on
from .facts import CohortFacts, look_at

#: Settings that make a network, taken from a preset as they are.
OF_THE_NETWORK = (
    "patch_size", "stem", "embed_dim", "depths", "num_heads", "moe_stages", "fusion_stage", "prior_hidden",
    "drop_path_rate",
)  # fmt: skip
#: Voxels of the field of view as a multiple of the preset's that are still accepted before voxels get coarser.
MORE_VOXELS = 1.5
#: Voxels that divide a field of view whose last patch the network fills up itself.
EVEN = 4
GIB = 2**30


@dataclass
class Proposal:
    """Settings and reasons.

    Attributes:
        facts: Facts that it rests on.
        machine: Machine that it is for.
        values: Values by setting, in order.
        reasons: Reason by setting.
        memory: Memory of a step.
        advice: What no setting mends, one line each.
    """

    facts: CohortFacts
    machine: Machine
    values: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    memory: StepMemory | None = None
    advice: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any, reason: str) -> None:
        """Add a setting, or replace it.

        Args:
            name: Name of the setting.
            value: Value of it.
            reason: Reason for it, in one line.
        """
        self.values[name], self.reasons[name] = value, reason


def propose(datalist: Path, dataset_dir: Path | None, machine: Machine) -> Proposal:
    """Choose settings for a cohort and a machine.

    Args:
        datalist: Datalist of the cohort.
        dataset_dir: Folder of its images; None as the datalist says.
        machine: Machine to train on.

    Raises:
        UserError: If the datalist carries no run, a scan can't be read, or no preset fits into the memory.
    """
    cohort = load_datalist(datalist, dataset_dir, declared_settings()["classes"])
    facts = look_at(cohort)
    places = {"datalist": str(datalist), "dataset_dir": str(cohort.dataset_dir), "device": "cpu"}
    names = rules.presets_for(facts.axes, machine.device, facts.splits["training"].people)
    for name in names:
        proposal = Proposal(facts, machine)
        _network(proposal, name)
        _field_of_view(proposal, _preset(name))
        _plan(proposal)
        proposal.memory = step_memory(*_checked(proposal, places))
        if _batch(proposal, proposal.memory):
            _checked(proposal, places)
            proposal.advice = advice_on(cohort, proposal.values["stem"])
            return proposal
    raise UserError(
        f"not even {names[-1]} with one scan a step fits into {machine.memory / GIB:.1f} GB: "
        "prepare coarser or smaller scans, or say with --memory what another machine has"
    )


def _preset(name: str) -> dict[str, Any]:
    """Read a preset over the declared settings; `train` for these themselves."""
    overlay = {} if name == "train" else ConfigParser.load_config_file(resource(f"configs/overlays/{name}.yaml"))
    return {**declared_settings(), **overlay}


def _network(proposal: Proposal, name: str) -> None:
    preset, facts, machine = _preset(name), proposal.facts, proposal.machine
    people = facts.splits["training"].people
    file = "configs/train.yaml" if name == "train" else f"configs/overlays/{name}.yaml"
    proposal.add("spatial_dims", facts.axes, "the scans are volumes" if facts.axes == 3 else "the scans are slices")
    proposal.add("in_channels", preset["in_channels"], f"as in {file}; scans are grey, and repeated to more")
    for setting in OF_THE_NETWORK:
        proposal.add(setting, preset[setting], f"as in {file}")
    why = "the CPU" if machine.device == "cpu" else f"a GPU and {people} people in training"
    proposal.reasons["patch_size"] = f"the network of {file}, for {why}"
    bfloat = preset["amp"] if machine.device == "cuda" else None
    proposal.add("amp", bfloat, f"as in {file}" if machine.device == "cuda" else "float32 on the CPU")


def _field_of_view(proposal: Proposal, preset: Mapping[str, Any]) -> None:
    facts, values = proposal.facts, proposal.values
    stride = values["patch_size"] * 2 ** (len(values["depths"]) - 1)
    # Behind a CNN patches are large, and its batch norm needs two of them.
    multiple, least = (stride, stride) if values["stem"] == "patch" else (EVEN, 2 * stride)
    multiples = f"multiples of the stride {stride}" if multiple == stride else f"multiples of {multiple}"
    edges = preset["img_size"]
    sizes = edges if isinstance(edges, list) else [edges] * facts.axes
    seen = " x ".join(f"{edge:.0f}" for edge in facts.extent)
    of = f"of {facts.looked_into} heads or brains"
    spacing = None
    if facts.axes == 3:
        most = MORE_VOXELS * math.prod(sizes)
        spacing, size = rules.grid_of_volumes(facts.extent, max(facts.spacing), preset["spacing_mm"], most, multiple)
        size = [max(edge, least) for edge in size]
        scanned = " x ".join(f"{edge:.2g}" for edge in facts.spacing)
        why = "no more is needed for" if spacing > preset["spacing_mm"] else "the preset's, for"
        proposal.add("spacing_mm", spacing, f"{why} scans of {scanned} mm and at most {most:,.0f} voxels")
        proposal.add("img_size", size, f"holds the largest {of}, {seen} mm; {multiples}")
    else:
        size = rules.grid_of_slices(facts.extent, max(sizes), multiple)
        proposal.add("img_size", size, f"the shape of the largest {of}, {seen} pixels; {multiples}")
    tokens = math.ceil(max(size) / values["patch_size"])
    window = min(preset["window_size"], tokens)
    proposal.add("window_size", window, f"the largest; {tokens} tokens along the longest axis are divided evenly")
    cell = rules.mask_cell(size, values["patch_size"], spacing)
    about = f"{cell * spacing:.0f} mm" if spacing is not None else f"1/{max(size) / cell:.0f} of the longest axis"
    cells = math.prod(math.ceil(edge / cell) for edge in size)
    proposal.add("mask_patch_size", cell, f"{about}: {cells} cells, in whole patches")


def _plan(proposal: Proposal) -> None:
    facts, device = proposal.facts, proposal.machine.device
    training = facts.splits["training"]
    shown = training.labelled if facts.finetunes else training.visits
    scans = rules.scans_per_step(shown)
    proposal.add("batch_size", scans, "")
    proposal.add("accumulation_steps", 1, "")
    pretrain = rules.epochs_of(training.visits, scans, device)
    finetune = rules.epochs_of(training.labelled, scans, device) if facts.finetunes else 0
    proposal.add("pretrain_epochs", pretrain, _steps(training.visits, scans, pretrain, "visits"))
    why = (
        _steps(training.labelled, scans, finetune, "labelled visits after that")
        if finetune
        else ("pretraining alone: there are no labels in both training and validation")
    )
    proposal.add("max_epochs", pretrain + finetune, why)
    phases = [epochs for epochs in (pretrain, finetune) if epochs]
    proposal.add("warmup_epochs", rules.warmup_of(phases), f"a tenth of the shorter phase of {min(phases)} epochs")
    proposal.add("class_weights", *rules.weights_of_classes(training.classes, facts.classes))
    prior = "clinical columns are there" if facts.has_prior else "the datalist has no clinical column"
    proposal.add("use_clinical_prior", facts.has_prior, prior)
    threads, workers = rules.threads_and_workers(proposal.machine.cores, device)
    proposal.add("threads", threads, f"of {proposal.machine.cores} cores, in each process")
    proposal.add("num_workers", workers, "loaders; " + ("the CPU computes" if device == "cpu" else "the GPU computes"))


def _steps(visits: int, scans: int, epochs: int, what: str) -> str:
    per_epoch = math.ceil(visits / scans)
    return f"{epochs} epochs of {per_epoch} steps over {visits} {what}: {epochs * per_epoch:,} steps"


def _batch(proposal: Proposal, memory: StepMemory) -> int:
    """Divide the scans of a step into batches that fit; 0 if not even one scan does."""
    scans, limit = proposal.values["batch_size"], ROOM * proposal.machine.memory
    needed = {2**power: memory.of_batch(2**power) for power in range(5)}
    batch = rules.fitting_batch(scans, needed, limit)
    if batch:
        takes = f"takes about {needed[batch] / GIB:.1f} of {proposal.machine.memory / GIB:.1f} GB"
        proposal.add("batch_size", batch, takes)
        proposal.add("accumulation_steps", scans // batch, f"{scans} scans make a step of the optimizer")
    return batch


def _checked(proposal: Proposal, places: Mapping[str, Any]) -> tuple[ConfigParser, dict[str, Any]]:
    """Put the values through what training checks before it builds anything."""
    parser = parser_of([], {**proposal.values, **places})
    settings = resolved_settings(parser)
    cohort, _ = load_cohort(settings)
    class_weights(cohort, settings)
    parser["prior_dim"] = literal(settings["prior_dim"])
    return parser, settings
