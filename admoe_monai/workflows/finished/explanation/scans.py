"""The scans of which a network is asked where it looks: one per person, as the network sees them, and the space they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data import DataLoader
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from admoe_monai.data import Datalist
from admoe_monai.data.visits import first_visits
from admoe_monai.errors import UserError
from admoe_monai.explanation.averages import MeanMap
from admoe_monai.explanation.shared_grid import SharedGrid

from ..prediction import TrainedRun


@dataclass(frozen=True)
class ExplainedScan:
    """One scan as the network sees it.

    Attributes:
        name: Subject and session.
        label: Class of the person at this visit.
        image: Input, (1, C, *S).
        named: Further arguments of the network: the prior, where it takes one.
        foreground: Whether the head covers a voxel of the input, (*S).
        affine: Matrix (4, 4) from voxels of the input to mm.
    """

    name: str
    label: str
    image: Tensor
    named: Mapping[str, Any]
    foreground: NDArray[np.bool_]
    affine: NDArray[np.float64]

    @property
    def grey(self) -> NDArray[np.float32]:
        """The scan without channels, (*S)."""
        return self.image[0].mean(0).cpu().numpy()


class ExplainedScans:
    """Scans of a split, the first labelled visit of each person, class by class in turn.

    Args:
        run: Finished run.
        cohort: Cohort of the scans.
        split: Name of the split.
        task: Task whose label a visit needs.
        most: Largest number of people of each class; None for all.
        device: Device to run on.

    Attributes:
        space: Name of the space that the scans share; None if they share none.
        grid: Grid of the maps of all people: that of the network's input where the scans share no space, or are slices.
        scan: Mean of the scans on the grid.
        foreground: Share of scans whose head covers a voxel of the grid.

    Raises:
        UserError: If no visit of the split has a label of the task.
    """

    def __init__(
        self, run: TrainedRun, cohort: Datalist, split: str, task: str, most: int | None, device: torch.device
    ) -> None:
        chosen = _in_turn(cohort, split, task, most)
        if not chosen:
            raise UserError(f"{cohort.path} has no {split} visit with a {task}")
        visits = cohort.items(split)
        items = [visits[index] for index in chosen]
        self.device = device
        self.space = shared_space(cohort)
        self._phase = run.phase(items, device)
        self._items, self._task, self._names = items, task, run.settings["classes"][task]
        self._store = store = self._phase["validate::store"]
        self._affines = self._places(run.settings)
        self.grid = SharedGrid.around(self._affines, store[0]["image"].shape[1:])
        scan, foreground = MeanMap(), MeanMap()
        for index, affine in enumerate(self._affines):
            scan.add(self.grid.gather(store[index]["image"].numpy().mean(0), affine))
            foreground.add(self.grid.gather(store[index]["foreground"].numpy()[0] > 0, affine))
        self.scan, self.foreground = scan.mean, foreground.mean

    def _places(self, settings: Mapping[str, Any]) -> list[NDArray[np.float64]]:
        """Look up the affine of each input; one for all where there is no shared space, or none that headers tell."""
        if settings["spatial_dims"] == 2:
            return [np.eye(4)] * len(self._items)
        if not self.space:
            return [np.diag([*[float(settings["spacing_mm"])] * 3, 1.0])] * len(self._items)
        bar = tqdm(self._items, desc="Places of scans", unit="scan", disable=None)
        # The store keeps voxels alone.
        return [np.asarray(self._store.transform(dict(item))["image"].affine, dtype=float) for item in bar]

    def __len__(self) -> int:
        return len(self._items)

    def people(self) -> dict[str, int]:
        """Count the people of each class, in the order of the classes."""
        counts = Counter(str(item[self._task]) for item in self._items)
        return {name: counts[name] for name in self._names if counts[name]}

    def __iter__(self) -> Iterator[ExplainedScan]:
        loader = DataLoader(self._phase["validate::dataset"], batch_size=1)
        for index, (item, affine, batch) in enumerate(zip(self._items, self._affines, loader, strict=True)):
            image, _, _, named = self._phase["prepare_batch"](batch, self.device)
            name = f"{item['subject_id']} {item['session_id']}"
            foreground = self._store[index]["foreground"].numpy()[0] > 0
            yield ExplainedScan(name, str(item[self._task]), image, named, foreground, affine)


def shared_space(cohort: Datalist) -> str | None:
    """Name the space that all scans of a cohort lie in, as far as its datalist says so.

    Args:
        cohort: Cohort of the scans.
    """
    space = cohort.preprocessing.get("template") or cohort.preprocessing.get("space")
    if not space and cohort.simulated:
        return "the simulated cohort's own, near MNI152"
    return str(space) if space else None


def _in_turn(cohort: Datalist, split: str, task: str, most: int | None) -> Sequence[int]:
    visits = cohort.splits[split]
    labelled = [index for index, visit in enumerate(visits) if visit.get(task) is not None]
    first = [labelled[place] for place in first_visits([visits[index] for index in labelled])]
    seen: Counter[str] = Counter()
    turns = []
    for index in sorted(first):
        label = str(visits[index][task])
        turns.append((seen[label], index))
        seen[label] += 1
    return [index for turn, index in sorted(turns) if most is None or turn < most]
