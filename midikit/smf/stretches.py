"""What interrupts the stretches of channel messages in the bytes of regular tracks.

A channel message of two data bytes takes three bytes below 0x80: the last of its delta-time and the
two data bytes. So in a stretch of such messages the number of low bytes before a high byte tells
what it is, and a status of another kind that follows on 3k + 1 of them ends the stretch. Only those
are visited: meta and sysex events, which are read here one by one, and messages of one data byte,
which get a second one of 0 and make stretches of their own.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np

from midikit.smf.walk import END_OF_TRACK, ILLEGAL_META

__all__ = ["HIGH_BYTES", "Stretches", "find_stretches"]

HIGH_BYTES = bytes(range(0x80, 0x100))
"""What `bytes.translate` takes out to leave the bytes below 0x80."""

_VARINT_BYTES = 4
_FEW = 64
_SHORT = 16
"""Stretches of fewer bytes than this on average, once there are more than a few, are read faster
event by event."""
_SYSEX = frozenset([0xF0, 0xF7])

_INTERRUPTS = np.zeros(256, np.bool_)
_INTERRUPTS[0xC0:0xE0] = True
_INTERRUPTS[0xF0:] = True


class _IrregularError(Exception):
    """A track with a fault, which this reading does not name, or of hardly anything but texts."""


class Stretches:
    """What was found in all regular tracks, track after track.

    Parameters
    ----------
    size : int
        Bytes of the file.

    Attributes
    ----------
    body, low : list of bytes
        The channel messages with their delta-times, and of those the bytes below 0x80: three for
        each message.
    messages : int
        How many there are.
    counts : list of int
        How many there are in each track.
    first, start : array of int
        Index of the first message of each stretch, and its byte offset; wide enough for the file.
    late, late_by : list of int
        Messages that follow on meta or sysex events, and the delta-times of those, summed.
    meta_last, meta_since : list of int
        The message of its track before each meta or sysex event, -1 for none, and the ticks from
        there, or from the beginning of the track.
    meta_offset, meta_before : list of int
        Byte offset of its status; messages of its track before it.
    meta_kind : list of int
        Meta type, 0xF0 or 0xF7, or `ILLEGAL_META` and the type.
    meta_data : list of bytes
        Its payload.
    meta_counts : list of int
        Meta and sysex events in each track, its end not counted.
    end_last, end_since : list of int
        As `meta_last` and `meta_since`, for the end of each track; -1 and 0 for a track left out.
    crossings : list of (int, int, int)
        Track, byte offset of the first and number of messages that use running status across a
        meta or sysex event.
    """

    def __init__(self, size: int) -> None:
        place = "i" if size < 1 << 31 else "q"
        self.body: list[bytes] = []
        self.low: list[bytes] = []
        self.messages = 0
        self.counts: list[int] = []
        self.first = array(place)
        self.start = array(place)
        self.late: list[int] = []
        self.late_by: list[int] = []
        self.meta_last: list[int] = []
        self.meta_since: list[int] = []
        self.meta_offset: list[int] = []
        self.meta_before: list[int] = []
        self.meta_kind: list[int] = []
        self.meta_data: list[bytes] = []
        self.meta_counts: list[int] = []
        self.end_last: list[int] = []
        self.end_since: list[int] = []
        self.crossings: list[tuple[int, int, int]] = []

    def sizes(self) -> tuple[int, ...]:
        """Tell how much there is.

        Returns
        -------
        tuple of int
            What `cut` takes to come back to here.
        """
        return (
            self.messages,
            len(self.body),
            len(self.low),
            len(self.first),
            len(self.late),
            len(self.meta_kind),
        )

    def cut(
        self, messages: int, bodies: int, lows: int, stretches: int, late: int, metas: int
    ) -> None:
        """Forget everything past these lengths.

        Parameters
        ----------
        messages, bodies, lows, stretches, late, metas : int
            What `sizes` returned.
        """
        self.messages = messages
        del self.body[bodies:], self.low[lows:]
        del self.first[stretches:], self.start[stretches:]
        del self.late[late:], self.late_by[late:]
        del self.meta_last[metas:], self.meta_since[metas:], self.meta_offset[metas:]
        del self.meta_before[metas:], self.meta_kind[metas:], self.meta_data[metas:]


def find_stretches(data: bytes, spans: list[tuple[int, int]], irregular: set[int]) -> Stretches:
    """Collect the stretches of every regular track.

    Parameters
    ----------
    data : bytes
        The whole file.
    spans : list of (int, int)
        Byte offsets of the events of each track.
    irregular : set of int
        Tracks to leave out; those that turn out to have a fault are added.

    Returns
    -------
    Stretches
        What was found; a track left out counts 0 messages and events.
    """
    raw = np.frombuffer(data, np.uint8)
    marks = (raw >= 0xC0).nonzero()[0]
    marks = marks[_INTERRUPTS[raw[marks]]]
    found = Stretches(len(data))
    for track, (start, end) in enumerate(spans):
        sizes = found.sizes()
        if track not in irregular:
            try:
                _read_track(data, start, end, track, marks.data, found)
            except (_IrregularError, IndexError):
                # An index past the end of the file: the track is cut short.
                irregular.add(track)
                found.cut(*sizes)
        found.counts.append(found.messages - sizes[0])
        found.meta_counts.append(len(found.meta_kind) - sizes[-1])
        if track in irregular:
            found.end_last.append(-1)
            found.end_since.append(0)
    return found


def _read_track(  # noqa: C901, PLR0912, PLR0915 - one loop over the grammar; calls would cost more
    data: bytes, start: int, end: int, track: int, marks: memoryview[int], found: Stretches
) -> None:
    """Collect one track up to its end of track, which must be where the track ends."""
    i, begin, mark = start, found.messages, bisect_left(marks, start)
    late = stretches = crossings = first_crossing = 0
    one = crossed = False
    while True:
        if i >= end:
            raise _IrregularError
        delta, at = (data[i], i + 1) if data[i] < 0x80 else _number(data, i)
        status = data[at]
        if status >= 0xF0:
            offset, kind = at, status
            if kind == 0xFF:
                at += 1
                kind = data[at] if data[at] < 0x80 else ILLEGAL_META + data[at]
            elif kind not in _SYSEX:
                raise _IrregularError
            at += 1
            size, at = (data[at], at + 1) if data[at] < 0x80 else _number(data, at)
            i = at + size
            if i > end:
                raise _IrregularError
            late += delta
            last = found.messages - 1 if found.messages > begin else -1
            if kind == END_OF_TRACK:
                break
            found.meta_last.append(last)
            found.meta_since.append(late)
            found.meta_offset.append(offset)
            found.meta_before.append(found.messages - begin)
            found.meta_kind.append(kind)
            found.meta_data.append(data[at:i])
            crossed = True
            continue
        if status > 0x7F:
            one = 0xC0 <= status < 0xE0
            at += 1
        elif found.messages == begin:
            raise _IrregularError
        elif crossed:
            first_crossing = first_crossing or at
            crossings += 1
        crossed = False
        if late:
            found.late.append(found.messages)
            found.late_by.append(late)
            late = 0
        stretches += 1
        if stretches > _FEW and i - start < _SHORT * stretches:
            raise _IrregularError
        if one:
            i = _read_run(data, i, at, end, found)
            continue
        found.first.append(found.messages)
        found.start.append(i)
        # The next interruption: a status that follows on 3k + 1 low bytes.
        mark = bisect_left(marks, i, mark)
        count, since, before = 0, i, marks[mark]
        while True:
            if before >= end:
                raise _IrregularError
            low = data[since:before].translate(None, HIGH_BYTES)
            count += len(low)
            mark += 1
            if count % 3 == 1:
                break
            found.low.append(low)
            since, before = before, marks[mark]
        stop = before - 1
        if data[stop] > 0x7F:
            raise _IrregularError
        found.low.append(low[:-1])
        while data[stop - 1] > 0x7F:
            stop -= 1
        found.body.append(data[i:stop])
        found.messages += count // 3
        i = stop
    if i != end or size:
        raise _IrregularError
    found.end_last.append(last)
    found.end_since.append(late)
    if crossings:
        found.crossings.append((track, first_crossing, crossings))


def _read_run(data: bytes, i: int, at: int, end: int, found: Stretches) -> int:
    """Collect messages of one data byte up to the next status; return the offset behind them.

    The first one lies at `i` and its data byte at `at`. Each gets a second data byte of 0.
    """
    run = bytearray()
    while True:
        if at >= end or data[at] > 0x7F:
            raise _IrregularError
        run += data[i : at + 1]
        run.append(0)
        found.first.append(found.messages)
        found.start.append(i)
        found.messages += 1
        i = at = at + 1
        while data[at] > 0x7F:
            at += 1
        at += 1
        if data[at] > 0x7F:
            found.body.append(bytes(run))
            found.low.append(found.body[-1].translate(None, HIGH_BYTES))
            return i


def _number(data: bytes, i: int) -> tuple[int, int]:
    """Read a variable-length number of several bytes; return it and the offset behind it."""
    value = 0
    for at in range(i, i + _VARINT_BYTES):
        value = value << 7 | data[at] & 0x7F
        if data[at] < 0x80:
            return value, at + 1
    raise _IrregularError
