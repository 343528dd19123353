"""Notes that are wrong by themselves: too short to be meant, or far softer than their part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.cleaning.sheet import Sheet, medians_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["find_faint", "find_short"]

_AROUND = 8
"""Notes before and after one that tell how loud a part is there."""


def find_short(
    sheet: Sheet, shortest: npt.NDArray[np.float64], usual: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Find notes too short to be meant.

    The reason: no instrument but a drum speaks within 30 ms, the shortest grace notes last about
    40 ms, and of 85,000 exported notes 7.7 % are shorter: clicks, consonants and hits of the drums
    that were heard as notes. A part whose notes are mostly that short is played so, and is left.

    Parameters
    ----------
    sheet : Sheet
        The notes.
    shortest : ndarray of float64, shape (tracks,)
        Seconds that a note of each track lasts at least; 0 where short ones are meant.
    usual : ndarray of float64, shape (tracks,)
        Seconds that half of a track's notes must exceed for its short ones to count as slips.

    Returns
    -------
    ndarray of bool, shape (n,)
        The notes.
    """
    least = np.where(medians_of(sheet.length, sheet.track, sheet.tracks) >= usual, shortest, 0.0)
    return sheet.length < least[sheet.track]


def find_faint(sheet: Sheet, share: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Find notes far softer than their part, and than the notes around them.

    The reason: a velocity far below everything near it is leakage of another instrument. A part
    that fades in or out has softer notes on one side, and is left, as are its first and last note.

    Parameters
    ----------
    sheet : Sheet
        The notes.
    share : ndarray of float64, shape (tracks,)
        Share of the part's median velocity, and of the means of the eight notes before and the
        eight after, below which one is too soft; 0 where soft ones are meant.

    Returns
    -------
    ndarray of bool, shape (n,)
        The notes.
    """
    loud = sheet.velocity.astype(np.float64)
    middle = medians_of(loud, sheet.track, sheet.tracks)
    least = share[sheet.track]
    # Whole numbers: their sums are exact, whatever else is in the song.
    total = np.concatenate([[0], np.cumsum(sheet.velocity)])
    ends = np.cumsum(sheet.counts)
    first = (ends - sheet.counts)[sheet.track]
    row = np.arange(len(sheet))
    last = ends[sheet.track]
    low, high = np.maximum(row - _AROUND, first), np.minimum(row + _AROUND + 1, last)
    before = (total[row] - total[low]) / np.maximum(row - low, 1)
    after = (total[high] - total[row + 1]) / np.maximum(high - row - 1, 1)
    # Nothing before the first note and after the last: a mean of 0, below which nothing is.
    around = np.minimum(before, after)
    faint: npt.NDArray[np.bool_] = (loud < least * middle[sheet.track]) & (loud < least * around)
    return faint
