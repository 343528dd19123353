"""All notes of a song as one flat table, in which a rule looks at every part at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.model.joined import end_to_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.song import Track

__all__ = ["Sheet", "medians_of"]

_MANY = 64
"""Tracks from which on one sort of all is faster than a search in each."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Notes of all tracks, track after track, each by start and pitch.

    Parameters
    ----------
    row : ndarray of int64, shape (n,)
        Place of each note among all notes of the song that came in.
    track : ndarray of int64, shape (n,)
        Index of its track, ascending.
    start, end : ndarray of float64, shape (n,)
        Seconds.
    pitch, velocity : ndarray of int64, shape (n,)
        0..127, 1..127.
    tracks : int
        Tracks of the song, those without notes included.
    """

    row: npt.NDArray[np.int64]
    track: npt.NDArray[np.int64]
    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    pitch: npt.NDArray[np.int64]
    velocity: npt.NDArray[np.int64]
    tracks: int

    @classmethod
    def of(cls, tracks: Sequence[Track]) -> Sheet:
        """Lay out the notes of some tracks.

        Parameters
        ----------
        tracks : sequence of Track
            The tracks.

        Returns
        -------
        Sheet
            All their notes.
        """
        notes = end_to_end(track.notes for track in tracks)
        counts = [len(track.notes) for track in tracks]
        return cls(
            np.arange(len(notes)),
            np.repeat(np.arange(len(counts)), counts),
            notes["start"].copy(),
            notes["end"].copy(),
            notes["pitch"].astype(np.int64),
            notes["velocity"].astype(np.int64),
            len(counts),
        )

    def without(self, gone: npt.NDArray[np.int64]) -> Sheet:
        """Leave some notes out.

        Parameters
        ----------
        gone : ndarray of int64, shape (m,)
            Their rows.

        Returns
        -------
        Sheet
            The others; itself if none is left out.
        """
        if not len(gone):
            return self
        kept = np.delete(np.arange(len(self)), gone)
        return Sheet(
            self.row[kept],
            self.track[kept],
            self.start[kept],
            self.end[kept],
            self.pitch[kept],
            self.velocity[kept],
            self.tracks,
        )

    @property
    def length(self) -> npt.NDArray[np.float64]:
        """Seconds that each note lasts, shape (n,)."""
        return self.end - self.start

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Notes of each track, shape (tracks,)."""
        return np.bincount(self.track, minlength=self.tracks)

    def by_pitch(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Put notes of one track and pitch next to each other, by start.

        Returns
        -------
        order : ndarray of int64, shape (n,)
            Rows in that order.
        same : ndarray of bool, shape (n - 1,)
            Whether a row of the order and the next are of one track and pitch.
        """
        key = self.track * 128 + self.pitch
        if self.tracks <= 512:
            key = key.astype(np.uint16)  # numpy sorts two bytes by radix
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        return order, ordered[1:] == ordered[:-1]

    def __len__(self) -> int:
        """Count the notes."""
        return len(self.start)


def medians_of(
    values: npt.NDArray[np.float64], track: npt.NDArray[np.int64], tracks: int, share: float = 0.5
) -> npt.NDArray[np.float64]:
    """Find a quantile of each track.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values of the notes.
    track : ndarray of int64, shape (n,)
        Track of each, ascending.
    tracks : int
        How many tracks there are.
    share : float, optional
        Which quantile: the value below which this share lies, one that occurs.

    Returns
    -------
    ndarray of float64, shape (tracks,)
        NaN for a track without notes.

    Examples
    --------
    >>> medians_of(np.array([3.0, 1.0, 2.0, 9.0]), np.array([0, 0, 0, 2]), 3).tolist()
    [2.0, nan, 9.0]
    """
    count = np.bincount(track, minlength=tracks)
    first = np.cumsum(count) - count
    place = ((count - 1) * share).astype(np.int64)
    found = np.full(tracks, np.nan)
    there = np.flatnonzero(count)
    if len(there) > _MANY:
        ordered = values[np.lexsort((values, track))]
        found[there] = ordered[(first + place)[there]]
        return found
    for one in there.tolist():
        mine = values[first[one] : first[one] + count[one]]
        found[one] = np.partition(mine, place[one])[place[one]]
    return found
