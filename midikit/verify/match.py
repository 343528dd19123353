"""Pair notes of equal pitch whose onsets lie within a tolerance of each other.

The notes of one pitch are points on a line, reference and estimate, and two points may pair if
they lie within `tolerance` of each other. Wanted is a matching of most pairs, each note used at
most once, and among those one whose onsets differ least.

Some largest matching never crosses: if ``r1 <= r2`` pair as ``(r1, e2)`` and ``(r2, e1)`` with
``e1 <= e2``, then both ``(r1, e1)`` and ``(r2, e2)`` lie within the tolerance too and their
differences sum to no more, so every crossing can be undone without losing a pair or moving away.
It is therefore enough to look for matchings that keep the order, and for those

- walking both sorted sides at once and pairing whatever is within reach is a largest matching;
- dynamic programming over (reference, estimate) finds one of least difference; only cells that
  leave out as many notes as must be left out need a look, a band around the diagonal.

Sorted together, notes fall apart into clusters wherever a gap exceeds the tolerance. Nearly all
clusters are one note and its counterpart. Those, clusters of equally many on both sides, and those
with a single note on one side are settled for the whole song at once; the few others one by one.

`mir_eval.transcription.match_notes` (Raffel et al., "mir_eval: a transparent implementation of
common MIR metrics", ISMIR 2014) finds as many pairs by the augmenting paths of Hopcroft and Karp
(SIAM J. Comput. 2, 1973) over a table of all n x m distances. It rounds distances to 0.1 ms first,
so that its tolerance of 3 ms admits 3.05 ms; here it is 3 ms and `GUARD`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["GUARD", "Onsets", "match_onsets"]

GUARD = 1e-9
"""Seconds added to every tolerance, so that 10.003 is within 0.003 of 10.0 although the difference
of the two as floats is a little more. Far above what floats lose in songs of days (1e-11 s), far
below anything that is meant (a lattice step is 5e-3 s)."""

_END_WEIGHT = 1e-6
"""Of onsets equally far away the note whose end fits better is taken; a second of difference at
the end counts as a microsecond at the start, and more than a second counts as one."""

_MAX_CELLS = 1 << 21
"""Largest band, in cells of a byte, that is searched for the least difference. Clusters beyond it
(thousands of equal notes in one place with thousands left out) keep the pairs of the walk: as
many, but not certainly the nearest."""

_MAX_SHORT = 0xFFFF

_Floats: TypeAlias = "npt.NDArray[np.float64]"
_Rows: TypeAlias = "npt.NDArray[np.intp]"


class Onsets(NamedTuple):
    """Notes of one side as columns; notes of one group and onset in the order of their ends.

    Parameters
    ----------
    group : ndarray of int64, shape (n,)
        Notes pair only within one group, such as a pitch of a track; 0 or more.
    start : ndarray of float64, shape (n,)
        Onsets in seconds.
    end : ndarray of float64, shape (n,)
        Ends in seconds; they decide between onsets that are equally far away.
    """

    group: npt.NDArray[np.int64]
    start: _Floats
    end: _Floats


class _Sorted(NamedTuple):
    """Both sides in one order: by group, then start; of ties the reference first."""

    start: _Floats
    end: _Floats
    is_estimate: npt.NDArray[np.bool_]
    cluster: _Rows  # index of the cluster each row is in


def match_onsets(
    reference: Onsets, estimate: Onsets, *, tolerance: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pair as many notes as possible, and of those pairings one with small differences.

    Time grows as n log n for the sort and linearly for the rest; memory linearly.

    Parameters
    ----------
    reference, estimate : Onsets
        The two sides, in any order but for ends of equal onsets.
    tolerance : float
        Largest difference of onsets in seconds, inclusive (`GUARD` more is let through).

    Returns
    -------
    reference_rows : ndarray of intp, shape (k,)
        Rows of `reference` that found a partner, ascending.
    estimate_rows : ndarray of intp, shape (k,)
        Their partners in `estimate`.

    Examples
    --------
    >>> zeros = np.zeros(2, np.int64)
    >>> reference = Onsets(zeros, np.array([1.0, 1.004]), np.array([2.0, 2.0]))
    >>> estimate = Onsets(zeros, np.array([1.002, 1.006]), np.array([2.0, 2.0]))
    >>> [rows.tolist() for rows in match_onsets(reference, estimate, tolerance=0.003)]
    [[0, 1], [0, 1]]
    """
    split = len(reference.start)
    start = np.concatenate([reference.start, estimate.start])
    end = np.concatenate([reference.end, estimate.end])
    group = np.concatenate([reference.group, estimate.group])
    if len(start) == 0:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    if group.max() <= _MAX_SHORT:
        group = group.astype(np.uint16)
    # Stable, key by key: runs that are in order already are merged, short integers are counted.
    order = np.lexsort((start, group))
    reach = tolerance + GUARD
    group, start, end = group[order], start[order], end[order]
    cluster = np.zeros(len(order), np.intp)
    np.cumsum((group[1:] != group[:-1]) | (start[1:] - start[:-1] > reach), out=cluster[1:])
    table = _Sorted(start, end, order >= split, cluster)
    rows_r, rows_e = _match_sorted(table, reach)
    # A place for each row of the reference brings the pairs in order without a sort.
    partner = np.full(split, -1, np.intp)
    partner[order[rows_r]] = order[rows_e] - split
    found = np.flatnonzero(partner >= 0)
    return found, partner[found]


