"""Reconstruction by pretraining of scans that it has not seen, beside baselines that need no network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from admoe_monai.checkpoints import CheckpointError
from admoe_monai.data import Datalist
from admoe_monai.data.visits import first_visits, person_of
from admoe_monai.errors import UserError
from admoe_monai.evaluation.figures import reconstruction_figure
from admoe_monai.evaluation.reconstruction import compare_reconstructions, mean_volume, reconstruction_errors
from admoe_monai.run_files import BEST_PRETRAIN
from admoe_monai.workflows.machine.granted import use_threads
from admoe_monai.workflows.run.environment import choose_device

from .output import OutputFolder
from .prediction import TrainedRun

PICTURES = 4


def evaluate_reconstruction(
    run: TrainedRun,
    cohort: Datalist,
    split: str = "test",
    device: str | None = None,
    pictures: OutputFolder | None = None,
    one_visit_per_subject: bool = True,
) -> dict[str, Any]:
    """Compare the reconstruction of masked foreground with the training mean and with interpolation.

    Args:
        run: Run with a checkpoint of pretraining.
        cohort: Cohort whose training split gives the mean volume, and `split` the scans to reconstruct.
        split: Name of the split, `validation` or `test`; its masks are the same each time.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.
        pictures: Folder for pictures of the first scans; none are drawn by default.
        one_visit_per_subject: Whether to use the first visit of each subject only, or all.

    Returns:
        See `compare_reconstructions`; errors are in standard deviations of a scan's foreground.

    Raises:
        UserError: If the checkpoint has no decoder or was trained on a normalised target, which is not comparable.
    """
    _refuse_what_is_no_image(run)
    chosen = choose_device(device)
    use_threads()
    training = run.phase(cohort.items("training"), chosen)
    store = training["validate::store"]
    mean = mean_volume(store[i]["image"].numpy() for i in tqdm(range(len(store)), desc="Training mean", disable=None))
    places = first_visits(cohort.splits[split]) if one_visit_per_subject else [*range(len(cohort.splits[split]))]
    visits = _items(cohort, split, places)
    errors = []
    for visit, image, mask, foreground, prediction in _reconstructions(run, visits, chosen):
        patch_size = run.settings["patch_size"]
        errors.append(reconstruction_errors(image, prediction, mask, patch_size, foreground, mean))
        if pictures is not None and len(errors) <= PICTURES:
            title = f"{visit['subject_id']} {visit['session_id']}: " + ", ".join(
                f"{name} {value:.3f}" for name, value in errors[-1].items()
            )
            figure = reconstruction_figure(image, mask, prediction, patch_size, title=title)
            pictures.picture(f"reconstruction_{len(errors)}.png", figure)
    return compare_reconstructions(errors, [person_of(cohort.splits[split][place]) for place in places])


def reconstruction_pictures(
    run: TrainedRun, cohort: Datalist, split: str = "test", device: str | None = None
) -> list[tuple[str, Figure]]:
    """Draw the reconstruction of the first scans of a split.

    Args:
        run: Run with a checkpoint of pretraining.
        cohort: Cohort of the scans.
        split: Name of the split, `validation` or `test`; its masks are the same each time.
        device: Device to run on, such as cuda or cpu; None takes the GPU if there is one.

    Returns:
        Title and figure of each of a few people, of one visit each.

    Raises:
        UserError: If the checkpoint has no decoder or was trained on a normalised target, which is no image.
    """
    _refuse_what_is_no_image(run)
    visits = _items(cohort, split, first_visits(cohort.splits[split])[:PICTURES])
    return [
        (
            f"{visit['subject_id']} {visit['session_id']}",
            reconstruction_figure(image, mask, prediction, run.settings["patch_size"]),
        )
        for visit, image, mask, _, prediction in _reconstructions(run, visits, choose_device(device))
    ]


def _refuse_what_is_no_image(run: TrainedRun) -> None:
    if not run.checkpoint["is_pretrain"]:
        raise CheckpointError(f"the checkpoint of {run.folder} has no decoder; take {BEST_PRETRAIN}")
    if run.settings["target_norm_window"] is not None:
        raise UserError("target_norm_window was set: the reconstruction is not in the units of the image")


def _items(cohort: Datalist, split: str, places: list[int]) -> list[dict[str, Any]]:
    visits = cohort.items(split)
    return [visits[place] for place in places]


def _reconstructions(
    run: TrainedRun, visits: list[dict[str, Any]], device: torch.device
) -> Iterator[tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    phase = run.phase(visits, device)
    network, prepare_batch, inferer = phase["network"], phase["prepare_batch"], phase["validate::inferer"]
    network.eval()
    position = 0
    with torch.no_grad():
        for batch in tqdm(phase["validate::dataloader"], desc="Reconstructing", unit="batch", disable=None):
            image, target, args, kwargs = prepare_batch(batch, device)
            output = inferer(image, network, *args, **kwargs)["reconstruction"].cpu().numpy()
            for i in range(len(output)):
                arrays = (target[key][i].cpu().numpy() for key in ("image", "mask", "foreground"))
                yield visits[position], *arrays, output[i]
                position += 1
