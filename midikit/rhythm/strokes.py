"""Strokes: the notes of one track that are struck together, such as those of a chord."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["CHORD", "Strokes", "find_strokes"]

CHORD = 0.02
"""Longest time in seconds from the first to the last note of a chord."""


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """Notes gathered by the instant they are struck at.

    Parameters
    ----------
    first, last : ndarray of float64, shape (k,)
        Seconds of the first and last start of each stroke, in the order of the notes.
    track : ndarray of int64, shape (k,)
        Track of each stroke.
    head : ndarray of int64, shape (k,)
        First note of each stroke.
    of_note : ndarray of int64, shape (n,)
        Stroke of each note.
    """

    first: npt.NDArray[np.float64]
    last: npt.NDArray[np.float64]
    track: npt.NDArray[np.int64]
    head: npt.NDArray[np.int64]
    of_note: npt.NDArray[np.int64]

    @property
    def middle(self) -> npt.NDArray[np.float64]:
        """Second halfway between the first and the last start of each, shape (k,)."""
        return self.first + (self.last - self.first) / 2.0

    def __len__(self) -> int:
        """Count the strokes."""
        return len(self.first)


def find_strokes(
    start: npt.NDArray[np.float64],
    track: npt.NDArray[np.int64],
    *,
    within: npt.NDArray[np.float64] | float = CHORD,
    alone: npt.NDArray[np.bool_] | None = None,
) -> Strokes:
    """Gather the notes that are struck together.

    Parameters
    ----------
    start : ndarray of float64, shape (n,)
        Starts in seconds, ascending within each track.
    track : ndarray of int64, shape (n,)
        Track of each note, ascending.
    within : float or ndarray of float64, shape (n,), optional
        Longest time from the first note of a stroke to its last; each stroke takes that of its
        first note.
    alone : ndarray of bool, shape (n,), optional
        Notes that are a stroke each, whatever is near; the strokes of these come last.

    Returns
    -------
    Strokes
        Every note in one; a stroke begins where the one before has lasted for `within`.

    Examples
    --------
    >>> start = np.array([0.0, 0.012, 0.024, 0.5])
    >>> find_strokes(start, np.zeros(4, np.int64)).of_note.tolist()
    [0, 0, 1, 2]
    """
    reach = start + within
    if alone is None:
        alone = np.zeros(len(start), np.bool_)
    joined, apart = np.flatnonzero(~alone), np.flatnonzero(alone)
    begins, ends = _runs(start[joined], reach[joined], track[joined])
    of_note = np.empty(len(start), np.int64)
    of_note[joined] = np.repeat(np.arange(len(begins)), ends - begins)
    of_note[apart] = len(begins) + np.arange(len(apart))
    first = np.concatenate([joined[begins], apart])
    last = np.concatenate([joined[ends - 1], apart])
    return Strokes(start[first], start[last], track[first], first, of_note)


def _runs(
    start: npt.NDArray[np.float64], reach: npt.NDArray[np.float64], track: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows at which strokes begin, and those after their last."""
    opens = np.ones(len(start), np.bool_)
    opens[1:] = (track[1:] != track[:-1]) | (start[1:] > reach[:-1])
    begins = np.flatnonzero(opens)
    ends = np.append(begins[1:], len(start))[: len(begins)]
    # Notes that follow each other closely but last too long: few, so one by one.
    long = start[ends - 1] > reach[begins]
    for begin, end in zip(begins[long].tolist(), ends[long].tolist(), strict=True):
        row = begin
        while row < end:
            row += max(1, int(np.searchsorted(start[row:end], reach[row], side="right")))
            if row < end:
                opens[row] = True
    begins = np.flatnonzero(opens)
    return begins, np.append(begins[1:], len(start))[: len(begins)]
