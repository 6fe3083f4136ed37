"""Predictions of the same scans under every condition, through the run's own preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import torch
from monai.data import DataLoader, MetaTensor, list_data_collate
from monai.transforms import Compose
from torch.utils.data import Dataset
from tqdm import tqdm

from admoe_monai.checkpoints import CheckpointError
from admoe_monai.data import Datalist
from admoe_monai.data.stream import leave_signals_to_main, position_seed
from admoe_monai.errors import UserError, root_cause
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.evaluate import labelled_visits
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.run.environment import choose_device

from ..prediction import TrainedRun
from .conditions import Condition
from .disturbances import DISTURBANCES, RawScan

Item = dict[str, Any]


def predict_under(
    run: TrainedRun, cohort: Datalist, split: str, conditions: Sequence[Condition], device: str | None
) -> dict[str, PredictionTable]:
    """Predict the first labelled visit of each person and task under each condition.

    Args:
        run: Finished run with a classifying network.
        cohort: Cohort whose split is predicted.
        split: Name of the split.
        conditions: Conditions, in the order of the result.
        device: Device to run on; None takes the GPU if there is one.

    Returns:
        Predictions per name of a condition, of the same visits in the same order.

    Raises:
        UserError: For an image that can't be read or disturbed, or preprocessing that nothing can be put into.
    """
    if run.checkpoint["is_pretrain"]:
        raise CheckpointError(f"the checkpoint of {run.folder} is from pretraining, which predicts no label")
    chosen, classes = choose_device(device), run.settings["classes"]
    use_threads()
    phase = run.phase([], chosen)  # without visits: nothing is stored of scans that are disturbed
    rows = first_labelled(cohort, split, classes)
    items = cohort.items(split)
    variants = Variants(
        [items[row] for row in rows],
        phase["preprocessing"],
        phase["validate::preprocessing"],
        conditions,
        run.settings["seed"],
    )
    loader = DataLoader(
        variants,
        batch_size=None,
        num_workers=run.settings["num_workers"],
        collate_fn=_as_they_are,
        worker_init_fn=leave_signals_to_main,
    )
    network, prepare_batch, inferer = phase["network"], phase["prepare_batch"], phase["validate::inferer"]
    network.eval()
    found: dict[str, list[np.ndarray]] = {task: [] for task in classes}
    with torch.no_grad():
        for ready in tqdm(loader, desc=f"{len(conditions)} conditions", unit="scan", disable=None):
            parts: dict[str, list[np.ndarray]] = {task: [] for task in classes}
            for start in range(0, len(ready), run.settings["batch_size"]):
                batch = list_data_collate(ready[start : start + run.settings["batch_size"]])
                image, _, args, kwargs = prepare_batch(batch, chosen)
                output = inferer(image, network, *args, **kwargs)
                for task in classes:
                    parts[task].append(output[task].double().softmax(1).cpu().numpy())
            for task in classes:
                found[task].append(np.concatenate(parts[task]))
    visits = [cohort.splits[split][row] for row in rows]
    return {
        condition.name: PredictionTable.from_visits(
            visits, {task: np.stack([of_scan[place] for of_scan in found[task]]) for task in classes}, classes
        )
        for place, condition in enumerate(conditions)
    }


def first_labelled(cohort: Datalist, split: str, classes: dict[str, Sequence[str]]) -> list[int]:
    """Find the places of the visits that figures of single visits rest on, whatever the task.

    Args:
        cohort: Cohort with the split.
        split: Name of the split.
        classes: Class names of each task.
    """
    visits = cohort.splits[split]
    guesses = {task: np.full((len(visits), len(names)), 1 / len(names)) for task, names in classes.items()}
    table = PredictionTable.from_visits(visits, guesses, classes)
    return sorted({int(row) for task in classes for row in labelled_visits(table, task, True)})


class Variants(Dataset):
    """Scans, each read once and served as a list of items, one per condition.

    Args:
        visits: Items of a datalist.
        preprocessing: Chain of the run, which begins by reading the scan.
        item_transforms: What comes behind what the run stores of a scan.
        conditions: Conditions.
        seed: Seed of the run; each scan has one of its own, by its person and session.

    Raises:
        UserError: If the preprocessing is no such chain.
    """

    def __init__(
        self,
        visits: Sequence[Item],
        preprocessing: Compose,
        item_transforms: Compose,
        conditions: Sequence[Condition],
        seed: int,
    ) -> None:
        if not isinstance(preprocessing, Compose) or len(preprocessing.transforms) < 2:
            raise UserError(
                "the run's preprocessing is no chain that begins by reading the scan: nothing can be disturbed"
            )
        self.visits = visits
        self.read, self.rest = preprocessing.transforms[0], Compose(preprocessing.transforms[1:])
        self.item_transforms = item_transforms
        self.conditions = conditions
        self.seed = seed

    def __len__(self) -> int:
        return len(self.visits)

    def __getitem__(self, index: int) -> list[Item]:
        visit = self.visits[index]
        try:
            return self._of(visit, index)
        except Exception as error:  # MONAI wraps whatever a transform raises in RuntimeErrors
            cause = root_cause(error)
            if isinstance(cause, UserError):
                raise UserError(str(cause)) from error
            raise UserError(f"cannot disturb {visit['image']}: {cause}") from error

    def _of(self, visit: Item, index: int) -> list[Item]:
        read = self.read(dict(visit))
        if not isinstance(read["image"], MetaTensor):
            raise UserError("the run's preprocessing does not begin by reading the scan: nothing can be disturbed")
        scan = RawScan(read["image"])
        seed = position_seed(self.seed, crc32(f"{visit['subject_id']}/{visit['session_id']}".encode()))
        undisturbed = self.rest({**read, "image": scan.voxels.clone()})
        made = []
        for condition in self.conditions:
            item = dict(undisturbed)
            if condition.kind is not None:
                disturbed = DISTURBANCES[condition.kind].apply(scan, condition.strength, seed)
                item = self.rest({**read, "image": disturbed.clone()})
            item["prior"] = {**visit["prior"], **dict.fromkeys(condition.without)}
            self.item_transforms.set_random_state(seed=position_seed(self.seed, 0, index, 1))
            made.append(self.item_transforms(item))
        return made


def _as_they_are(items: list[Item]) -> list[Item]:
    return items
