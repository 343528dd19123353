"""The hosted .mid files of the demo songs, with the faults that real ones have.

The notes of a file are those of the answer to within a tick's rounding; everything around them is
as wrong as it is in the field. The bytes are put together here, because `midikit.convert` never
writes such things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.sandbox.chance import drawn, mixed, seeded
from midikit.units import seconds_from_ticks, ticks_from_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.sandbox.songs import DemoSong

__all__ = ["DEFECTS", "Defects", "hosted_midi"]

_NAME = 0x03
_TEMPO = 0x51
_TIME_SIGNATURE = 0x58
_KEY_SIGNATURE = 0x59
_VOLUME = 7


@dataclass(frozen=True, slots=True)
class Defects:
    """What is wrong with a hosted file.

    Parameters
    ----------
    claimed_qpm : float or None, optional
        The one tempo claimed, whatever the music's is; None for a jittering tempo event a beat.
    missed : tuple of int, optional
        Beats that the tempo events miss, so that half the tempo is claimed there.
    ticks_per_quarter : int, optional
        Resolution.
    program : int, optional
        Program byte of every melodic track, all of them on channel 1 of 16.
    drum_channel : int, optional
        Channel byte of the drums: 9 is the right one.
    drum_program : int or None, optional
        Program byte of the drums, None for no program change.
    keys : tuple of (int, int), optional
        Sharps and mode byte of the key signatures.
    volume : bool, optional
        Whether each track ends with its only control change, CC7 = 100.
    running : bool, optional
        Whether running status is used, with note-ons of velocity 0 for note-offs.

    Examples
    --------
    >>> Defects().claimed_qpm
    120.0
    """

    claimed_qpm: float | None = 120.0
    missed: tuple[int, ...] = ()
    ticks_per_quarter: int = 96
    program: int = 1
    drum_channel: int = 0
    drum_program: int | None = None
    keys: tuple[tuple[int, int], ...] = ()
    volume: bool = False
    running: bool = True


DEFECTS: Mapping[str, Defects] = {
    "Late Train Home": Defects(keys=((11, 0),), volume=True),
    "Harbour Lights": Defects(
        claimed_qpm=None,
        missed=(37, 82, 119, 150),
        ticks_per_quarter=480,
        drum_channel=9,
        drum_program=118,
        running=False,
    ),
    "Valse de l'écluse": Defects(keys=((16, 255),)),
    "Corner Table Blues": Defects(
        claimed_qpm=133.0,
        ticks_per_quarter=480,
        program=0,
        drum_channel=9,
        drum_program=118,
        volume=True,
        running=False,
    ),
    "Neon Arcade": Defects(
        claimed_qpm=None,
        missed=(21, 90, 133, 201, 255),
        ticks_per_quarter=480,
        keys=((19, 0), (11, 1)),
        volume=True,
    ),
    "Greensleeves": Defects(keys=((0, 255),)),
}
"""What is wrong with the file of each demo song, by title."""


def hosted_midi(song: DemoSong) -> bytes:
    """Write the hosted file of a demo song.

    Parameters
    ----------
    song : DemoSong
        The song.

    Returns
    -------
    bytes
        A format 1 file with a conductor track and a track for each instrument. Any reader that
        pairs notes of one pitch first in, first out finds the answer's notes within 2.7 ms.

    Examples
    --------
    >>> from midikit.sandbox.songs import demo_songs
    >>> hosted_midi(demo_songs()[0])[:4]
    b'MThd'
    """
    defects = DEFECTS.get(song.title, Defects())
    tempo = _tempo(song, defects)
    tracks = [_conductor(song.title, defects, tempo)]
    for (name, notes), is_drum in zip(song.instruments, song.drums, strict=True):
        tracks.append(_track(name, notes, is_drum=is_drum, defects=defects, tempo=tempo))
    header = b"".join(n.to_bytes(2, "big") for n in (1, len(tracks), defects.ticks_per_quarter))
    return b"MThd" + len(header).to_bytes(4, "big") + header + b"".join(tracks)


@dataclass(frozen=True, slots=True)
class _Tempo:
    """Tempo events: tick and microseconds a quarter."""

    ticks: npt.NDArray[np.int64]
    micro: npt.NDArray[np.int64]
    ticks_per_quarter: int

    def at(self, seconds: npt.NDArray[np.float64]) -> list[int]:
        """Give the tick nearest to each second."""
        starts = seconds_from_ticks(self.ticks, self.ticks, self.micro, self.ticks_per_quarter)
        ticks = ticks_from_seconds(seconds, self.ticks, self.micro, starts, self.ticks_per_quarter)
        found: list[int] = ticks.tolist()
        return found


def _tempo(song: DemoSong, defects: Defects) -> _Tempo:
    """Claim one tempo, or one a beat: beats heard up to 0.25 % of a beat off, some not at all."""
    division = defects.ticks_per_quarter
    if defects.claimed_qpm is not None:
        micro = np.array([round(60e6 / defects.claimed_qpm)], np.int64)
        return _Tempo(np.zeros(1, np.int64), micro, division)
    step = 60.0 / song.bpm / 400.0
    jitter = drawn(mixed(seeded(np.arange(len(song.beats)))), 1000) / 1000.0 * step
    heard = np.delete(song.beats + jitter, defects.missed)
    marks = np.rint(np.concatenate([[0.0], heard]) * 1e6).astype(np.int64)
    micro = marks[1:] - marks[:-1]
    return _Tempo(np.arange(len(micro)) * division, micro, division)


def _conductor(title: str, defects: Defects, tempo: _Tempo) -> bytes:
    """Write the first track: title, tempo, signatures."""
    events = [(0, _meta(_NAME, title.encode()))]
    events += [
        (tick, _meta(_TEMPO, micro.to_bytes(3, "big")))
        for tick, micro in zip(tempo.ticks.tolist(), tempo.micro.tolist(), strict=True)
    ]
    events += [
        (0, _meta(_KEY_SIGNATURE, sharps.to_bytes(1, "big") + mode.to_bytes(1, "big")))
        for sharps, mode in defects.keys
    ]
    if defects.ticks_per_quarter == 480:
        events.append((0, _meta(_TIME_SIGNATURE, bytes([4, 2, 24, 8]))))
    events.sort(key=lambda event: event[0])
    return _chunk(events)


def _track(name: str, notes: Notes, *, is_drum: bool, defects: Defects, tempo: _Tempo) -> bytes:
    """Write the track of an instrument."""
    channel = defects.drum_channel if is_drum else 0
    program = defects.drum_program if is_drum else defects.program
    on, control, change = (status | channel for status in (0x90, 0xB0, 0xC0))
    off, release = (on, 0) if defects.running else (0x80 | channel, 64)
    events = [(0, _meta(_NAME, name.encode()))]
    if program is not None:
        events.append((0, bytes([change, program])))
    pitches, velocities = notes["pitch"].tolist(), notes["velocity"].tolist()
    rows = [
        (tick, 1, bytes([on, pitch, velocity]))
        for tick, pitch, velocity in zip(tempo.at(notes["start"]), pitches, velocities, strict=True)
    ]
    rows += [
        (tick, 0, bytes([off, pitch, release]))
        for tick, pitch in zip(tempo.at(notes["end"]), pitches, strict=True)
    ]
    # Where a note ends and the same pitch begins again, the end comes first.
    rows.sort(key=lambda row: row[:2])
    events += [(tick, message) for tick, _, message in rows]
    if defects.volume:
        events.append((events[-1][0], bytes([control, _VOLUME, 100])))
    return _chunk(events, running=defects.running)


def _meta(kind: int, data: bytes) -> bytes:
    """Write a meta event."""
    return bytes([0xFF, kind]) + _quantity(len(data)) + data


def _quantity(value: int) -> bytes:
    """Write a variable-length quantity."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def _chunk(events: list[tuple[int, bytes]], *, running: bool = False) -> bytes:
    """Write a track chunk of (tick, message) in order, and its end."""
    body = bytearray()
    now = status = 0
    for tick, message in [*events, (events[-1][0], _meta(0x2F, b""))]:
        body += _quantity(tick - now)
        body += message[1:] if running and message[0] == status else message
        now, status = tick, message[0] if message[0] < 0xF0 else 0
    return b"MTrk" + len(body).to_bytes(4, "big") + bytes(body)
