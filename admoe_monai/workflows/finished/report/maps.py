"""The pictures of `admoe explain` in a report: means over people, never the map of one person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import missing
from admoe_monai.people import FEWEST_PEOPLE, people
from admoe_monai.run_files import BEST_MODEL, EXPLANATION, EXPLANATION_ABOUT

from ..explanation.run import OVER_UNTRAINED
from ..explanation.saliency import OCCLUSION, SMOOTHGRAD

CAPTIONS = {
    SMOOTHGRAD: "a brighter voxel would move the network towards {towards} where it is red, towards {against} where blue",
    OCCLUSION: "what is special about a scan there speaks for {towards} where it is red, for {against} where blue",
}


def add_maps(section: Section, folder: Path, epoch: int) -> None:
    """Add the mean maps, if a run has some.

    Args:
        section: Section that they are added to.
        folder: Run directory.
        epoch: Epoch of the model that the report is about.
    """
    try:
        about: dict[str, Any] = json.loads((folder / EXPLANATION / EXPLANATION_ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    section.heading(f"Where the network looks: {about['towards']} against {about['against']}")
    number = sum(about["people"].values())
    if (about["checkpoint"], about["epoch"]) != (BEST_MODEL, epoch):
        reason = f"it is of {about['checkpoint']} of epoch {about['epoch']}; run `admoe explain RUN_DIR` again"
    elif not about["space"]:
        reason = "the scans share no space, so there is no mean map"
    elif number < FEWEST_PEOPLE:
        reason = f"the mean of {people(number)} would show single scans"
    else:
        section.text(_reading(about, number))
        for method in about["units"]:
            caption = CAPTIONS[method].format(**about)
            _picture(section, folder / EXPLANATION / f"{method}.png", f"{method}, mean over people", caption)
            also = "how much stronger than in untrained networks of the same make, in doublings"
            path = folder / EXPLANATION / f"{method}_{OVER_UNTRAINED}.png"
            _picture(section, path, f"{method}, held against untrained networks", also)
        return
    section.text(missing(reason))


def _reading(about: dict[str, Any], number: int) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in about["people"].items())
    return (
        f"Means over {people(number)} of the {about['split']} split ({counts}), drawn over their mean scan. They show what "
        "this network reacts to, not what the disease does: no map is a proof of biology, and what has no colour may matter "
        "all the same."
    )


def _picture(section: Section, path: Path, title: str, words: str) -> None:
    if path.is_file():
        section.picture(title, path.read_bytes(), f"{title}: {words}")
        section.text(f"{title[0].upper()}{title[1:]}: {words}.")
