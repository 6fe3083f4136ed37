"""The bootstrap over subjects: visits of one subject resemble each other, so that they are drawn together.

Field, C. A. and Welsh, A. H., "Bootstrapping clustered data", J. R. Stat. Soc. B 69 (2007): resampling whole clusters.

Percentile intervals run short where people are few, as an interval of a mean does that takes the variance of the sample for
that of the population and the normal distribution for Student's. Hesterberg, T. C., "What teachers should know about the
bootstrap", Am. Stat. 69 (2015): take percentiles further out by as much. How often intervals then hold the truth is measured by
``scripts/studies/coverage.py``.

Axis letters: R resamples, N visits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import norm, t

LEVEL = 0.95
CHUNK = 250
#: Why an estimate may have no interval although people are enough.
NEVER_VARIES = "every resample gives the same value"


@dataclass(frozen=True)
class Estimate:
    """Figure with its percentile interval; what is undefined is None and ``note`` says why.

    Args:
        value: Value on the data as they are.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n_resamples: Number of resamples on which the figure was defined.
        note: Reason why something is None, or what the figure leaves out.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n_resamples: int = 0
    note: str | None = None

    def without_interval(self, few: str | None) -> Estimate:
        """Withhold the interval if there are too few people for one.

        Args:
            few: Of whom there are too few, in words; None where all are enough.
        """
        if few is None or self.value is None:
            return self
        return replace(self, low=None, high=None, note=f"no interval: {few}")

    def as_dict(self) -> dict[str, Any]:
        """Return plain Python values, for JSON."""
        return asdict(self)


def subject_resamples(subjects: Sequence[str], n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the weights of resamples: how often each visit is drawn when subjects are drawn with replacement.

    A pure function of the subjects' names, their number of resamples and the seed: the order of rows has no influence.

    Args:
        subjects: Subject of each visit (N,).
        n_boot: Number of resamples.
        seed: Seed of the random draws.

    Yields:
        Weights (R, N) as float64, R at most 250, to bound the memory.

    Raises:
        ValueError: When ``n_boot`` is negative.
    """
    if n_boot < 0:
        raise ValueError(f"n_boot must not be negative, got {n_boot}.")
    names, position = np.unique(np.asarray(subjects, dtype=str), return_inverse=True)
    generator = np.random.default_rng(seed)
    if len(names) == 0:
        return
    shares = np.full(len(names), 1 / len(names))
    for start in range(0, n_boot, CHUNK):
        size = min(CHUNK, n_boot - start)
        yield generator.multinomial(len(names), shares, size=size).astype(float)[:, position]


def bootstrap(
    statistics: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    subjects: Sequence[str],
    n_boot: int,
    seed: int,
    behind: Mapping[str, int] | None = None,
) -> dict[str, Estimate]:
    """Estimate several statistics with 95 % percentile intervals, all from the same resamples.

    Args:
        statistics: Function from weights (R, N) to named values (R,), NaN where undefined.
        subjects: Subject of each visit (N,).
        n_boot: Number of resamples; 0 gives values without intervals.
        seed: Seed of the random draws.
        behind: Number of subjects that each statistic rests on; all of them where it is not said.
    """
    values = {name: float(value[0]) for name, value in statistics(np.ones((1, len(subjects)))).items()}
    chunks = [statistics(weights) for weights in subject_resamples(subjects, n_boot, seed)]
    draws = {name: np.concatenate([chunk[name] for chunk in chunks]) if chunks else np.empty(0) for name in values}
    people = dict.fromkeys(values, len(set(subjects))) | dict(behind or {})
    return {name: percentile_estimate(value, draws[name], people[name]) for name, value in values.items()}


def percentile_estimate(value: float, draws: np.ndarray, n_subjects: int) -> Estimate:
    """Turn a value and its resamples into an estimate.

    An interval is withheld where it would mislead: from a single subject, or when every resample gives the same
    value (a perfect or a constant classifier), which says nothing about precision.

    Args:
        value: Value on the data as they are; NaN = undefined.
        draws: Resampled values (R,), NaN where undefined.
        n_subjects: Number of subjects that the value rests on; the fewer, the further out the percentiles.
    """
    if np.isnan(value):
        return Estimate(None, note="undefined on these data")
    defined = draws[~np.isnan(draws)]
    if n_subjects < 2:
        return Estimate(value, note=f"no interval: {n_subjects} subject")
    if len(defined) < 2:
        return Estimate(value, n_resamples=len(defined), note=f"no interval: {len(defined)} resamples")
    if np.ptp(defined) < 1e-12:
        return Estimate(value, n_resamples=len(defined), note=f"no interval: {NEVER_VARIES}")
    outside = tail(n_subjects)
    low, high = np.quantile(defined, [outside, 1 - outside])
    return Estimate(value, float(low), float(high), len(defined))


def tail(n_subjects: int) -> float:
    """Tell which share of resamples to leave out at either end: less than 0.025, for few subjects.

    Args:
        n_subjects: Number of subjects, two or more.
    """
    student = t.ppf((1 + LEVEL) / 2, n_subjects - 1)
    return float(norm.cdf(-student * np.sqrt(n_subjects / (n_subjects - 1))))
