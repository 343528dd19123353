"""Events on ticks to Standard MIDI File bytes.

Knows the format and nothing else: ticks, channels and programs are decided by the caller. Tracks
that hold nothing but notes, as nearly all do, are written together in one vectorised pass; a track
with controls, bends, texts or system exclusive events goes through a second one of its own. Both
write the same bytes where both apply.

The order within one tick is: the ends of longer notes, other events, the beginnings of notes, the
ends of zero-length notes. Notes that begin together on one pitch come in the order of their ends,
so that a reader that pairs first in, first out finds each its own.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from midikit.errors import LimitError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Chunk", "TickEvent", "TickNotes", "encode", "meta"]

MAX_DELTA = (1 << 28) - 1
"""Longest pause between two events of a track, in ticks."""

MAX_BRIDGES = 1_000
"""Most empty texts that are written to divide longer pauses."""

MAX_CHUNKS = 32_767
"""Most tracks that are written into one file."""

_NOTE_ON = 0x90
_TEXT = 0x01
_END_OF_TRACK = b"\xff\x2f\x00"
_TICK_BITS = 30
_NO_MESSAGES = np.empty((0, 4), np.int64)


@dataclass(frozen=True, slots=True)
class TickEvent:
    """A meta (kind 0x00..0x7F) or system exclusive (0xF0, 0xF7) event on its tick.

    Parameters
    ----------
    tick : int
        Absolute tick.
    kind : int
        Meta type, or 0xF0 or 0xF7.
    data : bytes
        The payload.
    """

    tick: int
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True, eq=False)
class TickNotes:
    """Notes of a whole file on ticks, track after track.

    Parameters
    ----------
    start : ndarray of int64, shape (n,)
        Ticks at which notes begin; each track is sorted by start, pitch and end.
    end : ndarray of int64, shape (n,)
        Ticks at which they end, not before they begin.
    pitch : ndarray of int, shape (n,)
        0..127.
    velocity : ndarray of int, shape (n,)
        1..127.
    counts : tuple of int
        Notes in each track.
    """

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    pitch: npt.NDArray[np.int32]
    velocity: npt.NDArray[np.int32]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """One track to write, without its notes.

    Parameters
    ----------
    channel : int
        Channel 0..15 of its notes.
    head : tuple of bytes
        Complete events for tick 0, each without its delta time.
    messages : ndarray of int64, shape (m, 4)
        Tick, status with channel, first and second data byte of other channel messages, by tick.
    events : tuple of TickEvent
        Meta and system exclusive events, by tick.
    end_tick : int
        Tick of the end of the track, if it lies behind the last event.
    """

    channel: int = 0
    head: tuple[bytes, ...] = ()
    messages: npt.NDArray[np.int64] = field(default_factory=lambda: _NO_MESSAGES)
    events: tuple[TickEvent, ...] = ()
    end_tick: int = 0


def meta(kind: int, data: bytes) -> bytes:
    """Write a meta or system exclusive event without its delta time.

    Parameters
    ----------
    kind : int
        Meta type 0x00..0x7F, or 0xF0 or 0xF7.
    data : bytes
        The payload.

    Returns
    -------
    bytes
        Status, type, length and payload.

    Examples
    --------
    >>> meta(0x03, b"Koto").hex(" ")
    'ff 03 04 4b 6f 74 6f'
    """
    status = bytes([kind]) if kind >= 0xF0 else bytes([0xFF, kind])
    return status + _variable(len(data)) + data


def encode(chunks: Sequence[Chunk], notes: TickNotes, *, division: int) -> bytes:
    """Write a file of format 1.

    Parameters
    ----------
    chunks : sequence of Chunk
        The tracks, the conductor first.
    notes : TickNotes
        Their notes, ``notes.counts`` one a chunk.
    division : int
        Ticks a quarter, 1 to 32,767.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    LimitError
        If there are more than 32,767 tracks, or a pause is longer than the format can say.
    """
    if len(chunks) > MAX_CHUNKS:
        raise LimitError(f"{len(chunks):,} tracks; a file holds at most {MAX_CHUNKS:,}")
    if _last_tick(chunks, notes) > MAX_DELTA:
        chunks = [_bridged(chunk, notes, index) for index, chunk in enumerate(chunks)]
    simple = [not len(chunk.messages) and not chunk.events for chunk in chunks]
    bodies = _note_bodies(chunks, notes, simple)
    out = [b"MThd" + struct.pack(">IHHH", 6, 1, len(chunks), division)]
    for index, (chunk, body) in enumerate(zip(chunks, bodies, strict=True)):
        head = b"".join(b"\x00" + event for event in chunk.head)
        end = b"\x00" if chunk.end_tick == 0 else _variable(_pause(chunk, notes, index))
        size = len(head) + len(body) + len(end) + len(_END_OF_TRACK)
        out += [b"MTrk" + struct.pack(">I", size), head, body, end, _END_OF_TRACK]
    return b"".join(out)


def _last_tick(chunks: Sequence[Chunk], notes: TickNotes) -> int:
    """Return the last tick of anything in the file."""
    last = [int(notes.end.max(initial=0))]
    for chunk in chunks:
        last += [chunk.end_tick, int(chunk.messages[:, 0].max(initial=0))]
        last += [event.tick for event in chunk.events]
    return max(last)


def _bridged(chunk: Chunk, notes: TickNotes, index: int) -> Chunk:
    """Put empty texts into pauses that are longer than a delta time can say."""
    stop = sum(notes.counts[: index + 1])
    part = slice(stop - notes.counts[index], stop)
    others = np.array([0, chunk.end_tick, *(event.tick for event in chunk.events)], np.int64)
    ticks = np.concatenate([notes.start[part], notes.end[part], chunk.messages[:, 0], others])
    ticks.sort()
    after = ticks[:-1][np.diff(ticks) > MAX_DELTA]
    until = ticks[1:][np.diff(ticks) > MAX_DELTA]
    if int(np.sum((until - after) // MAX_DELTA)) > MAX_BRIDGES:
        raise LimitError(
            f"a pause of {int((until - after).max()):,} ticks; use fewer ticks_per_quarter or a "
            "slower tempo"
        )
    texts = [
        TickEvent(tick, _TEXT, b"")
        for begin, end in zip(after.tolist(), until.tolist(), strict=True)
        for tick in range(begin + MAX_DELTA, end, MAX_DELTA)
    ]
    events = tuple(sorted((*chunk.events, *texts), key=lambda event: event.tick))
    return replace(chunk, events=events)


def _pause(chunk: Chunk, notes: TickNotes, index: int) -> int:
    """Return the ticks from a track's last event to its end."""
    stop = sum(notes.counts[: index + 1])
    last = [
        int(notes.end[stop - notes.counts[index] : stop].max(initial=0)),
        int(chunk.messages[:, 0].max(initial=0)),
        max((event.tick for event in chunk.events), default=0),
    ]
    return max(0, chunk.end_tick - max(last))


