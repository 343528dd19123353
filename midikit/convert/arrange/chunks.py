"""What stands in each track of a .mid besides its notes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from midikit.model.events import (
    CONTROL_CHANGE,
    END_OF_TRACK,
    KEY_SIGNATURE,
    PROGRAM_CHANGE,
    TEMPO,
)
from midikit.smf.encode import Chunk, TickEvent, meta
from midikit.units import ticks_from_seconds, written_tempo

if TYPE_CHECKING:
    from midikit.model.events import Event
    from midikit.model.song import Song, Track
    from midikit.model.tempo import TempoMap

__all__ = [
    "Part",
    "TempoTicks",
    "conductor_chunk",
    "initial_changes",
    "is_valid_key",
    "left_out",
    "part_chunk",
]

_TRACK_NAME = 0x03
_CHANNEL_PREFIX = 0x20
_PORT = 0x21
_BANK_SELECT = (0, 32)
_WRITTEN_ELSEWHERE = frozenset([END_OF_TRACK, TEMPO])


@dataclass(frozen=True, slots=True, eq=False)
class TempoTicks:
    """A tempo map as it will be written.

    Parameters
    ----------
    ticks : ndarray of int64, shape (k,)
        Tick of each tempo event.
    micro : ndarray of int64, shape (k,)
        Microseconds a quarter from there on.
    starts : ndarray of float64, shape (k,)
        Second of each event as a reader computes it.
    ticks_per_quarter : int
        Resolution.
    """

    ticks: npt.NDArray[np.int64]
    micro: npt.NDArray[np.int64]
    starts: npt.NDArray[np.float64]
    ticks_per_quarter: int

    @classmethod
    def of(cls, tempo: TempoMap, ticks_per_quarter: int) -> TempoTicks:
        """Put a tempo map on ticks."""
        if tempo.is_constant:
            return _constant_tempo(float(tempo.qpm[0]), ticks_per_quarter)
        ticks, micro, starts = written_tempo(tempo.seconds, tempo.qpm, ticks_per_quarter)
        return cls(ticks, micro, starts, ticks_per_quarter)

    def at(self, seconds: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the tick nearest to each second."""
        return ticks_from_seconds(
            seconds, self.ticks, self.micro, self.starts, self.ticks_per_quarter
        )


