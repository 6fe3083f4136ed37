"""Remarks on a BIDS folder that concern many people, counted instead of repeated."""

from __future__ import annotations

from dataclasses import dataclass, field

from admoe_monai.errors import some_of

__all__ = ["SubjectCounts"]


@dataclass
class SubjectCounts:
    """People and visits by what the notes say of them.

    Attributes:
        put_aside: People whose diagnosis can't be assigned to one visit.
        scanned_once: Those of them with at most one scan; their other visits are in tables alone.
        unmatched: Visits of tables without a folder, of people with a folder that no table lists.
        unplaced: People with scans outside of their sessions' folders.
        scanless: People without a scan, where no table names them.
        has_loss: Whether names that may mean one session were found.
    """

    put_aside: list[str] = field(default_factory=list)
    scanned_once: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    scanless: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    has_loss: bool = False

    def cautions(self) -> list[str]:
        """Losses that leaving out the visits without a scan does not repair, one line each."""
        if not self.scanned_once:
            return []
        return [
            f"the diagnosis in participants.tsv stays put aside for {len(self.scanned_once)} people of whom tables list "
            f"more visits than have a scan ({some_of(self.scanned_once)})"
        ]

    def notes(self) -> list[str]:
        """One line for each kind of remark, with the first few names."""
        notes = []
        if self.put_aside:
            notes.append(
                f"the diagnosis in participants.tsv is put aside for {len(self.put_aside)} people who came more than once "
                f"({some_of(self.put_aside)}): it can't follow a change; write those of the visits to sub-*/sub-*_sessions.tsv"
            )
        if self.unmatched:
            notes.append(
                f"{len(self.unmatched)} visits of tables have no folder while a folder of the same subject has a scan and no "
                f"row ({some_of(self.unmatched)}): if they are one, give them one name, or the labels are lost"
            )
        if self.unplaced:
            notes.append(
                f"{len(self.unplaced)} subjects have T1w scans outside of their sessions' folders "
                f"({some_of(self.unplaced)}): they are not read"
            )
        if self.scanless:
            notes.append(f"{len(self.scanless)} subjects' folders hold no T1w scan ({some_of(self.scanless)})")
        return notes
