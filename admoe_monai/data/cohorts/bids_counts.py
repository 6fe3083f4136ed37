"""What there is to say of many people of a BIDS folder at once, counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from .t1w import shown

__all__ = ["SubjectCounts"]


@dataclass
class SubjectCounts:
    """People and visits of whom something is said once for all.

    Attributes:
        put_aside: people whose diagnosis can't be that of one visit.
        scanned_once: those of them with at most one scan; their other visits stand in tables alone.
        unmatched: visits of tables without a folder, of people with a folder that no table lists.
        unplaced: people with scans outside of their sessions' folders.
        scanless: people without a scan, where no table names them.
        has_loss: whether names that may mean one session were found.
    """

    put_aside: list[str] = field(default_factory=list)
    scanned_once: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    scanless: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    has_loss: bool = False

    def cautions(self) -> list[str]:
        """What leaving out the visits without a scan does not mend."""
        if not self.scanned_once:
            return []
        return [
            f"the diagnosis in participants.tsv stays put aside for {len(self.scanned_once)} people of whom tables list "
            f"more visits than have a scan ({shown(self.scanned_once)})"
        ]

    def notes(self) -> list[str]:
        """One line for each kind, with the first few names."""
        notes = []
        if self.put_aside:
            notes.append(
                f"the diagnosis in participants.tsv is put aside for {len(self.put_aside)} people who came more than once "
                f"({shown(self.put_aside)}): it can't follow a change; write those of the visits to sub-*/sub-*_sessions.tsv"
            )
        if self.unmatched:
            notes.append(
                f"{len(self.unmatched)} visits of tables have no folder while a folder of the same subject has a scan and no "
                f"row ({shown(self.unmatched)}): if they are one, give them one name, or the labels are lost"
            )
        if self.unplaced:
            notes.append(
                f"{len(self.unplaced)} subjects have T1w scans outside of their sessions' folders "
                f"({shown(self.unplaced)}): they are not read"
            )
        if self.scanless:
            notes.append(f"{len(self.scanless)} subjects' folders hold no T1w scan ({shown(self.scanless)})")
        return notes
