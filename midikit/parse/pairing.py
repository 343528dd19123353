"""Note-on and note-off messages to notes: first in, first out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.smf.decode import MidiFile

__all__ = ["CHANNELS", "NoteTable", "Pairs", "pair_notes", "read_notes"]

CHANNELS = 16

_SHORT_BITS = 16
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Which message ends which note.

    Parameters
    ----------
    off : ndarray of int64, shape (n,)
        Index of the note-off that ends each note, in the order of the note-ons; -1 for a hanging
        note.
    lone : ndarray of int64
        Indices of the note-offs that end nothing.
    again, until : ndarray of int64, shape (k,)
        Indices of the note-ons whose key was struck before and not ended yet, and of the note-offs
        that end the note before each, -1 if none does.
    """

    off: npt.NDArray[np.int64]
    lone: npt.NDArray[np.int64]
    again: npt.NDArray[np.int64]
    until: npt.NDArray[np.int64]


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
    >>> pairs.off.tolist(), pairs.again.tolist(), pairs.until.tolist()
    ([2, 3], [1], [2])
    """
    if len(ons) != len(offs):
        return _pair_any(key, ons, offs)
    # If every key has as many ons as offs and each k-th on comes before its k-th off, all pair.
    by_key = _by_key(key[ons])
    on, off = ons[by_key], offs[_by_key(key[offs])]
    if not ((key[on] == key[off]) & (on < off)).all():
        return _pair_any(key, ons, offs)
    row = (on[1:] < off[:-1]).nonzero()[0]
    row = row[key[on[row + 1]] == key[on[row]]]
    off_of = np.empty_like(off)
    off_of[by_key] = off
    return Pairs(off_of, _NONE, on[row + 1], off[row])


def _by_key(key: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.intp]:
    """Return the order that sorts keys, equal ones as they come.

    Numpy sorts 16 bits by radix, several times faster than wider numbers: so the low 16 bits come
    first, then the next, if there are any (more than 32 tracks).
    """
    order = key.astype(np.uint16).argsort(kind="stable")
    rest = int(key.max(initial=0)) >> _SHORT_BITS
    shift = _SHORT_BITS
    while rest:
        order = order[(key[order] >> shift).astype(np.uint16).argsort(kind="stable")]
        rest >>= _SHORT_BITS
        shift += _SHORT_BITS
    return order


def _pair_any(
    key: npt.NDArray[np.integer[Any]], ons: npt.NDArray[np.int64], offs: npt.NDArray[np.int64]
) -> Pairs:
    """Pair messages whatever is missing.

    Of a key's note-offs some may end nothing. Of the others the k-th ends its k-th note-on, so
    that its last ones hang if there are fewer.
    """
    size = len(key)
    step = np.zeros(size, np.int8)
    step[ons], step[offs] = 1, -1
    messages = step.nonzero()[0]
    messages = messages[_by_key(key[messages])]
    key, step = key[messages], step[messages]
    is_new = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=is_new[1:])
    group = is_new.cumsum() - 1
    is_lone = _lone_offs(group, step, is_new.nonzero()[0])
    row_on, row_off = (step > 0).nonzero()[0], ((step < 0) & ~is_lone).nonzero()[0]
    offs_of_group = np.bincount(group[row_off], minlength=group[-1] + 1)
    on, off, group = messages[row_on], messages[row_off], group[row_on]
    ons_of_group = np.bincount(group, minlength=len(offs_of_group))
    first = ons_of_group.cumsum() - ons_of_group
    ended = (np.arange(len(on)) < (first + offs_of_group)[group]).nonzero()[0]
    ends = np.full(len(on), -1, np.int64)
    ends[ended] = off
    again = ((on[1:] < ends[:-1]) | (ends[:-1] < 0)) & (group[1:] == group[:-1])
    row = again.nonzero()[0]
    off_of = np.empty(size, np.int64)
    off_of[on] = ends
    return Pairs(off_of[ons], np.sort(messages[is_lone]), on[row + 1], ends[row])


def _lone_offs(
    group: npt.NDArray[np.int64], step: npt.NDArray[np.int8], starts: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Mark the note-offs that come when no note of their key sounds.

    `group` numbers the keys, each of which begins at its row of `starts`; `step` is 1 for a note-on
    and -1 for a note-off. An off that takes the sum of its key below all it was before, and below
    0, ends nothing.
    """
    count = step.cumsum(dtype=np.int64)
    count -= (count[starts] - step[starts])[group]
    is_lone = np.zeros(len(step), np.bool_)
    falls = np.minimum.reduceat(count, starts) < 0
    if not falls.any():
        return is_lone
    rows = falls[group].nonzero()[0]
    # Each key starts below everything before it, so that one running minimum serves all keys.
    floor = -group[rows] * (len(step) + 1)
    lowest = np.minimum.accumulate(np.minimum(count[rows], 0) + floor)
    before = np.minimum(np.concatenate([floor[:1], lowest[:-1]]), floor)
    is_lone[rows] = count[rows] + floor < before
    return is_lone


@dataclass(frozen=True, slots=True, eq=False)
class NoteTable:
    """All notes of a file, part after part; a part is one channel of one MTrk chunk.

    Parameters
    ----------
    part_of : ndarray of int32, shape (messages,)
        Part of each channel message: 16 times its MTrk plus its channel.
    others : ndarray of int64
        Indices of the channel messages that are no notes.
    parts, counts, first : list of int, one a part
        The parts with notes, ascending; the notes of each; the index of the channel message that
        starts its first note.
    on, off : ndarray of int64, shape (n,)
        Indices of the channel messages that start and end each note, by part, then in file order;
        -1 for the end of a hanging note.
    hanging, lone, overlaps : ndarray of int64
        Indices of the channel messages that start a note without an end, end none, or strike a
        pitch again while it sounds.
    """

    part_of: npt.NDArray[np.int32]
    others: npt.NDArray[np.int64]
    parts: list[int]
    counts: list[int]
    first: list[int]
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
    is_note = file.status < 0xA0
    is_on = (file.status >= 0x90) & is_note & (file.data2 > 0)
    ons, offs = is_on.nonzero()[0], (is_on ^ is_note).nonzero()[0]
    others = _NONE
    if len(ons) + len(offs) < len(is_on):
        others = (~is_note).nonzero()[0]
    counts = [end - begin for begin, end in pairwise(file.bounds)]
    part = np.arange(0, len(file) * CHANNELS, CHANNELS, dtype=np.int32).repeat(counts)
    part |= file.status & 0x0F
    key = part << 7
    key |= file.data1
    pairs = pair_notes(key, ons, offs)
    on, off, of_note = ons, pairs.off, part[ons]
    steps = of_note[1:] - of_note[:-1]
    changes = steps.nonzero()[0]
    if (steps[changes] < 0).any():
        by_part = of_note.argsort(kind="stable")
        on, off, of_note = on[by_part], off[by_part], of_note[by_part]
        changes = (of_note[1:] != of_note[:-1]).nonzero()[0]
    ends = [*(changes + 1).tolist(), len(on)]
    begins = [0, *ends[:-1]] if len(on) else []
    # Struck again at the very tick of the end is no overlap.
    again, until = pairs.again, pairs.until
    overlaps = again[(until < 0) | (file.tick[again] < file.tick[until])]
    return NoteTable(
        part,
        others,
        of_note[begins].tolist(),
        [end - begin for begin, end in zip(begins, ends, strict=False)],
        on[begins].tolist(),
        on,
        off,
        on[off < 0],
        pairs.lone,
        overlaps,
    )
