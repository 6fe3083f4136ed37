"""Samples of the training data's stream, in numbers that another machine can be held to.

Orders and masks are whole numbers and the same everywhere. What transforms make of an image differs in its last bits between
processors and versions of torch, so an image stands for itself by means over blocks, which are compared with a tolerance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose

from admoe_monai.data import EpochSampler, SeededDataset
from admoe_monai.transforms import RandPatchMaskd
from admoe_monai.workflows.settings.resources import resource
from tiny_runs import write_scan

SEED, SIZE = 42, 16
#: Epoch and index of the items.
KEYS = ((0, 0), (0, 1), (1, 0), (7, 1), (120, 0), (120, 1))
#: Blocks along each axis whose means stand for an image, and what they may differ by; intensities have a deviation of 1.
BLOCKS, TOLERANCE = 4, 2e-3
#: Share of the foreground's voxels that may differ: the nearest voxel of a turned image may be either of two.
FOREGROUND = 0.01


def samples(folder: Path) -> dict[str, Any]:
    """Compute all samples.

    Args:
        folder: is written to.
    """
    return {"order": dict(_orders()), "mask": dict(_masks()), "image": dict(_images(folder))}


def differences(golden: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name each sample that is another than in the golden file, one line each.

    Args:
        golden: of the file.
        now: as :func:`samples` gives them.
    """
    lines = []
    for kind in golden:
        lines += [f"{kind} of {name} is gone" for name in golden[kind].keys() - now[kind].keys()]
        lines += [f"{kind} of {name} is new" for name in now[kind].keys() - golden[kind].keys()]
        for name in golden[kind].keys() & now[kind].keys():
            before, after = golden[kind][name], now[kind][name]
            if kind != "image":
                wrong = [] if before == after else [f"{before}, now {after}"]
            else:
                wrong = list(_other_image(before, after))
            lines += [f"{kind} of {name} has changed: {what}" for what in wrong]
    return sorted(lines)


def _orders() -> Iterator[tuple[str, Any]]:
    for length, replicas in ((12, 1), (11, 2)):
        for rank in range(replicas):
            for epoch in (0, 1, 120):
                sampler = EpochSampler(length, seed=SEED, num_replicas=replicas, rank=rank)
                sampler.set_position(epoch)
                yield f"{length} items, epoch {epoch}, process {rank} of {replicas}", [index for _, index in sampler]
    sampler = EpochSampler(10_000, seed=SEED)
    sampler.set_position(3)
    yield "10000 items, epoch 3", _digest(np.array([index for _, index in sampler]))


def _masks() -> Iterator[tuple[str, Any]]:
    for dims in (2, 3):
        transform = Compose([_mask(dims)])
        image = torch.ones((1,) + (SIZE,) * dims)
        data = SeededDataset([{"image": image, "foreground": image > 0}] * 2, transform, seed=SEED)
        for epoch, index in KEYS:
            mask = np.asarray(data[epoch, index]["mask"]).astype(np.uint8)
            yield f"{dims}D, epoch {epoch}, item {index}", f"{int(mask.sum())} of {mask.size}: {_digest(mask)}"


def _images(folder: Path) -> Iterator[tuple[str, Any]]:
    for dims in (2, 3):
        parser = ConfigParser(ConfigParser.load_config_file(resource(f"bundle/configs/images_{dims}d.yaml")))
        parser.update({"spatial_size": [SIZE] * dims, "spacing_mm": 3.0, "in_channels": 3})
        prepare = parser.get_parsed_content("preprocessing")
        scans = [write_scan(folder / f"{dims}d_{number}.nii.gz", number, dims) for number in range(2)]
        items = [prepare({"image": str(scan)}) for scan in scans]
        for name, transforms in parser.get_parsed_content("augmentations").items():
            data = SeededDataset(items, Compose([*transforms, _mask(dims)]), seed=SEED)
            for epoch, index in KEYS:
                yield f"{dims}D, {name}, epoch {epoch}, item {index}", _described(data[epoch, index], dims)


def _mask(dims: int) -> RandPatchMaskd:
    return RandPatchMaskd("image", img_size=[SIZE] * dims, patch_size=2, mask_patch_size=4, mask_ratio=0.6)


def _described(item: dict[str, Any], dims: int) -> dict[str, Any]:
    image = torch.as_tensor(item["image"]).as_subclass(torch.Tensor).double()
    pool = torch.nn.functional.adaptive_avg_pool2d if dims == 2 else torch.nn.functional.adaptive_avg_pool3d
    return {
        "shape": list(image.shape),
        "deviation": round(float(image.std()), 4),
        "blocks": [round(float(value), 4) for value in pool(image[:1], BLOCKS).flatten()],
        "foreground": int(torch.as_tensor(item["foreground"]).bool().sum()),
        # Drawn behind the augmentation, whose draws must not move those of the mask.
        "mask": _digest(np.asarray(item["mask"]).astype(np.uint8)),
    }


def _other_image(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name in ("shape", "mask"):
        if before[name] != after[name]:
            yield f"{name} {before[name]}, now {after[name]}"
    if abs(before["foreground"] - after["foreground"]) > FOREGROUND * before["foreground"]:
        yield f"foreground of {before['foreground']} voxels, now {after['foreground']}"
    apart = np.abs(np.subtract([before["deviation"], *before["blocks"]], [after["deviation"], *after["blocks"]])).max()
    if apart > TOLERANCE:
        yield f"means over blocks, by up to {apart:.4f}"


def _digest(values: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).astype("<i8").tobytes()).hexdigest()[:16]
