"""Events on ticks to Standard MIDI File bytes.

Knows the format and nothing else: ticks, channels and programs are decided by the caller. Tracks
that hold nothing but notes once they have begun, as nearly all do, are written together in one
vectorised pass (`note_tracks`); a track with controls, bends, texts or system exclusive events
among its notes goes through a second one of its own. Both write the same bytes where both apply.

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
from midikit.smf.note_tracks import MAX_DELTA, NOTE_ON, TickNotes, note_bodies, variable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Chunk", "TickEvent", "TickNotes", "encode", "meta"]

MAX_BRIDGES = 1_000
"""Most empty texts that are written to divide longer pauses."""

MAX_CHUNKS = 32_767
"""Most tracks that are written into one file."""

_TEXT = 0x01
_END_OF_TRACK = b"\xff\x2f\x00"
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
    status = (kind,) if kind >= 0xF0 else (0xFF, kind)
    return b"%b%b%b" % (bytes(status), variable(len(data)), data)


def encode(chunks: Sequence[Chunk], notes: TickNotes, *, division: int, end_tick: int = 0) -> bytes:
    """Write a file of format 1.

    Parameters
    ----------
    chunks : sequence of Chunk
        The tracks, the conductor first.
    notes : TickNotes
        Their notes, ``notes.counts`` one a chunk.
    division : int
        Ticks a quarter, 1 to 32,767.
    end_tick : int, optional
        Tick before which no track ends.

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
    stops = itertools.accumulate(notes.counts)
    rows = [slice(stop - count, stop) for count, stop in zip(notes.counts, stops, strict=True)]
    latest = _latest(notes, rows)
    is_far = max(_last_tick(chunks), end_tick, *latest) > MAX_DELTA
    if is_far:
        chunks = [replace(chunk, end_tick=max(chunk.end_tick, end_tick)) for chunk in chunks]
        chunks = [_bridged(chunk, notes, part) for chunk, part in zip(chunks, rows, strict=True)]
    bodies = _bodies(chunks, notes, rows, is_far=is_far)
    out = [b"MThd" + struct.pack(">IHHH", 6, 1, len(chunks), division)]
    for chunk, last, body in zip(chunks, latest, bodies, strict=True):
        head = b"".join([b"\x00" + event for event in chunk.head])
        end = variable(_pause(chunk, last, max(chunk.end_tick, end_tick)))
        size = len(head) + len(body) + len(end) + len(_END_OF_TRACK)
        out += [b"MTrk", size.to_bytes(4, "big"), head, body, end, _END_OF_TRACK]
    return b"".join(out)


def _last_tick(chunks: Sequence[Chunk]) -> int:
    """Return the last tick of anything in the file but notes."""
    last = [0, *(chunk.end_tick for chunk in chunks)]
    last += [event.tick for chunk in chunks for event in chunk.events]
    last += [
        int(chunk.messages[:, 0].max(initial=0))
        for chunk in chunks
        if chunk.messages is not _NO_MESSAGES
    ]
    return max(last)


def _bridged(chunk: Chunk, notes: TickNotes, part: slice) -> Chunk:
    """Put empty texts into pauses that are longer than a delta time can say."""
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


def _latest(notes: TickNotes, rows: list[slice]) -> list[int]:
    """Return the tick at which the last note of each track ends, 0 without notes."""
    begins = [part.start for part in rows if part.start < part.stop]
    if not begins:
        return [0] * len(rows)
    found = iter(np.maximum.reduceat(notes.end, begins).tolist())
    return [next(found) if part.start < part.stop else 0 for part in rows]


def _pause(chunk: Chunk, last: int, end_tick: int) -> int:
    """Return the ticks from a track's last event to its end."""
    if not end_tick:
        return 0
    if chunk.messages is not _NO_MESSAGES:
        last = max(last, int(chunk.messages[:, 0].max(initial=0)))
    last = max([last, *(event.tick for event in chunk.events)])
    return max(0, end_tick - last)


def _bodies(
    chunks: Sequence[Chunk], notes: TickNotes, rows: list[slice], *, is_far: bool
) -> list[bytes]:
    """Write the events of each track after its head."""
    openings = [
        _opening(chunk, has_notes=count > 0)
        for chunk, count in zip(chunks, notes.counts, strict=True)
    ]
    is_mixed = [opening is None for opening in openings]
    pure = _without(is_mixed, notes) if any(is_mixed) else notes
    bodies = note_bodies(pure, [chunk.channel for chunk in chunks], is_far=is_far)
    for index, opening in enumerate(openings):
        if opening is None:
            bodies[index] = _mixed(chunks[index], notes, rows[index])
        elif opening:
            bodies[index] = opening + bodies[index]
    return bodies


def _opening(chunk: Chunk, *, has_notes: bool) -> bytes | None:
    """Write what a track holds besides notes, if all of it comes before them; None if not.

    Nearly every track of a file sets its sound at tick 0 and nothing later: then its notes can be
    written together with those of all other tracks.
    """
    if chunk.messages is _NO_MESSAGES:
        if not chunk.events:
            return b""
        if not has_notes or chunk.events[-1].tick <= 0:
            return _texts(chunk.events)
        return None
    if chunk.messages[-1:, 0].any() or (chunk.events and chunk.events[-1].tick > 0):
        return None
    out, running = [_texts(chunk.events)], -1
    for _, status, *data in chunk.messages.tolist():
        length = 1 if status & 0xE0 == 0xC0 else 2
        out.append(bytes((0, status, *data[:length]) if status != running else (0, *data[:length])))
        running = status
    return b"".join(out)


def _without(tracks: list[bool], notes: TickNotes) -> TickNotes:
    """Leave out the notes of some tracks."""
    rows = np.repeat(np.logical_not(tracks), notes.counts)
    counts = tuple(0 if out else count for count, out in zip(notes.counts, tracks, strict=True))
    return TickNotes(
        notes.start[rows], notes.end[rows], notes.pitch[rows], notes.velocity[rows], counts
    )


def _texts(events: Sequence[TickEvent]) -> bytes:
    """Write a track of variable-length events alone, such as the conductor."""
    out, tick = [], 0
    for event in events:
        out += [variable(max(0, event.tick - tick)), meta(event.kind, event.data)]
        tick = event.tick
    return b"".join(out)


def _mixed(chunk: Chunk, notes: TickNotes, part: slice) -> bytes:
    """Write one track of notes, channel messages and variable-length events."""
    start, end = notes.start[part], notes.end[part]
    pitch, velocity = notes.pitch[part].astype(np.int64), notes.velocity[part].astype(np.int64)
    n, m, k = len(start), len(chunk.messages), len(chunk.events)
    on = np.full(n, NOTE_ON | chunk.channel, np.int64)
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