@lru_cache(maxsize=64, typed=True)
def _constant_tempo(qpm: float, ticks_per_quarter: int) -> TempoTicks:
    """Put one tempo on ticks; songs after songs have the same."""
    ticks, micro, starts = written_tempo(np.zeros(1), np.array([qpm]), ticks_per_quarter)
    for array in (ticks, micro, starts):
        array.flags.writeable = False
    return TempoTicks(ticks, micro, starts, ticks_per_quarter)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One track of the file.

    Parameters
    ----------
    track : Track
        The track whose name, controls and events it carries.
    program : int or None
        Program it plays, None to write none.
    channel : int
        Channel 0..15.
    spilled : bool, optional
        Whether it holds only notes that overlapped in their own track: its events stay there.
    is_claimed : bool, optional
        Whether the source says the program itself, here or in another track of the channel, so
        that none is added where there is none.
    """

    track: Track
    program: int | None
    channel: int
    spilled: bool = False
    is_claimed: bool = False


def is_valid_key(data: bytes) -> bool:
    """Tell whether the payload of a key signature says a key.

    Parameters
    ----------
    data : bytes
        Sharps (negative for flats) and mode.

    Returns
    -------
    bool
        True for two bytes, -7 to 7 sharps, mode 0 or 1.

    Examples
    --------
    >>> is_valid_key(bytes([2, 0])), is_valid_key(bytes([19, 0])), is_valid_key(bytes([0, 255]))
    (True, False, False)
    """
    return len(data) == 2 and -7 <= int.from_bytes(data[:1], signed=True) <= 7 and data[1] <= 1


def conductor_chunk(song: Song, tempo: TempoTicks) -> Chunk:
    """Write the first track: title, tempo and what concerns the whole song.

    Parameters
    ----------
    song : Song
        The song.
    tempo : TempoTicks
        Its tempo as it will be written.

    Returns
    -------
    Chunk
        The track.
    """
    head = () if song.title is None else (_named(song.title),)
    events = _events(song.events, tempo)
    events += [
        TickEvent(tick, TEMPO, micro.to_bytes(3, "big"))
        for tick, micro in zip(tempo.ticks.tolist(), tempo.micro.tolist(), strict=True)
    ]
    events.sort(key=lambda event: event.tick)
    return Chunk(head=head, events=tuple(events), end_tick=_end_tick(song.events, tempo))


def part_chunk(part: Part, tempo: TempoTicks) -> Chunk:
    """Write what a track holds besides notes: name, program, controls and events.

    Parameters
    ----------
    part : Part
        The track and where it plays.
    tempo : TempoTicks
        The tempo as it will be written.

    Returns
    -------
    Chunk
        The track.
    """
    track = part.track
    # A later name among the events is not the track's own: an empty one keeps the first place.
    is_named = track.name or any(event.kind == _TRACK_NAME for event in track.events)
    head = [_named(track.name)] if is_named else []
    if track.port and all(event.kind != _PORT for event in track.events):
        head.append(meta(_PORT, bytes([track.port & 0x7F])))
    program, controls = _controls(part)
    if program is not None:
        head.append(bytes([PROGRAM_CHANGE | part.channel, program]))
    if not len(controls) and (part.spilled or not track.events):
        return Chunk(part.channel, tuple(head))
    events = [] if part.spilled else _events(track.events, tempo)
    if any(event.kind == _CHANNEL_PREFIX for event in events):
        events = [
            TickEvent(event.tick, event.kind, bytes([part.channel]))
            if event.kind == _CHANNEL_PREFIX
            else event
            for event in events
        ]
    end_tick = 0 if part.spilled else _end_tick(track.events, tempo)
    if not len(controls):
        return Chunk(part.channel, tuple(head), events=tuple(events), end_tick=end_tick)
    messages = np.empty((len(controls), 4), np.int64)
    messages[:, 0] = tempo.at(controls["seconds"])
    messages[:, 1] = controls["status"] | part.channel
    messages[:, 2] = controls["data1"]
    messages[:, 3] = controls["data2"]
    return Chunk(part.channel, tuple(head), messages, tuple(events), end_tick)


def initial_changes(track: Track, controls: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """Tell which controls choose the program that a track begins with.

    Parameters
    ----------
    track : Track
        The track.
    controls : ndarray of `CONTROL`, shape (n,)
        Its controls.

    Returns
    -------
    ndarray of bool, shape (n,)
        The program changes up to its first note; without notes, those at the instant of the first.
    """
    changes = np.asarray(controls["status"] == PROGRAM_CHANGE, bool)
    if not changes.any():
        return changes
    begin = track.notes["start"][0] if len(track.notes) else controls["seconds"][changes][0]
    return np.asarray(changes & (controls["seconds"] <= begin), bool)


def _named(name: str) -> bytes:
    """Write a name in UTF-8; a lone surrogate, which is no character, becomes U+FFFD."""
    try:
        text = name.encode()
    except UnicodeEncodeError:
        text = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return meta(_TRACK_NAME, text)


def _end_tick(events: tuple[Event, ...], tempo: TempoTicks) -> int:
    """Return where a track ends, 0 where it ends with its last event."""
    if not events:
        return 0
    ends = [event.seconds for event in events if event.kind == END_OF_TRACK]
    return int(tempo.at(ends).max(initial=0))


def _events(events: tuple[Event, ...], tempo: TempoTicks) -> list[TickEvent]:
    if not events:
        return []
    kept = [
        event
        for event in events
        if event.kind not in _WRITTEN_ELSEWHERE
        and (event.kind != KEY_SIGNATURE or is_valid_key(event.data))
    ]
    ticks = tempo.at([event.seconds for event in kept]).tolist()
    found = [
        TickEvent(tick, event.kind, event.data) for tick, event in zip(ticks, kept, strict=True)
    ]
    return sorted(found, key=lambda event: event.tick)


def _controls(part: Part) -> tuple[int | None, npt.NDArray[np.void]]:
    """Bring a track's controls in line with its program.

    Returns the program to write at tick 0, None where the controls say it already, and the
    controls to write.
    """
    track, program = part.track, part.program
    controls = track.controls
    if program is None:
        return None, controls
    if not len(controls):
        return None if part.is_claimed else program, controls
    initial = initial_changes(track, controls)
    if not initial.any():
        return None if part.is_claimed else program, controls
    claimed = int(controls["data1"][initial][-1])
    if claimed == program:
        return None, controls
    # The old program goes, wherever it is repeated; later changes to other programs stay.
    changes = controls["status"] == PROGRAM_CHANGE
    gone = initial | (changes & (controls["data1"] == claimed)) | _banks(controls, initial)
    return program, controls[~gone]


def _banks(controls: npt.NDArray[np.void], initial: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which controls select the bank of the program that a track begins with."""
    last = controls["seconds"][initial][-1]
    selects = (controls["status"] == CONTROL_CHANGE) & np.isin(controls["data1"], _BANK_SELECT)
    return np.asarray(selects & (controls["seconds"] <= last), bool)


def left_out(part: Part) -> int:
    """Count the bank selects that go with the program which a part does not play.

    Parameters
    ----------
    part : Part
        The track and where it plays.

    Returns
    -------
    int
        How many of its controls are not written for that reason.
    """
    if not len(part.track.controls):
        return 0
    selects = int(np.count_nonzero(part.track.controls["status"] == CONTROL_CHANGE))
    if not selects:
        return 0
    return selects - int(np.count_nonzero(_controls(part)[1]["status"] == CONTROL_CHANGE))
