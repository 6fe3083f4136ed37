"""Choice of one T1w scan per session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from admoe_monai.errors import some_of
from admoe_monai.scan_files import is_scan_name

__all__ = ["ScanChoice", "t1w_scans"]

#: Phase and imaginary part are no picture of the head.
NO_SCAN = re.compile(r"_part-(phase|imag)(_|\.)")
CHUNK = re.compile(r"_(chunk-[A-Za-z0-9]+)(_|\.)")
CONTRAST = re.compile(r"_ce-[A-Za-z0-9]+(_|\.)")
#: After those without: a contrast agent brightens vessels, single echoes and inversions are parts of one acquisition,
#: and a real part is darker than the magnitude.
LATER = tuple(re.compile(text) for text in (CONTRAST.pattern, r"_inv-", r"_echo-", r"_part-real", r"(?i)deface"))


def t1w_scans(folders: Iterable[Path]) -> list[Path]:
    """Find the T1w scans in some folders.

    Args:
        folders: Folders such as ``sub-01/ses-1/anat``.
    """
    found = (path for folder in folders for path in folder.glob("*_T1w.*"))
    return sorted(path for path in found if is_scan(path))


def is_scan(path: Path) -> bool:
    """Whether a file's name is that of a picture of a head: no phase image, and no hidden file."""
    # macOS leaves ._sub-01_T1w.nii.gz beside a file that it copies to another system.
    return is_scan_name(path) and not path.name.startswith(".") and not NO_SCAN.search(path.name)


@dataclass
class ScanChoice:
    """A rule that chooses one T1w scan per session, and keeps count of its choices.

    Complete scans come before chunks, files with the first of the preferred parts before the others, scans without a contrast
    agent before those with one, and the first by name among equals.

    Args:
        prefer: Parts of file names, such as ``acq-mprage``, the most wanted first.
        always: Parts that are preferred in any case, after those; scans without them are never noted as rivals.
    """

    prefer: Sequence[str] = ()
    always: Sequence[str] = ()
    problems: list[str] = field(default_factory=list)
    several: list[str] = field(default_factory=list)
    with_contrast: list[str] = field(default_factory=list)

    def choose(self, scans: Sequence[Path], place: str) -> Path | None:
        """Choose the scan of a session.

        Args:
            scans: Scans of the session.
            place: Subject and session, for messages.

        Returns:
            The scan; None where there is none. A chunk that was not asked for is also a problem.
        """
        if not scans:
            return None
        chosen = min(scans, key=self._rank)
        if (chunk := self._unnamed_chunk(chosen)) is not None:
            names = ", ".join(path.name for path in scans if CHUNK.search(path.name))
            self.problems.append(
                f"{place}: its T1w scan is in parts ({names}): join them to one image, or take one with --prefer {chunk}"
            )
        rivals = [path for path in scans if self._has(path, self.always) == self._has(chosen, self.always)]
        if len(rivals) > 1 and chunk is None:
            self.several.append(place)
        if CONTRAST.search(chosen.name):
            self.with_contrast.append(place)
        return chosen

    def notes(self) -> list[str]:
        """Notes on sessions with several scans and the rule that chose, and on scans with a contrast agent."""
        notes = []
        if self.several:
            rule = f"preferring {', '.join(self.prefer)}, then" if self.prefer else "taking"
            notes.append(
                f"{len(self.several)} sessions have several T1w scans ({some_of(self.several)}): {rule} the first by name"
            )
        if self.with_contrast:
            notes.append(
                f"{len(self.with_contrast)} sessions have a T1w scan with a contrast agent (ce-) in use "
                f"({some_of(self.with_contrast)}): vessels are bright in it"
            )
        return notes

    def _rank(self, path: Path) -> tuple[object, ...]:
        parts = [part not in path.name for part in (*self.prefer, *self.always)]
        later = [bool(pattern.search(path.name)) for pattern in LATER]
        return (self._unnamed_chunk(path) is not None, *parts, *later, path.name)

    def _unnamed_chunk(self, path: Path) -> str | None:
        """Chunk that a file is, unless the user has asked for it by name."""
        chunk = CHUNK.search(path.name)
        asked = any("chunk-" in part and part in path.name for part in self.prefer)
        return None if chunk is None or asked else chunk[1]

    @staticmethod
    def _has(path: Path, parts: Sequence[str]) -> bool:
        return all(part in path.name for part in parts)
