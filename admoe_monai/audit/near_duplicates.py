"""Near-duplicate images: copies that were turned, mirrored, resampled, shifted, rescaled or made noisy.

Fingerprints choose, for each image, the few images of other people that it could be a copy of; registration and the
correlation of fine detail decide. How often they are right, per kind of copy and on repeat visits, stands in
``docs/audit.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from tqdm import tqdm

from .contents import Content
from .entries import Entry, severity_between
from .finding import Finding, Severity, examples
from .fingerprints import similarities
from .images import read_image
from .registration import detail_correlation

__all__ = ["COPY", "copy_threshold", "near_duplicates"]

#: Detail of two different scans of a head correlates less than this in real cohorts, that of copies more.
COPY = 0.90
#: How many images of other people each image is registered to, and how alike they must be for that.
NEIGHBOURS, ALIKE = 3, 0.6
#: Repeat visits that set the threshold, and how many must have been comparable at all.
REPEATS, FEWEST_REPEATS = 30, 8

Pair = tuple[Entry, Entry, float]


def near_duplicates(entries: Sequence[Entry], contents: Mapping[str, Content]) -> list[Finding]:
    """Find images of different subjects that are one and the same scan.

    Visits of one subject are not compared with each other: across splits they are a leak already. Images with the same
    voxels are left to ``content_overlaps``.

    Args:
        entries: Rows to compare.
        contents: Contents of their images, by path.
    """
    copies: list[Pair] = []
    lookalikes: list[Pair] = []
    for group in _comparable(entries, contents):
        comparison = _Comparison(group, contents)
        progress = tqdm(comparison.candidates(), desc="comparing images", unit="pair", disable=None)
        figures = {pair: comparison.correlation(*pair) for pair in progress}
        alike = {pair: figure for pair, figure in figures.items() if figure >= COPY}
        threshold = copy_threshold([comparison.correlation(*pair) for pair in comparison.repeats()]) if alike else COPY
        for (first, second), figure in alike.items():
            (copies if figure >= threshold else lookalikes).append((group[first], group[second], figure))
    return [
        *_report("near_duplicate", "pair(s) of subjects have the same scan, altered", copies),
        *_report("lookalike", "pair(s) of subjects look as alike as repeat visits of one person", lookalikes),
    ]


def copy_threshold(repeats: Sequence[float]) -> float:
    """Choose the correlation above which an image counts as a copy.

    Where repeat visits are themselves closer than 0.90, as in simulated cohorts, copies must be closer still.

    Args:
        repeats: Correlations of pairs of visits of the same subject; 0 for those that were too different.
    """
    close = np.array([figure for figure in repeats if figure > 0])
    if len(close) < FEWEST_REPEATS:
        return COPY
    # Robust, since a copy may be among them; the factor turns a median deviation into a standard deviation.
    spread = 1.4826 * float(np.median(np.abs(close - np.median(close))))
    return max(COPY, min(float(np.median(close)) + 3 * spread, 0.995))


class _Comparison:
    """Pairs of images with the same number of axes.

    Args:
        entries: One per image.
        contents: Contents of the images, by path.
    """

    def __init__(self, entries: Sequence[Entry], contents: Mapping[str, Content]) -> None:
        self.entries = entries
        self.prints = [contents[str(entry.visit["image"])].print for entry in entries]
        self.alike, self.form, self.matrices = similarities(self.prints)
        self.image = lru_cache(maxsize=64)(read_image)

    def candidates(self) -> list[tuple[int, int]]:
        """Pairs of different people, each image with those most like it."""
        people = np.array([entry.person for entry in self.entries])
        alike = np.where(people[:, None] == people, -1.0, np.maximum(self.alike, self.alike.T))
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :NEIGHBOURS]
        pairs = {(min(n, int(m)), max(n, int(m))) for n, row in enumerate(nearest) for m in row if alike[n, m] >= ALIKE}
        return sorted(pairs)

    def repeats(self) -> list[tuple[int, int]]:
        """Pairs of consecutive visits of the same people, spread over the cohort."""
        last: dict[str, int] = {}
        pairs = []
        for number, entry in enumerate(self.entries):
            if entry.person in last:
                pairs.append((last[entry.person], number))
            last[entry.person] = number
        return pairs[:: max(len(pairs) // REPEATS, 1)][:REPEATS]

    def correlation(self, first: int, second: int) -> float:
        """Correlation of fine detail after registration."""
        if self.alike[second, first] > self.alike[first, second]:
            first, second = second, first
        images = [self.image(str(self.entries[number].visit["image"])) for number in (first, second)]
        poses = [self.prints[number].pose for number in (first, second)]
        return detail_correlation(images, poses, self.matrices[self.form[first, second]])


def _comparable(entries: Sequence[Entry], contents: Mapping[str, Content]) -> list[list[Entry]]:
    """One entry per distinct image, grouped by number of axes."""
    distinct: dict[str, Entry] = {}
    for entry in entries:
        if content := contents.get(str(entry.visit["image"])):
            distinct.setdefault(content.voxel_digest, entry)
    axes: dict[int, list[Entry]] = {}
    for entry in distinct.values():
        axes.setdefault(len(contents[str(entry.visit["image"])].shape), []).append(entry)
    return list(axes.values())


def _report(check: str, what: str, pairs: Sequence[Pair]) -> list[Finding]:
    by_severity: dict[Severity, list[Pair]] = {"leak": [], "warning": []}
    for pair in pairs:
        leak = check == "near_duplicate" and severity_between(entry.split for entry in pair[:2]) == "leak"
        by_severity["leak" if leak else "warning"].append(pair)
    findings = []
    for severity, found in by_severity.items():
        if found:
            where = " across splits" if severity == "leak" else ""
            cases = [f"{a.place} {a.subject} and {b.place} {b.subject} ({figure:.2f})" for a, b, figure in found]
            rows = tuple(dict.fromkeys(entry.place for pair in found for entry in pair[:2]))
            findings.append(Finding(check, severity, f"{len(found)} {what}{where}: {examples(cases)}", rows))
    return findings