def _note_bodies(chunks: Sequence[Chunk], notes: TickNotes, simple: list[bool]) -> list[bytes]:
    """Write the events of each track after its head."""
    counts = np.array(notes.counts, np.int64)
    ends = np.cumsum(counts)
    bodies = [b""] * len(chunks)
    if all(simple):
        pure, kept = notes, np.arange(len(chunks))
    else:
        kept = np.flatnonzero(simple)
        mask = np.repeat(simple, counts)
        pure = TickNotes(
            notes.start[mask],
            notes.end[mask],
            notes.pitch[mask],
            notes.velocity[mask],
            tuple(counts[kept].tolist()),
        )
    channels = np.array([chunks[i].channel for i in kept.tolist()], np.uint8)
    for index, body in zip(kept.tolist(), _pure_notes(pure, channels), strict=True):
        bodies[index] = body
    for index in np.flatnonzero(~np.array(simple, bool)).tolist():
        part = slice(int(ends[index] - counts[index]), int(ends[index]))
        bodies[index] = _mixed(chunks[index], notes, part)
    return bodies


def _pure_notes(notes: TickNotes, channels: npt.NDArray[np.uint8]) -> list[bytes]:
    """Write tracks of notes alone, all in one pass, with running status.

    Under running status a note's beginning and end are both three bytes (delta, pitch, velocity;
    an end has velocity 0), so the body is an (events, 3) table into which the few further bytes,
    one status a track and the continuation of long deltas, are inserted.
    """
    counts = np.array(notes.counts, np.int64)
    if not len(notes.start):
        return [b""] * len(counts)
    tick, pitch, velocity = _sorted_events(notes, counts)
    total = 2 * counts
    first = (np.cumsum(total) - total)[total > 0]
    delta = np.empty_like(tick)
    delta[0] = tick[0]
    np.subtract(tick[1:], tick[:-1], out=delta[1:])
    delta[first] = tick[first]
    table = np.empty((len(tick), 3), np.uint8)
    table[:, 0] = delta & 127
    table[:, 1] = pitch
    table[:, 2] = velocity
    where: list[npt.NDArray[np.int64]] = [3 * first + 1]
    what: list[npt.NDArray[np.uint8]] = [(channels | np.uint8(_NOTE_ON))[total > 0]]
    long = np.flatnonzero(delta > 127)
    shift = 7
    continuation = []
    while len(long):
        higher = (delta[long] >> shift) & 127 | 128
        continuation.append((3 * long, higher.astype(np.uint8)))
        shift += 7
        long = long[delta[long] >> shift > 0]
    for position, byte in reversed(continuation):  # the highest bits come first
        where.append(position)
        what.append(byte)
    position, byte = np.concatenate(where), np.concatenate(what)
    order = np.argsort(position, kind="stable")
    position, byte = position[order], byte[order]
    body = np.insert(table.reshape(-1), position, byte).tobytes()
    # A track ends where its last event does, plus what was inserted up to there.
    stops = 3 * np.cumsum(total)
    stops += np.searchsorted(position, stops, side="left")
    return [body[a:b] for a, b in itertools.pairwise([0, *stops.tolist()])]


