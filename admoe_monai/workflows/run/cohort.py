"""Data of a run as its settings describe it, checked before anything is built."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from admoe_monai.data import Datalist, OtherLabels, load_datalist
from admoe_monai.data.prior import select_columns
from admoe_monai.data.thin_classes import thin_classes
from admoe_monai.errors import UserError
from admoe_monai.evaluation.predictions import probability_columns
from admoe_monai.transforms import prior_features
from admoe_monai.workflows.settings.declared import declared_settings

from .places import default_cache

#: Names that items, losses, outputs of the network and reports use for something else than a label.
TAKEN = (
    "image", "image_path", "subject_id", "session_id", "foreground", "brain_mask", "mask", "guidance", "prior",
    "reconstruction", "routing", "features", "balance", "loss", "subjects", "visits", "method",
)  # fmt: skip


def load_cohort(settings: dict[str, Any]) -> tuple[Datalist, list[dict[str, Any]]]:
    """Read the datalist, and complete the settings with what only it can tell.

    Args:
        settings: Settings, resolved; paths become absolute, `left_out_labels` and `prior_columns` are named, and `prior_dim`
            is filled in.

    Returns:
        The cohort, and the statistics of the prior columns in use (empty without a prior).

    Raises:
        UserError: If the data do not carry the plan.
    """
    settings["datalist"] = os.path.abspath(settings["datalist"])
    classes = settings["classes"]
    _check_names(classes)
    # What overlaps is left to the audit where it is allowed to.
    refuse = not settings["allow_leakage"]
    # The default classes are nobody's choice: a label beside them was not thought of.
    default = declared_settings()["classes"]
    chosen = [task for task, names in classes.items() if list(names) != default.get(task)]
    others = OtherLabels(settings["left_out_labels"], chosen)
    cohort = load_datalist(settings["datalist"], settings["dataset_dir"], classes, refuse, others)
    settings["left_out_labels"] = {**settings["left_out_labels"], **cohort.left_out}
    settings["dataset_dir"] = str(cohort.dataset_dir)
    settings["cache_dir"] = os.path.abspath(settings["cache_dir"] or default_cache(settings["datalist"]))
    _check_splits(cohort, settings)
    trained = [task for task, weight in settings["task_weights"].items() if weight > 0]
    statistics = (
        select_columns(cohort.prior, settings["prior_columns"], trained) if settings["use_clinical_prior"] else []
    )
    if settings["use_clinical_prior"] and not statistics:
        raise UserError(
            f"{settings['datalist']} has no clinical column for the prior; name some with --prior_columns "
            "or train without one: --use_clinical_prior False"
        )
    if statistics:
        settings["prior_columns"] = [column["name"] for column in statistics]
    encoded = len(prior_features(statistics))
    if settings["use_clinical_prior"] and settings["prior_dim"] not in (None, encoded):
        names = ", ".join(column["name"] for column in statistics)
        raise UserError(f"prior_dim is {settings['prior_dim']} but the columns {names} encode to {encoded} numbers")
    settings["prior_dim"] = encoded
    return cohort, statistics


def cohort_digest(cohort: Datalist) -> str:
    """Digest what the run sees of the datalist, in 16 characters: visits, labels, splits, prior values, no file paths."""
    splits = {
        name: [
            {**visit, "image": os.path.relpath(visit["image"], cohort.dataset_dir), "mask": bool(visit.get("mask"))}
            for visit in visits
        ]
        for name, visits in cohort.splits.items()
    }
    content = json.dumps([splits, cohort.prior], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def class_remarks(cohort: Datalist, settings: Mapping[str, Any]) -> list[str]:
    """Say of which classes the datalist has too few people to learn or judge, for the tasks that are trained.

    Args:
        cohort: Cohort of the run.
        settings: Settings, of which the classes, the plan and the weights of tasks are read.
    """
    if settings["max_epochs"] == settings["pretrain_epochs"]:
        return []
    trained = {task: names for task, names in cohort.classes.items() if settings["task_weights"][task] > 0}
    return thin_classes(cohort.splits, trained)


def class_weights(cohort: Datalist, settings: Mapping[str, Any]) -> dict[str, list[float]] | None:
    """Compute inverse class frequencies of the training visits per task, of mean 1 over the visits; None if not wanted.

    Args:
        cohort: Cohort whose training split is counted.
        settings: Settings, of which `class_weights` and the class names are read.

    Raises:
        UserError: If a class has no training visit.
    """
    if settings["class_weights"] != "balanced":
        return None
    weights = {}
    for task, names in settings["classes"].items():
        counts = Counter(visit[task] for visit in cohort.items("training") if visit[task] is not None)
        absent = [name for name in names if not counts[name]]
        if absent and counts:
            raise UserError(f"class_weights balanced: no training visit is labelled {absent[0]} ({task})")
        if counts:
            weights[task] = [sum(counts.values()) / (len(names) * counts[name]) for name in names]
    return weights


def _check_names(classes: Mapping[str, Sequence[str]]) -> None:
    for task in classes:
        # A mapping of modules has a key of each task, which its own methods rule out.
        if task in TAKEN or hasattr(nn.ModuleDict, task):
            raise UserError(
                f"classes has the task '{task}', a name that is taken; give the field of the datalist another"
            )
    probability_columns(classes)


def _check_splits(cohort: Datalist, settings: Mapping[str, Any]) -> None:
    for split in ("training", "validation"):
        if not cohort.splits[split]:
            raise UserError(
                f"{settings['datalist']} has no {split} visits, which early stopping and the best model need"
            )
    if settings["max_epochs"] > settings["pretrain_epochs"]:
        for split in ("training", "validation"):
            if not cohort.labelled(split):
                raise UserError(
                    f"{settings['datalist']} has no label among its {split} visits: "
                    "finetuning needs some; configs/pretrain.yaml does without"
                )
