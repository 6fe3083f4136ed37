"""The front matter says what the hub reads, and nothing that was not measured."""

from __future__ import annotations

from typing import Any

import yaml

from admoe_monai.workflows.bundles.card import front_matter


def about(test: dict[str, Any] | None) -> dict[str, Any]:
    return {"name": "Some: name", "data_source": "SIMULATED scans: demo. Made up", "eval_metrics": {"test": test}}


def read(text: str) -> dict[str, Any]:
    assert text.startswith("---\n")
    assert text.endswith("\n---\n")
    content: dict[str, Any] = yaml.safe_load(text[4:-4])
    return content


def test_figures_stand_in_the_index_with_people_and_interval() -> None:
    metrics = {
        "balanced_accuracy": {"value": 0.61904, "low": 0.51, "high": 0.72, "chance": 1 / 3},
        "auc_CN_vs_AD": {"value": 0.8753, "low": None, "high": None, "chance": 0.5},
    }
    card = read(front_matter(about({"diagnosis": {"n_subjects": 63, "metrics": metrics}}), has_origin=False))
    assert (card["license"], card["library_name"]) == ("apache-2.0", "monai")
    (index,) = card["model-index"]
    assert index["name"] == "Some: name"
    (result,) = index["results"]
    assert result["task"] == {"type": "image-classification", "name": "diagnosis"}
    assert result["dataset"]["name"] == "SIMULATED scans: demo. Made up"
    # The second has no interval, for want of people.
    assert result["metrics"] == [
        {
            "type": "balanced_accuracy",
            "name": "balanced accuracy, 63 people, 95 % interval 0.510 to 0.720",
            "value": 0.619,
        },
    ]


def test_without_figures_there_is_no_index() -> None:
    assert not {"model-index", "metrics"} & set(read(front_matter(about(None), has_origin=False)))


def test_the_licence_of_the_first_weights_is_not_hidden() -> None:
    assert read(front_matter(about(None), has_origin=True))["license"] == "other"
