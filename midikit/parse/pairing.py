"""Note-on and note-off messages to notes: first in, first out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.smf.decode import MidiFile

__all__ = ["CHANNELS", "NoteTable", "Pairs", "pair_notes", "parts_of", "read_notes"]

CHANNELS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which message ends which note.

    Parameters
    ----------
    on : ndarray of int64, shape (n,)
        Index of the note-on of each note, by key, then in file order.
    off : ndarray of int64, shape (n,)
        Index of the note-off that ends it, -1 for a hanging note.
    lone : ndarray of int64
        Indices of the note-offs that end nothing.
    overlaps : ndarray of int64
        Indices of the note-ons that strike a key again while it sounds.
    """

    on: npt.NDArray[np.int64]
    off: npt.NDArray[np.int64]
    lone: npt.NDArray[np.int64]
    overlaps: npt.NDArray[np.int64]


_NONE = np.empty(0, np.int64)


def pair_notes(
    key: npt.NDArray[np.int64], is_on: npt.NDArray[np.bool_], tick: npt.NDArray[np.int64]
) -> Pairs:
    """Pair note messages.

    Parameters
    ----------
    key : ndarray of int64, shape (n,)
        What pairs with each other: one number for each track, channel and pitch.
    is_on : ndarray of bool, shape (n,)
        Whether the message starts a note.
    tick : ndarray of int64, shape (n,)
        Tick of each message, not descending within a key.

    Returns
    -------
    Pairs
        For each key the first note-off ends the note that was struck first.

    Examples
    --------
    >>> key, tick = np.zeros(4, np.int64), np.arange(4)
    >>> pairs = pair_notes(key, np.array([True, True, False, False]), tick)
    >>> pairs.on.tolist(), pairs.off.tolist(), pairs.overlaps.tolist()
    ([0, 1], [2, 3], [1])
    """
    order = _stable_order(key)
    sorted_on = is_on[order]
    on, off = order[0::2], order[1::2]
    regular = len(order) % 2 == 0 and bool(sorted_on[0::2].all() and not sorted_on[1::2].any())
    if regular and bool((key[on] == key[off]).all()):
        return Pairs(on, off, _NONE, _NONE)
    return _pair_any(key[order], sorted_on, order, tick)


