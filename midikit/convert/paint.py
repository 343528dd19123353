"""Paint notes into rows of bytes: bounded in time and memory, whatever overlaps.

A note fills the cells ``[start, end)`` of its row with its value. Where notes of one row overlap,
``max`` keeps the greatest value, ``last`` the note that comes later in the list, ``sum`` adds and
saturates at 255.

All notes are painted in any order, each by two writes of a power of two of cells, one from its
start on and one up to its end. Then what they share is painted once more, cell by cell in the right
order; and where that would be too many cells, what stays visible is found first.
"""

from __future__ import annotations

import heapq
import math
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from midikit.errors import LimitError

__all__ = ["OVERLAPS", "PITCHES", "NotesOnFrames", "Overlap", "paint", "painted"]

Cells: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Overlap: TypeAlias = Literal["max", "sum", "last"]

OVERLAPS: tuple[Overlap, ...] = ("max", "sum", "last")
"""What may happen where notes overlap, the default first."""

PITCHES = 128
"""Rows of a track: MIDI pitches 0 to 127."""

_FEW = 1 << 16
"""Cells up to which looking for overlaps costs more than painting everything in order."""

_CHUNK = 1 << 16
"""Cells painted at a time: their indices stay in the processor's cache."""

_BRUSHES = 1 << 13
"""Notes painted at a time by writes of one width."""

_MANY = 1 << 26
"""Cells beyond which finding what stays visible costs less than painting everything in order."""

_LONG = 12
"""Notes of 2 ** 12 cells and more are painted one by one; there are few, or few fit."""

_SATURATED = 255


class NotesOnFrames(NamedTuple):
    """The notes of a roll as columns, each of shape (n,).

    Parameters
    ----------
    row : ndarray of int64
        Track times 128 plus pitch. Notes of one row come in order of their starts; with
        ``overlap="last"`` all do.
    start_frame, end_frame : ndarray of int64
        The note fills ``[start_frame, end_frame)``.
    velocity : ndarray of uint8
        Velocity, 1 to 127.
    """

    row: Cells
    start_frame: Cells
    end_frame: Cells
    velocity: Bytes

    def taken(self, order: npt.NDArray[np.intp]) -> NotesOnFrames:
        """Return the notes of these indices."""
        return NotesOnFrames(
            self.row[order], self.start_frame[order], self.end_frame[order], self.velocity[order]
        )


def painted(notes: NotesOnFrames, shape: tuple[int, ...], overlap: Overlap) -> Bytes:
    """Paint notes on frames into a new roll.

    Parameters
    ----------
    notes : NotesOnFrames
        Notes inside `shape`.
    shape : tuple of int
        Tracks, 128, frames.
    overlap : {"max", "sum", "last"}
        What happens where notes of one pitch overlap.

    Returns
    -------
    ndarray of uint8
        The roll.

    Raises
    ------
    LimitError
        If there is not enough memory.

    Examples
    --------
    >>> columns = [np.array([value]) for value in (60, 0, 2)]
    >>> notes = NotesOnFrames(*columns, np.array([80], np.uint8))
    >>> painted(notes, (1, 128, 3), "max")[0, 60].tolist()
    [80, 80, 0]
    """
    try:
        values = np.zeros(shape, np.uint8)
    except (MemoryError, ValueError):
        size = f"{math.prod(shape):,} bytes"
        raise LimitError(
            f"piano roll: {size} do not fit into this machine's memory; ask for fewer frames with "
            "fs= or per_beat="
        ) from None
    if len(notes.row):
        rows = values.reshape(-1, shape[2])
        row, start, end, velocity = notes
        paint(rows, row=row, start=start, end=end, value=velocity, overlap=overlap)
    return values


def paint(
    rows: Bytes, *, row: Cells, start: Cells, end: Cells, value: Bytes, overlap: Overlap
) -> None:
    """Paint notes into `rows`, which holds zeros.

    Parameters
    ----------
    rows : ndarray of uint8, shape (height, width), C order
        Painted in place.
    row : ndarray of int64, shape (n,)
        The row of each note. Notes of one row come in order of their starts.
    start, end : ndarray of int64, shape (n,)
        First cell of each note in its row and the cell after its last, ``start < end``.
    value : ndarray of uint8, shape (n,)
        What each note paints, above 0.
    overlap : {"max", "sum", "last"}
        What happens where notes overlap.

    Examples
    --------
    >>> notes = {"row": np.array([0, 0]), "start": np.array([0, 2]), "end": np.array([4, 6])}
    >>> for overlap in OVERLAPS:
    ...     rows = np.zeros((1, 7), np.uint8)
    ...     paint(rows, **notes, value=np.array([200, 100], np.uint8), overlap=overlap)
    ...     print(rows[0].tolist())
    [200, 200, 200, 200, 100, 100, 0]
    [200, 200, 255, 255, 100, 100, 0]
    [200, 200, 100, 100, 100, 100, 0]
    """
    flat = rows.reshape(-1)
    first = row * rows.shape[1] + start
    after = first + (end - start)
    if overlap == "sum":
        _paint_apart(flat, *_summed(first, after, value))
        return
    if _FEW < _cells(first, after) <= 2.0 * len(flat) + _MANY:
        _paint_apart(flat, first, after, value)
        first, after, value = _shared(row, first, after, value, height=len(rows))
    if overlap == "max":
        order = np.argsort(value, kind="stable")
        first, after, value = first[order], after[order], value[order]
    if _cells(first, after) > _MANY:
        _paint_apart(flat, *_visible(first, after, value))
    else:
        _paint_in_order(flat, first, after, value)


