"""Whole tracks at once: the fast reading of regular files.

A channel message of two data bytes takes three bytes below 0x80: the last of its delta-time and the
two data bytes. So in a stretch of such messages the number of low bytes before a high byte tells
what that byte is: after 3k of them it continues a delta-time, after 3k + 1 it is a status, and after
3k + 2 it is a fault. Meta and sysex events interrupt the stretches and are read one by one; messages
of one data byte get a second one of 0. What remains of all tracks is one run of bytes, which numpy
decodes without looking at any byte by itself.

A track with any fault is handed back unread: `midikit.smf.walk` is the reading that tolerates them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from midikit.smf.walk import END_OF_TRACK, ILLEGAL_META

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Scan", "scan"]

_HIGH_BYTES = bytes(range(0x80, 0x100))
_MOST_CONTINUATIONS = 3

_INTERRUPTS = np.zeros(256, np.bool_)
_INTERRUPTS[0xC0:0xE0] = True
_INTERRUPTS[0xF0:] = True


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Events of the regular tracks in columns, track after track.

    Parameters
    ----------
    irregular : list of int
        Indices of the tracks that were not read; they have no events here.
    tick : ndarray of int64, shape (n,)
        Tick of each channel message within its track.
    status, data1, data2 : ndarray of uint8, shape (n,)
        Its bytes; `data2` is 0 where the message has one data byte.
    counts : ndarray of int64, shape (tracks,)
        Channel messages in each track.
    meta_tick, meta_offset, meta_before : ndarray of int64, shape (m,)
        Tick of each meta or sysex event within its track, byte offset of its status, channel
        messages of its track before it.
    meta_kind : ndarray of int16, shape (m,)
        Meta type, 0xF0 or 0xF7, or `ILLEGAL_META` and the type.
    meta_data : list of bytes
        Payloads.
    meta_counts : ndarray of int64, shape (tracks,)
        Meta and sysex events in each track; the last of a track is its end of track.
    crossings : list of (int, int, int)
        Track, byte offset of the first and number of messages that use running status across a
        meta or sysex event.
    """

    irregular: list[int]
    tick: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    data1: npt.NDArray[np.uint8]
    data2: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.int64]
    meta_tick: npt.NDArray[np.int64]
    meta_offset: npt.NDArray[np.int64]
    meta_before: npt.NDArray[np.int64]
    meta_kind: npt.NDArray[np.int16]
    meta_data: list[bytes]
    meta_counts: npt.NDArray[np.int64]
    crossings: list[tuple[int, int, int]]


class _IrregularError(Exception):
    """This track has a fault."""


@dataclass(slots=True)
class _Pieces:
    """What the search for interruptions collects, over all tracks."""

    pieces: list[bytes] = field(default_factory=list)
    messages: int = 0
    meta_delta: array[int] = field(default_factory=lambda: array("q"))
    meta_offset: array[int] = field(default_factory=lambda: array("q"))
    meta_after: array[int] = field(default_factory=lambda: array("q"))
    meta_kind: array[int] = field(default_factory=lambda: array("h"))
    meta_data: list[bytes] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    meta_counts: list[int] = field(default_factory=list)
    crossings: list[tuple[int, int, int]] = field(default_factory=list)

    def mark(self) -> tuple[int, int, int]:
        return len(self.pieces), self.messages, len(self.meta_data)

    def cut(self, mark: tuple[int, int, int]) -> None:
        """Forget what was collected since `mark`."""
        pieces, self.messages, metas = mark
        del self.pieces[pieces:]
        for column in (self.meta_delta, self.meta_offset, self.meta_after, self.meta_kind):
            del column[metas:]
        del self.meta_data[metas:]


def scan(data: bytes, spans: list[tuple[int, int]]) -> Scan:
    """Read all regular tracks of a file.

    Parameters
    ----------
    data : bytes
        The whole file.
    spans : list of (int, int)
        Byte offsets of the events of each track.

    Returns
    -------
    Scan
        Their events, and which tracks are not regular.
    """
    finder = _Finder(data, spans)
    irregular: set[int] = set()
    while True:
        found = finder.find(irregular)
        columns = _decode(b"".join(found.pieces), found)
        if not isinstance(columns, list):
            break
        irregular.update(columns)
    delta, status, data1, data2 = columns
    counts = np.array(found.counts, np.int64)
    meta_counts = np.array(found.meta_counts, np.int64)
    tick, meta_tick = _ticks(delta, found, counts, meta_counts)
    after = np.array(found.meta_after, np.int64)
    first = np.cumsum(counts) - counts
    return Scan(
        sorted(irregular),
        tick,
        status,
        data1,
        data2,
        counts,
        meta_tick,
        np.array(found.meta_offset, np.int64),
        after - np.repeat(first, meta_counts),
        np.array(found.meta_kind, np.int16),
        found.meta_data,
        meta_counts,
        found.crossings,
    )


