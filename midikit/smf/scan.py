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

from midikit.smf.stretches import Finder

if TYPE_CHECKING:
    from array import array

    import numpy.typing as npt

    from midikit.smf.stretches import Stretches

__all__ = ["Places", "Scan", "scan"]

_HIGH_BYTES = bytes(range(0x80, 0x100))
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
    places : Places
        Where in the file each message is.
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
    places: Places


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Byte offsets of messages, found when asked for.

    Parameters
    ----------
    message, low : array of int64
        First message of each stretch, and bytes below 0x80 in the file before it.
    low_before_high : ndarray of int, shape (n,)
        Bytes below 0x80 in the file before each byte that is not.
    """

    message: array[int]
    low: array[int]
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
        stretch = bisect_right(self.message, message) - 1
        low = self.low[stretch] + 3 * (message - self.message[stretch])
        return low + int(np.searchsorted(self.low_before_high, low, side="right")) + 1


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
    finder = Finder(data, spans)
    irregular: set[int] = set()
    found = finder.find(irregular)
    messages = _decode(bytes(found.body))
    if len(messages.faulty):
        faulty = np.searchsorted(np.cumsum(found.counts), messages.faulty, side="right")
        irregular.update(faulty.tolist())
        found = finder.find(irregular)
        messages = _decode(bytes(found.body))
    counts = np.array(found.counts, np.int64)
    meta_counts = np.array(found.meta_counts, np.int64)
    tick, meta_tick = _ticks(messages.delta, found, counts, meta_counts)
    after = np.array(found.meta_after, np.int64)
    first = np.cumsum(counts) - counts
    return Scan(
        sorted(irregular),
        tick,
        messages.status,
        messages.data1,
        messages.data2,
        counts,
        meta_tick,
        np.array(found.meta_offset, np.int64),
        after - np.repeat(first, meta_counts),
        np.array(found.meta_kind, np.int16),
        found.meta_data,
        meta_counts,
        found.crossings,
        Places(found.first_message, found.low_before, finder.low_before_high),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Messages:
    """The channel messages of a body in columns; `faulty` are those that cannot be decoded so."""

    delta: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]
    data1: npt.NDArray[np.uint8]
    data2: npt.NDArray[np.uint8]
    faulty: npt.NDArray[np.int64]


def _decode(body: bytes) -> _Messages:
    """Decode delta-time, status and data bytes of all messages."""
    low = np.frombuffer(body.translate(None, _HIGH_BYTES), np.uint8).reshape(-1, 3)
    raw = np.frombuffer(body, np.uint8)
    high = np.flatnonzero(raw.view(np.int8) < 0)
    value = raw[high]
    # Narrow numbers, where they hold every offset, halve the memory to go through.
    index: type[np.signedinteger[Any]] = np.int32 if len(body) < 1 << 31 else np.int64
    low_before: npt.NDArray[Any] = high.astype(index)
    low_before -= np.arange(len(high), dtype=index)
    message = low_before // 3
    phase = message * -3
    phase += low_before
    continues, is_status = np.flatnonzero(phase == 0), np.flatnonzero(phase == 1)
    at = message[is_status]
    delta = low[:, 0].astype(np.int32)
    faulty = [_add_continuations(delta, message[continues], value[continues])]
    if len(continues) + len(is_status) < len(high):
        faulty.append(message[phase == 2])
    repeated = at[1:] == at[:-1]
    if repeated.any():
        faulty.append(at[1:][repeated])
    status = value[is_status]
    if len(status) != len(low):
        status = np.repeat(status, np.diff(at, append=len(low)))
    return _Messages(delta, status, low[:, 1], low[:, 2], np.concatenate(faulty).astype(np.int64))


def _add_continuations(
    delta: npt.NDArray[np.int32], message: npt.NDArray[Any], value: npt.NDArray[np.uint8]
) -> npt.NDArray[Any]:
    """Add the upper bytes of the delta-times; return the messages that have too many."""
    bits = (value & np.uint8(0x7F)).astype(np.int32)
    for place in range(1, _MOST_CONTINUATIONS + 1):
        # The last byte left of each delta-time holds the next seven bits.
        more = np.flatnonzero(message[1:] == message[:-1])
        if len(more) == 0:
            delta[message] += bits << 7 * place
            return message[:0]
        last = np.ones(len(message), np.bool_)
        last[more] = False
        delta[message[last]] += bits[last] << 7 * place
        message, bits = message[more], bits[more]
    return message


def _ticks(
    delta: npt.NDArray[np.int32],
    found: Stretches,
    counts: npt.NDArray[np.int64],
    meta_counts: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sum the delta-times of messages and other events up, each track from 0."""
    meta_delta = np.concatenate([[0], np.cumsum(np.array(found.meta_delta, np.int64))])
    tick = np.cumsum(delta, dtype=np.int64)
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
