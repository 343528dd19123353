"""Songs out of a MIDI port, in time."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Protocol

from midikit.convert.messages import timed_messages
from midikit.errors import ConversionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from midikit.model.song import Song

__all__ = ["Port", "play"]

_CHANNELS = 16
_PEDAL, _SOUND_OFF, _NOTES_OFF = 64, 120, 123
_NOTES = frozenset(["note_on", "note_off"])
_SPEEDS = (0.05, 20.0)


class Port(Protocol):
    """What takes messages, such as an output port of mido."""

    def send(self, message: Any) -> None:
        """Send a `mido.Message` at once."""


def play(
    song: Song,
    port: Port,
    *,
    start: float = 0.0,
    speed: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Play a song to a MIDI port, and leave it silent.

    Each message is sent at its own time on the clock, so that delays do not add up. Programs,
    controls and bends before `start` are sent at once. However it ends, every note is ended, every
    pedal lifted, every bend taken back.

    Parameters
    ----------
    song : Song
        The song, with the programs and channels of `to_midi`.
    port : Port
        Where it goes, such as ``mido.open_output()``.
    start : float, optional
        Second of the song to begin at.
    speed : float, optional
        How many of its seconds pass in one, 0.05 to 20.
    sleep, clock : callable, optional
        Wait so many seconds; tell the time.

    Returns
    -------
    int
        Notes that were begun.

    Raises
    ------
    ConversionError
        If the start or the speed is no possible one, or the song cannot be written as MIDI.

    Examples
    --------
    >>> from unittest.mock import Mock
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.0, 0.01, 60, 80)])),))
    >>> play(song, Mock())
    1
    """
    if not _SPEEDS[0] <= speed <= _SPEEDS[1]:
        raise ConversionError(f"speed {speed}: expected {_SPEEDS[0]:g} to {_SPEEDS[1]:g}")
    if not 0 <= start < float("inf"):
        raise ConversionError(f"start {start}: expected a second from 0 on")
    messages = list(timed_messages(song))
    begun = 0
    try:
        began = clock()
        for seconds, message in messages:
            if seconds < start:
                if message.type not in _NOTES:
                    port.send(message)
                continue
            wait = began + (seconds - start) / speed - clock()
            if wait > 0:
                sleep(wait)
            port.send(message)
            begun += message.type == "note_on" and message.velocity > 0
    finally:
        _silence(port)
    return begun


def _silence(port: Port) -> None:
    """End whatever sounds, as far as the port still takes anything."""
    import mido  # noqa: PLC0415 - takes longer than all else here

    with contextlib.suppress(Exception):
        for channel in range(_CHANNELS):
            for control in (_PEDAL, _NOTES_OFF, _SOUND_OFF):
                port.send(mido.Message("control_change", channel=channel, control=control))
            port.send(mido.Message("pitchwheel", channel=channel))