class _Finder:
    """Finds what interrupts the stretches of two-data-byte messages in each track."""

    def __init__(self, data: bytes, spans: list[tuple[int, int]]) -> None:
        raw = np.frombuffer(data, np.uint8)
        high = np.flatnonzero(raw.view(np.int8) < 0)
        marks = np.flatnonzero(_INTERRUPTS[raw[high]])
        at = high[marks]
        self._data = data
        self._spans = spans
        self._high = memoryview(high)
        self._at = memoryview(at)
        self._low = memoryview(at - marks)
        starts = np.array([start for start, _ in spans], np.int64)
        self._low_at_start = (starts - np.searchsorted(high, starts)).tolist()
        self._mark_at_start = np.searchsorted(at, starts).tolist()

    def find(self, irregular: set[int]) -> _Pieces:
        """Collect the pieces of every track, adding to `irregular` those that have a fault."""
        found = _Pieces()
        for track in range(len(self._spans)):
            mark = found.mark()
            if track not in irregular:
                try:
                    self._track(track, found)
                except _IrregularError:
                    irregular.add(track)
                    found.cut(mark)
            found.counts.append(found.messages - mark[1])
            found.meta_counts.append(len(found.meta_data) - mark[2])
        return found

    def _track(self, track: int, found: _Pieces) -> None:
        """Collect one track up to its end of track."""
        data, at, lows = self._data, self._at, self._low
        start, end = self._spans[track]
        begin = found.messages
        mark, low = self._mark_at_start[track], self._low_at_start[track]
        one, crossings, first_crossing = False, 0, 0
        marks = len(at)
        if start < end and not _has_status(data, start, end):
            raise _IrregularError
        while True:
            # The next interruption: a status that follows on 3k + 1 low bytes.
            while mark < marks and (at[mark] < start or (lows[mark] - low) % 3 != 1):
                mark += 1
            if mark == marks or at[mark] >= end:
                raise _IrregularError
            i = at[mark]
            status = data[i]
            if data[i - 1] > 0x7F:
                raise _IrregularError
            before = lows[mark] - low - 1
            found.messages += before // 3
            if status < 0xE0:
                if i + 1 >= end or data[i + 1] > 0x7F:
                    raise _IrregularError
                found.pieces.append(data[start : i + 2])
                found.pieces.append(b"\0")
                found.messages += 1
                start, low, one = i + 2, lows[mark] + 1, True
            else:
                one = one and before == 0
                stop = i - 1
                while stop > start and data[stop - 1] > 0x7F:
                    stop -= 1
                if stop > start:
                    found.pieces.append(data[start:stop])
                after = _interruption(data, stop, i, end, found)
                if found.meta_kind[-1] == END_OF_TRACK:
                    if after != end:
                        raise _IrregularError
                    break
                low = self._low_before(i, lows[mark], after)
                start = after
                if not _has_status(data, start, end):
                    if found.messages == begin:
                        raise _IrregularError
                    if not crossings:
                        first_crossing = _skip_number(data, start, end)
                    crossings += 1
            mark += 1
            if one:
                start, low = _running_one(data, start, low, end, found)
        if crossings:
            found.crossings.append((track, first_crossing, crossings))

    def _low_before(self, status: int, low: int, after: int) -> int:
        """Count the low bytes before `after`, behind a meta or sysex event at `status`."""
        if self._data[status + 1 : after].isascii():
            return low + after - status - 1
        return after - bisect_left(self._high, after)


def _skip_number(data: bytes, i: int, end: int) -> int:
    """Return the offset behind the variable-length number at `i`."""
    while i < end and data[i] > 0x7F:
        i += 1
    return i + 1


def _has_status(data: bytes, i: int, end: int) -> bool:
    """Whether the event at `i` has a status byte; an event cut off counts as if it had."""
    i = _skip_number(data, i, end)
    return i >= end or data[i] > 0x7F


def _running_one(data: bytes, start: int, low: int, end: int, found: _Pieces) -> tuple[int, int]:
    """Collect messages that run on under a status with one data byte."""
    while True:
        i = _skip_number(data, start, end)
        if i >= end:
            raise _IrregularError
        if data[i] > 0x7F:
            return start, low
        found.pieces.append(data[start : i + 1])
        found.pieces.append(b"\0")
        found.messages += 1
        start, low = i + 1, low + 2


