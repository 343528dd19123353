"""Whole tracks at once: the fast reading of regular files.

`midikit.smf.stretches` takes the meta and sysex events out and leaves one run of channel messages,
three bytes below 0x80 each. Numpy decodes that without looking at any byte by itself: a high byte
after 3k low bytes continues a delta-time, after 3k + 1 it is a status, and after 3k + 2 a fault.

A track with any fault is handed back unread: `midikit.smf.walk` is the reading that tolerates them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.smf.stretches import find_stretches

if TYPE_CHECKING:
    from array import array

    import numpy.typing as npt

    from midikit.smf.stretches import Stretches

__all__ = ["Places", "Scan", "scan"]

_MOST_CONTINUATIONS = 3


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
    counts : list of int
        Channel messages in each track.
    meta_tick, meta_offset, meta_before : list of int
        Tick of each meta or sysex event within its track, byte offset of its status, channel
        messages of its track before it.
    meta_kind : list of int
        Meta type, 0xF0 or 0xF7, or `ILLEGAL_META` and the type.
    meta_data : list of bytes
        Payloads.
    meta_counts : list of int
        Meta and sysex events in each track, its end not counted.
    last_tick : list of int
        Tick of the end of each track, 0 for one that was not read.
    crossings : list of (int, int, int)
        Track, byte offset of the first and number of messages that use running status across a
        meta or sysex event.
    places : Places
        Where in the file each message is.
    """

    irregular: list[int]
    tick: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    data1: npt.NDArray[np.uint8]
    data2: npt.NDArray[np.uint8]
    counts: list[int]
    meta_tick: list[int]
    meta_offset: list[int]
    meta_before: list[int]
    meta_kind: list[int]
    meta_data: list[bytes]
    meta_counts: list[int]
    last_tick: list[int]
    crossings: list[tuple[int, int, int]]
    places: Places


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Byte offsets of messages, found when asked for.

    Parameters
    ----------
    first, start : array of int
        Index of the first message of each stretch, and its byte offset.
    low_before_high : ndarray of int, shape (n,)
        Bytes below 0x80 in the messages before each byte that is not.
    """

    first: array[int]
    start: array[int]
    low_before_high: npt.NDArray[np.integer[Any]]

    def offset(self, message: int) -> int:
        """Find one message.

        Parameters
        ----------
        message : int
            Index among all messages of the scan.

        Returns
        -------
        int
            Byte offset of its status, or of its first data byte under running status.
        """
        stretch = bisect_right(self.first, message) - 1
        low, first = 3 * message, 3 * self.first[stretch]
        # High bytes from the start of the stretch to the last of the message's delta-time.
        high = self.low_before_high.searchsorted(low, side="right")
        high -= self.low_before_high.searchsorted(first)
        return self.start[stretch] + low - first + int(high) + 1


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
    irregular: set[int] = set()
    found = find_stretches(data, spans, irregular)
    messages = _decode(found)
    if any(map(len, messages.faulty)):
        rows = np.concatenate(messages.faulty)
        faulty = np.searchsorted(np.cumsum(found.counts), rows, side="right")
        irregular.update(faulty.tolist())
        found = find_stretches(data, spans, irregular)
        messages = _decode(found)
    tick, meta_tick, last_tick = _ticks(messages.delta, found)
    return Scan(
        sorted(irregular),
        tick,
        messages.status,
        messages.data1,
        messages.data2,
        found.counts,
        meta_tick,
        found.meta_offset,
        found.meta_before,
        found.meta_kind,
        found.meta_data,
        found.meta_counts,
        last_tick,
        found.crossings,
        Places(found.first, found.start, messages.low_before_high),
    )


@dataclass(slots=True, eq=False)
class _Messages:
    """The channel messages of a body in columns; `faulty` are those that cannot be decoded so.

    The delta-times have one row more, for the ticks of no message.
    """

    delta: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    data1: npt.NDArray[np.uint8]
    data2: npt.NDArray[np.uint8]
    low_before_high: npt.NDArray[Any]
    faulty: list[npt.NDArray[Any]]


def _decode(found: Stretches) -> _Messages:
    """Decode delta-time, status and data bytes of all messages."""
    low = np.frombuffer(b"".join(found.low), np.uint8).reshape(-1, 3)
    raw = np.frombuffer(b"".join(found.body), np.uint8)
    high = (raw >= 0x80).nonzero()[0]
    value = raw[high]
    # In narrow numbers, where they hold every offset.
    index: type[np.signedinteger[Any]] = np.int32 if len(raw) < 1 << 31 else np.int64
    low_before: npt.NDArray[Any] = high.astype(index)
    low_before -= np.arange(len(high), dtype=index)
    message = low_before // 3
    phase = low_before - message * 3
    is_status, continues = (phase == 1).nonzero()[0], (phase == 0).nonzero()[0]
    delta = np.zeros(len(low) + 1, np.int64)
    delta[:-1] = low[:, 0]
    faulty = [_add_continuations(delta, message[continues], value[continues])]
    if len(is_status) + len(continues) < len(high):
        faulty.append(message[phase == 2])
    status = value[is_status]
    at = np.empty(len(status) + 1, np.intp)
    at[:-1], at[-1] = message[is_status], len(low)
    holds = at[1:] - at[:-1]
    if not holds.all():
        faulty.append(at[1:][holds == 0])
    if len(status) < len(low):
        # Running status: each holds up to the next.
        status = status.repeat(holds)
    return _Messages(delta, status, low[:, 1], low[:, 2], low_before, faulty)


def _add_continuations(
    delta: npt.NDArray[np.int64], message: npt.NDArray[Any], value: npt.NDArray[np.uint8]
) -> npt.NDArray[Any]:
    """Add the upper bytes of the delta-times; return the messages that have too many."""
    bits = (value & 0x7F).astype(np.int64)
    bits <<= 7
    rows: npt.NDArray[np.intp] = np.empty(0, np.intp)
    for distance in range(1, _MOST_CONTINUATIONS + 1):
        # Each byte counts seven bits more for every other one that comes after it.
        rows = (message[distance:] == message[:-distance]).nonzero()[0]
        if len(rows) == 0:
            break
        bits[rows] <<= 7
    np.add.at(delta, message, bits)
    faulty: npt.NDArray[Any] = message[rows]
    return faulty


def _ticks(
    delta: npt.NDArray[np.int64], found: Stretches
) -> tuple[npt.NDArray[np.int64], list[int], list[int]]:
    """Sum the delta-times up, each track from 0: ticks of messages, other events and ends."""
    if found.late:
        delta[found.late] += found.late_by
    # The first message of a track takes the ticks of the track before back.
    firsts, first = [], 0
    for count in found.counts:
        if count:
            firsts.append(first)
            first += count
    if len(firsts) > 1:
        delta[firsts[1:]] -= np.add.reduceat(delta, firsts)[:-1]
    tick = delta.cumsum()
    tick[-1] = 0
    last = np.array(found.meta_last + found.end_last, np.intp)
    since = np.array(found.meta_since + found.end_since, np.int64)
    ticks = (tick[last] + since).tolist()
    metas = len(found.meta_last)
    return tick[:-1], ticks[:metas], ticks[metas:]
