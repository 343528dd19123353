"""Piano rolls: what sounds in each frame, as arrays that models and plots read.

Frame ``k`` of a roll of `fs` frames a second is the time from ``k / fs`` to ``(k + 1) / fs``. A
note fills ``[floor(start * fs), floor(end * fs))``, at least one frame. The times of an answer are
multiples of 1/192 s, and their product with `fs` may land just under a whole number, so both ends
are moved up by a millionth of a frame before they are floored.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.convert.npz import DEFAULT_MAX_BYTES
from midikit.convert.paint import OVERLAPS, PITCHES, NotesOnFrames, Overlap, painted
from midikit.convert.roll import DEFAULT_FS, PianoRoll
from midikit.errors import ConversionError, LimitError
from midikit.escape import quoted
from midikit.model.notes import NO_NOTES, NOTE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

    Seconds: TypeAlias = npt.NDArray[np.float64]

__all__ = ["PianoRoll", "pianoroll"]

_NAMES = NOTE.names or ()
_NUDGE = 1e-6
_AT_BAR_LINE = 1e-9
_MOST_FRAMES = 1 << 62


def pianoroll(
    song: Song,
    *,
    fs: float | None = None,
    per_beat: int | None = None,
    grid: BeatGrid | None = None,
    overlap: Overlap = "max",
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> PianoRoll:
    """Draw a song as a piano roll.

    Parameters
    ----------
    song : Song
        What to draw. Drum tracks are drawn like any other, each as its own track.
    fs : float, optional
        Frames a second, 100 if neither `fs` nor `per_beat` is given; frame 0 begins at second 0.
    per_beat : int, optional
        Frames a beat instead. With a `grid` beats are its felt beats and frame 0 begins at its
        last bar line at or before second 0, so that bars are ``per_beat * grid.beats_per_bar``
        frames each. Without one beats are the quarters of ``song.tempo``, the first at second 0.
    grid : BeatGrid, optional
        The beats that `per_beat` counts.
    overlap : {"max", "sum", "last"}, optional
        Where notes of one pitch and track overlap: the greatest velocity, the sum (at most 255),
        or the note that started last.
    max_bytes : int, optional
        Most bytes of `values`; computed before anything is allocated. `onsets`, made on demand,
        takes the same again.

    Returns
    -------
    PianoRoll
        `values` of shape (tracks, 128, frames). Every note fills at least one frame; the last
        frame is that of the last note.

    Raises
    ------
    ConversionError
        If `fs` or `per_beat` is not above 0, both are given, `grid` comes without `per_beat`, or
        `overlap` is none of the three.
    LimitError
        If the roll would be larger than `max_bytes` or the memory there is.

    Examples
    --------
    >>> from midikit.model.song import Song, Track
    >>> from midikit.model.notes import as_notes
    >>> drums = Track("Drums", is_drum=True, notes=as_notes([(0.5, 0.5, 36, 100)]))
    >>> roll = pianoroll(Song((drums,)), per_beat=4)
    >>> roll.values.shape, roll.values[0, 36].tolist()
    ((1, 128, 5), [0, 0, 0, 0, 100])
    """
    _check_options(fs, per_beat, grid, overlap)
    parts = [track.notes for track in song.tracks]
    column = {name: np.concatenate([NO_NOTES[name], *(n[name] for n in parts)]) for name in _NAMES}
    to_frame, to_seconds = _clocks(song, fs, per_beat, grid)
    with np.errstate(over="ignore", invalid="ignore"):
        start = np.floor(to_frame(column["start"]) + _NUDGE)
        end = np.maximum(np.floor(to_frame(column["end"]) + _NUDGE), start + 1)
        last = float(end.max(initial=0.0))
    if fs is not None and math.isinf(fs):
        last = math.inf
    frames = _bounded_frames(len(parts), last, max_bytes)
    row = np.repeat(np.arange(0, PITCHES * len(parts), PITCHES), [len(part) for part in parts])
    notes = NotesOnFrames(
        row + column["pitch"],
        start.astype(np.int64),
        end.astype(np.int64),
        column["velocity"].astype(np.uint8),
    )
    if overlap == "last":
        order = np.argsort(column["start"], kind="stable")
        notes = notes.taken(order)
    return PianoRoll(
        painted(notes, (len(parts), PITCHES, frames), overlap),
        tuple(track.name for track in song.tracks),
        tuple(track.program for track in song.tracks),
        tuple(track.is_drum for track in song.tracks),
        notes,
        overlap,
        None if per_beat is not None else float(DEFAULT_FS if fs is None else fs),
        None if per_beat is None else int(per_beat),
        None if per_beat is None else to_seconds(np.arange(frames, dtype=np.float64)),
    )


def _check_options(
    fs: float | None, per_beat: int | None, grid: BeatGrid | None, overlap: str
) -> None:
    """Refuse what makes no roll."""
    if overlap not in OVERLAPS:
        raise ConversionError(f"overlap {quoted(overlap)}: expected one of {', '.join(OVERLAPS)}")
    if fs is not None and per_beat is not None:
        raise ConversionError(f"fs {fs} and per_beat {per_beat}: expected one of the two")
    if grid is not None and per_beat is None:
        raise ConversionError("grid without per_beat: expected per_beat=, the frames a beat")
    if fs is not None and not fs > 0:
        raise ConversionError(f"fs {fs}: expected frames a second, above 0")
    if per_beat is not None and not (per_beat >= 1 and per_beat % 1 == 0):
        raise ConversionError(f"per_beat {per_beat}: expected a whole number of frames from 1")


def _clocks(
    song: Song, fs: float | None, per_beat: int | None, grid: BeatGrid | None
) -> tuple[Callable[[Seconds], Seconds], Callable[[Seconds], Seconds]]:
    """Return seconds -> frames and frames -> seconds, both with fractions."""
    if per_beat is None:
        pace = float(DEFAULT_FS if fs is None else fs)
        return (lambda seconds: seconds * pace), (lambda frames: frames / pace)
    a_beat = float(per_beat) if per_beat < _MOST_FRAMES else math.inf
    if grid is None:
        tempo = song.tempo
        return (
            (lambda seconds: tempo.to_quarters(seconds) * a_beat),
            (lambda frames: tempo.to_seconds(frames / a_beat)),
        )
    bars = math.floor((float(grid.beat_at(0.0)) - grid.pickup) / grid.beats_per_bar + _AT_BAR_LINE)
    origin = float(grid.pickup + bars * grid.beats_per_bar)
    return (
        (lambda seconds: np.maximum((grid.beat_at(seconds) - origin) * a_beat, 0.0)),
        (lambda frames: grid.time_at(frames / a_beat + origin)),
    )


def _bounded_frames(tracks: int, last: float, max_bytes: int) -> int:
    """Turn the number of frames into an int if the roll stays within the limit."""
    possible = last < _MOST_FRAMES
    size = tracks * PITCHES * int(last) if possible else _MOST_FRAMES
    if possible and size <= max_bytes:
        return int(last)
    frames = f"{int(last):,}" if possible else "more than 10^18"
    raise LimitError(
        f"piano roll: {tracks:,} tracks x {PITCHES} pitches x {frames} frames is "
        f"{f'{size:,} bytes' if possible else 'out of reach'}, the limit is {max_bytes:,}; ask for "
        "fewer frames with fs= or per_beat=, or raise it with max_bytes="
    )