def _interruption(data: bytes, start: int, i: int, end: int, found: _Pieces) -> int:
    """Collect the meta or sysex event whose delta-time is at `start` and status at `i`."""
    if i - start > _MOST_CONTINUATIONS + 1:
        raise _IrregularError
    delta = 0
    for byte in data[start:i]:
        delta = delta << 7 | byte & 0x7F
    offset, kind = i, data[i]
    i += 1
    if kind == 0xFF:
        if i >= end:
            raise _IrregularError
        kind = data[i] if data[i] < 0x80 else ILLEGAL_META + data[i]
        i += 1
    elif kind not in {0xF0, 0xF7}:
        raise _IrregularError
    size, first = 0, i
    while True:
        if i >= end or i - first > _MOST_CONTINUATIONS:
            raise _IrregularError
        byte = data[i]
        i += 1
        size = size << 7 | byte & 0x7F
        if byte < 0x80:
            break
    if i + size > end:
        raise _IrregularError
    found.meta_delta.append(delta)
    found.meta_offset.append(offset)
    found.meta_after.append(found.messages)
    found.meta_kind.append(kind)
    found.meta_data.append(data[i : i + size])
    return i + size


_Columns = tuple[
    "npt.NDArray[np.int64]",
    "npt.NDArray[np.uint8]",
    "npt.NDArray[np.uint8]",
    "npt.NDArray[np.uint8]",
]


def _decode(body: bytes, found: _Pieces) -> _Columns | list[int]:
    """Decode delta, status and data of all messages; or list the tracks with a fault."""
    low = np.frombuffer(body.translate(None, _HIGH_BYTES), np.uint8).reshape(-1, 3)
    raw = np.frombuffer(body, np.uint8)
    high = np.flatnonzero(raw.view(np.int8) < 0)
    value = raw[high]
    low_before = high - np.arange(len(high))
    message = low_before // 3
    phase = low_before - 3 * message
    is_status = phase == 1
    at = message[is_status]
    continued = message[phase == 0]
    bits = value[phase == 0] & np.uint8(0x7F)
    faulty = [message[phase == 2], at[1:][at[1:] == at[:-1]]]
    delta = low[:, 0].astype(np.int64)
    faulty.append(_add_continuations(delta, continued, bits))
    bad = np.concatenate(faulty)
    if len(bad):
        ends = np.cumsum(found.counts)
        return np.unique(np.searchsorted(ends, bad, side="right")).tolist()
    runs = np.diff(at, append=len(low))
    return delta, np.repeat(value[is_status], runs), low[:, 1], low[:, 2]


def _add_continuations(
    delta: npt.NDArray[np.int64], message: npt.NDArray[np.int64], bits: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    """Add the upper bits of the delta-times; return the messages that have too many."""
    last = message[1:] != message[:-1]
    if last.all():
        delta[message] += bits.astype(np.int64) << 7
        return message[:0]
    # Distance of each byte to the last one of its delta-time: 0 adds to bits 7 to 13 and so on.
    place = np.arange(len(message))
    ends = np.append(np.flatnonzero(last), len(message) - 1)
    place = ends[np.searchsorted(ends, place)] - place
    for shift in range(_MOST_CONTINUATIONS):
        here = place == shift
        delta[message[here]] += bits[here].astype(np.int64) << 7 * (shift + 1)
    return message[place >= _MOST_CONTINUATIONS]


def _ticks(
    delta: npt.NDArray[np.int64],
    found: _Pieces,
    counts: npt.NDArray[np.int64],
    meta_counts: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sum the delta-times of messages and other events up, each track from 0."""
    meta_delta = np.concatenate([[0], np.cumsum(np.array(found.meta_delta, np.int64))])
    tick = np.cumsum(delta)
    total = np.concatenate([[0], tick])
    after = np.array(found.meta_after, np.int64)
    meta_tick = total[after] + meta_delta[1:]
    first, first_meta = np.cumsum(counts) - counts, np.cumsum(meta_counts) - meta_counts
    origin = total[first] + meta_delta[first_meta]
    # Between two interruptions the same ticks are added, those of the interruptions before.
    edges = np.concatenate([[0], after, [len(delta)]])
    tick += np.repeat(meta_delta, np.diff(edges))
    tick -= np.repeat(origin, counts)
    return tick, meta_tick - np.repeat(origin, meta_counts)