def _stable_order(key: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sort by key, equal keys in file order."""
    if len(key) == 0:
        return _NONE
    if int(key.max()) < 1 << 16:
        return np.argsort(key.astype(np.uint16), kind="stable")
    bits = len(key).bit_length()
    packed = key << bits
    packed += np.arange(len(key))
    packed.sort()
    packed &= (1 << bits) - 1
    return packed


def _pair_any(
    key: npt.NDArray[np.int64],
    is_on: npt.NDArray[np.bool_],
    order: npt.NDArray[np.int64],
    tick: npt.NDArray[np.int64],
) -> Pairs:
    """Pair messages that are sorted by key, whatever is missing.

    Count +1 for a note-on and -1 for a note-off. An off that takes the count of its key below all
    it was before (and below 0) ends nothing. Of the rest, the k-th off of a key ends its k-th on.
    """
    lone = _lone_offs(key, is_on)
    rows_on, rows_off = np.flatnonzero(is_on), np.flatnonzero(~is_on & ~lone)
    key_on, key_off = key[rows_on], key[rows_off]
    rank = np.arange(len(rows_on)) - np.searchsorted(key_on, key_on)
    mate = np.searchsorted(key_off, key_on) + rank
    ended = mate < np.searchsorted(key_off, key_on, side="right")
    off = np.full(len(rows_on), -1, np.int64)
    off[ended] = order[rows_off[mate[ended]]]
    on = order[rows_on]
    again = np.flatnonzero(key_on[1:] == key_on[:-1]) + 1
    previous = off[again - 1]
    overlaps = again[(previous < 0) | (tick[on[again]] < tick[previous])]
    return Pairs(on, off, order[lone], on[overlaps])


def _lone_offs(key: npt.NDArray[np.int64], is_on: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mark the note-offs that come when no note of their key sounds."""
    new_key = np.append(True, key[1:] != key[:-1])[: len(key)]
    group = np.cumsum(new_key) - 1
    step = np.where(is_on, 1, -1)
    count = np.cumsum(step)
    count -= (count - step)[new_key][group]
    # Each key starts below everything before it, so that one running minimum serves all keys.
    floor = -group * (len(key) + 1)
    count += floor
    lowest = np.minimum.accumulate(np.minimum(count, floor))
    before = np.append(0, lowest[:-1])[: len(key)]
    before = np.where(new_key, floor, before)
    return ~is_on & (count < before)


@dataclass(frozen=True, slots=True, eq=False)
class NoteTable:
    """All notes of a file, part after part; a part is one channel of one MTrk chunk.

    Parameters
    ----------
    parts, counts, first : ndarray of int64, shape (k,)
        Each part as 16 times its MTrk plus its channel, ascending; its notes; the index of the
        channel message that starts its first note.
    start_tick, end_tick : ndarray of int64, shape (n,)
        Of each note, by part, start and pitch; ties in file order.
    pitch, velocity : ndarray of int32, shape (n,)
        Of each note.
    hanging, lone, overlaps : ndarray of int64
        Indices of the channel messages that start a note without an end, end none, or strike a
        pitch again while it sounds.
    """

    parts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    start_tick: npt.NDArray[np.int64]
    end_tick: npt.NDArray[np.int64]
    pitch: npt.NDArray[np.int32]
    velocity: npt.NDArray[np.int32]
    hanging: npt.NDArray[np.int64]
    lone: npt.NDArray[np.int64]
    overlaps: npt.NDArray[np.int64]


def read_notes(file: MidiFile) -> NoteTable:
    """Pair the note messages of a whole file.

    Parameters
    ----------
    file : MidiFile
        A decoded file.

    Returns
    -------
    NoteTable
        A note-on of velocity 0 is a note-off; a note without an end ends at its track's last tick.
    """
    rows = np.flatnonzero((file.status & 0xE0) == 0x80)
    status, velocity, tick = file.status[rows], file.data2[rows], file.tick[rows]
    part = parts_of(file)[rows]
    is_on = (status >= 0x90) & (velocity > 0)
    pairs = pair_notes((part << 7) | file.data1[rows], is_on, tick)
    mate = np.empty(len(rows), np.int64)
    mate[pairs.on] = pairs.off
    on = np.flatnonzero(is_on)
    part, start, pitch = part[on], tick[on], file.data1[rows[on]]
    order = _note_order(part, start, pitch)
    if order is not None:
        on, part, start, pitch = on[order], part[order], start[order], pitch[order]
    off = mate[on]
    end = tick[off]
    hanging = np.flatnonzero(off < 0)
    end[hanging] = file.last_tick[part[hanging] // CHANNELS]
    begins = np.flatnonzero(np.append(True, part[1:] != part[:-1])[: len(part)])
    counts = np.diff(begins, append=len(part))
    return NoteTable(
        part[begins],
        counts,
        rows[np.minimum.reduceat(on, begins)] if len(on) else on,
        start,
        end,
        pitch.astype(np.int32),
        velocity[on].astype(np.int32),
        rows[on[hanging]],
        rows[pairs.lone],
        rows[pairs.overlaps],
    )


def parts_of(file: MidiFile) -> npt.NDArray[np.int64]:
    """Return the part of each channel message: 16 times its MTrk plus its channel."""
    first = np.arange(len(file)) * CHANNELS
    return np.repeat(first, np.diff(file.bounds)) + (file.status & 0x0F)


def _note_order(
    part: npt.NDArray[np.int64], start: npt.NDArray[np.int64], pitch: npt.NDArray[np.uint8]
) -> npt.NDArray[np.intp] | None:
    """Return the order by part, start and pitch, equal ones in file order; None if it is there."""
    if len(part) < 2:
        return None
    ticks = int(start.max()) + 1
    if (int(part[-1]) + CHANNELS) * ticks >= 1 << 56:
        return np.lexsort((pitch, start, part))
    key = ((part * ticks + start) << 7) | pitch
    if bool((key[1:] >= key[:-1]).all()):
        return None
    return np.argsort(key, kind="stable")