def _match_sorted(table: _Sorted, reach: float) -> tuple[_Rows, _Rows]:
    """Settle easy clusters all at once and the rest one by one; rows of `table` that pair."""
    clusters = int(table.cluster[-1]) + 1
    estimates = np.bincount(table.cluster[table.is_estimate], minlength=clusters)
    references = np.bincount(table.cluster, minlength=clusters) - estimates

    even = (references == estimates)[table.cluster]
    left = np.flatnonzero(even & ~table.is_estimate)
    right = np.flatnonzero(even & table.is_estimate)
    # In order: the first with the first, the second with the second, in every cluster at once.
    far = np.abs(table.start[right] - table.start[left]) > reach
    hard = np.zeros(clusters, np.bool_)
    if far.any():
        hard[table.cluster[left[far]]] = True
        kept = ~hard[table.cluster[left]]
        left, right = left[kept], right[kept]
    found = [(left, right)]

    both = (references > 0) & (estimates > 0) & (references != estimates)
    if both.any():
        lone = np.minimum(references, estimates) == 1
        found.append(_match_stars(table, both & lone))
        hard |= both & ~lone
    if hard.any():
        begin = np.searchsorted(table.cluster, np.flatnonzero(hard), side="left")
        stop = np.searchsorted(table.cluster, np.flatnonzero(hard), side="right")
        found += [
            _match_cluster(table, slice(a, b), reach)
            for a, b in zip(begin.tolist(), stop.tolist(), strict=True)
        ]
    return (
        np.concatenate([rows for rows, _ in found]),
        np.concatenate([rows for _, rows in found]),
    )


def _cost(start: _Floats, end: _Floats, other_start: _Floats, other_end: _Floats) -> _Floats:
    """How badly notes fit: onsets in seconds, ends only where onsets tie."""
    ends = np.minimum(np.abs(end - other_end), 1.0)
    cost: _Floats = np.abs(start - other_start) + _END_WEIGHT * ends
    return cost