def _cells(first: Cells, after: Cells) -> float:
    """Count the cells that notes fill, each on its own."""
    return float((after - first).sum(dtype=np.float64))


def _shared(
    row: Cells, first: Cells, after: Cells, value: Bytes, *, height: int
) -> tuple[Cells, Cells, Bytes]:
    """Cut every note that meets another to a part with all the cells it shares, in list order."""
    # numpy sorts 16 bits by radix, four times as fast as 64 by comparison.
    narrow = row.astype(np.uint16) if height <= 1 << 16 else row
    order = np.argsort(narrow, kind="stable")
    begin, stop = first[order], after[order]
    reached = np.maximum.accumulate(stop)
    # A note meets earlier ones up to where they reach, later ones from where the next begins.
    meets_earlier = np.zeros(len(row) + 1, np.bool_)
    meets_earlier[1:-1] = begin[1:] < reached[:-1]
    late, early = meets_earlier[:-1], meets_earlier[1:]
    met = np.flatnonzero(late | early)
    met = met[np.argsort(order[met])]
    left = np.where(late[met], begin[met], begin[np.minimum(met + 1, len(row) - 1)])
    right = np.where(early[met], stop[met], np.minimum(stop[met], reached[met - 1]))
    return left, right, value[order[met]]


def _paint_apart(flat: Bytes, first: Cells, after: Cells, value: Bytes) -> None:
    """Paint notes that share no cell, or in no order, all of one binary order of length at once."""
    exponent = (np.frexp((after - first).astype(np.float64))[1] - 1).astype(np.uint8)
    order = np.argsort(exponent, kind="stable")
    first, after, value = first[order], after[order], value[order]
    stop = 0
    for power, count in enumerate(np.bincount(exponent).tolist()):
        begin, stop = stop, stop + count
        # Every window of this many cells is one element, so that each write is one copy.
        width = 1 << power
        if power >= _LONG:
            for note in range(begin, stop):
                flat[first[note] : after[note]] = value[note]
            continue
        window = f"V{width}"
        windows = np.ndarray((len(flat) - width + 1,), window, flat, 0, (1,)) if count else flat
        for part in range(begin, stop, _BRUSHES):
            piece = slice(part, min(part + _BRUSHES, stop))
            brush = np.repeat(value[piece], width).view(window)
            windows[first[piece]] = brush
            windows[after[piece] - width] = brush


def _paint_in_order(flat: Bytes, first: Cells, after: Cells, value: Bytes) -> None:
    """Paint cell by cell, a chunk of whole notes at a time; the last write stays."""
    length = after - first
    total = np.cumsum(length)
    note, painted = 0, 0
    while note < len(first):
        following = int(np.searchsorted(total, painted + _CHUNK, side="right"))
        if following <= note + 1:
            flat[first[note] : after[note]] = value[note]
            following = note + 1
        else:
            part = slice(note, following)
            offset = first[part] - (total[part] - length[part] - painted)
            cells = np.repeat(offset, length[part])
            cells += _counting()[: len(cells)]
            flat[cells] = np.repeat(value[part], length[part])
        note, painted = following, int(total[following - 1])


@cache
def _counting() -> Cells:
    """Count the cells of a chunk, once for all."""
    return np.arange(_CHUNK)


def _summed(first: Cells, after: Cells, value: Bytes) -> tuple[Cells, Cells, Bytes]:
    """Cut notes at each other's ends into pieces that share no cell and hold saturated sums."""
    cell = np.concatenate([first, after])
    order = np.argsort(cell)
    step = np.concatenate([value, -value.astype(np.int64)])[order]
    cell, level = cell[order], np.minimum(np.cumsum(step), _SATURATED)
    kept = np.flatnonzero((cell[:-1] < cell[1:]) & (level[:-1] > 0))
    return cell[kept], cell[kept + 1], level[kept].astype(np.uint8)


def _visible(first: Cells, after: Cells, value: Bytes) -> tuple[Cells, Cells, Bytes]:
    """Keep of each note what no later one covers, in pieces that share no cell.

    A sweep over all ends with a heap of what is open, the latest on top: n log n steps for notes
    that would otherwise be painted over each other for hours.
    """
    opening = np.argsort(first, kind="stable").tolist()
    begin, stop = first.tolist(), after.tolist()
    heap: list[int] = []
    shown: list[tuple[int, int, int]] = []
    waiting = 0
    for left, right in pairwise(np.unique(np.concatenate([first, after])).tolist()):
        while waiting < len(opening) and begin[opening[waiting]] == left:
            heapq.heappush(heap, -opening[waiting])
            waiting += 1
        while heap and stop[-heap[0]] <= left:
            heapq.heappop(heap)
        if heap:
            shown.append((left, right, -heap[0]))
    table = np.array(shown, np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], value[table[:, 2]]
