"""One track, event by event: the exact and tolerant reading behind the fast one.

This is what the rules mean. `midikit.smf.scan` gives the same for tracks without faults, whole
stretches at a time; every other track is read here.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midikit.smf.faults import Faults

__all__ = ["END_OF_TRACK", "ILLEGAL_META", "Walk", "end_of_track", "message_offset", "walk"]

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
    """Events of one track in columns.

    Parameters
    ----------
    tick : array of int64
        Tick of each channel message.
    status, data1, data2 : bytearray
        Its bytes; `data2` is 0 where the message has one data byte.
    meta_tick, meta_offset, meta_before : array of int64
        Tick of each meta or sysex event, byte offset of its status, channel messages before it.
    meta_kind : array of int16
        Meta type, 0xF0 or 0xF7, or `ILLEGAL_META` and the type.
    meta_data : list of bytes
        Its payload.
    last_tick : int
        Tick of the last event.
    stop : int
        Byte offset behind the last event that was read.
    has_end : bool
        Whether the last one is an end of track.
    """

    tick: array[int] = field(default_factory=lambda: array("q"))
    status: bytearray = field(default_factory=bytearray)
    data1: bytearray = field(default_factory=bytearray)
    data2: bytearray = field(default_factory=bytearray)
    meta_tick: array[int] = field(default_factory=lambda: array("q"))
    meta_offset: array[int] = field(default_factory=lambda: array("q"))
    meta_before: array[int] = field(default_factory=lambda: array("q"))
    meta_kind: array[int] = field(default_factory=lambda: array("h"))
    meta_data: list[bytes] = field(default_factory=list)
    last_tick: int = 0
    stop: int = 0
    has_end: bool = False


def walk(data: bytes, start: int, end: int, track: int, faults: Faults) -> Walk:
    """Read one track event by event.

    Parameters
    ----------
    data : bytes
        The whole file.
    start, end : int
        Byte offsets of the events of an MTrk chunk.
    track : int
        Index of the chunk, for the faults.
    faults : Faults
        Where to list what is wrong.

    Returns
    -------
    Walk
        The events up to the end of track, the end of the chunk, or the first that cannot be read.
    """
    found = Walk(stop=start)
    crossings: list[int] = []
    try:
        _events(data, start, end, found, _Clipped(track, faults), crossings)
    except _UndecodableError as error:
        faults.add(error.kind, error.offset, track, error.found, _REST_IGNORED)
    else:
        if not found.has_end:
            faults.add(
                "no-end-of-track",
                found.stop,
                track,
                "the track has no end of track event",
                "repaired, it ends with its last event",
            )
        elif found.stop < end:
            text = f"{end - found.stop:,} bytes after the end of track"
            faults.add("after-end-of-track", found.stop, track, text, "ignored")
    report_crossings(faults, track, crossings[:1], len(crossings))
    return found


def report_crossings(faults: Faults, track: int, first: list[int], count: int) -> None:
    """List running status across meta and sysex events, one row a track."""
    if first:
        faults.add(
            "running-status",
            first[0],
            track,
            "running status across a meta or sysex event, expected a status byte",
            "repaired, the last status holds",
            count=count,
        )


@dataclass(slots=True)
class _Clipped:
    """Lists data bytes over 127."""

    track: int
    faults: Faults

    def clip(self, value: int, offset: int) -> int:
        if value < 0x80:
            return value
        text = "" if self.faults.is_full("data-byte") else f"data byte {value}, expected 0 to 127"
        self.faults.add("data-byte", offset, self.track, text, "clipped to 127")
        return 127


def _events(
    data: bytes, start: int, end: int, found: Walk, clipped: _Clipped, crossings: list[int]
) -> None:
    """Append the events of one track to `found`; raise at the first that cannot be read."""
    i, tick, running, crossed = start, 0, 0, False
    while i < end:
        delta, i = _varint(data, i, end)
        if i >= end:
            raise _UndecodableError("cut-short", found.stop, "the track ends before an event")
        offset, status = i, data[i]
        if status >= 0xF0:
            kind, payload, i = _meta_or_sysex(data, i, end)
            tick += delta
            found.meta_tick.append(tick)
            found.meta_offset.append(offset)
            found.meta_before.append(len(found.status))
            found.meta_kind.append(kind)
            found.meta_data.append(payload)
            found.last_tick, found.stop, crossed = tick, i, True
            if kind == END_OF_TRACK:
                found.has_end = True
                return
            continue
        if status >= 0x80:
            running = status
            i += 1
        elif not running:
            text = f"data byte {status} where no status byte was given yet"
            raise _UndecodableError("no-status", offset, text)
        elif crossed:
            crossings.append(offset)
        crossed = False
        size = 1 if 0xC0 <= running < 0xE0 else 2
        if i + size > end:
            raise _UndecodableError("cut-short", found.stop, "the track ends inside an event")
        first, second = data[i], data[i + 1] if size == 2 else 0
        if first > 0x7F or second > 0x7F:
            first, second = clipped.clip(first, i), clipped.clip(second, i + 1)
        i += size
        tick += delta
        found.tick.append(tick)
        found.status.append(running)
        found.data1.append(first)
        found.data2.append(second)
        found.last_tick, found.stop = tick, i


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
        text = f"an event of {size:,} bytes, of which the track has {end - i:,}"
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
            _, i = _varint(data, i, end)
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
    i, running = start, 0
    while i < end:
        _, i = _varint(data, i, end)
        status = data[i]
        if status >= 0xF0:
            _, _, i = _meta_or_sysex(data, i, end)
            continue
        if index == 0:
            return i
        index -= 1
        if status >= 0x80:
            running = status
            i += 1
        i += 1 if 0xC0 <= running < 0xE0 else 2
    return start