def _sorted_events(
    notes: TickNotes, counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Order the beginnings and ends of all notes: tick, pitch and velocity (0 at an end) of each.

    Where ticks are small enough one int64 holds track, tick, rank within the tick and pitch, so
    that a plain sort orders the song. Beginnings come out in the order they went in (the notes
    are sorted), so their velocities need not ride along.
    """
    n = len(notes.start)
    track = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    instant = notes.end <= notes.start
    if int(notes.end.max()) < 1 << _TICK_BITS:
        key = np.empty(2 * n, np.int64)
        on, off = key[:n], key[n:]
        np.left_shift(track, _TICK_BITS, out=on)
        np.add(on, notes.end, out=off)
        on += notes.start
        key <<= 9
        on += notes.pitch
        off += notes.pitch
        on += 1 << 7
        if instant.any():
            off[instant] += 2 << 7
        key.sort()
        tick, begins, pitch = (key >> 9) & ((1 << _TICK_BITS) - 1), (key & 0x80) != 0, key & 0x7F
    else:
        rank = np.concatenate([np.full(n, 1), np.where(instant, 2, 0)])
        tick = np.concatenate([notes.start, notes.end])
        pitch = np.concatenate([notes.pitch, notes.pitch]).astype(np.int64)
        order = np.lexsort((pitch, rank, tick, np.concatenate([track, track])))
        tick, begins, pitch = tick[order], order < n, pitch[order]
    velocity = np.zeros(2 * n, np.int64)
    velocity[begins] = notes.velocity
    return tick, pitch, velocity


def _mixed(chunk: Chunk, notes: TickNotes, part: slice) -> bytes:
    """Write one track of notes, channel messages and variable-length events."""
    start, end = notes.start[part], notes.end[part]
    pitch, velocity = notes.pitch[part].astype(np.int64), notes.velocity[part].astype(np.int64)
    n, m, k = len(start), len(chunk.messages), len(chunk.events)
    on = np.full(n, _NOTE_ON | chunk.channel, np.int64)
    event_ticks = np.array([event.tick for event in chunk.events], np.int64)
    tick = np.concatenate([end, event_ticks, chunk.messages[:, 0], start])
    rank = np.concatenate(
        [np.where(end <= start, 3, 0), np.full(k, 1), np.full(m, 1), np.full(n, 2)]
    )
    # Stable: texts and controls keep their order, beginnings that of the notes.
    order = np.lexsort((np.concatenate([pitch, np.zeros(k + m, np.int64), pitch]), rank, tick))
    status = np.concatenate([on, np.full(k, -1), chunk.messages[:, 1], on])[order]
    data1 = np.concatenate([pitch, np.zeros(k, np.int64), chunk.messages[:, 2], pitch])[order]
    data2 = np.concatenate(
        [np.zeros(n + k, np.int64), chunk.messages[:, 3], velocity],
    )[order]
    tick = tick[order]
    delta = np.diff(tick, prepend=0)
    blobs = [meta(event.kind, event.data) for event in chunk.events]
    blob = np.where((order >= n) & (order < n + k), order - n, -1)
    return _assemble(delta, (status, data1, data2), blob, blobs)


def _assemble(
    delta: npt.NDArray[np.int64],
    message: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]],
    blob: npt.NDArray[np.int64],
    blobs: list[bytes],
) -> bytes:
    """Lay out events of different lengths: sizes first, then each column in one scatter."""
    status, data1, data2 = message
    fixed = blob < 0
    explicit = fixed.copy()
    explicit[1:] &= status[1:] != status[:-1]  # a blob has status -1, so it ends a running status
    short = fixed & ((status & 0xE0) == 0xC0)
    width = 1 + (delta > 0x7F) + (delta > 0x3FFF) + (delta > 0x1FFFFF)
    sizes = np.array([len(item) for item in blobs] or [0], np.int64)
    payload = np.where(fixed, explicit + 2 - short, sizes[blob])
    stop = np.cumsum(width + payload)
    out = np.empty(int(stop[-1]) if len(stop) else 0, np.uint8)
    begin = stop - payload
    for back in range(4):
        here = width > back
        more = 128 if back else 0
        out[begin[here] - 1 - back] = (delta[here] >> (7 * back)) & 127 | more
    out[begin[explicit]] = status[explicit]
    at = begin + explicit
    out[at[fixed]] = data1[fixed]
    long = fixed & ~short
    out[at[long] + 1] = data2[long]
    for row in np.flatnonzero(~fixed).tolist():
        item = blobs[int(blob[row])]
        out[begin[row] : begin[row] + len(item)] = np.frombuffer(item, np.uint8)
    return out.tobytes()


def _variable(number: int) -> bytes:
    """Write a variable-length quantity."""
    if number > MAX_DELTA:
        raise LimitError(
            f"an event of {number:,} bytes or ticks; the format holds at most {MAX_DELTA:,}"
        )
    out = [number & 127]
    while number := number >> 7:
        out.append(128 | (number & 127))
    return bytes(reversed(out))
