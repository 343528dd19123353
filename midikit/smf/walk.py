"""One track, event by event: the exact and tolerant reading behind the fast one.

This is what the rules mean. `midikit.smf.scan` gives the same for tracks without faults, whole
stretches at a time; every other track is read here.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from midikit.model.report import counted

if TYPE_CHECKING:
    from midikit.smf.faults import Faults

__all__ = [
    "END_OF_TRACK",
    "ILLEGAL_META",
    "Walk",
    "end_of_track",
    "message_offset",
    "report_crossings",
    "walk",
]

END_OF_TRACK = 0x2F
"""Meta type of the event that ends a track."""

ILLEGAL_META = 0x100
"""Added to a meta type over 0x7F, so that it is never taken for a status."""

_VARINT_BYTES = 4
_REST_IGNORED = "the rest of the track is ignored"


class _UndecodableError(Exception):
    """An event that cannot be read; the track ends before it."""

    def __init__(self, kind: str, offset: int, found: str) -> None:
        super().__init__(kind, offset, found)
        self.kind = kind
        self.offset = offset
        self.found = found


@dataclass(slots=True)
class Walk:
    """Events of the tracks that were walked, in columns, track after track.

    Parameters
    ----------
    tracks : list of int
        Index of each track.
    tick : array of int64
        Tick of each channel message within its track.
    status, data1, data2 : bytearray
        Its bytes; `data2` is 0 where the message has one data byte.
    counts : list of int
        Channel messages in each track.
    meta_tick, meta_offset, meta_before : array of int64
        Tick of each meta or sysex event, byte offset of its status, channel messages of its track
        before it.
    meta_kind : array of int16
        Meta type, 0xF0 or 0xF7, or `ILLEGAL_META` and the type.
    meta_data : list of bytes
        Its payload.
    meta_counts : list of int
        Meta and sysex events in each track.
    last_tick : list of int
        Tick of the last event of each track.
    """

    tracks: list[int] = field(default_factory=list)
    tick: array[int] = field(default_factory=lambda: array("q"))
    status: bytearray = field(default_factory=bytearray)
    data1: bytearray = field(default_factory=bytearray)
    data2: bytearray = field(default_factory=bytearray)
    counts: list[int] = field(default_factory=list)
    meta_tick: array[int] = field(default_factory=lambda: array("q"))
    meta_offset: array[int] = field(default_factory=lambda: array("q"))
    meta_before: array[int] = field(default_factory=lambda: array("q"))
    meta_kind: array[int] = field(default_factory=lambda: array("h"))
    meta_data: list[bytes] = field(default_factory=list)
    meta_counts: list[int] = field(default_factory=list)
    last_tick: list[int] = field(default_factory=list)


def walk(data: bytes, start: int, end: int, *, track: int, found: Walk, faults: Faults) -> None:
    """Read one track event by event.

    Parameters
    ----------
    data : bytes
        The whole file.
    start, end : int
        Byte offsets of the events of an MTrk chunk.
    track : int
        Index of the chunk.
    found : Walk
        Where to append the events up to the end of track, the end of the chunk, or the first one
        that cannot be read.
    faults : Faults
        Where to list what is wrong.
    """
    state = _State(track, start)
    messages, metas = len(found.status), len(found.meta_data)
    try:
        _events(data, start, end, state, found, faults)
    except _UndecodableError as error:
        faults.add(error.kind, error.offset, track, error.found, _REST_IGNORED)
    else:
        if not state.has_end:
            faults.add(
                "no-end-of-track",
                state.stop,
                track,
                "the track has no end of track event",
                "repaired, it ends with its last event",
            )
        elif state.stop < end:
            text = f"{counted(end - state.stop, 'byte')} after the end of track"
            faults.add("after-end-of-track", state.stop, track, text, "ignored")
    if state.crossings:
        report_crossings(faults, track, state.first_crossing, state.crossings)
    found.tracks.append(track)
    found.counts.append(len(found.status) - messages)
    found.meta_counts.append(len(found.meta_data) - metas)
    found.last_tick.append(state.last_tick)


def report_crossings(faults: Faults, track: int, offset: int, count: int) -> None:
    """List running status across meta and sysex events, one row a track."""
    faults.add(
        "running-status",
        offset,
        track,
        "running status across a meta or sysex event, expected a status byte",
        "repaired, the last status holds",
        count=count,
    )


@dataclass(slots=True)
class _State:
    """How far the reading of one track came, kept when an event cannot be read."""

    track: int
    stop: int
    last_tick: int = 0
    has_end: bool = False
    crossings: int = 0
    first_crossing: int = 0


def _clip(value: int, offset: int, track: int, faults: Faults) -> int:
    """Return a data byte, clipped and listed if it is over 127."""
    if value < 0x80:
        return value
    text = "" if faults.is_full("data-byte") else f"data byte {value}, expected 0 to 127"
    faults.add("data-byte", offset, track, text, "clipped to 127")
    return 127


def _events(  # noqa: C901 - one loop over the grammar; calls would cost more than it
    data: bytes, start: int, end: int, state: _State, found: Walk, faults: Faults
) -> None:
    """Append the events of one track to `found`; raise at the first that cannot be read."""
    i, tick, running, crossed = start, 0, 0, False
    begin = len(found.status)
    while i < end:
        delta = data[i]
        i += 1
        if delta > 0x7F:
            delta, i = _varint(data, i - 1, end)
        if i >= end:
            raise _UndecodableError("cut-short", state.stop, "the track ends before an event")
        offset, status = i, data[i]
        if status >= 0xF0:
            kind, payload, i = _meta_or_sysex(data, i, end)
            tick += delta
            found.meta_tick.append(tick)
            found.meta_offset.append(offset)
            found.meta_before.append(len(found.status) - begin)
            found.meta_kind.append(kind)
            found.meta_data.append(payload)
            state.last_tick, state.stop, crossed = tick, i, True
            if kind == END_OF_TRACK:
                state.has_end = True
                return
            continue
        if status > 0x7F:
            running = status
            i += 1
        elif not running:
            text = f"data byte {status} where no status byte was given yet"
            raise _UndecodableError("no-status", offset, text)
        elif crossed:
            if not state.crossings:
                state.first_crossing = offset
            state.crossings += 1
        crossed = False
        size = 1 if 0xC0 <= running < 0xE0 else 2
        if i + size > end:
            raise _UndecodableError("cut-short", state.stop, "the track ends inside an event")
        first, second = data[i], data[i + 1] if size == 2 else 0
        if first > 0x7F or second > 0x7F:
            first = _clip(first, i, state.track, faults)
            second = _clip(second, i + 1, state.track, faults)
        i += size
        tick += delta
        found.tick.append(tick)
        found.status.append(running)
        found.data1.append(first)
        found.data2.append(second)
        state.last_tick, state.stop = tick, i


def _varint(data: bytes, i: int, end: int) -> tuple[int, int]:
    """Read a variable-length number; return it and the offset behind it."""
    value, start = 0, i
    while i < end:
        byte = data[i]
        i += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, i
        if i - start == _VARINT_BYTES:
            raise _UndecodableError("varint-length", start, "a number of more than 4 bytes")
    raise _UndecodableError("cut-short", start, "the track ends inside a number")


def _meta_or_sysex(data: bytes, i: int, end: int) -> tuple[int, bytes, int]:
    """Read the event whose status, 0xF0 or more, is at `i`: its kind, payload and end."""
    offset, kind = i, data[i]
    i += 1
    if kind == 0xFF:
        if i >= end:
            raise _UndecodableError("cut-short", offset, "the track ends inside a meta event")
        kind = data[i] if data[i] < 0x80 else ILLEGAL_META + data[i]
        i += 1
    elif kind not in {0xF0, 0xF7}:
        raise _UndecodableError(
            "system-message", offset, f"system message 0x{kind:02X}, which no file may hold"
        )
    size, i = _varint(data, i, end)
    if size > end - i:
        text = f"an event of {counted(size, 'byte')}, of which the track has {end - i:,}"
        raise _UndecodableError("cut-short", offset, text)
    return kind, data[i : i + size], i + size


def end_of_track(data: bytes, start: int, end: int) -> int | None:
    """Find where the events of a track end, whatever its chunk claims.

    Parameters
    ----------
    data : bytes
        The whole file.
    start, end : int
        Byte offsets between which to look.

    Returns
    -------
    int or None
        Offset behind the end of track event; None if the events do not lead to one.
    """
    i, running = start, 0
    try:
        while i < end:
            i += 1
            if data[i - 1] > 0x7F:
                _, i = _varint(data, i - 1, end)
            if i >= end:
                return None
            status = data[i]
            if status >= 0xF0:
                kind, _, i = _meta_or_sysex(data, i, end)
                if kind == END_OF_TRACK:
                    return i
                continue
            if status >= 0x80:
                running = status
                i += 1
            elif not running:
                return None
            i += 1 if 0xC0 <= running < 0xE0 else 2
    except _UndecodableError:
        return None
    return None


def message_offset(data: bytes, start: int, end: int, index: int) -> int:
    """Find the byte offset of one channel message of a track.

    Parameters
    ----------
    data : bytes
        The whole file.
    start, end : int
        Byte offsets of the events of the track.
    index : int
        Which channel message, counted from 0.

    Returns
    -------
    int
        Offset of its status byte, or of its first data byte under running status.
    """
    i, one = start, False
    while i < end:
        while data[i] > 0x7F:
            i += 1
        i += 1
        status = data[i]
        if status >= 0xF0:
            _, _, i = _meta_or_sysex(data, i, end)
            continue
        if index == 0:
            return i
        index -= 1
        if status > 0x7F:
            one = 0xC0 <= status < 0xE0
            i += 1
        i += 1 if one else 2
    return start
