"""The figures of a study: every arm over its folds and seeds, and what the plan and the people were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from admoe_monai.data import load_datalist
from admoe_monai.data.visits import SPLITS, person_of
from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.arms import evaluate_arms

from .arm_settings import classes_in, settings_files
from .cells import CONFIGS, Cell
from .design import Study


def pool_study(study: Study, cells: Sequence[Cell]) -> dict[str, Any]:
    """Bring the predictions of all cells together, in values that JSON can carry.

    Nothing in it depends on when, where or in how many attempts the cells were computed.

    Args:
        study: The study.
        cells: Its cells, all done.

    Returns:
        ``name``, ``primary`` (task, figure), ``reference``, ``seeds``, ``plan`` (what the file says of the arms), ``cohort``
        (name, description, simulated), ``flow`` (per fold and split people and visits) and ``figures`` as `evaluate_arms`
        gives them.

    Raises:
        UserError: If predictions are absent or can't be compared.
    """
    tables: dict[str, list[list[PredictionTable]]] = {arm.name: [[] for _ in study.folds] for arm in study.arms}
    for cell in cells:
        if not cell.predictions.is_file():
            raise UserError(
                f"{cell.run_dir} has no predictions although it is done; remove {cell.marker} and start again"
            )
        classes = classes_in(settings_files(study, cell.arm, cell.folder / CONFIGS), study.task)
        tables[cell.arm.name][cell.fold].append(PredictionTable.read(cell.predictions, {study.task: classes}))
    cohorts = [load_datalist(path) for path in study.folds]
    first = cohorts[0]
    return {
        "name": study.name,
        "primary": {"task": study.task, "figure": study.figure},
        "reference": study.reference,
        "seeds": [*study.seeds],
        "plan": {
            "overlays": [*study.overlays],
            "settings": dict(study.settings),
            "threads": study.threads,
            "arms": {
                arm.name: {
                    "overlays": [*arm.overlays],
                    "settings": dict(arm.settings),
                    "model": arm.model,
                    "labels": arm.labels,
                }
                for arm in study.arms
            },
        },
        "cohort": {"name": first.name, "description": first.description, "simulated": first.simulated},
        "flow": [_flow(cohort.splits, study.task) for cohort in cohorts],
        "figures": evaluate_arms(tables, study.task, study.reference),
    }


def _flow(splits: Mapping[str, Sequence[Mapping[str, Any]]], task: str) -> dict[str, Any]:
    """Count per split people, scans, and people with a label of the primary task."""
    counted = {}
    for split in SPLITS:
        visits = splits.get(split, [])
        labelled = [visit for visit in visits if visit.get(task) is not None]
        counted[split] = {
            "people": len({person_of(dict(visit)) for visit in visits}),
            "visits": len(visits),
            "labelled_people": len({person_of(dict(visit)) for visit in labelled}),
        }
    return counted
