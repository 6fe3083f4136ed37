"""What the run is of: its data, its settings and its versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from admoe_monai.data import Datalist, definition_in_words
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import missing
from admoe_monai.workflows.settings.table import PATHS

from ..prediction import TrainedRun
from .cohort_flow import flow
from .numbers import UNKNOWN


def data(cohort: Datalist, numbers: Mapping[str, Any]) -> Section:
    """Count people, visits and labels of each split.

    Args:
        cohort: Cohort of the run.
        numbers: Numbers of the report.
    """
    section = Section("Data")
    splits = numbers["visits"]
    for task, names in cohort.classes.items():
        section.heading(task)
        section.text(f"{task}: {definition_in_words(cohort.label_definition, task)}")
        shown = [*names, *([UNKNOWN] if any(UNKNOWN in count[task] for count in splits.values()) else [])]
        rows = [
            [split, count["subjects"], count["visits"], *(count[task].get(name, 0) for name in shown)]
            for split, count in splits.items()
        ]
        section.table(["split", "people", "visits", *(f"{name} visits" for name in shown)], rows)
    flow(section, cohort)
    return section


def settings(run: TrainedRun) -> Section:
    """List settings and versions, folded.

    Args:
        run: Finished run.
    """
    section = Section("Settings and versions", folded=True)
    rows = [[name, _shown(value, "not set")] for name, value in run.settings.items() if name not in PATHS]
    rows += [[name, _shown(value, "not recorded")] for name, value in run.checkpoint["environment"].items()]
    section.table(["setting", "value"], rows, numeric=False)
    return section


def _shown(value: Any, absent: str) -> str:
    if value is None or value == [] or value == {}:
        return missing(absent if value is None else "empty")
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else str(value)
