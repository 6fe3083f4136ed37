"""Whether the sizes of the network fit each other, as far as it shows before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: Problem with a setting: its name, and what is wrong in one line that names it.
Problem = tuple[str, str]
_READ = (
    "img_size", "patch_size", "window_size", "depths", "num_heads", "embed_dim", "moe_stages", "checkpoint_stages",
    "task_stages", "fusion_stage",
)  # fmt: skip


def shape_problems(settings: Mapping[str, Any]) -> Iterator[Problem]:
    """Tell which sizes contradict each other.

    Args:
        settings: Settings, of the kinds that their rows ask for.
    """
    edges, axes = settings["img_size"], settings["spatial_dims"]
    sizes = list(edges) if _is_list(edges) else [edges] * axes
    if len(sizes) != axes or not all(map(_is_count, sizes)):
        yield (
            "img_size",
            f"img_size must be a positive whole number, or a list of {axes} of them, got {edges!r}",
        )
        return
    if settings["mask_patch_size"] % settings["patch_size"]:
        yield (
            "mask_patch_size",
            f"mask_patch_size ({settings['mask_patch_size']}) must be a multiple of patch_size ({settings['patch_size']})",
        )
    network = settings["network"]
    encoder = network.get("encoder") or {}
    if "_target_" in network or not isinstance(encoder, Mapping) or "_target_" in encoder:
        return  # another network, or another encoder, which knows what it takes
    # What is put into the network in the place of settings counts in their place.
    put = {name: value for name, value in {**network, **encoder}.items() if name in _READ}
    if any(isinstance(value, str) for value in put.values()):
        return  # an expression
    settings = {**settings, **put}
    if min(sizes) < settings["patch_size"]:
        yield (
            "patch_size",
            f"patch_size ({settings['patch_size']}) must not be larger than an edge of img_size ({edges!r})",
        )
    yield from _stem(settings, sizes)
    window = settings["window_size"]
    windows = list(window) if _is_list(window) else [window] * axes
    if len(windows) != axes or not all(map(_is_count, windows)):
        yield (
            "window_size",
            f"window_size must be a positive whole number, or a list of {axes} of them, got {window!r}",
        )
    yield from _stages(settings)


def _stem(settings: Mapping[str, Any], sizes: Sequence[int]) -> Iterator[Problem]:
    patch = settings["patch_size"]
    if settings["stem"] != "cnn":
        return
    if patch & (patch - 1):
        yield (
            "patch_size",
            f"patch_size must be a power of two with stem cnn, which halves the grid step by step; got {patch}",
        )
    elif max(sizes) <= patch:
        yield (
            "img_size",
            f"img_size must be larger than patch_size ({patch}) along one axis at least with stem cnn, whose batch norm learns "
            f"nothing from a single token; got {settings['img_size']!r}",
        )


def _stages(settings: Mapping[str, Any]) -> Iterator[Problem]:
    broken = False
    for name in ("depths", "num_heads"):
        if not _is_list(settings[name]) or not settings[name] or not all(map(_is_count, settings[name])):
            broken = True
            yield (
                name,
                f"{name} must be a list of positive whole numbers, one per stage, got {settings[name]!r}",
            )
    if broken:
        return
    depths, heads = settings["depths"], settings["num_heads"]
    stages = len(depths)
    if len(heads) != stages:
        yield "num_heads", f"num_heads {list(heads)} must be as many as depths {list(depths)}: one per stage"
    for stage, number in enumerate(heads):
        width = settings["embed_dim"] * 2**stage
        if width % number:
            yield (
                "num_heads",
                f"num_heads {list(heads)}: the {number} heads of stage {stage} don't divide its width {width}, which is "
                f"embed_dim {settings['embed_dim']}{f' times {2**stage}' if stage else ''}",
            )
    for name in ("moe_stages", "checkpoint_stages"):
        listed = settings[name]
        if not _is_list(listed) or not all(type(stage) is int and 0 <= stage < stages for stage in listed):
            yield name, f"{name} must list stages from 0 to {stages - 1}, for depths names {stages}; got {listed!r}"
    if settings["task_stages"] > stages:
        yield "task_stages", f"task_stages must lie in 0 to {stages}, got {settings['task_stages']}"
    fusion_stage = stages - 1 if settings["fusion_stage"] is None else settings["fusion_stage"]
    if settings["use_clinical_prior"] and fusion_stage >= stages:
        yield "fusion_stage", f"fusion_stage must lie in 0 to {stages - 1}, got {fusion_stage}"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0
