"""Note-on and note-off messages to notes: first in, first out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.smf.decode import MidiFile

__all__ = ["CHANNELS", "NoteTable", "Pairs", "pair_notes", "parts_of", "read_notes"]

CHANNELS = 16

_PITCHES = 128
_NONE = np.empty(0, np.int64)


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
    again : ndarray of int64
        Rows of `on` whose key was struck before and not ended yet, in file order.
    """

    on: npt.NDArray[np.int64]
    off: npt.NDArray[np.int64]
    lone: npt.NDArray[np.int64]
    again: npt.NDArray[np.int64]


def pair_notes(
    key: npt.NDArray[np.integer[Any]], ons: npt.NDArray[np.int64], offs: npt.NDArray[np.int64]
) -> Pairs:
    """Pair note messages.

    Parameters
    ----------
    key : ndarray of int, shape (n,)
        What pairs with each other: one number for each track, channel and pitch.
    ons, offs : ndarray of int64
        Ascending indices of the messages that start and that end a note.

    Returns
    -------
    Pairs
        For each key the first note-off ends the note that was struck first.

    Examples
    --------
    >>> pairs = pair_notes(np.zeros(4, np.int64), np.array([0, 1]), np.array([2, 3]))
    >>> pairs.on.tolist(), pairs.off.tolist(), pairs.again.tolist()
    ([0, 1], [2, 3], [1])
    """
    key_on, on = _by_key(key, ons)
    key_off, off = _by_key(key, offs)
    lone = _NONE
    # If every key has as many ons as offs and each k-th on comes before its k-th off, all pair.
    if len(on) != len(off) or (key_on != key_off).any() or (on > off).any():
        off, lone = _pair_any(key_on, on, key_off, off)
    again = (on[1:] < off[:-1]) | (off[:-1] < 0)
    again &= key_on[1:] == key_on[:-1]
    return Pairs(on, off, lone, np.flatnonzero(again) + 1)


def _by_key(
    key: npt.NDArray[np.integer[Any]], messages: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.integer[Any]], npt.NDArray[np.int64]]:
    """Sort messages by key, equal keys in file order: the sorted keys, and the messages.

    Both share one number, so that a plain sort of numbers does it.
    """
    if len(messages) == 0:
        return key[messages], messages
    found = key[messages]
    bits = int(messages[-1]).bit_length()
    # Half as wide sorts twice as fast; most files fit.
    narrow = int(found.max()).bit_length() + bits <= 32
    packed: npt.NDArray[Any] = found.astype(np.uint32 if narrow else np.uint64)
    packed <<= bits
    packed |= messages.astype(packed.dtype)
    packed.sort()
    order = (packed & ((1 << bits) - 1)).astype(np.int64)
    packed >>= bits
    return packed, order


def _pair_any(
    key_on: npt.NDArray[np.integer[Any]],
    on: npt.NDArray[np.int64],
    key_off: npt.NDArray[np.integer[Any]],
    off: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pair messages that are sorted by key, whatever is missing: the offs, and the lone offs.

    Count +1 for a note-on and -1 for a note-off. An off that takes the count of its key below all
    it was before (and below 0) ends nothing. Of the rest, the k-th off of a key ends its k-th on.
    """
    order = np.lexsort((np.concatenate([on, off]), np.concatenate([key_on, key_off])))
    is_on = order < len(on)
    lone = _lone_offs(np.concatenate([key_on, key_off])[order], is_on)
    is_lone = np.zeros(len(off), np.bool_)
    is_lone[order[lone] - len(on)] = True
    lone_offs = off[is_lone]
    key_off, off = key_off[~is_lone], off[~is_lone]
    mate = np.searchsorted(key_off, key_on) + np.arange(len(on)) - np.searchsorted(key_on, key_on)
    ended = np.flatnonzero(mate < np.searchsorted(key_off, key_on, side="right"))
    ends = np.full(len(on), -1, np.int64)
    ends[ended] = off[mate[ended]]
    return ends, lone_offs


def _lone_offs(
    key: npt.NDArray[np.integer[Any]], is_on: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Mark the note-offs that come when no note of their key sounds."""
    new_key = np.ones(len(key), np.bool_)
    new_key[1:] = key[1:] != key[:-1]
    group = np.cumsum(new_key) - 1
    step = np.where(is_on, 1, -1)
    count = np.cumsum(step)
    count -= (count - step)[new_key][group]
    # Each key starts below everything before it, so that one running minimum serves all keys.
    floor = -group * (len(key) + 1)
    count += floor
    lowest = np.minimum.accumulate(np.minimum(count, floor))
    before = np.where(new_key, floor, np.roll(lowest, 1))
    return ~is_on & (count < before)


@dataclass(frozen=True, slots=True, eq=False)
class NoteTable:
    """All notes of a file, part after part; a part is one channel of one MTrk chunk.

    Parameters
    ----------
    parts, counts, first : ndarray of int64, shape (k,)
        Each part as 16 times its MTrk plus its channel, ascending; its notes; the index of the
        channel message that starts its first note.
    on, off : ndarray of int64, shape (n,)
        Indices of the channel messages that start and end each note, by part, then in file order;
        -1 for the end of a hanging note.
    hanging, lone, overlaps : ndarray of int64
        Indices of the channel messages that start a note without an end, end none, or strike a
        pitch again while it sounds.
    """

    parts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    on: npt.NDArray[np.int64]
    off: npt.NDArray[np.int64]
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
        A note-on of velocity 0 is a note-off.
    """
    part = parts_of(file)
    key = part * np.int32(_PITCHES)
    key |= file.data1
    is_note = (file.status & 0xE0) == 0x80
    is_on = file.status >= 0x90
    is_on &= is_note
    is_on &= file.data2 > 0
    ons, offs = np.flatnonzero(is_on), np.flatnonzero(is_note & ~is_on)
    return _table(file, part, ons, pair_notes(key, ons, offs))


def _table(
    file: MidiFile, part: npt.NDArray[np.int32], on: npt.NDArray[np.int64], pairs: Pairs
) -> NoteTable:
    """Put notes in the order of parts, and in each part of the file."""
    tick, again = file.tick, pairs.again
    # Struck again at the very tick of the end is no overlap.
    before = pairs.off[again - 1]
    again = again[(before < 0) | (tick[pairs.on[again]] < tick[before])]
    off_of = np.empty(len(tick), np.int64)
    off_of[pairs.on] = pairs.off
    of_note = part[on]
    if (of_note[1:] < of_note[:-1]).any():
        by_part = np.argsort(of_note, kind="stable")
        on, of_note = on[by_part], of_note[by_part]
    off = off_of[on]
    changes = np.flatnonzero(of_note[1:] != of_note[:-1]) + 1
    begins = np.concatenate([[0], changes])[: len(on)].astype(np.int64)
    return NoteTable(
        of_note[begins].astype(np.int64),
        np.diff(begins, append=len(on)),
        on[begins],
        on,
        off,
        on[off < 0],
        pairs.lone,
        pairs.on[again],
    )


def parts_of(file: MidiFile) -> npt.NDArray[np.int32]:
    """Tell the part of each channel message.

    Parameters
    ----------
    file : MidiFile
        A decoded file.

    Returns
    -------
    ndarray of int32, shape (n,)
        16 times its MTrk plus its channel.
    """
    first = np.arange(0, len(file) * CHANNELS, CHANNELS, dtype=np.int32)
    part = np.repeat(first, np.diff(file.bounds))
    part |= file.status & 0x0F
    return part
