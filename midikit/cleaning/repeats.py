"""One stroke written more than once: re-triggers, tails over the next stroke, and second tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.cleaning.sheet import Sheet

__all__ = ["find_doubled", "find_retriggered", "find_tails"]

_FRAGMENT = 0.5


def find_retriggered(sheet: Sheet, within: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Find notes that strike a pitch again a moment after it began, or together with it.

    The reason: nothing is struck twice within some 30 ms. A pianist repeats a key 15 times a second
    at most, a mandolin's tremolo has 14 strokes a second, drum rolls are closer (hence the narrower
    window for drums). A transcription's frames are 10 ms, and an onset that is spread over two of
    them is reported twice. The later of the two is the echo, unless the first is a fragment of it,
    a click before the note; of two that begin together the shorter is.

    Parameters
    ----------
    sheet : Sheet
        The notes.
    within : ndarray of float64, shape (tracks,)
        Seconds from an onset up to which another of its pitch is the same stroke.

    Returns
    -------
    ndarray of bool, shape (n,)
        Of notes that follow each other that closely every other one.
    """
    order, same = sheet.by_pitch()
    start = sheet.start[order]
    close = same & (start[1:] - start[:-1] < within[sheet.track[order[1:]]])
    one, other = _pairs(order, close)
    least = np.where(sheet.start[one] == sheet.start[other], 1.0, _FRAGMENT)
    is_echo = sheet.length[one] >= least * sheet.length[other]
    gone = np.zeros(len(sheet), np.bool_)
    gone[np.where(is_echo, other, one)] = True
    return gone


def _pairs(
    order: npt.NDArray[np.int64], close: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pair rows that are close in an order, each row once."""
    pairs = np.flatnonzero(close)
    # The first of a run pairs with the second, the third with the fourth and so on.
    opens = np.ones(len(pairs), np.bool_)
    opens[1:] = pairs[1:] != pairs[:-1] + 1
    first = np.maximum.accumulate(np.where(opens, np.arange(len(pairs)), 0))
    pairs = pairs[(np.arange(len(pairs)) - first) % 2 == 0]
    return order[pairs], order[pairs + 1]


def find_tails(
    sheet: Sheet, hair: npt.NDArray[np.float64], share: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Find notes whose end reaches into the next of their pitch by a hair.

    The reason: one string or key cannot sound twice, and a channel cannot say which of two notes an
    end belongs to. Only a hair is taken as a slip of the ear: what rings on for longer may be
    meant, and is for whoever writes the file to decide (``overlap=`` of `midikit.plan_midi`).

    Parameters
    ----------
    sheet : Sheet
        The notes.
    hair : ndarray of float64, shape (tracks,)
        Longest overlap in seconds.
    share : ndarray of float64, shape (tracks,)
        Largest share of the note that may be taken off.

    Returns
    -------
    rows : ndarray of int64, shape (m,)
        Notes to trim.
    ends : ndarray of float64, shape (m,)
        Where each ends then, the start of the next.
    """
    order, same = sheet.by_pitch()
    start, end, track = sheet.start[order], sheet.end[order], sheet.track[order]
    over = end[:-1] - start[1:]
    most = np.minimum(hair[track[1:]], share[track[1:]] * (end - start)[:-1])
    found = np.flatnonzero(same & (over > 0) & (over <= most))
    return order[found], start[found + 1]


def find_doubled(
    sheet: Sheet,
    group: npt.NDArray[np.int64],
    within: npt.NDArray[np.float64],
    ends_within: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Find notes that another track of the same instrument holds as well.

    The reason: exports split one instrument over several tracks of its name, and write some of its
    notes to both. Played together they sound twice, and flam. Different instruments in unison are
    music, so tracks are only held against those of their group.

    Parameters
    ----------
    sheet : Sheet
        The notes.
    group : ndarray of int64, shape (tracks,)
        Number of the instrument that each track plays; negative for one alone.
    within : ndarray of float64, shape (tracks,)
        Seconds that two onsets may be apart.
    ends_within : ndarray of float64, shape (tracks,)
        Seconds that their ends may be apart.

    Returns
    -------
    ndarray of bool, shape (n,)
        Of two notes that which stands in the track that repeats more of its notes, or else in the
        later track.
    """
    gone = np.zeros(len(sheet), np.bool_)
    rows = np.flatnonzero(group[sheet.track] >= 0)
    if not len(rows):
        return gone
    key = group[sheet.track[rows]] * 128 + sheet.pitch[rows]
    order = rows[np.lexsort((sheet.track[rows], sheet.start[rows], key))]
    key = group[sheet.track[order]] * 128 + sheet.pitch[order]
    start, end, track = sheet.start[order], sheet.end[order], sheet.track[order]
    close = (key[1:] == key[:-1]) & (track[1:] != track[:-1])
    near = np.minimum(within[track[1:]], within[track[:-1]])
    close &= start[1:] - start[:-1] <= near
    near = np.minimum(ends_within[track[1:]], ends_within[track[:-1]])
    close &= np.abs(end[1:] - end[:-1]) <= near
    pairs = np.flatnonzero(close)
    twice = np.zeros(len(sheet), np.bool_)
    twice[order[pairs]] = twice[order[pairs + 1]] = True
    repeats = np.bincount(sheet.track[twice], minlength=sheet.tracks)
    # A track's worth is the share of its notes that it holds alone; of equals the first.
    alone = 1.0 - repeats / np.maximum(sheet.counts, 1)
    rank = np.lexsort((-np.arange(sheet.tracks), alone))
    worth = np.empty(sheet.tracks)
    worth[rank] = np.arange(sheet.tracks)
    one, other = _pairs(order, close)
    gone[np.where(worth[sheet.track[one]] < worth[sheet.track[other]], one, other)] = True
    return gone
