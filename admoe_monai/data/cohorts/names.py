"""Names of people and sessions in the spellings of tables and folders."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Collection

__all__ = ["is_alike", "name_key", "pair_names", "session_label", "session_months", "session_name", "subject_name"]

SEPARATORS = r"[\s_-]"
PREFIX = re.compile(rf"^(?:sub|ses)(?:{SEPARATORS}+|(?=\d))")
#: What the first visit is called; its month is 0.
BASELINE = frozenset({"bl", "baseline", "m0"})
#: Least likeness, from 0 to 1, of the letters of two names that may be one.
LIKENESS = 0.6


def subject_name(text: str) -> str:
    """Strip ``sub-`` from the name of a person."""
    return re.sub(rf"(?i)^sub{SEPARATORS}+", "", text.strip())


def session_name(text: str) -> str:
    """Strip ``ses-`` from the name of a session."""
    return re.sub(rf"(?i)^ses{SEPARATORS}+", "", text.strip())


def session_label(text: str) -> str:
    """Put ``ses-`` before the name of a session that lacks it."""
    return f"ses-{session_name(text)}"


def session_months(session: str) -> float | None:
    """Months since the first visit in labels such as ``ses-M012``, as Clinica names sessions; None in others."""
    match = re.fullmatch(r"ses-[Mm](\d+)", session)
    return float(match[1]) if match else None


def name_key(text: str) -> str:
    """Reduce a name to what remains without prefix, case, leading zeros and separators."""
    bare = PREFIX.sub("", text.strip().casefold())
    bare = re.sub(r"(\d{4})[-_](\d\d)[-_](\d\d)", r"\1\2\3", bare)  # dates
    # Between digits a separator means something: 1_5 is not 15.
    joined = re.sub(rf"(?<!\d){SEPARATORS}+|{SEPARATORS}+(?!\d)", "", bare)
    return re.sub(r"(?<!\d)0+(?=\d)", "", joined)


def is_alike(one: str, other: str) -> bool:
    """Whether two names may be one: the same numbers, and letters that are a part, an abbreviation or nearly equal."""
    keys = name_key(one), name_key(other)
    short, long = sorted(keys, key=len)
    if BASELINE.issuperset(keys) or (short and long.endswith(short) and long.removesuffix(short).isalpha()):
        return True
    numbers = [re.findall(r"\d+", key) for key in keys]
    short, long = sorted((re.sub(r"\d+", "", key) for key in keys), key=len)
    if numbers[0] != numbers[1] or (not short and not numbers[0]):
        return False
    if not short:
        return True
    rest = iter(long)
    is_abbreviation = short[0] == long[0] and all(letter in rest for letter in short)
    return is_abbreviation or difflib.SequenceMatcher(None, short, long).ratio() >= LIKENESS


def pair_names(
    wanted: Collection[str], known: Collection[str], plain: Callable[[str], str]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Find the names of a table among those of a cohort: as they are, else in another spelling where only one fits.

    Args:
        wanted: Names of the table.
        known: Names of the cohort.
        plain: Function that strips the prefix, such as :func:`subject_name`.

    Returns:
        The known name per wanted one, and for each ambiguous wanted name the known ones that it may be.
    """
    exact = {plain(name): name for name in known}
    paired = {name: exact[plain(name)] for name in wanted if plain(name) in exact}
    taken = {name_key(name) for name in paired.values()}
    others: dict[str, list[str]] = defaultdict(list)
    for name in exact.values():
        if name not in paired.values():
            others[name_key(name)].append(name)
    spellings: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in wanted:
        if name not in paired and name_key(name) in others:
            spellings[name_key(name)][plain(name)].append(name)
    unclear: dict[str, list[str]] = {}
    for key, names in spellings.items():
        is_clear = len(names) == 1 and len(others[key]) == 1 and key not in taken
        for name in (name for same in names.values() for name in same):
            if is_clear:
                paired[name] = others[key][0]
            else:
                unclear[name] = sorted(others[key])
    return paired, unclear
