"""A piano roll as a value: its arrays, what follows from them, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from midikit.convert.npz import DEFAULT_MAX_BYTES, from_npz, names_array, to_npz
from midikit.convert.paint import PITCHES, NotesOnFrames, Overlap, painted
from midikit.escape import printable
from midikit.files import read_bytes, write_bytes

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes

    from midikit.model.beats import BeatGrid
    from midikit.view.clock import XAxis
    from midikit.view.parts import Choice

    Seconds: TypeAlias = npt.NDArray[np.float64]

__all__ = ["CELL", "DEFAULT_FS", "PianoRoll"]

Roll: TypeAlias = npt.NDArray[np.uint8]

DEFAULT_FS = 100.0
"""Frames a second when nothing else is asked for."""

CELL = np.dtype(
    [
        ("start_frame", "i8"),
        ("end_frame", "i8"),
        ("track", "i4"),
        ("pitch", "i4"),
        ("velocity", "i4"),
    ],
    align=True,
)
"""One note on the frames of a roll: it fills ``[start_frame, end_frame)``."""

_FIELDS = CELL.names or ()
_SATURATED = 255
_STORED = ("values", "names", "program", "is_drum", "overlap", "fs", "per_beat", "times", "cells")


@dataclass(frozen=True, eq=False, repr=False)
class PianoRoll:
    """Velocities by track, pitch and frame; `pianoroll` makes it.

    Parameters
    ----------
    values : ndarray of uint8, shape (tracks, 128, frames)
        Velocity of what sounds, 0 where nothing does. Yours to change.
    names : tuple of str
        Name of each track.
    programs : tuple of int or None
        General MIDI program of each track as claimed.
    drums : tuple of bool
        Which tracks are drum kits; their pitches are General MIDI drum sounds.
    notes : NotesOnFrames
        The notes that were painted; `cells` is them as one table.
    overlap : {"max", "sum", "last"}
        What happens where notes of one pitch overlap.
    fs : float or None
        Frames a second, None for a roll that follows beats.
    per_beat : int or None
        Frames a beat, None for a roll of even frames.
    beat_times : ndarray of float64, shape (frames,), or None
        Where each frame begins in seconds, None for a roll of even frames.

    Examples
    --------
    >>> from midikit.convert.pianoroll import pianoroll
    >>> from midikit.model.song import Song, Track
    >>> from midikit.model.notes import as_notes
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80), (0.5, 0.75, 60, 90)]))
    >>> roll = pianoroll(Song((koto,)), fs=4)
    >>> roll
    <PianoRoll 1 track x 128 x 3 frames, 4.0 a second>
    >>> roll.values[0, 60].tolist(), roll.onsets[0, 60].tolist(), roll.times.tolist()
    ([80, 80, 90], [80, 0, 90], [0.0, 0.25, 0.5])
    """

    values: Roll
    names: tuple[str, ...]
    programs: tuple[int | None, ...]
    drums: tuple[bool, ...]
    notes: NotesOnFrames
    overlap: Overlap = "max"
    fs: float | None = None
    per_beat: int | None = None
    beat_times: Seconds | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.values.shape[2])

    @cached_property
    def times(self) -> Seconds:
        """Where each frame begins, in seconds, shape (frames,)."""
        if self.beat_times is not None:
            return self.beat_times
        return np.arange(self.frames, dtype=np.float64) / (self.fs or DEFAULT_FS)

    @cached_property
    def cells(self) -> npt.NDArray[np.void]:
        """The notes on frames as one table of dtype `CELL`, shape (n,)."""
        # Of zeros, so that the gap between aligned rows holds the same bytes every time.
        cells = np.zeros(len(self.notes.row), CELL)
        cells["track"], cells["pitch"] = np.divmod(self.notes.row, PITCHES)
        for name in ("start_frame", "end_frame", "velocity"):
            cells[name] = getattr(self.notes, name)
        return cells

    @cached_property
    def onsets(self) -> Roll:
        """Velocity in the frame where a note starts, else 0; uint8, the shape of `values`.

        Made when first asked for and as large as `values`. A note struck again right after one of
        the same pitch shows here. Notes that start in one frame meet as `overlap` says.
        """
        struck = self.notes._replace(end_frame=self.notes.start_frame + 1)
        return painted(struck, self.values.shape, self.overlap)

    def plot(
        self,
        *,
        grid: BeatGrid | None = None,
        ax: Axes | None = None,
        tracks: Choice = None,
        start: float | None = None,
        end: float | None = None,
        x: XAxis = "seconds",
    ) -> Axes:
        """Draw the roll as `midikit.plot` draws a song: a bar for each run of equal velocity.

        Parameters
        ----------
        grid : BeatGrid, optional
            As for `midikit.plot`, as are the others.
        ax : Axes, optional
            Where to draw.
        tracks : int, str, iterable of int or str, optional
            Only these.
        start, end : float, optional
            From and up to this second.
        x : {"seconds", "beats", "bars"}, optional
            What the horizontal axis counts.

        Returns
        -------
        Axes
            What was drawn on; nothing is shown.
        """
        from midikit.view.plotting import plot  # noqa: PLC0415 - looks at rolls from above
        from midikit.view.runs import song_of  # noqa: PLC0415 - as above

        return plot(song_of(self), grid=grid, ax=ax, tracks=tracks, start=start, end=end, x=x)

    def _repr_html_(self) -> str:
        """Summary, table of the tracks and small picture, for notebooks."""
        from midikit.view.summary import roll_html  # noqa: PLC0415 - looks at rolls from above

        return roll_html(self)

    def merged(self) -> Roll:
        """Put all tracks into one roll, time last, as pretty_midi shapes it.

        Where tracks overlap the policy of the roll holds: the greatest velocity, the sum (at most
        255), or the note that started last (then the later track). Drums count like any track, as
        they do not in pretty_midi; leave them out with ``pianoroll(song.select(drums=False))``.

        Returns
        -------
        ndarray of uint8, shape (128, frames)
            A new array.

        Examples
        --------
        >>> from midikit.convert.pianoroll import pianoroll
        >>> from midikit.model.song import Song, Track
        >>> from midikit.model.notes import as_notes
        >>> tracks = [Track("", notes=as_notes([(0.0, 0.02, 60, v)])) for v in (80, 90)]
        >>> pianoroll(Song(tuple(tracks)), overlap="sum").merged()[60].tolist()
        [170, 170]
        """
        if self.overlap == "last":
            together = self.notes._replace(row=self.notes.row % PITCHES)
            only: Roll = painted(together, (1, *self.values.shape[1:]), "last")[0]
            return only
        if self.overlap == "sum":
            total = np.minimum(self.values.sum(axis=0, dtype=np.uint32), _SATURATED)
            summed: Roll = total.astype(np.uint8)
            return summed
        greatest: Roll = self.values.max(axis=0, initial=0)
        return greatest

    def to_npz(self, *, onsets: bool = False, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """Write the roll as a compressed .npz in memory.

        Parameters
        ----------
        onsets : bool, optional
            Also store `onsets` as an array of its own, for readers without midikit.
        max_bytes : int, optional
            Most bytes of the array of names, in which each takes as much as the longest.

        Returns
        -------
        bytes
            Arrays `values`, `names` (unicode), `program` (-1 where nobody said), `is_drum`,
            `overlap`, `fs` or `per_beat` with `times`, `cells`, and `onsets` if asked for. The
            same roll gives the same bytes.

        Raises
        ------
        LimitError
            If the array of names would be larger than `max_bytes`.

        Examples
        --------
        >>> from midikit.convert.pianoroll import pianoroll
        >>> from midikit.model.song import Song
        >>> pianoroll(Song(())).to_npz()[:2]
        b'PK'
        """
        arrays: dict[str, npt.ArrayLike] = {
            "values": self.values,
            "names": names_array(self.names, max_bytes=max_bytes),
            "program": np.array([-1 if p is None else p for p in self.programs], np.int32),
            "is_drum": np.array(self.drums, np.bool_),
            "overlap": np.array(self.overlap),
        }
        if self.per_beat is None:
            arrays["fs"] = np.float64(self.fs or DEFAULT_FS)
        else:
            arrays |= {"per_beat": np.int64(self.per_beat), "times": self.times}
        arrays["cells"] = self.cells
        if onsets:
            arrays["onsets"] = self.onsets
        return to_npz(arrays)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        onsets: bool = False,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        """Write the roll to a compressed .npz that loads with ``allow_pickle=False``.

        Parameters
        ----------
        path : str or PathLike
            The target, used as it is; an existing file is replaced.
        onsets : bool, optional
            Also store `onsets` as an array of its own, for readers without midikit.
        max_bytes : int, optional
            As for `to_npz`.

        Raises
        ------
        LimitError
            As `to_npz`.
        OutputError
            If it cannot be written.
        """
        write_bytes(path, self.to_npz(onsets=onsets, max_bytes=max_bytes))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, max_bytes: int = DEFAULT_MAX_BYTES) -> PianoRoll:
        """Read a roll that `save` wrote.

        Parameters
        ----------
        path : str or PathLike
            The .npz.
        max_bytes : int, optional
            Most bytes of the file, and of its arrays in all.

        Returns
        -------
        PianoRoll
            The same roll; `onsets` and `merged` are made anew from its notes.

        Raises
        ------
        InputError
            If it cannot be opened, is no .npz, or not one of a piano roll; the message names the
            array.
        LimitError
            If it is larger than `max_bytes`.
        """
        source = printable(path, 200)
        arrays = from_npz(
            read_bytes(path, max_bytes=max_bytes), _STORED, source=source, max_bytes=max_bytes
        )
        from midikit.convert.stored_roll import StoredRoll  # noqa: PLC0415 - it makes rolls

        return StoredRoll(arrays, source).roll()

    def __repr__(self) -> str:
        """Shape and pace."""
        tracks = len(self.names)
        pace = f"{self.fs} a second" if self.per_beat is None else f"{self.per_beat} a beat"
        return (
            f"<PianoRoll {tracks} track{'' if tracks == 1 else 's'} x {PITCHES} x "
            f"{self.frames:,} frame{'' if self.frames == 1 else 's'}, {pace}>"
        )
