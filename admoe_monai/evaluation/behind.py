"""On which people a figure rests, and whether these are enough for an interval."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from admoe_monai.people import FEWEST_PEOPLE

#: Figures that are means over the classes.
MEANS = ("balanced_accuracy", "macro_auc", "macro_f1")
#: People in words, such as ``labelled AD``, and their number.
Side = tuple[str, int]


@dataclass(frozen=True)
class Ground:
    """What a figure rests on.

    Attributes:
        classes: Classes without people of which it is undefined.
        people: Number of people by whom its precision is bounded.
        few: Of whom there are too few for an interval, in words; None where all are enough.
        fewest_classes: Number of classes that have to have people.
    """

    classes: Sequence[str]
    people: int
    few: str | None
    fewest_classes: int = 1

    def holds(self, present: Collection[str]) -> bool:
        """Tell whether a fold with these classes has the figure: a mean over fewer classes would be another one.

        Args:
            present: Classes that the fold has people of.
        """
        return len(present) >= self.fewest_classes and {*present}.issuperset(self.classes)


def grounds(
    names: Sequence[str],
    counts: Mapping[str, int],
    number: int,
    pairs: Sequence[tuple[str, str]],
    fewest: int = FEWEST_PEOPLE,
) -> dict[str, Ground]:
    """Tell of each figure what it rests on.

    Of two groups that are told apart it is the smaller one; of a mean over classes and of Matthews' correlation, whoever is not
    of the largest class (so that of two classes it is the smaller one too); of a mean over people, all.

    Args:
        names: Classes of the task.
        counts: Number of people of each class.
        number: Number of people in all.
        pairs: Pairs (negative, positive) of two-class AUCs.
        fewest: Number of people below which they are too few.
    """
    own: dict[str, Side] = {name: (f"labelled {name}", counts[name]) for name in names}
    rest: dict[str, Side] = {name: (f"not labelled {name}", number - counts[name]) for name in names}
    all_of_them: Side = ("", number)
    outside = min(rest.values(), key=lambda side: side[1])
    outside = outside if outside[1] else all_of_them
    present = [name for name in names if counts[name]]

    def ground(classes: Sequence[str], *sides: Side, people: int | None = None) -> Ground:
        bounded = min(count for _, count in sides) if people is None else people
        return Ground(classes, bounded, too_few((*sides, all_of_them), fewest))

    classes = [own[name] for name in present] or [all_of_them]
    found = {name: ground(present, *classes, people=outside[1]) for name in MEANS}
    found |= {name: ground([], all_of_them) for name in ("accuracy", "brier")} | {
        "mcc": replace(ground([], outside), fewest_classes=2)
    }
    found |= {f"auc_{a}_vs_{b}": ground([a, b], own[a], own[b]) for a, b in pairs}
    for name in names:
        found[f"recall_{name}"] = ground([name], own[name])
        found[f"specificity_{name}"] = ground([], rest[name])
        found |= {f"{kind}_{name}": ground([name], own[name], rest[name]) for kind in ("auc_of", "average_precision")}
    return found


def too_few(sides: Sequence[Side], fewest: int = FEWEST_PEOPLE) -> str | None:
    """Say of whom there are too few for an interval, if so: such an interval covers less than it says.

    Args:
        sides: People, each group in words and its number.
        fewest: Number of people below which they are too few.
    """
    words, count = min(sides, key=lambda side: side[1])
    return f"{count} subject{'' if count == 1 else 's'} {words}".rstrip() if count < fewest else None
