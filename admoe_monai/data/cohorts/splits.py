"""Splits by person: all visits of a person stay on one side.

The same seed and the same people give the same split on any machine and in any order of rows: people are ranked by
a hash, no random generator takes part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from admoe_monai.errors import UserError

from ..visits import SPLITS, Visit, person_of

__all__ = ["DEFAULT_FRACTIONS", "kfold_subjects", "split_subjects"]

DEFAULT_FRACTIONS: dict[str, float] = {"training": 0.6, "validation": 0.15, "test": 0.25}


def split_subjects(
    visits: Sequence[Visit], fractions: Mapping[str, float] | None = None, seed: int = 42
) -> dict[str, list[Visit]]:
    """Divide a cohort into training, validation and test.

    Each split gets its share of every first diagnosis and, as far as numbers allow, of sexes and ten-year age bands.

    Args:
        visits: All visits; those of a person keep their order.
        fractions: Share of the people per split, summing to 1.
        seed: Seed of the split.

    Raises:
        UserError: If the fractions are not shares that sum to 1, or a split with a share stays empty.
    """
    shares = dict(DEFAULT_FRACTIONS if fractions is None else fractions)
    if set(shares) - set(SPLITS) or min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise UserError(f"split fractions must be shares of {', '.join(SPLITS)} that sum to 1, got {shares}")
    names = [name for name in SPLITS if shares.get(name, 0) > 0]
    bins = _assign(visits, [shares[name] for name in names], seed)
    splits: dict[str, list[Visit]] = {name: [] for name in SPLITS}
    for visit in visits:
        splits[names[bins[person_of(visit)]]].append(visit)
    for name in names:
        if not splits[name]:
            raise UserError(
                f"{len(bins)} subjects are too few for a '{name}' split of {shares[name]:g}; give other --fractions"
            )
    return splits


def kfold_subjects(visits: Sequence[Visit], folds: int = 5, seed: int = 42) -> list[list[Visit]]:
    """Divide a cohort into folds of about equal numbers of people, stratified as :func:`split_subjects` does.

    Args:
        visits: All visits.
        folds: Number of folds, at least 2 and at most the number of people.
        seed: Seed of the folds.

    Raises:
        UserError: If the number of folds is out of range.
    """
    people = len({person_of(visit) for visit in visits})
    if not 2 <= folds <= people:
        raise UserError(f"folds must lie between 2 and the {people} subjects, got {folds}")
    bins = _assign(visits, [1 / folds] * folds, seed)
    return [[visit for visit in visits if bins[person_of(visit)] == fold] for fold in range(folds)]


def _assign(visits: Sequence[Visit], shares: Sequence[float], seed: int) -> dict[str, int]:
    """Walk through the people stratum by stratum; each goes to the bin that is furthest behind its share.

    The walk carries its rounding from one stratum to the next, so that many small strata do not all favour one bin.
    """
    histories: dict[str, list[Visit]] = {}
    for visit in visits:
        histories.setdefault(person_of(visit), []).append(visit)
    ranked = sorted((*_stratum(history), _rank(person, seed), person) for person, history in histories.items())
    bins: dict[str, int] = {}
    counts = [0] * len(shares)
    for position, (*_, person) in enumerate(ranked, start=1):
        # Rounded, so that ties are ties on every machine.
        behind = [round(share * position - count, 9) for share, count in zip(shares, counts, strict=True)]
        chosen = behind.index(max(behind))
        bins[person] = chosen
        counts[chosen] += 1
    return bins


def _stratum(history: Sequence[Visit]) -> tuple[str, str, int]:
    ordered = sorted(history, key=lambda visit: (visit["days_from_baseline"] or 0, visit["session_id"]))
    diagnosis = next((visit["diagnosis"] for visit in ordered if visit["diagnosis"] is not None), "")
    age = next((visit["age"] for visit in ordered if visit.get("age") is not None), -10)
    return diagnosis, str(ordered[0].get("sex")), int(age // 10)


def _rank(person: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{person}".encode()).hexdigest()
