"""Rules from facts to settings, each a function of a few numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

#: Optimizer steps of a phase that are aimed at: the published plan on a GPU (50 epochs of some 1,000 visits by fours), and what
#: two cores do in hours.
STEPS = {"cuda": 12_000, "cpu": 1_500}
#: Fewest and most epochs of a phase.
EPOCHS = (10, 300)
#: Fewest steps that an epoch should have: below, an average over the epoch says little.
STEPS_PER_EPOCH = 10
#: Smallest and largest number of scans whose gradients make one step.
SCANS_PER_STEP = (2, 16)
#: Edge of a cell that SimMIM masks in volumes, in mm, and number of cells along the longest axis of slices.
CELL_MM, CELLS = 32.0, 8
#: A class this many times as frequent as another one calls for weights, if of the rarest there are as many visits as this.
IMBALANCE, WEIGHABLE = 1.5, 5
#: Fewest people by preset: a rule of thumb, for large networks learn small cohorts by heart.
PEOPLE = {"base": 300, "train": 60, "seed_2d": 300}


def presets_for(axes: int, device: str, people: int) -> list[str]:
    """List the presets that a cohort carries, the largest first.

    Args:
        axes: Number of spatial axes.
        device: cuda or cpu.
        people: Number of people in training.
    """
    largest_first = ["base", "train", "tiny"] if axes == 3 else ["seed_2d", "tiny_2d"]
    if device == "cpu":
        return largest_first[-1:]
    return [name for name in largest_first if people >= PEOPLE.get(name, 0)]


def grid_of_volumes(
    extent_mm: Sequence[float], scanned_mm: float, preset_mm: float, most_voxels: float, multiple: int
) -> tuple[float, list[int]]:
    """Choose voxels that are no finer than scanned, and a field of view that holds the largest head.

    Args:
        extent_mm: Extent of the foreground along each axis, in mm.
        scanned_mm: Edge of a voxel as scanned, in mm.
        preset_mm: Edge of a voxel in the preset, in mm.
        most_voxels: Largest number of voxels.
        multiple: Number that divides each axis, in voxels.

    Returns:
        Edge of a voxel in mm, in steps of 0.5 from the preset, and voxels along each axis.
    """
    spacing = max(preset_mm, math.floor(2 * scanned_mm + 0.01) / 2)
    while True:
        size = [_up(extent / spacing, multiple) for extent in extent_mm]
        if math.prod(size) <= most_voxels or max(size) <= multiple:
            return spacing, size
        spacing += 0.5


def grid_of_slices(extent: Sequence[float], most_pixels: int, multiple: int) -> list[int]:
    """Choose the pixels of a slice, whose foreground is scaled until its longest side fills the longest axis.

    Args:
        extent: Extent of the foreground along each axis, in pixels.
        most_pixels: Pixels along the longest axis of the preset.
        multiple: Number that divides each axis.
    """
    longest = min(most_pixels, _up(max(extent), multiple))
    return [min(longest, _up(longest * edge / max(extent), multiple)) for edge in extent]


def mask_cell(img_size: Sequence[int], patch_size: int, spacing_mm: float | None) -> int:
    """Choose the edge of the cells that SimMIM masks, in voxels: whole patches, two at least unless one is large enough.

    Args:
        img_size: Voxels along each axis.
        patch_size: Edge of a patch in voxels.
        spacing_mm: Edge of a voxel in mm; None for slices.
    """
    edge = max(img_size) / CELLS if spacing_mm is None else CELL_MM / spacing_mm
    fewest = 2 if spacing_mm is None or patch_size < edge else 1
    return max(round(edge / patch_size), fewest) * patch_size


def scans_per_step(visits: int) -> int:
    """Choose the number of scans whose gradients make one step: a power of two.

    Args:
        visits: Number of training visits.
    """
    least, most = SCANS_PER_STEP
    return min(max(2 ** int(math.log2(max(visits / STEPS_PER_EPOCH, 1))), least), most)


def fitting_batch(most: int, of_batch: Mapping[int, float], memory: float) -> int:
    """Choose the largest batch that fits; 0 if none does.

    Args:
        most: Largest number of scans.
        of_batch: Memory of a step by number of scans, in bytes.
        memory: Memory that there is for it, in bytes.
    """
    return max((scans for scans, needed in of_batch.items() if scans <= most and needed <= memory), default=0)


def epochs_of(visits: int, scans: int, device: str) -> int:
    """Choose the number of epochs of a phase by the optimizer steps that it is to have.

    Args:
        visits: Number of its training visits.
        scans: Number of scans per optimizer step.
        device: cuda or cpu.
    """
    return min(max(math.ceil(STEPS[device] / math.ceil(visits / scans)), EPOCHS[0]), EPOCHS[1])


def warmup_of(epochs: Sequence[int]) -> int:
    """Choose the epochs of warmup: a tenth of the shortest phase, from 1 to 10.

    Args:
        epochs: Epochs of each phase that there is.
    """
    return min(max(round(min(epochs) / 10), 1), 10)


def weights_of_classes(
    counts: Mapping[str, Mapping[str, int]], classes: Mapping[str, Sequence[str]]
) -> tuple[str | None, str]:
    """Choose whether rare classes weigh more, and say why.

    Args:
        counts: Number of training visits by task and class.
        classes: Class names by task.
    """
    found = {
        task: [counts[task].get(name, 0) for name in names]
        for task, names in classes.items()
        if any(counts[task].values())
    }
    if not found:
        return None, "there are no labels"
    for task, numbers in found.items():
        if min(numbers) < WEIGHABLE:
            rarest = f"{classes[task][numbers.index(min(numbers))]} ({task})"
            return None, f"{rarest} has too few training visits to be weighed: {min(numbers)}"
    task, numbers = max(found.items(), key=lambda entry: max(entry[1]) / min(entry[1]))
    ratio = max(numbers) / min(numbers)
    said = f"the most frequent class of {task} has {ratio:.1f} times the visits of the rarest"
    return ("balanced" if ratio > IMBALANCE else None), said


def threads_and_workers(cores: int, device: str) -> tuple[int, int]:
    """Divide the cores between the computing process and its loaders.

    Args:
        cores: Number of cores.
        device: cuda or cpu.

    Returns:
        CPU threads of the process, and loader processes.
    """
    if device == "cuda":
        workers = min(cores - 1, 8)
        return max(cores - workers, 1), workers
    workers = 0 if cores < 8 else 2
    return cores - workers, workers


def _up(length: float, multiple: int) -> int:
    return max(math.ceil(length / multiple - 1e-6), 1) * multiple
