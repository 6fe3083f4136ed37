"""Whom a model was trained on, without naming anybody: a checkpoint carries digests of its subjects' identifiers.

A digest is the first 16 hexadecimal characters of the SHA-256 of the identifier in UTF-8. It is no protection against
somebody who has a list of identifiers to try, only against reading them off a file.

Somebody is in it as subject and, where the datalist says so, as person. Of somebody whose name merged cohorts have several
times (``adni:sub-01``) it also holds ``*:sub-01``, so that the cohort by itself, under another name, raises a question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .identifiers import ANY_COHORT, in_cohort, within_cohort
from .visits import Visit

#: Key of a checkpoint that holds the digests, as a list.
CHECKPOINT_KEY = "pretraining_subjects"
LENGTH = 16


def subject_digest(subject_id: str) -> str:
    """Return the digest of one identifier.

    Args:
        subject_id: as the datalist has it.
    """
    return hashlib.sha256(subject_id.encode()).hexdigest()[:LENGTH]


def subject_digests(visits: Iterable[Visit]) -> list[str]:
    """Return the digests of all subjects and persons, sorted, each once.

    Args:
        visits: those that a model is pretrained on.
    """
    names: set[str] = set()
    for visit in visits:
        subject, person = str(visit["subject_id"]), visit.get("person_id")
        names |= {subject, str(person or subject)}
        if (own := within_cohort(subject)) != subject:
            names.add(in_cohort(ANY_COHORT, own))
    return sorted(map(subject_digest, names))
