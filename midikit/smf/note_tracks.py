"""Tracks of notes alone to bytes, all tracks of a file in one vectorised pass."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["MAX_DELTA", "NOTE_ON", "TickNotes", "note_bodies", "variable"]

MAX_DELTA = (1 << 28) - 1
"""Longest pause between two events of a track, in ticks."""

NOTE_ON = 0x90

_LONG = 1 << 14
_TICK_BITS = 28
_IS_ON = 1 << 14
_IS_END_OF_INSTANT = 2 << 14


@dataclass(frozen=True, slots=True, eq=False)
class TickNotes:
    """Notes of a whole file on ticks, track after track.

    Parameters
    ----------
    start : ndarray of int64, shape (n,)
        Ticks at which notes begin; each track is sorted by start, pitch and end.
    end : ndarray of int64, shape (n,)
        Ticks at which they end, not before they begin.
    pitch : ndarray of int32, shape (n,)
        0..127.
    velocity : ndarray of int32, shape (n,)
        1..127.
    counts : tuple of int
        Notes in each track.
    """

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    pitch: npt.NDArray[np.int32]
    velocity: npt.NDArray[np.int32]
    counts: tuple[int, ...]


def variable(number: int) -> bytes:
    """Write a variable-length quantity.

    Parameters
    ----------
    number : int
        Bytes or ticks, 0 or more.

    Returns
    -------
    bytes
        Seven bits a byte, the highest first; all but the last have the eighth bit set.

    Raises
    ------
    LimitError
        If it has more than 28 bits.

    Examples
    --------
    >>> variable(200).hex(" ")
    '81 48'
    """
    if number < 128:
        return bytes((number,))
    if number > MAX_DELTA:
        raise LimitError(
            f"an event of {number:,} bytes or ticks; the format holds at most {MAX_DELTA:,}"
        )
    out = [number & 127]
    while number := number >> 7:
        out.append(128 | (number & 127))
    return bytes(reversed(out))


def note_bodies(notes: TickNotes, channels: Sequence[int], *, is_far: bool) -> list[bytes]:
    """Write the notes of each track, with running status.

    Parameters
    ----------
    notes : TickNotes
        The notes.
    channels : sequence of int
        Channel 0..15 of each track.
    is_far : bool
        Whether there may be ticks beyond `MAX_DELTA`.

    Returns
    -------
    list of bytes
        The events of each track; nothing for a track without notes.
    """
    if not len(notes.start):
        return [b""] * len(channels)
    place, pitch, velocity = _sorted_far_events(notes) if is_far else _sorted_events(notes)
    stops = itertools.accumulate(notes.counts)
    opened = {
        2 * (stop - count): track
        for track, (count, stop) in enumerate(zip(notes.counts, stops, strict=True))
        if count
    }
    delta = np.empty_like(place)
    np.subtract(place[1:], place[:-1], out=delta[1:])
    first = np.array(list(opened))
    delta[first] = notes.start[first // 2] + _LONG  # nothing comes before a track's first note
    # Under running status a note's beginning and end are both three bytes (delta, pitch, velocity;
    # an end has velocity 0), or four where the delta has more than seven bits: then its first byte
    # is not 0x80. So each gets four, and one deletion takes out every first byte that says nothing.
    # The few events after a pause of more than fourteen bits, and the first of each track, which
    # has a status, are where the table is cut.
    apart = (delta >= _LONG).nonzero()[0]
    low = delta.astype(np.uint16)
    table = np.empty((len(low), 4), np.uint8)
    table[:, 0] = low >> 7 | 0x80
    table[:, 1] = low & 0x7F
    table[:, 2] = pitch
    table[:, 3] = velocity
    body = table.tobytes()
    pieces: list[list[bytes]] = [[] for _ in channels]
    track = 0
    begins = apart.tolist()
    ends = [*begins[1:], len(low)]
    for begin, end, pause in zip(begins, ends, delta[apart].tolist(), strict=True):
        if begin in opened:
            track = opened[begin]
            pieces[track] += (variable(pause - _LONG), bytes((NOTE_ON | channels[track],)))
        else:
            pieces[track].append(variable(pause))
        pieces[track].append(body[4 * begin + 2 : 4 * end].translate(None, b"\x80"))
    return [b"".join(part) for part in pieces]


def _sorted_events(
    notes: TickNotes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.integer], npt.NDArray[np.integer]]:
    """Order the beginnings and ends of all notes: place, pitch and velocity (0 at an end) of each.

    Within a track the differences of places are those of ticks.
    """
    # One int64 holds track, tick, rank within the tick, pitch and velocity, so that one plain sort
    # orders the song. The beginnings are in order already and the ends nearly so: numpy's stable
    # sort merges such runs, in a quarter of the time that its default sort takes.
    n = len(notes.start)
    key = np.empty(2 * n, np.int64)
    on, off = key[:n], key[n:]
    track = np.arange(len(notes.counts), dtype=np.int64).repeat(notes.counts)
    np.left_shift(track, _TICK_BITS, out=track)
    np.add(track, notes.start, out=on)
    np.add(track, notes.end, out=off)
    key <<= 16
    low = notes.pitch << 7
    off += low
    low |= _IS_ON
    on += low
    has_twins = bool((on[1:] == on[:-1]).any())
    on += notes.velocity
    instant = notes.end <= notes.start
    if instant.any():
        off[instant] += _IS_END_OF_INSTANT
    key.sort(kind="stable")
    low = key.astype(np.uint16)
    velocity = low & 127
    if has_twins:  # which begin together on one pitch: in the order of their ends, not velocities
        velocity[(low & _IS_ON) != 0] = notes.velocity
    key >>= 16
    return key, (low >> 7) & 127, velocity


def _sorted_far_events(
    notes: TickNotes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Order events on ticks too large to be packed, as `_sorted_events` does."""
    n = len(notes.start)
    track = np.arange(len(notes.counts), dtype=np.int64).repeat(notes.counts)
    instant = notes.end <= notes.start
    rank = np.concatenate([np.full(n, 1), np.where(instant, 2, 0)])
    tick = np.concatenate([notes.start, notes.end])
    pitch = np.concatenate([notes.pitch, notes.pitch]).astype(np.int64)
    order = np.lexsort((pitch, rank, tick, np.concatenate([track, track])))
    velocity = np.zeros(2 * n, np.int64)
    velocity[order < n] = notes.velocity
    return tick[order], pitch[order], velocity
