"""Whether the sizes of the network fit each other, as far as it shows before torch is imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .evaluated import Evaluated

#: Problem with a setting: its name, and what is wrong in one line that names it.
Problem = tuple[str, str]


def _mask(settings: Mapping[str, Any]) -> Iterator[Problem]:
    if settings["mask_patch_size"] % settings["patch_size"]:
        yield (
            "mask_patch_size",
            f"mask_patch_size ({settings['mask_patch_size']}) must be a multiple of patch_size ({settings['patch_size']})",
        )


def _image(settings: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _edges("img_size", settings)


def _patch(settings: Mapping[str, Any]) -> Iterator[Problem]:
    settings = _of_encoder(settings)
    edges, patch = settings["img_size"], settings["patch_size"]
    if not list(_edges("img_size", settings)) and min(edges if _is_list(edges) else [edges]) < patch:
        yield "patch_size", f"patch_size ({patch}) must not be larger than an edge of img_size ({edges!r})"


def _stem(settings: Mapping[str, Any]) -> Iterator[Problem]:
    if settings["stem"] != "cnn":
        return
    settings = _of_encoder(settings)
    patch, edges = settings["patch_size"], settings["img_size"]
    if patch & (patch - 1):
        yield (
            "patch_size",
            f"patch_size must be a power of two with stem cnn, which halves the grid step by step; got {patch}",
        )
    elif not list(_edges("img_size", settings)) and max(edges if _is_list(edges) else [edges]) <= patch:
        yield (
            "img_size",
            f"img_size must be larger than patch_size ({patch}) along one axis at least with stem cnn, whose batch norm learns "
            f"nothing from a single token; got {edges!r}",
        )


def _window(settings: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _edges("window_size", _of_encoder(settings))


def _stages(settings: Mapping[str, Any]) -> Iterator[Problem]:
    settings = _of_encoder(settings)
    for name in ("depths", "num_heads"):
        if name in settings and not _are_counts(settings[name]):
            yield name, f"{name} must be a list of positive whole numbers, one per stage, got {settings[name]!r}"


def _heads(settings: Mapping[str, Any]) -> Iterator[Problem]:
    settings = _of_encoder(settings)
    depths, heads = settings["depths"], settings["num_heads"]
    if not _are_counts(depths) or not _are_counts(heads):
        return
    if len(heads) != len(depths):
        yield "num_heads", f"num_heads {list(heads)} must be as many as depths {list(depths)}: one per stage"


def _widths(settings: Mapping[str, Any]) -> Iterator[Problem]:
    settings = _of_encoder(settings)
    heads, width_of_first = settings["num_heads"], settings["embed_dim"]
    for stage, number in enumerate(heads if _are_counts(heads) else ()):
        width = width_of_first * 2**stage
        if width % number:
            yield (
                "num_heads",
                f"num_heads {list(heads)}: the {number} heads of stage {stage} don't divide its width {width}, which is "
                f"embed_dim {width_of_first}{f' times {2**stage}' if stage else ''}",
            )


def _moe_stages(settings: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _listed("moe_stages", _of_encoder(settings))


def _checkpoint_stages(settings: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _listed("checkpoint_stages", _of_encoder(settings))


def _task_stages(settings: Mapping[str, Any]) -> Iterator[Problem]:
    settings = _of_encoder(settings)
    stages = _number_of_stages(settings)
    if stages and settings["task_stages"] > stages:
        yield "task_stages", f"task_stages must lie in 0 to {stages}, got {settings['task_stages']}"


def _fusion_stage(settings: Mapping[str, Any]) -> Iterator[Problem]:
    settings = _of_encoder(settings)
    stages, stage = _number_of_stages(settings), settings["fusion_stage"]
    if stages and stage is not None and settings["use_clinical_prior"] and stage >= stages:
        yield "fusion_stage", f"fusion_stage must lie in 0 to {stages - 1}, got {stage}"


#: All of them; each asks for the settings that it needs.
SHAPES = (
    _mask, _image, _patch, _stem, _window, _stages, _heads, _widths, _moe_stages, _checkpoint_stages,
    _task_stages, _fusion_stage,
)  # fmt: skip
_READ = (
    "img_size", "patch_size", "window_size", "depths", "num_heads", "embed_dim", "moe_stages", "checkpoint_stages",
    "task_stages", "fusion_stage",
)  # fmt: skip


def _of_encoder(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put what the setting `network` has into the settings' places; nothing is known of another network or encoder."""
    network = settings["network"]
    encoder = network.get("encoder") or {}
    known = dict(settings)
    if "_target_" in network or not isinstance(encoder, Mapping) or "_target_" in encoder:
        return Evaluated({name: value for name, value in known.items() if name not in _READ})
    put = {name: value for name, value in {**network, **encoder}.items() if name in _READ}
    return Evaluated({n: v for n, v in {**known, **put}.items() if n not in put or not _has_expression(v)})


def _has_expression(value: Any) -> bool:
    return isinstance(value, str) or (_is_list(value) and any(map(_has_expression, value)))


def _edges(name: str, settings: Mapping[str, Any]) -> Iterator[Problem]:
    axes, value = settings["spatial_dims"], settings[name]
    edges = list(value) if _is_list(value) else [value] * axes
    if len(edges) != axes or not all(map(_is_count, edges)):
        yield name, f"{name} must be a positive whole number, or a list of {axes} of them, got {value!r}"


def _listed(name: str, settings: Mapping[str, Any]) -> Iterator[Problem]:
    stages, listed = _number_of_stages(settings), settings[name]
    if stages and not (_is_list(listed) and all(type(stage) is int and 0 <= stage < stages for stage in listed)):
        yield name, f"{name} must list stages from 0 to {stages - 1}, for depths names {stages}; got {listed!r}"


def _number_of_stages(settings: Mapping[str, Any]) -> int:
    """Count the stages; none where their list is wrong, of which more is said elsewhere."""
    return len(settings["depths"]) if _are_counts(settings["depths"]) else 0


def _are_counts(value: Any) -> bool:
    return _is_list(value) and len(value) > 0 and all(map(_is_count, value))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0