def _match_stars(table: _Sorted, stars: npt.NDArray[np.bool_]) -> tuple[_Rows, _Rows]:
    """Pair the single note of one side with the nearest of the other; a neighbour is in reach."""
    rows = np.flatnonzero(stars[table.cluster])
    cluster = table.cluster[rows]
    estimates = np.bincount(cluster[table.is_estimate[rows]], minlength=len(stars))
    many = table.is_estimate[rows] == (estimates[cluster] > 1)
    single = np.empty(len(stars), np.intp)
    single[cluster[~many]] = rows[~many]
    rows, cluster = rows[many], cluster[many]
    lone = single[cluster]
    cost = _cost(table.start[rows], table.end[rows], table.start[lone], table.end[lone])
    order = np.lexsort((cost, cluster))
    cluster = cluster[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = cluster[1:] != cluster[:-1]
    nearest = rows[order[first]]
    lone = single[table.cluster[nearest]]
    swap = table.is_estimate[nearest]
    return np.where(swap, lone, nearest), np.where(swap, nearest, lone)


def _match_cluster(table: _Sorted, span: slice, reach: float) -> tuple[_Rows, _Rows]:
    """Pair one cluster: most pairs by walking, the nearest of those by dynamic programming."""
    rows = np.arange(span.start, span.stop)
    left, right = rows[~table.is_estimate[span]], rows[table.is_estimate[span]]
    pairs = _walk(table.start[left].tolist(), table.start[right].tolist(), reach)
    spare_left, spare_right = len(left) - len(pairs), len(right) - len(pairs)
    if len(pairs) and len(left) * (spare_left + spare_right + 1) <= _MAX_CELLS:
        pairs = _nearest(table, left, right, len(pairs), reach)
    chosen = np.array(pairs, np.intp).reshape(-1, 2)
    return left[chosen[:, 0]], right[chosen[:, 1]]


def _walk(left: list[float], right: list[float], reach: float) -> list[tuple[int, int]]:
    """Pair two sorted sides greedily from the earliest: a largest matching."""
    pairs = []
    i = j = 0
    while i < len(left) and j < len(right):
        if abs(right[j] - left[i]) <= reach:
            pairs.append((i, j))
            i += 1
            j += 1
        elif right[j] < left[i]:
            j += 1
        else:
            i += 1
    return pairs


_LEAVE_RIGHT, _PAIR, _LEAVE_LEFT = 0, 1, 2


def _nearest(
    table: _Sorted, left: _Rows, right: _Rows, most: int, reach: float
) -> list[tuple[int, int]]:
    """Find the order-keeping matching of `most` pairs whose differences sum to the least.

    Row i of the band holds, at column d, the best score of the first i left and the first
    ``j = i + d - spare_left`` right notes. A pair is worth more than all differences together.
    """
    spare_left, spare_right = len(left) - most, len(right) - most
    width = spare_left + spare_right + 1
    before, after = np.full(spare_left, np.inf), np.full(spare_left, np.inf)
    starts = np.concatenate([before, table.start[right], after])
    ends = np.concatenate([before, table.end[right], after])
    worth = (most + 1) * (reach + _END_WEIGHT)
    score = np.where(np.arange(width) >= spare_left, 0.0, -np.inf)
    choices = np.empty((len(left), width), np.uint8)
    for i, row in enumerate(left.tolist()):
        window = slice(i, i + width)
        gap = np.abs(starts[window] - table.start[row])
        cost = _cost(starts[window], ends[window], table.start[row], table.end[row])
        paired = score + np.where(gap <= reach, worth - cost, -np.inf)
        skipped = np.append(score[1:], -np.inf)
        best = np.maximum(paired, skipped)
        score = np.maximum.accumulate(best)
        choices[i] = np.where(paired >= skipped, _PAIR, _LEAVE_LEFT)
        choices[i, score > best] = _LEAVE_RIGHT
    pairs = []
    i, d = len(left), spare_right
    while i > 0:
        choice = choices[i - 1, d]
        if choice == _LEAVE_RIGHT:
            d -= 1
            continue
        i -= 1
        if choice == _PAIR:
            pairs.append((i, i + d - spare_left))
        else:
            d += 1
    return pairs
