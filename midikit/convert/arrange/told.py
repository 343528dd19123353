"""What became of notes on their way onto ticks, as changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.arrange.naming import shown
from midikit.model.report import Change
from midikit.units import seconds_from_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.convert.arrange.chunks import TempoTicks
    from midikit.convert.arrange.overlap import NoteTable
    from midikit.model.song import Track

__all__ = ["coarse", "counted"]

_AUDIBLE = 1e-3
"""Seconds from which on rounding to ticks is told."""


def coarse(rows: npt.NDArray[np.void], notes: NoteTable, tempo: TempoTicks) -> list[Change]:
    """List what a coarse resolution or a slow tempo does to the seconds of the notes.

    Parameters
    ----------
    rows : ndarray of `NOTE`, shape (n,)
        The notes in seconds.
    notes : NoteTable
        The same on ticks, in the same order.
    tempo : TempoTicks
        The tempo as it is written.

    Returns
    -------
    list of Change
        One with the number of notes that move audibly; none if none does.
    """
    if max(tempo.micro.tolist()) * 0.5e-6 / tempo.ticks_per_quarter <= _AUDIBLE:
        return []
    farthest = np.zeros(len(notes.start))
    for name, ticks in (("start", notes.start), ("end", notes.end)):
        written = seconds_from_ticks(ticks, tempo.ticks, tempo.micro, tempo.ticks_per_quarter)
        np.maximum(farthest, np.abs(written - rows[name]), out=farthest)
    moved = int(np.count_nonzero(farthest > _AUDIBLE))
    largest = 1e3 * float(farthest.max(initial=0.0))
    what = f"{moved:,} notes moved to coarse ticks, the farthest by {largest:.1f} ms"
    return [Change("resolution", "", what, moved)] if moved else []


def counted(
    tracks: Sequence[Track],
    notes: NoteTable,
    which: npt.NDArray[np.intp],
    kind: str,
    what: str,
) -> list[Change]:
    """List how many notes of each track something was done to.

    Parameters
    ----------
    tracks : sequence of Track
        The tracks, in the order of the table's parts.
    notes : NoteTable
        All notes.
    which : ndarray of int, shape (m,)
        Rows of the notes that it was done to.
    kind : str
        Kind of the changes.
    what : str
        What was done, after the number of notes.

    Returns
    -------
    list of Change
        One a track with such notes.
    """
    if not len(which):
        return []
    found = np.bincount(notes.part[which], minlength=len(tracks)).tolist()
    return [
        Change(kind, shown(track), f"{n:,} note{'' if n == 1 else 's'} {what}", n)
        for track, n in zip(tracks, found, strict=True)
        if n
    ]
