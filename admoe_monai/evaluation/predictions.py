"""The prediction table: one row per visit, with true labels and the probability of every class.

Axis letters: N visits, K classes of a task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic

TEXT_COLUMNS = ("image", "subject_id", "session_id")
SUM_TOLERANCE = 1e-3


def probability_columns(classes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Name the probability columns of each task, in the order of its classes.

    Args:
        classes: Class names of each task.

    Raises:
        UserError: When two tasks would share a column, such as ``a`` with a class ``b_c`` and ``a_b`` with a class ``c``.
    """
    columns = {task: [f"p_{task}_{name}" for name in names] for task, names in classes.items()}
    owner: dict[str, str] = {}
    for task, names in columns.items():
        for name in names:
            if owner.setdefault(name, task) != task:
                raise UserError(
                    f"the tasks {owner[name]} and {task} both have the column {name}; rename a class or a task"
                )
    return columns


def people_of(frame: pd.DataFrame) -> pd.Series:
    """Return who each visit is of: the person where one has several names, else the subject.

    Args:
        frame: Visits with ``subject_id`` and, perhaps, ``person_id``.
    """
    subjects = frame["subject_id"].fillna("").astype(str)
    if "person_id" not in frame:
        return subjects
    people = frame["person_id"].fillna("").astype(str)
    return people.where(people != "", subjects)


