"""The rule by which a cohort is divided: shares, folds, held-out sites or cohorts, a published split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admoe_monai.errors import UserError

from ..visits import SPLITS, Visit, nearest, person_of
from .key_table import KeyTable, read_key_table, values_of
from .names import subject_name
from .splits import DEFAULT_FRACTIONS, kfold_subjects, split_subjects

__all__ = ["SplitRule"]

#: How published lists call the three.
SPLIT_NAMES = {"train": "training", "val": "validation", "valid": "validation", "dev": "validation"}
#: Of those who are not held out, the share that validates.
VALIDATION_SHARE = 0.2
HOLDOUTS = ("site", "cohort", "scanner", "field_strength")


@dataclass(frozen=True)
class SplitRule:
    """Rule by which a cohort is divided; one rule may give several divisions.

    Args:
        fractions: Share of the people per split, summing to 1; 0.6, 0.15 and 0.25 by default.
        seed: Seed of the split.
        folds: Number of folds; each is the test set of one division and the next one its validation set.
        holdout: ``site`` or another field of visits: each of its values is the test set of one division; or
            ``site=A`` for that value alone. Of the others a fifth validates.
        listed: Published split: a table with ``participant_id`` and ``split``, or a folder with ``train.tsv``,
            ``validation.tsv`` and ``test.tsv``.

    Raises:
        UserError: If more than one way is asked for, or one of the others beside fractions.
    """

    fractions: Mapping[str, float] | None = None
    seed: int = 42
    folds: int | None = None
    holdout: str | None = None
    listed: Path | None = None

    def __post_init__(self) -> None:
        ways = {"--folds": self.folds, "--holdout": self.holdout, "--splits": self.listed}
        given = [name for name, way in ways.items() if way is not None]
        if len(given) > 1:
            raise UserError("give one of --folds, --holdout and --splits, not several")
        if given and self.fractions is not None:
            raise UserError(f"{given[0]} divides the cohort; --fractions would change nothing")

    def divide(self, visits: Sequence[Visit]) -> dict[str, dict[str, list[Visit]]]:
        """Divide a cohort.

        People without any label go to training, where pretraining can use the scans, unless what is held out, or a published
        split that names them, says otherwise; if no one has a label, all are divided.

        Returns:
            The visits of each split, per division; a sole division has an empty name.

        Raises:
            UserError: If the cohort can't be divided in this way.
        """
        labelled = {person_of(v) for v in visits if v["diagnosis"] is not None or v["change"] is not None}
        divided = [v for v in visits if person_of(v) in labelled] if labelled else list(visits)
        unlabelled = [v for v in visits if person_of(v) not in labelled] if labelled else []
        if self.holdout is not None:
            return self._held_out(divided, unlabelled, self.holdout)
        if self.listed is not None:
            return {"": _as_listed(divided, unlabelled, self.listed)}
        divisions = self._divisions(divided)
        for splits in divisions.values():
            splits["training"] = splits["training"] + unlabelled
        return divisions

    def _divisions(self, visits: Sequence[Visit]) -> dict[str, dict[str, list[Visit]]]:
        if self.folds is not None:
            parts = kfold_subjects(visits, self.folds, self.seed)
            return {f"fold{k}": _rotated(parts, k) for k in range(self.folds)}
        return {"": split_subjects(visits, self.fractions, self.seed)}

    def _held_out(
        self, visits: Sequence[Visit], unlabelled: Sequence[Visit], holdout: str
    ) -> dict[str, dict[str, list[Visit]]]:
        name, _, wanted = holdout.partition("=")
        if name not in HOLDOUTS:
            raise UserError(f"--holdout must name one of {', '.join(HOLDOUTS)}, got '{name}'{nearest(name, HOLDOUTS)}")
        values = sorted({str(visit[name]) for visit in visits if visit[name] is not None})
        if len(values) < 2:
            raise UserError(f"--holdout {name}: the cohort has {len(values)} known {name}; two or more are needed")
        if wanted and wanted not in values:
            if any(str(visit[name]) == wanted for visit in unlabelled):
                raise UserError(f"--holdout {name}={wanted}: nobody there has a label; known are {', '.join(values)}")
            raise UserError(f"--holdout {name}={wanted}: there is no such {name}; known are {', '.join(values)}")
        divisions = {}
        for value in [wanted] if wanted else values:
            # Somebody who was scanned at two sites is held out as a whole; who has no label was scanned there all the same.
            people = {person_of(visit) for visit in (*visits, *unlabelled) if str(visit[name]) == value}
            others = [visit for visit in visits if person_of(visit) not in people]
            shares = {"training": 1 - VALIDATION_SHARE, "validation": VALIDATION_SHARE}
            splits = split_subjects(others, shares, self.seed)
            splits["training"] = splits["training"] + [v for v in unlabelled if person_of(v) not in people]
            splits["test"] = [visit for visit in (*visits, *unlabelled) if person_of(visit) in people]
            divisions["" if wanted else f"{name}-{value}"] = splits
        return divisions

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the datalist."""
        if self.listed is not None:
            return {"listed": self.listed.name}
        way: dict[str, Any] = {"fractions": dict(self.fractions or DEFAULT_FRACTIONS)}
        if self.folds is not None:
            way = {"folds": self.folds}
        elif self.holdout is not None:
            way = {"holdout": self.holdout}
        return {"seed": self.seed, **way}


def _rotated(folds: Sequence[list[Visit]], test: int) -> dict[str, list[Visit]]:
    if len(folds) < 3:
        raise UserError(f"--folds must be at least 3, for training, validation and test; got {len(folds)}")
    validation = (test + 1) % len(folds)
    training = [visit for k, fold in enumerate(folds) if k not in (test, validation) for visit in fold]
    return {"training": training, "validation": folds[validation], "test": folds[test]}


def _as_listed(visits: Sequence[Visit], unlabelled: Sequence[Visit], listed: Path) -> dict[str, list[Visit]]:
    named = _read_folder(listed) if listed.is_dir() else read_key_table(listed, "split")
    split_of = values_of(named, (visit["subject_id"] for visit in (*visits, *unlabelled)), listed)
    splits: dict[str, list[Visit]] = {name: [] for name in SPLITS}
    absent = sorted({v["subject_id"] for v in visits if v["subject_id"] not in split_of})
    if absent:
        shown = ", ".join(absent[:3])
        raise UserError(
            f"{listed} does not say to which split {len(absent)} subjects belong ({shown}, …); leave them out with "
            "--include",
            absent,
        )
    for visit in (*visits, *unlabelled):
        # Who has no label and is not listed is for pretraining.
        name = split_of.get(visit["subject_id"], "training").lower()
        name = SPLIT_NAMES.get(name, name)
        if name not in SPLITS:
            raise UserError(f"{listed} has the unknown split '{name}'; known are {', '.join(SPLITS)}")
        splits[name].append(visit)
    return splits


def _read_folder(folder: Path) -> dict[str, str]:
    split_of: dict[str, str] = {}
    for path in sorted(folder.glob("*.tsv")):
        name = SPLIT_NAMES.get(path.stem, path.stem)
        if name in SPLITS:
            table = KeyTable.read(path)
            for row in table.rows:
                subject = subject_name(row[table.subject])
                if split_of.setdefault(subject, name) != name:
                    raise UserError(f"{folder} lists {subject} in {split_of[subject]} and in {name}")
    if not split_of:
        raise UserError(f"{folder} holds none of train.tsv, validation.tsv, test.tsv")
    return split_of
