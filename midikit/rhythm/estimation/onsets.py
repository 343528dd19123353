"""Onsets of a song as the rhythm room reads them: times from the first onset, strokes per part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["Onsets", "gather"]

STROKE_GAP = 0.012
"""Seconds within which a part's onsets follow each other as one stroke (a chord, a flam)."""

_KICK_AND_SNARE = (35, 36, 38, 40)
_MICRO = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Onsets:
    """Notes in one canonical order, and the strokes they make.

    Parameters
    ----------
    origin : float
        Second of the first onset; every other time counts from it, in whole microseconds, so that
        a song that is moved reads the same.
    start, end : ndarray of float64, shape (n,)
        Seconds after `origin`.
    pitch, velocity, part : ndarray of int64, shape (n,)
        Pitch, velocity 1 to 127, and the part by number (parts in an order of their contents).
    is_drum : ndarray of bool, shape (n,)
        Whether the part is percussion.
    stroke : ndarray of int64, shape (n,)
        Which stroke the note belongs to.
    time, weight : ndarray of float64, shape (strokes,)
        Mean start of the stroke's notes, and its say in the vote.
    stroke_part : ndarray of int64, shape (strokes,)
        Part of each stroke.
    tracks : tuple of int
        Track of the song that each part is.
    """

    origin: float
    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    pitch: npt.NDArray[np.int64]
    velocity: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]
    is_drum: npt.NDArray[np.bool_]
    stroke: npt.NDArray[np.int64]
    time: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    stroke_part: npt.NDArray[np.int64]
    tracks: tuple[int, ...]

    def moved(self, lag: npt.NDArray[np.float64]) -> Onsets:
        """Take a lag per part (s) off every time."""
        late = lag[self.part]
        return replace(
            self,
            start=self.start - late,
            end=self.end - late,
            time=self.time - lag[self.stroke_part],
        )


def gather(song: Song) -> Onsets:
    """Read the onsets of a song.

    Parameters
    ----------
    song : Song
        Any song, even one without notes.

    Returns
    -------
    Onsets
        Its notes and strokes. The order of tracks makes no difference to anything but `tracks`.
    """
    filled = [i for i, track in enumerate(song.tracks) if len(track.notes)]
    origin = min((float(song.tracks[i].notes["start"][0]) for i in filled), default=0.0)
    rows = {i: _columns(song, i, origin) for i in filled}
    tracks = tuple(sorted(filled, key=lambda i: (not song.tracks[i].is_drum, rows[i].tobytes())))
    table = np.concatenate([np.empty((0, 4), np.int64), *(rows[i] for i in tracks)])
    sizes = [len(rows[i]) for i in tracks]
    part = np.repeat(np.arange(len(tracks)), sizes)
    drum = np.repeat(np.array([song.tracks[i].is_drum for i in tracks], bool), sizes)
    start, end = table[:, 0] / _MICRO, table[:, 1] / _MICRO
    opens = np.ones(len(table), bool)
    opens[1:] = (np.diff(start) > STROKE_GAP) | (np.diff(part) != 0)
    stroke = np.cumsum(opens) - 1
    size = np.bincount(stroke)
    beats_time = drum & np.isin(table[:, 2], _KICK_AND_SNARE)
    weight = np.bincount(stroke, np.where(beats_time, 1.5, 1.0))
    return Onsets(
        origin=origin,
        start=start,
        end=end,
        pitch=table[:, 2],
        velocity=table[:, 3],
        part=part,
        is_drum=drum,
        stroke=stroke,
        time=np.bincount(stroke, start) / size,
        weight=np.sqrt(weight),
        stroke_part=part[opens],
        tracks=tracks,
    )


def _columns(song: Song, index: int, origin: float) -> npt.NDArray[np.int64]:
    """Write a track's notes as whole numbers: start and end in microseconds, pitch, velocity."""
    notes = song.tracks[index].notes
    times = [np.rint((notes[name] - origin) * _MICRO).astype(np.int64) for name in ("start", "end")]
    table = np.stack([*times, notes["pitch"], notes["velocity"]], axis=1).astype(np.int64)
    return table[np.lexsort(table.T[::-1])]
