"""On which people a figure rests, and whether these are enough for an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from admoe_monai.people import FEWEST_PEOPLE

#: Figures that are means over the classes.
MEANS = ("balanced_accuracy", "macro_auc", "macro_f1")


def classes_behind(
    names: Sequence[str], present: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> dict[str, list[str]]:
    """Tell of each figure on which classes it rests: without people of these it is undefined.

    Args:
        names: Classes of the task.
        present: Those of them that occur.
        pairs: Pairs (negative, positive) of two-class AUCs.
    """
    behind = {name: [*present] for name in MEANS}
    behind |= {name: [] for name in ("accuracy", "mcc", "brier")}
    behind |= {f"auc_{a}_vs_{b}": [a, b] for a, b in pairs}
    for kind in ("recall", "auc_of", "average_precision"):
        behind |= {f"{kind}_{name}": [name] for name in names}
    return behind | {f"specificity_{name}": [] for name in names}


def people_behind(needed: Mapping[str, Sequence[str]], counts: Mapping[str, int], number: int) -> dict[str, int]:
    """Count the people by whom the precision of each figure is bounded.

    Of two groups that are told apart it is the smaller one; of a mean over classes and of Matthews' correlation, whoever is not
    of the largest class (so that of two classes it is the smaller one too); of a mean over people, all.

    Args:
        needed: Classes that each figure rests on.
        counts: Number of people of each class.
        number: Number of people in all.
    """
    outside = (number - max(counts.values(), default=0)) or number
    found = {}
    for name, classes in needed.items():
        sides = [counts[label] for label in classes]
        if name.startswith(("auc_of", "average_precision")):
            sides += [number - side for side in sides]
        elif name.startswith("specificity_"):
            sides = [number - counts[name.removeprefix("specificity_")]]
        found[name] = outside if name in (*MEANS, "mcc") else min(sides, default=number)
    return found


def too_few(needed: Sequence[str], counts: Mapping[str, int], number: int, fewest: int = FEWEST_PEOPLE) -> str | None:
    """Say of whom there are too few for an interval, if so: such an interval covers less than it says.

    Args:
        needed: Classes that a figure rests on.
        counts: Number of people of each class.
        number: Number of people in all.
        fewest: Number of people below which they are too few.
    """
    smallest = min(needed, key=lambda label: counts[label], default=None)
    if smallest is not None and counts[smallest] < fewest:
        return f"{_subjects(counts[smallest])} labelled {smallest}"
    return _subjects(number) if number < fewest else None


def _subjects(number: int) -> str:
    return f"{number} subject{'' if number == 1 else 's'}"
