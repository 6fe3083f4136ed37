"""Errors of masked image modelling beside two baselines that know nothing about brains, or nothing about this one.

The training-mean volume knows the average brain; interpolation knows what is visible of this one. A network that beats
neither has learned nothing worth transferring, however far its loss has fallen.
Axis letters: C channels, S spatial axes (two or three).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from admoe_monai.evaluation.behind import too_few
from admoe_monai.evaluation.bootstrap import bootstrap
from admoe_monai.evaluation.inpainting import smoothest_interpolation

MODEL, TRAINING_MEAN, INTERPOLATION = "model", "training_mean", "interpolation"


def voxel_mask(mask: np.ndarray, patch_size: int | Sequence[int], shape: Sequence[int]) -> np.ndarray:
    """Enlarge a mask on the patch grid to voxels.

    Args:
        mask: Boolean array (1, *grid) or (*grid), True = masked.
        patch_size: Edge of a patch in voxels, one for all axes or one each.
        shape: Spatial shape (*S) of the image; the last patch of an axis may reach beyond it.

    Returns:
        bool (*S).

    Raises:
        ValueError: When the grid does not cover the image exactly.
    """
    spatial = np.asarray(mask, dtype=bool)
    if spatial.ndim == len(shape) + 1 and spatial.shape[0] == 1:
        spatial = spatial[0]
    sizes = [patch_size] * len(shape) if isinstance(patch_size, int) else list(patch_size)
    grid = tuple(-(-length // size) for length, size in zip(shape, sizes, strict=True))
    if spatial.shape != grid:
        raise ValueError(f"mask has grid {spatial.shape}; an image of {tuple(shape)} in patches of {sizes} has {grid}.")
    for axis, size in enumerate(sizes):
        spatial = spatial.repeat(size, axis=axis)
    return spatial[tuple(slice(length) for length in shape)]


def mean_volume(images: Iterable[np.ndarray]) -> np.ndarray:
    """Average training images of one shape, one at a time.

    Args:
        images: Arrays (C, *S), preprocessed as the network sees them, without augmentation.

    Raises:
        ValueError: When there is no image.
    """
    total, number = None, 0
    for image in images:
        total = image.astype(float) if total is None else total + image
        number += 1
    if total is None:
        raise ValueError("no image to average.")
    return np.asarray(total / number)


def masked_error(prediction: np.ndarray, image: np.ndarray, scored: np.ndarray) -> float:
    """Compute the mean absolute error over the scored voxels and all channels.

    Args:
        prediction: Array (C, *S).
        image: Array (C, *S).
        scored: Boolean array (*S), masked and foreground.

    Raises:
        ValueError: When the shapes differ or no voxel is scored.
    """
    if prediction.shape != image.shape or image.shape[1:] != scored.shape:
        raise ValueError(f"shapes differ: {prediction.shape}, {image.shape} and {scored.shape} without channels.")
    if not scored.any():
        raise ValueError("no voxel is both masked and foreground.")
    return float(np.abs(prediction[:, scored].astype(float) - image[:, scored]).mean())


def reconstruction_errors(
    image: np.ndarray,
    prediction: np.ndarray,
    mask: np.ndarray,
    patch_size: int | Sequence[int],
    foreground: np.ndarray | None = None,
    training_mean: np.ndarray | None = None,
) -> dict[str, float]:
    """Compute the error of the model and of both baselines on one held-out image, over the same voxels.

    Args:
        image: Array (C, *S), as the network sees it.
        prediction: Array (C, *S), in the units of the image.
        mask: Boolean array (1, *grid), True = masked.
        patch_size: Edge of a patch in voxels.
        foreground: Boolean array (1, *S), or None for the entire image.
        training_mean: Array (C, *S) from ``mean_volume``; None leaves this baseline out.

    Returns:
        Mean absolute errors ``model``, ``interpolation`` and ``training_mean``, in units of the image.
    """
    masked = voxel_mask(mask, patch_size, image.shape[1:])
    scored = masked if foreground is None else masked & np.asarray(foreground, dtype=bool)[0]
    interpolated = np.stack([smoothest_interpolation(channel, masked) for channel in image])
    errors = {
        MODEL: masked_error(prediction, image, scored),
        INTERPOLATION: masked_error(interpolated, image, scored),
    }
    if training_mean is not None:
        errors[TRAINING_MEAN] = masked_error(training_mean, image, scored)
    return errors


def compare_reconstructions(
    errors: Sequence[Mapping[str, float]], subjects: Sequence[str], n_boot: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Compare the model with its baselines, paired within subjects.

    Args:
        errors: Results of ``reconstruction_errors``, one per image, all with the same names.
        subjects: Subject of each image.
        n_boot: Number of resamples of subjects.
        seed: Seed of the resampling.

    Returns:
        Plain values: ``n_subjects``, ``n_images``, ``errors`` (mean over images per method) and
        ``model_minus`` (mean paired difference per baseline, negative = the model is better), each with the fields of
        ``Estimate``.

    Raises:
        ValueError: When the numbers of errors and subjects differ, there are none, or the names differ.
    """
    if len(errors) != len(subjects) or not errors:
        raise ValueError(f"{len(errors)} errors for {len(subjects)} subjects.")
    names = list(errors[0])
    if any(set(row) != set(names) for row in errors):
        raise ValueError(f"not every image has the errors {', '.join(names)}.")
    columns = {name: np.array([row[name] for row in errors]) for name in names}
    yardsticks = [name for name in names if name != MODEL]
    series = {**columns, **{f"minus_{name}": columns[MODEL] - columns[name] for name in yardsticks}}

    def means(weights: np.ndarray) -> dict[str, np.ndarray]:
        total = weights.sum(axis=1)
        return {name: weights @ values / total for name, values in series.items()}

    few = too_few([("", len(set(subjects)))])
    estimates = {
        name: estimate.without_interval(few) for name, estimate in bootstrap(means, subjects, n_boot, seed).items()
    }
    return {
        "n_subjects": len(set(subjects)),
        "n_images": len(errors),
        "errors": {name: estimates[name].as_dict() for name in names},
        "model_minus": {name: estimates[f"minus_{name}"].as_dict() for name in yardsticks},
    }
