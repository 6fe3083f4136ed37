"""Findings of `inspection` as lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.workflows.run.pretrained import origin_lines

# Keys of a comparison, and their names in the text.
_FIT = {"matched": "matched", "missing": "missing", "unexpected": "unexpected", "other_shape": "of another shape"}


def lines_of(description: Mapping[str, Any]) -> list[str]:
    """Format the lines to print.

    Args:
        description: Result of `describe_file` or `describe_config`.
    """
    if "kind" not in description:
        return [*_entry("spatial_dims", description["spatial_dims"]), *_entry("img_size", description["img_size"]),
                *_parameters(description, "parameters")]  # fmt: skip
    lines = [*_entry("file", description["file"]), *_entry("kind", description["kind"])]
    lines += _own(description) if "format_version" in description else _foreign(description)
    if description["parameters"]:
        counted = (
            f"parameters, {description['tensors']} tensors, {description['decoder_tensors']} of them of the decoder"
        )
        lines += _parameters(description, counted)
    lines += _entry("--resume", *_resume(description))
    lines += _entry("--pretrained", *_pretrained(description))
    return lines


def _entry(key: str, value: Any, *further: str) -> list[str]:
    return [f"{key:<22}: {value}", *(f"{'':<22}  {line}" for line in further)]


def _parameters(description: Mapping[str, Any], heading: str) -> list[str]:
    return [f"{heading}:", *(f"  {name:<20}: {count:>12,}" for name, count in description["parameters"].items())]


def _own(description: Mapping[str, Any]) -> list[str]:
    settings, scores, environment = (description[key] for key in ("settings", "scores", "environment"))
    step, steps = description["step"], description["epoch_length"]
    return [
        *_entry("format version", description["format_version"]),
        *_entry("phase", description["phase"]),
        *_entry("epoch", f"{description['epoch']}, then {step} of {steps} steps" if step else description["epoch"]),
        *_entry("plan", f"{settings['pretrain_epochs']} of {settings['max_epochs']} epochs are pretraining"),
        *_entry("best_val_acc", _score(scores["best_val_acc"], scores["best_val_acc_epoch"], ".4f")),
        *_entry("lowest val loss", _score(scores["lowest_val_loss"], scores["lowest_val_loss_epoch"], ".6g")),
        *_entry("stopped early", "yes" if scores["stopped_early"] else "no"),
        *_entry("decoder_removed", description["decoder_removed"]),
        *(_entry("further states", _further(description)) if description["further"] else []),
        *_entry("parent", description.get("parent") or "none"),
        *(_entry("weights from", *_origin(description["origin"])) if "origin" in description else []),
        *_entry("written under", ", ".join(f"{name} {value}" for name, value in environment.items())),
    ]


def _origin(origin: Mapping[str, Any]) -> list[str]:
    first, *others = origin_lines(origin)
    return [first.removeprefix("Weights from "), *others]


def _further(description: Mapping[str, Any]) -> str:
    evaluated = description.get("evaluated")
    return ", ".join(f"{name} (evaluated)" if name == evaluated else name for name in description["further"])


def _score(value: float | None, epoch: int, form: str) -> str:
    return "none yet" if value is None or epoch < 0 else f"{value:{form}} (epoch {epoch})"


def _foreign(description: Mapping[str, Any]) -> list[str]:
    lines = _entry("holds", description["remark"]) if description["remark"] else []
    if description["layout"]:
        lines += _entry("names of", description["layout"])
    for key in ("phase", "epoch", "best_val_acc", "is_pretrain", "decoder_removed"):
        if key in description:
            lines += _entry(f"claims {key}", description[key])
    if description["parameters"]:
        lines += _entry("decoder", "yes" if description["decoder_tensors"] else "no")
    if description["wrapper"]:
        lines += _entry("prefix", f"{description['wrapper']} (of a wrapper; taken off every name)")
    return lines


def _resume(description: Mapping[str, Any]) -> list[str]:
    resume = description["resume"]
    if not resume["possible"]:
        return [f"no: the file lacks {resume['lacks']}"]
    if resume["finished"]:
        return ["finished: nothing is left to train"]
    step = f", step {resume['step']} of {resume['steps_per_epoch']}" if resume["step"] else ""
    lines = [f"continues {resume['phase']} at epoch {resume['epoch']}{step}"]
    if resume["newest"]:
        lines.append("nothing later lies beside it: the run goes on in this folder")
    else:
        lines.append(f"later files lie beside it and are never overwritten: {_some(resume['later_files'])}")
    return [*lines, resume["command"]]


def _pretrained(description: Mapping[str, Any]) -> list[str]:
    fit = description["pretrained"]
    least = f"{100 * fit['least_encoder_share']:.0f} %"
    if fit["usable"] is None:
        return [f"if at least {least} of a network's encoder fits: compare with --config CONFIG"]
    if "encoder_share" not in fit:
        return [f"no: {fit['reason']}"]
    return [
        f"{'yes' if fit['usable'] else 'no'}: {100 * fit['encoder_share']:.1f} % of the encoder fits (at least {least} must) "
        f"of {', '.join(fit['config'])}",
        "the decoder left out: " + ", ".join(f"{len(fit[key])} {name}" for key, name in _FIT.items()) + _examples(fit),
    ]


def _examples(fit: Mapping[str, Any]) -> str:
    names = [*fit["missing"], *fit["unexpected"], *(entry["name"] for entry in fit["other_shape"])]
    return f" ({_some(names)})" if names else ""


def _some(names: Sequence[str], limit: int = 3) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
