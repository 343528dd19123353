"""A piano roll read back from its file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from midikit.convert.paint import OVERLAPS, PITCHES, NotesOnFrames, Overlap
from midikit.convert.roll import CELL, PianoRoll
from midikit.errors import InputError
from midikit.escape import printable

if TYPE_CHECKING:
    import numpy.typing as npt

    Seconds = npt.NDArray[np.float64]

__all__ = ["StoredRoll"]


class StoredRoll:
    """The arrays of a stored roll, believed only after a look.

    Parameters
    ----------
    arrays : dict of str to ndarray
        What stood in the file.
    source : str
        Its name, fit to be shown.
    """

    def __init__(self, arrays: dict[str, npt.NDArray[Any]], source: str) -> None:
        self.arrays = arrays
        self.source = source

    def _refuse(self, name: str, expected: str) -> NoReturn:
        """Raise an `InputError` that names the array and what it should be."""
        if name not in self.arrays:
            problem = "is missing; expected a piano roll that PianoRoll.save wrote"
            raise InputError(self.source, name, problem)
        array = self.arrays[name]
        shown = f"holds {printable(array.dtype)} of shape {array.shape}"
        if array.ndim == 0 and array.dtype.kind in "fiU":
            shown = f"is {printable(array)}"
        raise InputError(self.source, name, f"{shown}; expected {expected}")

    def _take(
        self, name: str, kind: str, shape: tuple[int, ...], expected: str
    ) -> npt.NDArray[Any]:
        """Return an array of this kind and shape; -1 in `shape` stands for any length."""
        array = self.arrays.get(name)
        if array is None or array.dtype.kind != kind or array.ndim != len(shape):
            self._refuse(name, expected)
        if any(want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)):
            self._refuse(name, expected)
        return array

    def _programs(self, tracks: int) -> tuple[int | None, ...]:
        """Return a program or None a track."""
        expected = "a program a track, 0 to 127 or -1"
        programs = self._take("program", "i", (tracks,), expected).tolist()
        if not all(-1 <= program <= 127 for program in programs):
            self._refuse("program", expected)
        return tuple(None if program < 0 else program for program in programs)

    def _overlap(self) -> Overlap:
        """Return the policy."""
        word = str(self._take("overlap", "U", (), "max, sum or last"))
        known = [policy for policy in OVERLAPS if policy == word]
        if not known:
            self._refuse("overlap", "max, sum or last")
        return known[0]

    def _notes(self, shape: tuple[int, ...]) -> NotesOnFrames:
        """Return the notes, all of them inside the roll and in order."""
        expected = "notes inside the roll"
        cells = self._take("cells", "V", (-1,), expected)
        dtype = cells.dtype
        if any(
            name not in (dtype.names or ()) or dtype[name] != CELL[name]
            for name in CELL.names or ()
        ):
            self._refuse("cells", expected)
        good = (cells["start_frame"] >= 0) & (cells["start_frame"] < cells["end_frame"])
        good &= cells["end_frame"] <= shape[2]
        for name, least, most in (
            ("track", 0, shape[0] - 1),
            ("pitch", 0, PITCHES - 1),
            ("velocity", 1, 127),
        ):
            good &= (cells[name] >= least) & (cells[name] <= most)
        if not good.all():
            self._refuse("cells", f"{expected}, unlike row {int(np.argmin(good))}")
        row = cells["track"].astype(np.int64) * PITCHES + cells["pitch"]
        start = cells["start_frame"].astype(np.int64)
        order = np.argsort(row, kind="stable")
        if ((np.diff(row[order]) == 0) & (np.diff(start[order]) < 0)).any():
            self._refuse("cells", "notes of one track and pitch in order")
        velocity = cells["velocity"].astype(np.uint8)
        return NotesOnFrames(row, start, cells["end_frame"].astype(np.int64), velocity)

    def _pace(self, frames: int) -> tuple[float | None, int | None, Seconds | None]:
        """Return frames a second, frames a beat, and the times of the latter."""
        if "per_beat" not in self.arrays:
            fs = float(self._take("fs", "f", (), "frames a second"))
            if not (fs > 0 and math.isfinite(fs)):
                self._refuse("fs", "frames a second, above 0")
            return fs, None, None
        per_beat = int(self._take("per_beat", "i", (), "frames a beat"))
        if per_beat < 1:
            self._refuse("per_beat", "frames a beat, above 0")
        return None, per_beat, self._take("times", "f", (frames,), "a second a frame")

    def roll(self) -> PianoRoll:
        """Make the roll.

        Returns
        -------
        PianoRoll
            The same roll as was stored.

        Raises
        ------
        InputError
            If an array is missing or is not that of a roll; the message names it.
        """
        expected = "uint8 of shape (tracks, 128, frames)"
        values = self._take("values", "u", (-1, PITCHES, -1), expected)
        if values.dtype != np.uint8:
            self._refuse("values", expected)
        tracks, _, frames = values.shape
        return PianoRoll(
            values,
            tuple(self._take("names", "U", (tracks,), "a name a track").tolist()),
            self._programs(tracks),
            tuple(self._take("is_drum", "b", (tracks,), "true or false a track").tolist()),
            self._notes(values.shape),
            self._overlap(),
            *self._pace(frames),
        )
