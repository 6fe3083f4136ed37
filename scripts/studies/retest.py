"""Test-retest: how well a run's best model agrees with itself on two scans of one session.

    python scripts/studies/retest.py RUN RESCANS [--task diagnosis] [--device cpu]

RESCANS is a BIDS folder, such as `admoe demo-cohort RESCANS --visits 1 1 --rescan 60` makes: two T1w scans of one session
are told by `_run-1` and `_run-2`. The clinical values are missing for all of them. Printed are ICC(2,1) of the logit of the
last class minus that of the first, its interval over people, and how many are called the same twice.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np

from admoe_monai.data import Datalist
from admoe_monai.errors import UserError
from admoe_monai.evaluation.agreement import agreement
from admoe_monai.evaluation.pages.text import format_interval, format_number
from admoe_monai.workflows.finished.prediction import TrainedRun, predict

NAME = re.compile(
    r"(?P<subject>sub-[^_]+)(?:_(?P<session>ses-[^_]+))?(?:_[^_]+)*_run-0*(?P<run>[12])_T1w\.nii(?:\.gz)?"
)


def find_pairs(folder: Path) -> list[tuple[str, str, Path, Path]]:
    """Find the sessions that were scanned twice.

    Args:
        folder: BIDS folder.

    Returns:
        Subject, session and both scans; one session of each subject, the first by name.

    Raises:
        UserError: If there are fewer than two.
    """
    scans: dict[tuple[str, str], dict[str, Path]] = {}
    for path in sorted(folder.glob("sub-*/**/*_T1w.nii*")):
        if found := NAME.fullmatch(path.name):
            scans.setdefault((found["subject"], found["session"] or ""), {})[found["run"]] = path
    pairs: dict[str, tuple[str, str, Path, Path]] = {}
    for (subject, session), runs in scans.items():
        if len(runs) == 2:
            pairs.setdefault(subject, (subject, session, runs["1"], runs["2"]))
    if len(pairs) < 2:
        raise UserError(
            f"{folder} has {len(pairs)} subjects with two scans of one session (_run-1 and _run-2): 2 are needed"
        )
    return list(pairs.values())


def logits(
    run: TrainedRun, task: str, scans: list[tuple[str, str, Path]], device: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Predict scans.

    Args:
        run: Finished run.
        task: Task of the logits.
        scans: Subject, session and path of each scan.
        device: Device to run on; None takes the GPU if there is one.

    Returns:
        Per scan the logit of the last class minus that of the first, and the place of the class that is called.
    """
    visits = [
        {"image": str(path.absolute()), "subject_id": subject, "session_id": session or "1"}
        for subject, session, path in scans
    ]
    table = predict(
        run, Datalist("rescans", scans[0][2].parent, {"test": visits}, classes=run.settings["classes"]), "test", device
    )
    probabilities = table.probabilities(task)
    return np.log(probabilities[:, -1]) - np.log(probabilities[:, 0]), probabilities.argmax(axis=1)


def main() -> None:
    """Predict and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("rescans", type=Path, metavar="RESCANS")
    parser.add_argument("--task", default="diagnosis")
    parser.add_argument("--device")
    given = parser.parse_args()
    try:
        pairs = find_pairs(given.rescans)
        run = TrainedRun.load(given.run)
        classes = run.settings["classes"].get(given.task)
        if classes is None:
            raise UserError(f"{given.run} has no task '{given.task}': it has {', '.join(run.settings['classes'])}")
        with tempfile.TemporaryDirectory() as folder:
            # Nothing of these scans is left behind.
            run.settings["cache_dir"] = folder
            scans = [(*pair[:2], pair[place]) for place in (2, 3) for pair in pairs]
            differences, called = logits(run, given.task, scans, given.device)
    except UserError as error:
        raise SystemExit(str(error)) from None
    scores = differences.reshape(2, -1).T
    found = agreement(scores)
    first, again = called.reshape(2, -1)
    spread = float(np.std(scores[:, 0] - scores[:, 1], ddof=1) / np.sqrt(2))
    print(f"{len(pairs)} people, two scans of one session each; logit of {classes[-1]} minus that of {classes[0]}")
    print(
        f"ICC(2,1) {format_number(found.value)} {format_interval(found.low, found.high)}"
        + (f" ({found.note})" if found.note else "")
    )
    print(
        f"standard deviation within people {spread:.3f}, of their means {float(np.std(scores.mean(axis=1), ddof=1)):.3f}"
    )
    print(f"called the same twice: {int((first == again).sum())} of {len(pairs)}")


if __name__ == "__main__":
    main()
