"""Notes on ticks: too short ones, and equal pitches that overlap within a track.

One channel cannot say which of two sounding notes of one pitch an end belongs to. Readers pair
first in, first out, so a note inside a longer one comes back with its end swapped, and many players
stop both at the first end. The policies below say what to do about it before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NoteTable", "Overlap", "Short", "lengthen", "nested", "overlapping", "trim", "voices"]

Overlap: TypeAlias = Literal["trim", "spill", "keep", "error"]
Short: TypeAlias = Literal["tick", "keep"]


@dataclass(slots=True, eq=False)
class NoteTable:
    """Notes of several parts on ticks, sorted by part, start, pitch and end.

    Parameters
    ----------
    part : ndarray of int64, shape (n,)
        Index of the part.
    start : ndarray of int64, shape (n,)
        First tick.
    end : ndarray of int64, shape (n,)
        Last tick, not before the first.
    pitch : ndarray of int32, shape (n,)
        0..127.
    velocity : ndarray of int32, shape (n,)
        1..127.
    """

    part: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    pitch: npt.NDArray[np.int32]
    velocity: npt.NDArray[np.int32]

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> NoteTable:
        """Return these rows as a table of their own."""
        return NoteTable(
            self.part[rows], self.start[rows], self.end[rows], self.pitch[rows], self.velocity[rows]
        )

    def sort(self) -> NoteTable:
        """Return the table in order."""
        return self.take(np.lexsort((self.end, self.pitch, self.start, self.part)))

    def sort_ties(self) -> NoteTable:
        """Return a table whose parts and starts ascend in order; itself if it is so already.

        Notes in order of their seconds keep it on ticks, but for notes that come to begin on one
        tick, so only those are looked at.
        """
        tied = self.start[1:] == self.start[:-1]
        tied &= self.pitch[1:] <= self.pitch[:-1]
        rows = tied.nonzero()[0]
        if not len(rows):
            return self
        after = rows + 1
        falls = (self.pitch[after] < self.pitch[rows]) | (self.end[after] < self.end[rows])
        falls &= self.part[after] == self.part[rows]
        return self.sort() if falls.any() else self


def lengthen(table: NoteTable) -> npt.NDArray[np.intp]:
    """Give every note that is shorter than a tick one tick, in place.

    Parameters
    ----------
    table : NoteTable
        The notes.

    Returns
    -------
    ndarray of int, shape (m,)
        Rows of the notes that were lengthened.
    """
    short = (table.end <= table.start).nonzero()[0]
    if len(short):
        table.end[short] = table.start[short] + 1
    return short


@dataclass(slots=True, eq=False)
class _Groups:
    """Rows of a table ordered by part and pitch, then start and end."""

    order: npt.NDArray[np.intp]
    same: npt.NDArray[np.bool_]  # whether row i + 1 has the part and pitch of row i


def _groups(table: NoteTable) -> _Groups:
    key = (table.part << 7) + table.pitch
    if len(key) and int(key[-1]) < 1 << 16:
        key = key.astype(np.uint16)  # numpy sorts two bytes by radix
    order = key.argsort(kind="stable")
    key = key[order]
    return _Groups(order, key[1:] == key[:-1])


def _over(table: NoteTable, groups: _Groups) -> npt.NDArray[np.bool_]:
    """Tell which row of the groups, but the last, ends after the next one of its group begins."""
    over = table.end[groups.order[:-1]] > table.start[groups.order[1:]]
    over &= groups.same
    return over


def overlapping(table: NoteTable) -> npt.NDArray[np.intp]:
    """Find the notes that still sound when their pitch is struck again in the same part.

    Parameters
    ----------
    table : NoteTable
        The notes, sorted.

    Returns
    -------
    ndarray of int, shape (m,)
        Rows of notes that end after the next of their pitch begins.
    """
    groups = _groups(table)
    return np.sort(groups.order[:-1][_over(table, groups)])


def nested(table: NoteTable) -> int:
    """Count the notes whose end a first in, first out reader would give to another.

    Parameters
    ----------
    table : NoteTable
        The notes, sorted.

    Returns
    -------
    int
        Notes that end before an earlier one of their pitch and part.
    """
    groups = _groups(table)
    end = table.end[groups.order]
    if not len(end):
        return 0
    group = np.concatenate([[0], np.cumsum(~groups.same)])
    # Offsetting each group keeps one running maximum from reaching into the next group.
    step = int(end.max()) + 1
    latest = np.maximum.accumulate(end + group * step) - group * step
    return int(np.count_nonzero(groups.same & (end[1:] < latest[:-1])))


def trim(table: NoteTable) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """End each note where the next of its pitch and part begins, in place.

    Notes that begin together cannot be trimmed apart: they keep their ends up to the next one.

    Parameters
    ----------
    table : NoteTable
        The notes, sorted.

    Returns
    -------
    trimmed : ndarray of int, shape (m,)
        Rows of the notes that end earlier now.
    together : ndarray of int, shape (k,)
        Rows of notes that begin together with a later one of their pitch; none if nothing overlaps.
    """
    groups = _groups(table)
    over = _over(table, groups).nonzero()[0]
    if not len(over):
        return over, over
    start = table.start[groups.order]
    twins = start[1:] == start[:-1]
    twins &= groups.same
    if not twins.any():
        rows = groups.order[over]
        table.end[rows] = start[over + 1]
        return rows, over[:0]
    # Rows that begin together form a run; what limits them is the start of the next run of their
    # group. Only the rows that overlap the next one can reach it.
    lasts = (~twins).nonzero()[0]  # of each run but the last
    place = lasts.searchsorted(over)
    over, last = over[place < len(lasts)], lasts[place[place < len(lasts)]]
    over, last = over[groups.same[last]], last[groups.same[last]]
    rows, limit = groups.order[over], start[last + 1]
    reach = table.end[rows] > limit
    table.end[rows[reach]] = limit[reach]
    return rows[reach], groups.order[:-1][twins]


def voices(table: NoteTable) -> npt.NDArray[np.int64]:
    """Spread overlapping notes of one pitch over as few voices as possible.

    Parameters
    ----------
    table : NoteTable
        The notes, sorted.

    Returns
    -------
    ndarray of int64, shape (n,)
        Voice of each note: 0 unless an earlier note of its pitch still sounds there.
    """
    voice = np.zeros(len(table.start), np.int64)
    over = overlapping(table)
    busy: Sequence[tuple[int, int]] = sorted(
        set(zip(table.part[over].tolist(), table.pitch[over].tolist(), strict=True))
    )
    for part, pitch in busy:
        rows = np.flatnonzero((table.part == part) & (table.pitch == pitch))
        ends: list[int] = []
        spans = zip(table.start[rows].tolist(), table.end[rows].tolist(), strict=True)
        for row, (start, end) in zip(rows.tolist(), spans, strict=True):
            found = next((i for i, last in enumerate(ends) if last <= start), len(ends))
            if found == len(ends):
                ends.append(end)
            ends[found] = end
            voice[row] = found
    return voice
