"""What a PrettyMIDI object has a place for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from midikit.convert.arrange.chunks import TempoTicks, is_valid_key
from midikit.model.events import CONTROL_CHANGE, KEY_SIGNATURE, LYRIC, TEXT, TIME_SIGNATURE
from midikit.model.tempo import TempoMap
from midikit.units import DEFAULT_TICKS_PER_QUARTER, check_tempo

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from midikit.model.events import Event
    from midikit.model.song import Song, Track

__all__ = [
    "as_utf8",
    "held_controls",
    "held_events",
    "held_tempo",
    "is_held",
    "key_data",
    "key_number",
    "near_tempo",
]

MOST_TICKS = 10_000_000
"""Ticks from which on pretty_midi refuses a file, or to tell the time of a tick."""

PITCH_BEND = 0xE0
LONGEST_DENOMINATOR = 8
# Sharps (negative: flats) of pretty_midi's 24 keys, as its write spells them.
_SHARPS = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5, -3, 4, -1, 6, 1, -4, 3, -2, 5, 0, -5, 2)


def near_tempo(song: Song) -> TempoMap:
    """Take the tempi that pretty_midi can tell the time of: up to about `MOST_TICKS`.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    TempoMap
        The song's, or the first part of it.
    """
    most = (MOST_TICKS - 1) / (song.ticks_per_quarter or DEFAULT_TICKS_PER_QUARTER)
    near = song.tempo.quarters < most
    return song.tempo if near.all() else TempoMap(song.tempo.seconds[near], song.tempo.qpm[near])


def held_tempo(song: Song) -> TempoTicks:
    """Put a song's tempo map on ticks as the object will hold it.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    TempoTicks
        Those of `near_tempo`.

    Raises
    ------
    ConversionError
        If a tempo is one that a .mid cannot hold.
    """
    tempo = near_tempo(song)
    check_tempo(tempo.qpm)
    return TempoTicks.of(tempo, song.ticks_per_quarter or DEFAULT_TICKS_PER_QUARTER)


def held_events(song: Song) -> list[Event]:
    """List the events pretty_midi has a place for, of the song and of its tracks.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    list of Event
        By time.
    """
    everything = [*song.events, *(event for track in song.tracks for event in track.events)]
    return sorted((event for event in everything if is_held(event)), key=_when)


def is_held(event: Event) -> bool:
    """Tell whether pretty_midi has a place for an event.

    Parameters
    ----------
    event : Event
        The event.

    Returns
    -------
    bool
        True for texts, lyrics, and possible time and key signatures at a possible time.
    """
    if not 0 <= event.seconds < math.inf:
        return False
    if event.kind == TIME_SIGNATURE:
        data = event.data
        return len(data) >= 2 and data[0] > 0 and data[1] <= LONGEST_DENOMINATOR
    if event.kind == KEY_SIGNATURE:
        return is_valid_key(event.data)
    return event.kind in {TEXT, LYRIC}


def key_number(data: bytes) -> int:
    """Give a key the number it has in pretty_midi, which has one spelling for each.

    Parameters
    ----------
    data : bytes
        Sharps (negative for flats) and mode of a valid key signature.

    Returns
    -------
    int
        0..11 for C to B major, 12..23 for C to B minor.

    Examples
    --------
    >>> key_number(bytes([2, 0])), key_number(bytes([0, 1]))
    (2, 21)
    """
    sharps, minor = int.from_bytes(data[:1], signed=True), data[1]
    return (7 * sharps + 9 * minor) % 12 + 12 * minor


def key_data(number: int) -> bytes:
    """Spell a key of pretty_midi as a file does.

    Parameters
    ----------
    number : int
        0..23.

    Returns
    -------
    bytes
        Sharps and mode.

    Examples
    --------
    >>> key_data(2).hex(" "), key_data(21).hex(" ")
    ('02 00', '00 01')
    """
    return _SHARPS[number].to_bytes(1, signed=True) + bytes([number >= 12])


def as_utf8(text: str) -> str:
    """Return what of a text can be written: a lone surrogate becomes U+FFFD.

    Parameters
    ----------
    text : str
        A name or text.

    Returns
    -------
    str
        The same, but for lone surrogates.
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def held_controls(track: Track) -> npt.NDArray[np.void]:
    """Take the controls that pretty_midi has a place for.

    Parameters
    ----------
    track : Track
        A track.

    Returns
    -------
    ndarray of `CONTROL`
        Control changes and bends in their order.
    """
    status = track.controls["status"]
    kept: npt.NDArray[np.void] = track.controls[(status == CONTROL_CHANGE) | (status == PITCH_BEND)]
    return kept


def _when(event: Event) -> float:
    return event.seconds
