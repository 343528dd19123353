"""Songs to pretty_midi's objects and back.

pretty_midi keeps notes in seconds, as midikit does, so notes, controls and bends cross over as they
are; its `write` puts them on ticks later, and what it loses there is listed too. The tempo map
goes into its tick scales, the only place there is: its constructor takes one tempo and nothing
public sets more. It goes there as a file will say it, in whole ticks and microseconds, so that the
object and the file agree.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.convert.objects.places import (
    LONGEST_DENOMINATOR,
    PITCH_BEND,
    as_utf8,
    held_events,
    held_tempo,
    key_data,
    key_number,
)
from midikit.errors import ConversionError, NotesError
from midikit.escape import printable
from midikit.model.events import (
    CONTROL_CHANGE,
    KEY_SIGNATURE,
    LYRIC,
    NO_CONTROLS,
    TEXT,
    TIME_SIGNATURE,
    Event,
    as_controls,
)
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap
from midikit.units import (
    qpm_from_microseconds,
    seconds_from_microseconds,
    seconds_from_ticks,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pretty_midi

    from midikit.model.notes import Notes

__all__ = ["from_pretty_midi", "to_pretty_midi"]

_BEND_CENTRE = 8192
_CLOCKS = bytes([24, 8])
# pretty_midi cuts microseconds a quarter to whole ones when it writes, never rounds.
_NUDGE = 1 + 1e-12


def to_pretty_midi(song: Song) -> pretty_midi.PrettyMIDI:
    """Turn a song into a PrettyMIDI object.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    pretty_midi.PrettyMIDI
        One instrument a track, its notes to the same seconds; resolution as in the .mid the song
        came from, else 480. Its charset is UTF-8, so that `write` can write every name.

    Raises
    ------
    ConversionError
        If a tempo is one that a .mid cannot hold.

    See Also
    --------
    pretty_midi_losses : What of the song is not in the object, or not in the file it writes.

    Examples
    --------
    >>> song = Song((Track("Koto", program=107, notes=as_notes([(0.0, 0.5, 60, 80)])),))
    >>> to_pretty_midi(song).instruments[0].notes
    [Note(start=0.000000, end=0.500000, pitch=60, velocity=80)]
    """
    import pretty_midi  # noqa: PLC0415 - only for those who ask for its objects

    tempo = held_tempo(song)
    resolution = tempo.ticks_per_quarter
    first = float(qpm_from_microseconds(float(tempo.micro[0]) * _NUDGE))
    pm = pretty_midi.PrettyMIDI(resolution=resolution, initial_tempo=first, charset="utf-8")
    if len(tempo.ticks) > 1:
        scales = seconds_from_microseconds(tempo.micro * (_NUDGE / resolution))
        pm._tick_scales = [*zip(tempo.ticks.tolist(), scales.tolist(), strict=True)]  # noqa: SLF001 - the only place for a tempo map
        pm._update_tick_to_time(int(tempo.ticks[-1]))  # noqa: SLF001 - else its times are those of the first tempo
    pm.instruments = [_instrument(track) for track in song.tracks]
    for event in held_events(song):
        _add_event(pm, event)
    return pm


def from_pretty_midi(pm: pretty_midi.PrettyMIDI) -> Song:
    """Turn a PrettyMIDI object into a song.

    Parameters
    ----------
    pm : pretty_midi.PrettyMIDI
        The object; it is not changed.

    Returns
    -------
    Song
        One track an instrument; signatures, lyrics and texts are the song's events.

    Raises
    ------
    NotesError
        If a note, control or program is out of range; the message names the instrument.
    ConversionError
        If a signature or text is one that a .mid cannot hold.

    Examples
    --------
    >>> song = Song((Track("Koto", program=107, notes=as_notes([(0.0, 0.5, 60, 80)])),))
    >>> from_pretty_midi(to_pretty_midi(song))["Koto"]
    <Track 'Koto' program 107, 1 note>
    """
    tracks = tuple(_track(index, item) for index, item in enumerate(pm.instruments))
    events = [_time_signature(item) for item in pm.time_signature_changes]
    events += [_key_signature(item) for item in pm.key_signature_changes]
    for kind, items in ((LYRIC, pm.lyrics), (TEXT, pm.text_events)):
        events += [Event(_second(item), kind, as_utf8(str(item.text)).encode()) for item in items]
    events.sort(key=lambda event: event.seconds)
    return Song(tracks, _tempo(pm), tuple(events), ticks_per_quarter=int(pm.resolution))


def _instrument(track: Track) -> pretty_midi.Instrument:
    """Make an instrument of a track."""
    import pretty_midi  # noqa: PLC0415 - only for those who ask for its objects

    instrument = pretty_midi.Instrument(track.program or 0, track.is_drum, as_utf8(track.name))
    instrument.notes = [
        pretty_midi.Note(velocity, pitch, start, end)
        for start, end, pitch, velocity in track.notes.tolist()
    ]
    for seconds, status, data1, data2 in track.controls.tolist():
        if status == CONTROL_CHANGE:
            change = pretty_midi.ControlChange(data1, data2, seconds)
            instrument.control_changes.append(change)
        elif status == PITCH_BEND:
            bend = pretty_midi.PitchBend((data2 << 7 | data1) - _BEND_CENTRE, seconds)
            instrument.pitch_bends.append(bend)
    return instrument


def _add_event(pm: pretty_midi.PrettyMIDI, event: Event) -> None:
    """Put an event that is held in its place."""
    import pretty_midi  # noqa: PLC0415 - only for those who ask for its objects

    if event.kind == TIME_SIGNATURE:
        numerator, power = event.data[:2]
        signature = pretty_midi.TimeSignature(numerator, 1 << power, event.seconds)
        pm.time_signature_changes.append(signature)
    elif event.kind == KEY_SIGNATURE:
        key = pretty_midi.KeySignature(key_number(event.data), event.seconds)
        pm.key_signature_changes.append(key)
    elif event.kind == LYRIC:
        pm.lyrics.append(pretty_midi.Lyric(event.text, event.seconds))
    else:
        pm.text_events.append(pretty_midi.Text(event.text, event.seconds))


def _track(index: int, instrument: pretty_midi.Instrument) -> Track:
    """Make a track of an instrument."""
    name = str(instrument.name or "")
    try:
        return Track(
            name,
            program=_whole("program", instrument.program),
            is_drum=bool(instrument.is_drum),
            notes=_notes(instrument.notes),
            controls=_controls(instrument),
        )
    except NotesError as error:
        raise NotesError(f"instrument {index} '{printable(name)}': {error}") from None


def _notes(notes: Sequence[pretty_midi.Note]) -> Notes:
    """Collect pretty_midi's notes in one array."""
    return as_notes(
        {
            name: np.array([getattr(note, name) for note in notes])
            for name in ("start", "end", "pitch", "velocity")
        }
    )


