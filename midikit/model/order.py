"""Canonical order of notes, found without sorting what is sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

__all__ = ["canonical_order"]

_PITCHES = 128


def canonical_order(
    columns: Mapping[str, npt.NDArray[Any]], ends: Sequence[int]
) -> npt.NDArray[np.intp] | None:
    """Find the permutation that sorts each track by (start, pitch, end, velocity).

    Notes mostly come by start, and few of a chord's notes share a pitch: each key is looked at only
    where those before it leave anything to say.

    Parameters
    ----------
    columns : mapping of ndarray, each of shape (n,)
        `start`, `end` (s), `pitch` and `velocity` of all notes, track after track, within range.
    ends : sequence of int
        Row at which each track ends.

    Returns
    -------
    ndarray of intp, shape (n,), or None
        Rows in order; equal ones keep theirs. None if every track is in order and no two of its
        notes begin together on one pitch.

    Examples
    --------
    >>> columns = {
    ...     "start": np.array([0.5, 0.0, 0.2]),
    ...     "end": np.ones(3),
    ...     "pitch": np.array([60, 62, 64]),
    ...     "velocity": np.array([80, 80, 80]),
    ... }
    >>> canonical_order(columns, [2, 3]).tolist()
    [1, 0, 2]
    """
    start, pitch, total = columns["start"], columns["pitch"], len(columns["start"])
    if total < 2:
        return None
    last_rows = np.array([end - 1 for end in ends if 0 < end < total], np.int64)
    falls = start[1:] < start[:-1]
    falls[last_rows] = False
    order = _order_by_start(start, ends, falls.nonzero()[0]) if falls.any() else None
    if order is not None:
        start, pitch = start[order], pitch[order]
    equal = start[1:] == start[:-1]
    equal[last_rows] = False
    if not (equal & (pitch[1:] <= pitch[:-1])).any():
        return order
    # The number of the run of equal starts that a row is in, and its pitch, in one integer.
    key = np.zeros(total, np.int64)
    (~equal).cumsum(out=key[1:])
    key *= _PITCHES
    key += pitch.astype(np.int64, copy=False)
    by_key = key.argsort(kind="stable")  # merges runs that are in order, as nearly all are
    key = key[by_key]
    order = by_key if order is None else order[by_key]
    equal = key[1:] == key[:-1]
    if equal.any():
        where, group = _runs(equal)
        same = order[where]
        by_rest = np.lexsort((columns["velocity"][same], columns["end"][same], group))
        order[where] = same[by_rest]
    return order


def _order_by_start(
    start: npt.NDArray[Any], ends: Sequence[int], falls: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """Return a permutation that sorts by start each track in which the start falls somewhere."""
    order = np.arange(len(start))
    for track in np.unique(np.searchsorted(ends, falls, side="right")).tolist():
        rows = slice(ends[track - 1] if track else 0, ends[track])
        order[rows] = rows.start + np.argsort(start[rows], kind="stable")
    return order


def _runs(
    equal: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Return the rows that equal a neighbour, and the number of the run each is in.

    `equal` tells of each row but the first whether it equals the one before.
    """
    member = np.zeros(len(equal) + 1, np.bool_)
    member[1:] = equal
    member[:-1] |= equal
    rows = member.nonzero()[0]
    opens = np.ones(len(member), np.bool_)
    opens[1:] = ~equal
    return rows, np.cumsum(opens[rows])
