"""Maps of single scans by each method, and their means over people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from admoe_monai.errors import UserError
from admoe_monai.explanation.averages import MeanMap
from admoe_monai.explanation.difference import LogitDifference
from admoe_monai.explanation.occlusion import cubes, occlusion
from admoe_monai.explanation.smoothgrad import smoothgrad
from admoe_monai.run_files import CONFIG
from admoe_monai.workflows.settings.declared import parser_of

from ..prediction import TrainedRun
from .question import Question
from .scans import ExplainedScan, ExplainedScans

SMOOTHGRAD, OCCLUSION = "smoothgrad", "occlusion"
UNITS = {SMOOTHGRAD: "logits per SD of intensity", OCCLUSION: "logits"}
#: Of everybody, whatever the class.
ALL = "all"
#: The strength of an untrained network's maps hardly differs from one person to the next.
PEOPLE_OF_UNTRAINED = 6
_TINY = 1e-12

MapOf = Callable[[ExplainedScan, int], NDArray[np.float32]]
Means = dict[str, dict[str, MeanMap]]


@dataclass(frozen=True)
class MapSettings:
    """How maps are computed.

    Attributes:
        methods: `SMOOTHGRAD`, `OCCLUSION` or both.
        samples: Number of noisy copies of each scan.
        noise: Standard deviation of their noise, as a share of the scan's range of intensities.
        cube_mm: Edge of the regions that are occluded in mm; of slices, in pixels.
        seed: Seed of the noise.

    Raises:
        UserError: If one of them is out of range.
    """

    methods: Sequence[str] = (SMOOTHGRAD,)
    samples: int = 10
    noise: float = 0.15
    cube_mm: float = 15.0
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [method for method in self.methods if method not in UNITS]
        if unknown:
            raise UserError(f"--method must be {' or '.join(UNITS)}, got {unknown[0]}")
        if self.samples < 1:
            raise UserError(f"--samples must be at least 1, got {self.samples}")
        if not 0 <= self.noise <= 1:
            raise UserError(f"--noise is a share of the scan's range of intensities, 0 to 1, got {self.noise}")
        if self.seed < 0:
            raise UserError(f"--seed must not be negative, got {self.seed}")
        if self.cube_mm <= 0:
            raise UserError(f"--cube_mm must be above 0, got {self.cube_mm}")


def map_methods(
    network: nn.Module, scans: ExplainedScans, question: Question, settings: MapSettings
) -> dict[str, MapOf]:
    """Make a function per method that gives the map of a scan on the grid of its input, (*S).

    Args:
        network: Network that is asked.
        scans: Scans, whose mean stands in for what is occluded.
        question: Logits whose difference is explained.
        settings: How maps are computed.
    """
    difference = LogitDifference(network.to(scans.device), question.task, question.towards, question.against)
    regions = cubes(scans.foreground, max(round(settings.cube_mm / scans.grid.edge_mm), 1))

    def gradient(scan: ExplainedScan, position: int) -> NDArray[np.float32]:
        seed = int(np.random.SeedSequence([settings.seed, position]).generate_state(1)[0])
        found = smoothgrad(difference, scan.image, settings.samples, settings.noise, seed, **scan.named)
        return np.asarray(found.cpu())

    def occluded(scan: ExplainedScan, position: int) -> NDArray[np.float32]:
        own = torch.from_numpy(scans.grid.hand_back(regions, scan.affine, nearest=True).astype(np.int64))
        fill = torch.from_numpy(scans.grid.hand_back(scans.scan, scan.affine))
        taken = occlusion(difference, scan.image, own.to(scans.device), fill.to(scans.device), **scan.named)
        return np.append(np.float32(0), np.asarray(taken.cpu()))[own.numpy()]

    known: dict[str, MapOf] = {SMOOTHGRAD: gradient, OCCLUSION: occluded}
    return {method: known[method] for method in settings.methods}


def mean_maps(
    scans: ExplainedScans,
    methods: Mapping[str, MapOf],
    observe: Callable[[int, ExplainedScan, str, NDArray[np.float32]], None] | None = None,
    count: int | None = None,
) -> Means:
    """Compute the maps of all scans and average them on the shared grid, by class and over all.

    Args:
        scans: Scans.
        methods: Functions as `map_methods` gives them.
        observe: Called with position, scan, name of the method and map of each scan.
        count: Number of scans, from the first; None for all.

    Returns:
        Means by method and class, and under `ALL`.
    """
    means: Means = {method: {ALL: MeanMap()} for method in methods}
    total = len(scans) if count is None else min(count, len(scans))
    bar = tqdm(zip(range(total), scans, strict=False), total=total, desc="Maps", unit="scan", disable=None)
    for position, scan in bar:
        for method, map_of in methods.items():
            found = map_of(scan, position)
            if observe is not None:
                observe(position, scan, method, found)
            values = scans.grid.gather(found, scan.affine)
            for name in (ALL, scan.label):
                means[method].setdefault(name, MeanMap()).add(values)
    return means


def untrained_network(run: TrainedRun, seed: int) -> nn.Module:
    """Build the network of a run with the random parameters that a training begins with.

    Args:
        run: Finished run.
        seed: Seed of the parameters.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = parser_of([run.folder / CONFIG]).get_parsed_content("network_def")
    return network.eval()


def untrained_strength(
    run: TrainedRun, scans: ExplainedScans, question: Question, settings: MapSettings, networks: int
) -> dict[str, NDArray[np.float64]]:
    """Average the strength of the maps of untrained networks.

    Args:
        run: Finished run, whose network is built anew.
        scans: Scans; the first few are enough.
        question: Logits whose difference is explained.
        settings: How maps are computed.
        networks: Number of networks.

    Returns:
        Strength by method, (*S): the geometric mean over networks, so that another one is as often above as below.
    """
    logarithms: dict[str, list[NDArray[np.float64]]] = {method: [] for method in settings.methods}
    for number in range(networks):
        methods = map_methods(untrained_network(run, settings.seed + number), scans, question, settings)
        for method, means in mean_maps(scans, methods, count=PEOPLE_OF_UNTRAINED).items():
            strength = means[ALL].strength()
            # Outside of the head a map may be zero; there it is not looked at.
            logarithms[method].append(np.log(strength / max(float(strength.mean()), _TINY) + _TINY))
    return {method: np.exp(np.mean(found, axis=0)) for method, found in logarithms.items() if found}
