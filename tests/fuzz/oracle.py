"""A small scanner of .mid files in plain Python, written for the tests alone.

It answers one question: which notes can still be recovered from these bytes? It follows the rules
that midikit promises (notes before damage are kept, running status survives meta events, data bytes
over 127 are clipped, equal pitches pair first in, first out, hanging notes end with their track)
and shares no code with it. It believes every chunk length; a file whose lengths lie is told apart,
as there is more than one way to read it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NotMidiError", "Scanned", "scan"]

Note: TypeAlias = tuple[int, float, float, int]
"""Pitch, start and end in seconds, velocity."""

_Ticks: TypeAlias = tuple[int, int, int, int]
"""The same with ticks."""

_Tempo: TypeAlias = tuple[int, int]
"""Tick and microseconds a quarter."""

_META = 0x100
_TEMPO, _END = _META + 0x51, _META + 0x2F
_RATES = {24: 24.0, 25: 25.0, 29: 30_000 / 1_001, 30: 30.0}


class NotMidiError(ValueError):
    """There is no header in these bytes."""


@dataclass(slots=True)
class Scanned:
    """What was recovered.

    `parts` are the notes of each MTrk and channel that has any, in that order; `lies` whether a
    length, tag or the wrapper is not what it should be; `faults` whether an event is not.
    """

    parts: dict[tuple[int, int], list[Note]] = field(default_factory=dict)
    lies: bool = False
    faults: bool = False


def scan(data: bytes) -> Scanned:
    """Recover the notes of a .mid file."""
    found = Scanned()
    at, stop = _locate(data, found)
    if stop - at < 14:
        raise NotMidiError
    size = int.from_bytes(data[at + 4 : at + 8])
    division = int.from_bytes(data[at + 12 : at + 14])
    i = at + 8 + size
    found.lies |= size < 6 or (size > 6 and data[i : i + 4] != b"MTrk")
    parts: dict[tuple[int, int], list[_Ticks]] = {}
    tempi: list[_Tempo] = []
    mtrk = 0
    while i + 8 <= stop:
        tag, size = data[i : i + 4], int.from_bytes(data[i + 4 : i + 8])
        begin, i = i + 8, i + 8 + size
        found.lies |= tag == b"MThd" or not all(32 <= code < 127 for code in tag)
        if i > stop:
            # What reaches past the end is cut there; what comes after it may be another track.
            found.faults = True
            found.lies |= tag != b"MTrk" or b"MTrk" in data[begin:stop]
        if tag == b"MTrk":
            track = _Track(data, begin, min(i, stop))
            found.faults |= _read_track(track, mtrk, parts, tempi) | track.has_faults
            # Where it does not end where it says, it may be longer, or hold the next track.
            is_whole = track.is_over and track.at == i
            found.lies |= not is_whole and data[i : min(i + 4, stop)] not in {b"MTrk", b""}
            found.lies |= not is_whole and track.is_over and data[track.at :][:4] == b"MTrk"
            mtrk += 1
    found.faults |= i != stop
    clock = _Clock(division, tempi)
    for key in sorted(parts):
        found.parts[key] = [(p, clock.at(s), clock.at(e), v) for p, s, e, v in parts[key]]
    return found


def _locate(data: bytes, found: Scanned) -> tuple[int, int]:
    """Find where MThd is and where its file ends."""
    if data[:4] == b"RIFF":
        i = 12
        while data[8:12] == b"RMID" and i + 8 <= len(data):
            size = int.from_bytes(data[i + 4 : i + 8], "little")
            if data[i : i + 4] == b"data" and data[i + 8 : i + 12] == b"MThd":
                return i + 8, min(i + 8 + size, len(data))
            i += 8 + size + size % 2
        raise NotMidiError
    at = data.find(b"MThd", 0, 132)
    if at < 0:
        raise NotMidiError
    found.faults = at > 0
    return at, len(data)


def _read_track(
    track: _Track, mtrk: int, parts: dict[tuple[int, int], list[_Ticks]], tempi: list[_Tempo]
) -> bool:
    """Recover the notes of one MTrk and its tempo events; return whether one has no other half."""
    sounding: dict[tuple[int, int], list[tuple[int, int]]] = {}
    lonely = False
    for kind, values in track.events():
        if kind == _TEMPO and len(values) == 3:
            tempi.append((track.tick, int.from_bytes(values) or 500_000))
        if kind >= 0xA0:
            continue
        waiting = sounding.setdefault((kind & 15, values[0]), [])
        if kind >= 0x90 and values[1]:
            waiting.append((track.tick, values[1]))
        elif waiting:
            start, velocity = waiting.pop(0)
            part = parts.setdefault((mtrk, kind & 15), [])
            part.append((values[0], start, track.tick, velocity))
        else:
            lonely = True
    for (channel, pitch), waiting in sounding.items():
        for start, velocity in waiting:
            lonely = True
            parts.setdefault((mtrk, channel), []).append((pitch, start, track.tick, velocity))
    return lonely


class _EndOfTrackError(Exception):
    """The track cannot be read further."""


class _Track:
    """One MTrk, event by event, as far as it can be read: up to `at`, and `tick`."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end
        self.tick = self.running = 0
        self.is_over = self.has_faults = False

    def events(self) -> Iterator[tuple[int, bytes]]:
        """Give status and data bytes of each channel message, `_META` + type and payload of metas.

        The status of a system exclusive event has no payload.
        """
        while self.at < self.end and not self.is_over:
            try:
                delta, i = self._number(self.at)
                kind, values, self.at = self._event(i)
            except _EndOfTrackError:
                self.has_faults = True
                return
            self.tick += delta
            self.is_over = kind == _END
            yield kind, values
        self.has_faults |= not self.is_over or self.at < self.end

    def _event(self, i: int) -> tuple[int, bytes, int]:
        """Read the event behind a delta-time; return where it ends as well."""
        status = self._byte(i)
        if status == 0xFF:
            size, begin = self._number(i + 2)
            return _META + self._byte(i + 1), self._bytes(begin, size), begin + size
        if status in {0xF0, 0xF7}:
            size, begin = self._number(i + 1)
            self._bytes(begin, size)
            return status, b"", begin + size
        if status > 0xF0 or (status < 0x80 and not self.running):
            raise _EndOfTrackError
        if status >= 0x80:
            self.running, i = status, i + 1
        size = 1 if self.running >> 4 in {0xC, 0xD} else 2
        values = self._bytes(i, size)
        self.has_faults |= max(values) > 127
        return self.running, bytes(min(value, 127) for value in values), i + size

    def _byte(self, i: int) -> int:
        return self._bytes(i, 1)[0]

    def _bytes(self, i: int, size: int) -> bytes:
        if i + size > self.end:
            raise _EndOfTrackError
        return self.data[i : i + size]

    def _number(self, i: int) -> tuple[int, int]:
        """Read a variable-length number of at most four bytes."""
        value = 0
        for at in range(i, i + 4):
            value = value << 7 | self._byte(at) & 0x7F
            if self.data[at] < 0x80:
                return value, at + 1
        raise _EndOfTrackError


class _Clock:
    """Ticks to seconds by the tempo events of all tracks."""

    def __init__(self, division: int, tempi: list[_Tempo]) -> None:
        self.frames = 0.0
        self.division = division
        if division >= 0x8000:
            self.frames = _RATES.get(256 - (division >> 8), 0.0) * (division & 0xFF)
            self.division = 480
        self.division = self.division or 480
        micro = {0: 500_000}
        micro.update(sorted(tempi, key=itemgetter(0)))
        self.ticks, self.micro = list(micro), list(micro.values())
        self.seconds = [0.0]
        for row in range(1, len(self.ticks)):
            length = self.ticks[row] - self.ticks[row - 1]
            self.seconds.append(
                self.seconds[-1] + length * self.micro[row - 1] / (1e6 * self.division)
            )

    def at(self, tick: int) -> float:
        """Return the second of a tick."""
        if self.frames:
            return tick / self.frames
        row = bisect_right(self.ticks, tick) - 1
        length = tick - self.ticks[row]
        return self.seconds[row] + length * self.micro[row] / (1e6 * self.division)
