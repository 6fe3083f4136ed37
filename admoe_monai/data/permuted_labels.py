"""Control: labels that belong to other people, so that nothing is left to learn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .datalist import Datalist
from .visits import Visit, person_of

__all__ = ["permute_labels"]

#: Fields that go with the labels, beside the tasks themselves.
GO_ALONG = ("label_source", "diagnosis_reason", "change_reason", "event", "event_days", "followup_days")


def permute_labels(datalist: Datalist, seed: int, tasks: Sequence[str] = ("diagnosis", "change")) -> Datalist:
    """Give each person of training and of validation the labels of another one of the same split; the test keeps the truth.

    People are permuted as wholes: all labels of the k-th visit become those of the k-th visit of the other person, or of the
    last one who has fewer visits. Images and clinical values stay with their person.

    Args:
        datalist: Cohort; it is left as it is.
        seed: Seed of the permutation; the order of visits in the file has no influence.
        tasks: Fields that hold labels.
    """
    splits = {
        split: list(visits) if split == "test" else _permuted(visits, f"{seed}:{split}", tasks)
        for split, visits in datalist.splits.items()
    }
    definition = {**datalist.label_definition, "permuted": {"seed": seed, "splits": ["training", "validation"]}}
    return replace(datalist, splits=splits, label_definition=definition)


def _permuted(visits: Sequence[Visit], seed: str, tasks: Sequence[str]) -> list[Visit]:
    fields = [*tasks, *GO_ALONG]
    histories: dict[str, list[Visit]] = {}
    for visit in sorted(visits, key=lambda v: (v.get("days_from_baseline") or 0, v["session_id"])):
        histories.setdefault(person_of(visit), []).append(visit)
    # Who has no label at all trains no classification, before as after.
    labelled = sorted(who for who, own in histories.items() if any(v.get(t) is not None for v in own for t in tasks))
    digest = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    others = dict(zip(labelled, np.random.default_rng(digest).permutation(labelled), strict=True))
    given = {}
    for who, other in others.items():
        source = histories[str(other)]
        for place, visit in enumerate(histories[who]):
            labels = source[min(place, len(source) - 1)]
            given[id(visit)] = {name: labels[name] for name in fields if name in labels}
    return [
        {**{name: value for name, value in visit.items() if name not in fields}, **given[id(visit)]}
        if id(visit) in given
        else visit
        for visit in visits
    ]
