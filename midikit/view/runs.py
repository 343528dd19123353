"""A piano roll read back as notes, so that it is drawn as a song is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.roll import DEFAULT_FS
from midikit.model.notes import NOTE, as_notes
from midikit.model.song import Song, Track

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.convert.roll import PianoRoll
    from midikit.model.notes import Notes

__all__ = ["song_of"]

_LOUDEST = 127


def song_of(roll: PianoRoll, *, most_frames: int | None = None) -> Song:
    """Make a note of each run of frames of equal velocity.

    Parameters
    ----------
    roll : PianoRoll
        The roll, with the values it has now.
    most_frames : int, optional
        Take so many frames together, by their loudest, that no more than these remain.

    Returns
    -------
    Song
        Its tracks; sums of velocities above 127 count as 127.

    Examples
    --------
    >>> from midikit.convert.pianoroll import pianoroll
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80), (0.5, 0.75, 60, 90)]))
    >>> song_of(pianoroll(Song((koto,)), fs=4))[0].notes["end"].tolist()
    [0.5, 0.75]
    """
    edges, values = np.maximum(_edges(roll), 0.0), roll.values
    if most_frames is not None and roll.frames > most_frames:
        starts = np.arange(0, roll.frames, -(-roll.frames // most_frames))
        edges = np.append(edges[starts], edges[-1])
        values = np.maximum.reduceat(values, starts, axis=2)
    tracks = zip(roll.names, roll.programs, roll.drums, values, strict=True)
    return Song(
        tuple(
            Track(name, program, is_drum, _notes(frames, edges))
            for name, program, is_drum, frames in tracks
        )
    )


def _edges(roll: PianoRoll) -> npt.NDArray[np.float64]:
    """Return where each frame begins and the last one ends, in seconds."""
    times = roll.times
    if roll.beat_times is None or len(times) == 0:
        return np.arange(roll.frames + 1) / (roll.fs or DEFAULT_FS)
    last = times[-1] - times[-2] if len(times) > 1 else 1.0
    return np.append(times, times[-1] + last)


def _notes(values: npt.NDArray[np.uint8], edges: npt.NDArray[np.float64]) -> Notes:
    """Find the runs of one track, shape (128, frames)."""
    used = np.flatnonzero(values.any(axis=1))
    rows = values[used]
    begins = rows > 0
    begins[:, 1:] &= rows[:, 1:] != rows[:, :-1]
    ends = rows > 0
    ends[:, :-1] &= rows[:, 1:] != rows[:, :-1]
    row, first = np.nonzero(begins)
    last = np.nonzero(ends)[1]
    notes = np.empty(len(row), NOTE)
    notes["start"], notes["end"] = edges[first], edges[last + 1]
    notes["pitch"] = used[row]
    notes["velocity"] = np.minimum(rows[row, first], _LOUDEST)
    return as_notes(notes)
