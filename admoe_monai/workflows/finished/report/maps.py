"""The pictures of `admoe explain` in a report: means over people, never the map of one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.evaluation.pages.wording import missing
from admoe_monai.people import FEWEST_PEOPLE, people
from admoe_monai.run_files import BEST_MODEL, EXPLANATION, EXPLANATION_ABOUT

from ..explanation.run import OVER_UNTRAINED
from ..explanation.saliency import OCCLUSION, SMOOTHGRAD
from ..kept import read_kept

CAPTIONS = {
    SMOOTHGRAD: "a brighter voxel would move the network towards {towards} where it is red, towards {against} where blue",
    OCCLUSION: "what is special about a scan there speaks for {towards} where it is red, for {against} where blue",
}


@dataclass(frozen=True)
class Maps:
    """What the maps of a run are of.

    Attributes:
        checkpoint: Name of the file whose network was explained.
        epoch: Epoch of that checkpoint.
        split: Split of the scans.
        towards: Class whose logit counts.
        against: Class whose logit is taken away.
        space: Space that the scans share; None where nothing says that they do.
        people: Number of people per class.
        methods: Methods that this version knows.
    """

    checkpoint: str
    epoch: int
    split: str
    towards: str
    against: str
    space: str | None
    people: Mapping[str, int]
    methods: Sequence[str]

    @property
    def number(self) -> int:
        """Number of people in all."""
        return sum(self.people.values())

    def of_model(self, epoch: int) -> bool:
        """Whether they are of the best model, if that is of this epoch."""
        return (self.checkpoint, self.epoch) == (BEST_MODEL, epoch)

    def not_shown(self, epoch: int) -> str | None:
        """Say why there is no mean to show; None where there is one.

        Args:
            epoch: Epoch of the best model.
        """
        if not self.of_model(epoch):
            return f"it is of {self.checkpoint} of epoch {self.epoch}; run `admoe explain RUN_DIR` again"
        if not self.space:
            return "the scans share no space, so there is no mean map"
        if self.number < FEWEST_PEOPLE:
            return f"the mean of {people(self.number)} would show single scans"
        return None


def maps_of(folder: Path) -> Maps | None:
    """Read what the maps of a run are of; None where it has none, or what says so can't be read.

    Args:
        folder: Run directory.
    """
    return read_kept(folder / EXPLANATION / EXPLANATION_ABOUT, _read)


def maps_in_words(folder: Path, epoch: int) -> str | None:
    """Say for a checklist which maps of a run's best model there are; None where there are none of it.

    Args:
        folder: Run directory.
        epoch: Epoch of the best model.
    """
    maps = maps_of(folder)
    if maps is None or not maps.of_model(epoch) or not maps.methods:
        return None
    where = maps.not_shown(epoch) or "section Pictures"
    methods, pair = " and ".join(maps.methods), f"{maps.towards} against {maps.against}"
    return f"maps by {methods}, {pair}, of {people(maps.number)} of the {maps.split} split ({where})"


def add_maps(section: Section, folder: Path, epoch: int) -> None:
    """Add the mean maps, if a run has some.

    Args:
        section: Section that they are added to.
        folder: Run directory.
        epoch: Epoch of the model that the report is about.
    """
    maps = maps_of(folder)
    if maps is None:
        return
    section.heading(f"Where the network looks: {maps.towards} against {maps.against}")
    if reason := maps.not_shown(epoch):
        section.text(missing(reason))
        return
    section.text(_reading(maps))
    for method in maps.methods:
        caption = CAPTIONS[method].format(towards=maps.towards, against=maps.against)
        _picture(section, folder / EXPLANATION / f"{method}.png", f"{method}, mean over people", caption)
        also = "how much stronger than in untrained networks of the same make, in doublings"
        path = folder / EXPLANATION / f"{method}_{OVER_UNTRAINED}.png"
        _picture(section, path, f"{method}, held against untrained networks", also)


def _read(about: Any) -> Maps:
    return Maps(
        checkpoint=str(about["checkpoint"]),
        epoch=int(about["epoch"]),
        split=str(about["split"]),
        towards=str(about["towards"]),
        against=str(about["against"]),
        space=about["space"],
        people={str(name): int(count) for name, count in about["people"].items()},
        methods=[method for method in about["units"] if method in CAPTIONS],
    )


def _reading(maps: Maps) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in maps.people.items())
    return (
        f"Means over {people(maps.number)} of the {maps.split} split ({counts}), drawn over their mean scan. They show what "
        "this network reacts to, not what the disease does: no map is a proof of biology, and what has no colour may matter "
        "all the same."
    )


def _picture(section: Section, path: Path, title: str, words: str) -> None:
    try:
        content = path.read_bytes()
    except OSError:
        return
    section.picture(title, content, f"{title}: {words}")
    section.text(f"{title[0].upper()}{title[1:]}: {words}.")
