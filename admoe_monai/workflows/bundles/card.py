"""The front matter of a bundle's README, by which Hugging Face's hub files it and shows its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

#: Tags beside those that tasks give.
TAGS = ("medical", "mri", "brain", "alzheimer", "monai", "swin-transformer-v2", "mixture-of-experts", "simmim")


def front_matter(about: Mapping[str, Any], has_origin: bool) -> str:
    """Write the front matter, YAML between two lines of dashes, after the model card specification of the hub.

    Args:
        about: Contents of metadata.json.
        has_origin: Whether training began with the weights of somebody else, whose licence holds beside ours.
    """
    test = about["eval_metrics"]["test"] or {}
    content: dict[str, Any] = {
        "license": "other" if has_origin else "apache-2.0",
        **({"license_name": "apache-2.0-and-that-of-the-first-weights"} if has_origin else {}),
        "library_name": "monai",
        "pipeline_tag": "image-classification",
        "tags": [*TAGS],
        "metrics": ["balanced_accuracy", "roc_auc"],
        "model-index": [{"name": about["name"], "results": [*_results(about["data_source"], test)]}],
    }
    if not test:
        del content["model-index"], content["metrics"]
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)}---\n"


def _results(source: str, test: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for task, figures in test.items():
        metrics = [
            {
                "type": "roc_auc" if name.startswith(("auc", "macro_auc")) else name,
                "name": f"{name.replace('_', ' ')}, {figures['n_subjects']} people, 95 % interval "
                f"{metric['low']:.3f} to {metric['high']:.3f}",
                "value": round(metric["value"], 3),
            }
            for name, metric in figures["metrics"].items()
            if metric["low"] is not None  # what has no interval rests on too few people to be listed on a hub
        ]
        if metrics:
            yield {
                "task": {"type": "image-classification", "name": task},
                "dataset": {"type": "t1w-mri", "name": source, "split": "test"},
                "metrics": metrics,
            }