def _controls(instrument: pretty_midi.Instrument) -> npt.NDArray[np.void]:
    """Collect control changes and bends in one array."""
    rows = [
        (
            float(change.time),
            CONTROL_CHANGE,
            _whole("control", change.number),
            _whole("value", change.value),
        )
        for change in instrument.control_changes
    ]
    for bend in instrument.pitch_bends:
        pitch = _whole("bend", bend.pitch) + _BEND_CENTRE
        if not 0 <= pitch < 2 * _BEND_CENTRE:
            raise NotesError(f"bend is {bend.pitch}; expected -8192 to 8191")
        rows.append((float(bend.time), PITCH_BEND, pitch & 127, pitch >> 7))
    return as_controls(rows) if rows else NO_CONTROLS


def _whole(what: str, value: Any) -> int:
    """Take a whole number, whatever type it has; pretty_midi checks none."""
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        whole = -1
    if whole != value:
        raise NotesError(f"{what} is {printable(value)}; expected a whole number")
    return whole


def _second(item: Any) -> float:
    """Take the time of an event."""
    seconds = float(item.time)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ConversionError(
            f"{printable(item)}: its time is {seconds}; expected seconds, 0 or more"
        )
    return seconds


def _time_signature(item: pretty_midi.TimeSignature) -> Event:
    """Write a time signature as a file does."""
    power = int(item.denominator).bit_length() - 1
    numerator = int(item.numerator)
    if not 1 <= numerator <= 255 or item.denominator != 1 << power or power > LONGEST_DENOMINATOR:
        raise ConversionError(
            f"time signature {printable(item)}: expected 1 to 255 over a power of two up to 256"
        )
    return Event(_second(item), TIME_SIGNATURE, bytes([numerator, power]) + _CLOCKS)


def _key_signature(item: pretty_midi.KeySignature) -> Event:
    """Write a key signature as a file does."""
    number = int(item.key_number)
    if not 0 <= number < 24:
        raise ConversionError(f"key signature {number}: expected 0 to 23")
    return Event(_second(item), KEY_SIGNATURE, key_data(number))


def _tempo(pm: pretty_midi.PrettyMIDI) -> TempoMap:
    """Read the tempo map; tempi of whole microseconds a quarter give exactly their seconds."""
    seconds, qpm = pm.get_tempo_changes()
    last = np.append(np.diff(seconds) > 0, True)
    seconds, qpm = seconds[last], qpm[last]
    exact = 60e6 / qpm
    micro = np.rint(exact)
    if not (np.abs(exact - micro) <= 10 * (_NUDGE - 1) * exact).all():
        return TempoMap(seconds, qpm)
    ticks = np.array([pm.time_to_tick(second) for second in seconds.tolist()], np.int64)
    whole = micro.astype(np.int64)
    return TempoMap(
        seconds_from_ticks(ticks, ticks, whole, int(pm.resolution)), qpm_from_microseconds(whole)
    )
