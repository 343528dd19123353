"""What interrupts the stretches of channel messages in the bytes of regular tracks.

A channel message of two data bytes takes three bytes below 0x80: the last of its delta-time and the
two data bytes. So in a stretch of such messages the number of low bytes before a high byte tells
what it is, and a status of another kind that follows on 3k + 1 of them ends the stretch. Only those
are visited: meta and sysex events, which are read here one by one, and messages of one data byte,
which get a second one of 0 so that the stretch goes on.
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

__all__ = ["Finder", "Stretches"]

_MOST_CONTINUATIONS = 3
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


def _integers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class Stretches:
    """What was found in all regular tracks, track after track.

    Parameters
    ----------
    body : bytearray
        The channel messages with their delta-times, each with three bytes below 0x80.
    messages : int
        How many there are.
    counts : list of int
        How many there are in each track.
    first_message, low_before : array of int64
        Index of the first message of each stretch, and low bytes in the file before the stretch.
    meta_delta, meta_offset, meta_after : array of int64
        Delta-time of each meta or sysex event, byte offset of its status, messages before it.
    meta_kind : array of int16
        Meta type, 0xF0 or 0xF7, or `ILLEGAL_META` and the type.
    meta_data : list of bytes
        Its payload.
    meta_counts : list of int
        Meta and sysex events in each track.
    crossings : list of (int, int, int)
        Track, byte offset of the first and number of messages that use running status across a
        meta or sysex event.
    """

    body: bytearray = field(default_factory=bytearray)
    messages: int = 0
    counts: list[int] = field(default_factory=list)
    first_message: array[int] = field(default_factory=_integers)
    low_before: array[int] = field(default_factory=_integers)
    meta_delta: array[int] = field(default_factory=_integers)
    meta_offset: array[int] = field(default_factory=_integers)
    meta_after: array[int] = field(default_factory=_integers)
    meta_kind: array[int] = field(default_factory=lambda: array("h"))
    meta_data: list[bytes] = field(default_factory=list)
    meta_counts: list[int] = field(default_factory=list)
    crossings: list[tuple[int, int, int]] = field(default_factory=list)

    def cut(self, body: int, stretches: int, messages: int, metas: int) -> None:
        """Forget everything past these lengths.

        Parameters
        ----------
        body, stretches, messages, metas : int
            Bytes, stretches, messages and meta events to keep.
        """
        self.messages = messages
        del self.body[body:], self.first_message[stretches:], self.low_before[stretches:]
        for column in (self.meta_delta, self.meta_offset, self.meta_after, self.meta_kind):
            del column[metas:]
        del self.meta_data[metas:]


@dataclass(slots=True)
class _Cursor:
    """Where the reading of one track stands.

    `start` is the byte offset of an event, `low` counts the low bytes of the file before it, `mark`
    is the next candidate for an interruption. `one` tells whether the running status has one data
    byte.
    """

    start: int
    end: int
    low: int
    mark: int
    last_mark: int
    one: bool = False
    stretches: int = 0
    crossings: int = 0
    first_crossing: int = 0


class Finder:
    """Finds the stretches of the tracks of one file.

    Parameters
    ----------
    data : bytes
        The whole file.
    spans : list of (int, int)
        Byte offsets of the events of each track.

    Attributes
    ----------
    low_before_high : ndarray of int64, shape (n,)
        Bytes below 0x80 in the file before each byte that is not.
    """

    def __init__(self, data: bytes, spans: list[tuple[int, int]]) -> None:
        raw = np.frombuffer(data, np.uint8)
        high = np.flatnonzero(raw.view(np.int8) < 0)
        values = raw[high]
        marks = np.flatnonzero(values >= 0xC0)
        marks = marks[_INTERRUPTS[values[marks]]]
        at = high[marks]
        self.low_before_high: npt.NDArray[np.int64] = high - np.arange(len(high))
        self._data = data
        self._spans = spans
        self._high = high.data
        self._at = at.data
        self._low = self.low_before_high[marks].data
        bounds = np.array(spans, np.int64).reshape(-1, 2)
        starts = bounds[:, 0]
        self._low_at_start = (starts - np.searchsorted(high, starts)).tolist()
        self._marks = np.searchsorted(at, bounds).tolist()

    def find(self, irregular: set[int]) -> Stretches:
        """Collect the stretches of every regular track.

        Parameters
        ----------
        irregular : set of int
            Tracks to leave out; those that turn out to have a fault are added.

        Returns
        -------
        Stretches
            What was found; a track left out counts 0 messages and events.
        """
        found = Stretches()
        for track in range(len(self._spans)):
            lengths = len(found.body), len(found.low_before), found.messages, len(found.meta_data)
            if track not in irregular:
                try:
                    self._track(track, found)
                except _IrregularError:
                    irregular.add(track)
                    found.cut(*lengths)
            found.counts.append(found.messages - lengths[2])
            found.meta_counts.append(len(found.meta_data) - lengths[3])
        return found

    def _track(self, track: int, found: Stretches) -> None:
        """Collect one track up to its end of track."""
        data, at, lows = self._data, self._at, self._low
        cursor = _Cursor(*self._spans[track], self._low_at_start[track], *self._marks[track])
        begin, begin_at = found.messages, cursor.start
        if not _has_status(data, cursor.start, cursor.end):
            raise _IrregularError
        while True:
            # The next interruption: a status that follows on 3k + 1 low bytes.
            mark, last, start, low = cursor.mark, cursor.last_mark, cursor.start, cursor.low
            while mark < last and (at[mark] < start or (lows[mark] - low) % 3 != 1):
                mark += 1
            if mark == last or data[at[mark] - 1] > 0x7F:
                raise _IrregularError
            before = lows[mark] - low - 1
            found.first_message.append(found.messages)
            found.low_before.append(low)
            found.messages += before // 3
            cursor.mark = mark
            cursor.stretches += 1
            if cursor.stretches > _FEW and start - begin_at < _SHORT * cursor.stretches:
                raise _IrregularError
            if data[at[mark]] < 0xE0:
                self._one_data_byte(cursor, found)
            else:
                cursor.one = cursor.one and before == 0
                if self._meta_or_sysex(cursor, found, begin):
                    break
            cursor.mark += 1
            if cursor.one:
                _run_on(data, cursor, found)
        if cursor.crossings:
            found.crossings.append((track, cursor.first_crossing, cursor.crossings))

    def _one_data_byte(self, cursor: _Cursor, found: Stretches) -> None:
        """Collect the stretch up to a message of one data byte, and that with a second one of 0."""
        after = self._at[cursor.mark] + 2
        if after > cursor.end or self._data[after - 1] > 0x7F:
            raise _IrregularError
        found.body += self._data[cursor.start : after]
        found.body.append(0)
        found.messages += 1
        cursor.start, cursor.low, cursor.one = after, self._low[cursor.mark] + 1, True

    def _meta_or_sysex(self, cursor: _Cursor, found: Stretches, begin: int) -> bool:
        """Collect the stretch up to meta and sysex events, and those; tell whether it was the end.

        `begin` is the number of messages of all tracks before.
        """
        data, i = self._data, self._at[cursor.mark]
        stop = i - 1
        while stop > cursor.start and data[stop - 1] > 0x7F:
            stop -= 1
        found.body += data[cursor.start : stop]
        after = _interruptions(data, stop, i, cursor.end, found)
        if found.meta_kind[-1] == END_OF_TRACK:
            if after != cursor.end:
                raise _IrregularError
            return True
        if data[i + 1 : after].isascii():
            cursor.low = self._low[cursor.mark] + after - i - 1
        else:
            cursor.low = after - bisect_left(self._high, after)
        cursor.start = after
        if not _has_status(data, after, cursor.end):
            if found.messages == begin:
                raise _IrregularError
            if not cursor.crossings:
                cursor.first_crossing = _behind_number(data, after, cursor.end)
            cursor.crossings += 1
        return False


def _behind_number(data: bytes, i: int, end: int) -> int:
    """Return the offset behind the variable-length number at `i`."""
    while i < end and data[i] > 0x7F:
        i += 1
    return i + 1


def _has_status(data: bytes, i: int, end: int) -> bool:
    """Whether the event at `i` has a status byte; an event cut off counts as if it had."""
    i = _behind_number(data, i, end)
    return i >= end or data[i] > 0x7F


def _run_on(data: bytes, cursor: _Cursor, found: Stretches) -> None:
    """Collect messages that run on under a status with one data byte."""
    while True:
        i = _behind_number(data, cursor.start, cursor.end)
        if i >= cursor.end:
            raise _IrregularError
        if data[i] > 0x7F:
            return
        found.body += data[cursor.start : i + 1]
        found.body.append(0)
        found.first_message.append(found.messages)
        found.low_before.append(cursor.low)
        found.messages += 1
        cursor.start = i + 1
        cursor.low += 2


def _interruptions(  # noqa: C901 - one loop over the grammar; calls would cost more than it
    data: bytes, start: int, i: int, end: int, found: Stretches
) -> int:
    """Collect the meta or sysex event whose delta-time is at `start` and status at `i`.

    Others that follow on it at once are collected too. Returns the offset behind the last.
    """
    while True:
        if i - start > _MOST_CONTINUATIONS + 1:
            raise _IrregularError
        delta = 0
        for byte in data[start:i]:
            delta = delta << 7 | byte & 0x7F
        kind, begin = data[i], i + 1
        if kind == 0xFF:
            begin += 1
            if begin >= end:
                raise _IrregularError
            kind = data[i + 1] if data[i + 1] < 0x80 else ILLEGAL_META + data[i + 1]
        elif kind not in _SYSEX:
            raise _IrregularError
        size, first = 0, begin
        while True:
            if begin >= end or begin - first > _MOST_CONTINUATIONS:
                raise _IrregularError
            byte = data[begin]
            begin += 1
            size = size << 7 | byte & 0x7F
            if byte < 0x80:
                break
        after = begin + size
        if after > end:
            raise _IrregularError
        found.meta_delta.append(delta)
        found.meta_offset.append(i)
        found.meta_after.append(found.messages)
        found.meta_kind.append(kind)
        found.meta_data.append(data[begin:after])
        i = after + 1
        if kind == END_OF_TRACK or i >= end or data[after] > 0x7F or data[i] < 0xF0:
            return after
        start = after
