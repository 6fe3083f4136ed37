"""The options of ``admoe prepare``, each defined once; a subcommand asks for those that it reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Option

if TYPE_CHECKING:
    from admoe_monai.data.cohorts import ChangeRule, Selection, SplitRule

Mapping = Annotated[str, Option(help="what the columns mean: a built-in name or a YAML file")]
Prefer = Annotated[
    list[str] | None, Option(help="of several T1w scans the one with this in its name; repeat it", show_default=False)
]


@dataclass(frozen=True)
class LabelOptions:
    """How labels are made, of sources that bring no change labels along."""

    horizon: Annotated[str, Option(help="of the change label: next_visit, 36m, 3y or 1095d")] = "36m"
    min_followup: Annotated[
        str | None, Option("--min_followup", help="that a stable course needs; 0.9 of the horizon by default")
    ] = None
    change_for_ad: Annotated[
        Literal["null", "stable"], Option("--change_for_ad", help="change label of visits with AD")
    ] = "null"
    dx_window_days: Annotated[
        float, Option("--dx_window_days", help="a scan without a diagnosis takes the nearest one within these days")
    ] = 0.0

    def change(self) -> ChangeRule:
        """Make the rule of change labels that the options describe."""
        from admoe_monai.data.cohorts import ChangeRule

        return ChangeRule.parse(self.horizon, self.min_followup, self.change_for_ad)


@dataclass(frozen=True)
class VisitOptions:
    """Which visits are used, of a source whose every visit is an image."""

    include: Annotated[Path | None, Option(help="table of participant_id (and session_id) to use")] = None
    qc: Annotated[Path | None, Option(help="table of participant_id, session_id and qc (pass, fail)")] = None
    check_images: Annotated[
        Literal["voxels", "headers"], Option("--check_images", help="read all of every image, or its header")
    ] = "voxels"

    def selection(self) -> Selection:
        """Make the filter that the options describe."""
        from admoe_monai.data.cohorts import Selection

        return Selection(self.include, self.qc)


@dataclass(frozen=True)
class ListedVisitOptions(VisitOptions):
    """Which visits are used, of a source that may list some without a scan."""

    missing_images: Annotated[
        Literal["error", "drop"], Option("--missing_images", help="what to do with visits without a scan")
    ] = "error"

    def selection(self) -> Selection:
        """Make the filter that the options describe."""
        from admoe_monai.data.cohorts import Selection

        return Selection(self.include, self.qc, self.missing_images)


@dataclass(frozen=True)
class OutputOptions:
    """How people are told apart and divided, and where the result goes."""

    fractions: Annotated[
        tuple[float, float, float] | None,
        Option(help="share of people in training, validation and test; 0.6 0.15 0.25 by default"),
    ] = None
    seed: Annotated[int, Option(help="another seed, another split")] = 42
    folds: Annotated[int | None, Option(help="write this number of datalists, for cross-validation")] = None
    holdout: Annotated[
        str | None, Option(help="site or cohort: one datalist per value as test set; site=A for one")
    ] = None
    splits: Annotated[Path | None, Option(help="published split: table of participant_id and split, or a folder")] = (
        None
    )
    allow_alike_subjects: Annotated[
        bool, Option("--allow_alike_subjects", help="names such as 005 and 5, or sub-A1 and a1, are of two people")
    ] = False
    output: Annotated[Path, Option(help="datalist to write")] = Path("datalist.json")
    overwrite: Annotated[bool, Option("--overwrite", help="replace an existing datalist")] = False

    def split(self) -> SplitRule:
        """Make the rule of division that the options describe."""
        from admoe_monai.data.cohorts import SplitRule
        from admoe_monai.data.visits import SPLITS

        shares = None if self.fractions is None else dict(zip(SPLITS, self.fractions, strict=True))
        return SplitRule(shares, self.seed, self.folds, self.holdout, self.splits)