@dataclass(frozen=True)
class PredictionTable:
    """Predictions of visits, valid by construction.

    Columns of ``frame``: ``image``, ``subject_id``, ``person_id``, ``session_id`` (text; the person is the subject, unless
    several names stand for one), ``days_from_baseline`` (days, NaN = unknown), one named after each task (true class, empty =
    unknown), and ``p_<task>_<class>`` (all NaN in a row = no prediction). Further columns, such as the site, are kept.

    Args:
        frame: Table with these columns; missing label columns and a missing time are filled with "unknown".
        classes: Class names of each predicted task, in the order of the network's outputs.

    Raises:
        UserError: When a column is absent or of two tasks, a label is not one of the classes, an image is listed twice, or
            probabilities are not between 0 and 1 with a sum of 1.
    """

    frame: pd.DataFrame
    classes: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        frame = self.frame.reset_index(drop=True)
        needed = ["subject_id", *(name for names in probability_columns(self.classes).values() for name in names)]
        absent = [name for name in needed if name not in frame]
        if absent:
            known = ", ".join(map(str, frame.columns))
            raise UserError(f"prediction table: column {absent[0]!r} is missing (the table has: {known}).")
        for name in (*TEXT_COLUMNS, *self.classes):
            frame[name] = frame[name].fillna("").astype(str) if name in frame else ""
        frame["person_id"] = people_of(frame)
        days = frame["days_from_baseline"] if "days_from_baseline" in frame else pd.Series(np.nan, frame.index)
        frame["days_from_baseline"] = pd.to_numeric(days, errors="coerce").astype(float)
        object.__setattr__(self, "frame", frame)
        self._check()

    @classmethod
    def from_visits(
        cls,
        visits: Sequence[Mapping[str, Any]],
        probabilities: Mapping[str, np.ndarray],
        classes: Mapping[str, Sequence[str]],
    ) -> PredictionTable:
        """Join visits of a datalist with their predicted probabilities.

        Args:
            visits: Entries of a datalist; scalar fields become columns.
            probabilities: Arrays (N, K) per task, in the order of the visits.
            classes: Class names of each task.

        Raises:
            ValueError: When the probabilities do not have one row per visit and one column per class.
        """
        frame = pd.DataFrame([{k: v for k, v in visit.items() if not isinstance(v, dict | list)} for visit in visits])
        for task, names in classes.items():
            values = np.asarray(probabilities[task], dtype=float)
            if values.shape != (len(visits), len(names)):
                raise ValueError(
                    f"probabilities of {task!r} have shape {values.shape}, not {(len(visits), len(names))}."
                )
            frame[[f"p_{task}_{name}" for name in names]] = values
        return cls(frame, classes)

    @classmethod
    def read(cls, path: str | Path, classes: Mapping[str, Sequence[str]] | None = None) -> PredictionTable:
        """Read a CSV file.

        Args:
            path: File that ``write`` wrote, or one with the same columns.
            classes: Class names of each task; by default those that the columns tell: a task is a column of labels beside
                columns ``p_<task>_<class>``, two or more, which the labels are among.

        Raises:
            UserError: When the file cannot be read or its content is not a valid table.
        """
        try:
            # Everything as text first: subject "0012" keeps its zeros, a site called "NA" is a site, and Python's own
            # conversion gives back every bit of a probability, which pandas promises only in some versions.
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            classes = _tasks_of(frame) if classes is None else classes
            numbers = {
                "days_from_baseline",
                *(name for names in probability_columns(classes).values() for name in names),
            }
            for name in numbers & {*frame.columns}:
                frame[name] = [float(text or "nan") for text in frame[name]]
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: not a readable prediction table ({error}).") from error
        if not classes:
            raise UserError(f"{path}: no column of labels stands beside columns p_<task>_<class> of its name.")
        return cls(frame, classes)

    def write(self, path: str | Path) -> None:
        """Write a CSV file, atomically."""
        write_atomic(path, self.csv())

    def csv(self) -> str:
        """Return the content of a CSV file, which :meth:`read` reads."""
        return str(self.frame.to_csv(index=False))

    def people(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return who each visit (N,) is of: what is drawn and counted as a whole.

        Args:
            rows: Row numbers of the visits; all by default.
        """
        people = self.frame["person_id"].to_numpy(str)
        return people if rows is None else people[rows]

    def columns(self, task: str) -> list[str]:
        """Return the names of a task's probability columns, in the order of its classes."""
        return probability_columns({task: self.classes[task]})[task]

    def probabilities(self, task: str) -> np.ndarray:
        """Return the probabilities (N, K) of a task; a row of NaN has no prediction."""
        return self.frame[self.columns(task)].to_numpy(float)

    def labels(self, task: str) -> np.ndarray:
        """Return the true classes (N,) of a task as integers; -1 = unknown."""
        codes = {"": -1, **{name: index for index, name in enumerate(self.classes[task])}}
        return self.frame[task].map(codes).to_numpy(int)

    def _check(self) -> None:
        repeated = self.frame["image"].ne("") & self.frame["image"].duplicated()
        if repeated.any():
            self._refuse(repeated, "the image is listed twice")
        nameless = self.frame["subject_id"].eq("")
        if nameless.any():
            self._refuse(nameless, "subject_id is empty")
        for task, names in self.classes.items():
            foreign = ~self.frame[task].isin(["", *names])
            if foreign.any():
                label = self.frame.loc[foreign, task].iloc[0]
                self._refuse(foreign, f"{task} {label!r} is not one of {', '.join(names)}")
            values = self.probabilities(task)
            with np.errstate(invalid="ignore"):
                good = (values >= 0).all(1) & (np.abs(values.sum(1) - 1) <= SUM_TOLERANCE)
            bad = ~(good | np.isnan(values).all(1))
            if bad.any():
                self._refuse(pd.Series(bad), f"probabilities of {task} are not between 0 and 1 with a sum of 1")

    def _refuse(self, rows: pd.Series, reason: str) -> None:
        first = int(np.flatnonzero(rows)[0])
        more = int(rows.sum()) - 1
        image = self.frame["image"].iloc[first] or self.frame["subject_id"].iloc[first]
        raise UserError(
            f"prediction table, row {first + 1} ({image}): {reason}" + (f" (and {more} more)." if more else ".")
        )


def _tasks_of(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Tell tasks and their classes from the columns of a table of text, in the order of the table."""
    found: dict[str, list[str]] = {}
    free = [str(name) for name in frame.columns if str(name).startswith("p_")]
    # The longest name first: with tasks `change` and `change_late`, p_change_late_stable is of the latter.
    labels = sorted(map(str, frame.columns), key=len, reverse=True)
    # Beside diagnosis with classes `reason_a` and `reason_b`, a column diagnosis_reason of other text is no task; what is
    # left over then is of a task with a wrong label, which the table names.
    for fitting, task in [*((True, name) for name in labels), *((False, name) for name in labels)]:
        own = [name for name in free if name.startswith(f"p_{task}_")]
        names = [name.removeprefix(f"p_{task}_") for name in own]
        if len(names) > 1 and (not fitting or frame[task].isin(["", *names]).all()):
            found[task] = names
            free = [name for name in free if name not in own]
    places = {name: place for place, name in enumerate(frame.columns)}
    return dict(sorted(found.items(), key=lambda entry: places[f"p_{entry[0]}_{entry[1][0]}"]))
