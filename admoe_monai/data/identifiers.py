"""Names of people and of their scans: spellings that may mean the same person, and names that no table can hold."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["ANY_COHORT", "in_cohort", "is_text", "plain_identifier", "within_cohort"]

_PREFIXES = {"sub", "subj", "subject", "participant", "patient", "adni"}
#: Stands for a cohort whose name is not known.
ANY_COHORT = "*"


def is_text(name: str) -> bool:
    """Tell whether UTF-8 can hold a name; Python reads the bytes of a file's name that are none as lone surrogates.

    Args:
        name: Name of a file or folder, or what was read off it.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def in_cohort(cohort: str, identifier: str) -> str:
    """Name of a person where cohorts that were merged have several people of that name, such as ``adni:sub-01``.

    Args:
        cohort: Name of the person's own cohort.
        identifier: Name of the person in it.
    """
    return f"{cohort}:{identifier}"


def within_cohort(identifier: str) -> str:
    """Name of a person in the cohort's own tables: undoes :func:`in_cohort`, and leaves other names as they are.

    Args:
        identifier: Name of a person in a datalist.
    """
    return identifier.rpartition(":")[2] or identifier


def plain_identifier(identifier: str) -> str:
    """Reduce an identifier to what all its spellings share: no case, prefix, separators or leading zeros.

    ``sub-OAS2_0001`` and ``oas2-1`` become the same; ``S1_11`` and ``S11_1`` do not.

    Args:
        identifier: Name of a person in the spelling of a table or a folder.
    """
    parts = re.findall(r"[^\W\d_]+|\d+", unicodedata.normalize("NFKC", identifier).casefold())
    while len(parts) > 1 and parts[0] in _PREFIXES:
        parts = parts[1:]
    return "|".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts) or identifier
