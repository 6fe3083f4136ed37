"""The page of a report: its parts in their order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admoe_monai.data import Datalist
from admoe_monai.evaluation.pages.page import origin
from admoe_monai.evaluation.pages.report_page import Section, report_page
from admoe_monai.run_files import BEST_MODEL
from admoe_monai.workflows.run.pretrained import origin_lines

from ..prediction import TrainedRun
from .about import data, settings
from .checklist import checklist
from .controls import controls
from .findings import findings
from .limits import limits
from .pictures import pictures
from .prediction_sets import prediction_sets
from .robustness import robustness
from .summary import summary


def page_of(run: TrainedRun, cohort: Datalist, numbers: Mapping[str, Any], device: str | None) -> str:
    """Write the page of a report.

    Args:
        run: Finished run.
        cohort: Cohort of the run.
        numbers: Numbers as `collect_numbers` returns them.
        device: Device to draw reconstructions on; None takes the GPU if there is one.
    """
    chosen, kind = run.settings, "simulated scans" if cohort.simulated else "real scans"
    heading = [
        f"{cohort.name} ({kind}). {cohort.description}",
        f"{BEST_MODEL} of epoch {numbers['epoch']}; {chosen['pretrain_epochs']} of {chosen['max_epochs']} epochs are "
        f"pretraining{_weights_from(run)}; {sum(p.numel() for p in run.network.parameters()):,} "
        f"parameters. {origin()}.",
    ]
    banners = [f"Trained in spite of a leak: {line}" for line in numbers["leakage"]]
    said = Section("Limits")
    said.items([*(f"{remark[0].upper()}{remark[1:]}." for remark in numbers["remarks"]), *limits(cohort, numbers)])
    parts = [
        findings(numbers),
        prediction_sets(numbers),
        pictures(run, cohort, numbers, device),
        controls(run, numbers),
        robustness(numbers),
        said,
        data(cohort, numbers),
        checklist(run, cohort, numbers),
        settings(run),
    ]
    return report_page(f"Report of {run.folder.name}", summary(numbers), banners, parts, heading)


def _weights_from(run: TrainedRun) -> str:
    """Say what finetuning started from: without it, a reader would take the run for one from scratch."""
    if origin := run.checkpoint.get("origin"):
        return f", and finetuning started from other weights ({'; '.join(map(str.strip, origin_lines(origin)))})"
    # Files of before version 0.2 have the path alone.
    pretrained = run.settings["pretrained"]
    return f", and finetuning started from {'/'.join(Path(pretrained).parts[-2:])}" if pretrained else ""
