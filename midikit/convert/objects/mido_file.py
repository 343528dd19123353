"""Songs to mido's objects and back, by way of the bytes of a .mid file.

mido holds what a file holds, tick for tick, so its objects are made of the file that `to_midi`
writes with ``programs="source", overlap="keep", short="keep"``, and read back like any other file.
A song has no place for these in a file: where it came from, its repairs and its changes.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.convert.arrange.chunks import initial_changes
from midikit.convert.arrange.naming import shown
from midikit.convert.arrange.plan import plan_midi
from midikit.convert.objects.rounding import moved_times, rounded_tempi
from midikit.errors import ConversionError
from midikit.escape import printable
from midikit.gm import is_drum
from midikit.model.events import (
    END_OF_TRACK,
    KEY_SIGNATURE,
    PROGRAM_CHANGE,
    SMPTE_OFFSET,
    TEMPO,
    TIME_SIGNATURE,
    Event,
)
from midikit.model.report import Change, counted
from midikit.parse.midi import read_midi
from midikit.smf.faults import Faults
from midikit.smf.metas import check_metas

if TYPE_CHECKING:
    from collections.abc import Iterable

    import mido

    from midikit.convert.arrange.chunks import Part
    from midikit.convert.arrange.plan import MidiPlan
    from midikit.model.song import Song, Track

__all__ = ["from_mido", "mido_losses", "to_mido"]

_MOST_BYTES = 1_000_000 - 32
"""Longest event that mido reads, less what is put around it here."""

_LATEST = 1e8
"""Seconds from which on ticks may leave int64; three years."""

_TEXTS = frozenset([0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x09])
_OF_THE_SONG = frozenset([SMPTE_OFFSET, TIME_SIGNATURE])
_WRITTEN_ELSEWHERE = frozenset([END_OF_TRACK, TEMPO])
_KNOWN = _TEXTS | _OF_THE_SONG | _WRITTEN_ELSEWHERE | {0x00, 0x20, 0x21, KEY_SIGNATURE, 0x7F}
_SEQUENCER_SPECIFIC = 0x7F
_SYSEX = 0xF0
_PORT = 0x21
_END_OF_SYSEX = b"\xf7"
_NAME = 0x03
_NOT_WHOLE = "is too long or holds half a character; written as far as it can be"
_ENVELOPE = b"\0midikit\0"
"""mido forgets the delta time of a meta event it does not know; those travel inside one it does."""


def to_mido(song: Song) -> mido.MidiFile:
    """Turn a song into a mido file.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    mido.MidiFile
        Format 1: the tempo track, then one named track an instrument. Names are text: its charset
        is UTF-8, or Latin-1 byte for byte if the song holds a text that is not UTF-8.

    Raises
    ------
    ConversionError
        If a tempo is one that a .mid cannot hold.
    LimitError
        If the format cannot hold the song.

    See Also
    --------
    mido_losses : What of the song is not in the file.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)])),))
    >>> [message.type for message in to_mido(song).tracks[1]]
    ['track_name', 'note_on', 'note_on', 'end_of_track']
    """
    import mido  # noqa: PLC0415 - only for those who ask for its objects

    held = _held(song)
    data = _plan(held).to_bytes()
    file = mido.MidiFile(file=io.BytesIO(data), charset="utf-8" if _is_utf8(held) else "latin-1")
    for track in file.tracks:
        for i, message in enumerate(track):
            if message.type == "sequencer_specific" and bytes(message.data).startswith(_ENVELOPE):
                track[i] = _opened(bytes(message.data), message.time)
    return file


def from_mido(file: mido.MidiFile) -> Song:
    """Turn a mido file into a song.

    Parameters
    ----------
    file : mido.MidiFile
        The file; it is not changed.

    Returns
    -------
    Song
        What `read_midi` makes of the bytes that mido writes, with its repairs.

    Raises
    ------
    ConversionError
        If mido cannot write the file, in its words.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)])),))
    >>> from_mido(to_mido(song))
    <Song 1 track, 1 note, 0.5 s>
    """
    return read_midi(_saved(file))


def mido_losses(song: Song) -> tuple[Change, ...]:
    """List what `to_mido` changes or cannot hold.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    tuple of Change
        Empty if ``from_mido(to_mido(song))`` has the same notes, names, programs, drums, controls,
        events and tempo map; only that a program no control of the track states is written as a
        program change, and so comes back with one.

    Raises
    ------
    ConversionError
        If a tempo is one that a .mid cannot hold.
    LimitError
        If the format cannot hold the song.

    Examples
    --------
    >>> from midikit.model.events import Event
    >>> from midikit.model.song import Song
    >>> print(*mido_losses(Song((), events=(Event(1.0, 0xF7, bytes([0xF8])),))))
    1 event left out: mido has no place for system exclusive parts
    """
    held = _held(song)
    plan = _plan(held)
    plan.to_bytes()  # raises where the format ends, as `to_mido` would
    changes = [*plan.changes, *rounded_tempi(song, plan.tempo), *moved_times(held, plan.tempo)]
    if song.title is not None and _as_utf8(song.title) != song.title:
        changes.append(Change("name", "", f"the title {_NOT_WHOLE}"))
    changes += _left_out("", song.events)
    metric = [event for event in held.events if event.kind in _OF_THE_SONG]
    if repeated := len(metric) - len(set(metric)):
        what = f"time signatures and time codes said twice ({repeated:,}) will be read once"
        changes.append(Change("event", "", what, repeated))
    if song.title is None and any(event.kind == _NAME for event in song.events):
        changes.append(Change("name", "", "a name among the events will be read as the title"))
    for track in song.tracks:
        changes += _track_losses(track)
    changes += _program_losses(plan)
    if not _is_utf8(held):
        what = "names and texts are held byte for byte as Latin-1: one of them is not UTF-8"
        changes.append(Change("charset", "", what))
    return tuple(changes)


def _plan(held: Song) -> MidiPlan:
    return plan_midi(held, programs="source", overlap="keep", short="keep", tracks="source")


def _saved(file: mido.MidiFile) -> bytes:
    """Let mido write a file; in UTF-8 where a name goes beyond the charset that was set."""
    import mido  # noqa: PLC0415 - only for those who ask for its objects

    wider = mido.MidiFile(
        type=file.type, ticks_per_beat=file.ticks_per_beat, charset="utf-8", tracks=file.tracks
    )
    buffer = io.BytesIO()
    try:
        try:
            file.save(file=buffer)
        except UnicodeEncodeError:
            buffer = io.BytesIO()
            wider.save(file=buffer)
    except Exception as error:  # noqa: BLE001 - mido lets whatever its encoders raise through
        reason = printable(error, 200) or type(error).__name__
        raise ConversionError(f"mido cannot write this file: {reason}") from None
    return buffer.getvalue()


def _held(song: Song) -> Song:
    """Take out what mido has no place for, and put what it would mistime into envelopes."""
    tracks = tuple(
        replace(track, name=_as_utf8(track.name), events=_kept(track.events))
        for track in song.tracks
    )
    title = None if song.title is None else _as_utf8(song.title)
    return replace(song, tracks=tracks, title=title, events=_kept(song.events))


def _as_utf8(name: str) -> str:
    """Return what of a name can be written: no lone surrogates, not longer than mido reads."""
    data = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")
    return data[:_MOST_BYTES].decode("utf-8", "ignore")


def _kept(events: tuple[Event, ...]) -> tuple[Event, ...]:
    return tuple(
        _enclosed(event)
        for event, reason in zip(events, _reasons(events), strict=True)
        if not reason
    )


def _enclosed(event: Event) -> Event:
    known = event.kind in _KNOWN or event.kind >= _SYSEX
    if known and not (event.kind == _SEQUENCER_SPECIFIC and event.data.startswith(_ENVELOPE)):
        return event
    return Event(event.seconds, _SEQUENCER_SPECIFIC, _ENVELOPE + bytes([event.kind]) + event.data)


def _opened(data: bytes, ticks: int) -> Any:
    """Make the message of an envelope."""
    import mido  # noqa: PLC0415 - only for those who ask for its objects

    kind, payload = data[len(_ENVELOPE)], data[len(_ENVELOPE) + 1 :]
    if kind == _SEQUENCER_SPECIFIC:
        return mido.MetaMessage("sequencer_specific", data=payload, time=ticks)
    return mido.UnknownMetaMessage(kind, payload, time=ticks)


def _is_utf8(held: Song) -> bool:
    """Whether every text can be decoded as UTF-8."""
    for events in (held.events, *(track.events for track in held.tracks)):
        for event in events:
            if event.kind in _TEXTS:
                try:
                    event.data.decode("utf-8")
                except UnicodeDecodeError:
                    return False
    return True


def _reasons(events: tuple[Event, ...]) -> list[str]:
    """Say for each event what about it has no place in mido; empty where it has one."""
    kinds = [event.kind if 0 <= event.kind < 256 else 0xFF for event in events]
    sound = np.isin(kinds, [*range(0x80), _SYSEX, 0xF7])
    checked = np.where(sound, kinds, 0x01).astype(np.int16)
    payloads = [event.data for event in events]
    places = np.zeros(len(events), np.int64)
    good = check_metas(checked, payloads, places, places, Faults())
    possible = sound & np.array(good, np.bool_)
    possible &= np.array([0 <= event.seconds < _LATEST for event in events], np.bool_)
    return [
        _reason(event, possible=bool(fits)) for event, fits in zip(events, possible, strict=True)
    ]


def _reason(event: Event, *, possible: bool) -> str:
    if event.kind in _WRITTEN_ELSEWHERE:
        return "tempo and end of track among the events"
    if event.kind == 0xF7 or (event.kind == _SYSEX and not event.data.endswith(_END_OF_SYSEX)):
        return "system exclusive parts"
    if not possible:
        return "impossible values"
    if len(event.data) > _MOST_BYTES:
        return "more than a million bytes"
    return ""


def _left_out(where: str, events: Iterable[Event]) -> list[Change]:
    """List events by what mido has no place for."""
    reasons = [reason for reason in _reasons(tuple(events)) if reason]
    return [
        Change(
            "event",
            where,
            f"{counted(reasons.count(reason), 'event')} left out: mido has no place for {reason}",
            reasons.count(reason),
        )
        for reason in dict.fromkeys(reasons)
    ]


def _track_losses(track: Track) -> list[Change]:
    """List what of one track is changed or comes back as something else."""
    name = shown(track)
    changes = _left_out(name, track.events)
    if _as_utf8(track.name) != track.name:
        changes.append(Change("name", name, f"its name {_NOT_WHOLE}"))
    if not track.name and any(event.kind == _NAME for event in track.events):
        changes.append(Change("name", name, "a name among its events will be read as its name"))
    if not track.is_drum and is_drum(track.name, track.program):
        what = "its name says drums, and so it will be read as drums"
        changes.append(Change("drums", name, what))
    if track.is_drum and _is_silent(track) and not is_drum(track.name, None):
        changes.append(
            Change("drums", name, "a drum track without notes will be read as any other")
        )
    if _port(track) != track.port:
        changes.append(Change("port", name, f"no event names its port {track.port}; left out"))
    moved = sum(event.kind in _OF_THE_SONG for event in track.events)
    if moved:
        what = f"time signatures and time codes of the track ({moved:,}) will be read as the song's"
        changes.append(Change("event", name, what, moved))
    if _is_silent(track) and not (track.name or track.events):
        changes.append(Change("track", name, "an empty track; nothing of it is written"))
    return changes


def _is_silent(track: Track) -> bool:
    """Whether no message of the track says its channel."""
    return not (len(track.notes) or len(track.controls) or track.program is not None)


def _program_losses(plan: MidiPlan) -> list[Change]:
    """List tracks that come back with another program than they claim.

    A file has programs only as program changes: a track's own, else those of its channel.
    """
    by_channel: dict[tuple[int, int], list[Part]] = {}
    for part in plan.parts:
        by_channel.setdefault((_port(part.track), part.channel), []).append(part)
    changes = []
    for part in plan.parts:
        track = part.track
        sharing = by_channel[_port(track), part.channel]
        said = {program for other in sharing for program in _programs(other.track)}
        if track.program is None and said and len(track.notes):
            what = "claims no program, but there are program changes on its channel"
            changes.append(Change("program", shown(track), what))
        elif part.is_claimed and len(said) > 1 and not _chooses(track):
            what = f"shares channel {part.channel + 1} with tracks of other programs"
            changes.append(Change("program", shown(track), what))
        elif track.program is not None and not _says_its_program(track):
            what = "program changes that contradict its program left out"
            changes.append(Change("program", shown(track), what))
    return changes


def _port(track: Track) -> int:
    """Tell the port that a reader finds: that of the first event which names one."""
    named = (event.data[0] for event in track.events if event.kind == _PORT and event.data)
    return next(named, 0)


def _programs(track: Track) -> set[int]:
    """Collect the programs that a track names."""
    controls = track.controls
    changes: set[int] = set(controls["data1"][controls["status"] == PROGRAM_CHANGE].tolist())
    return changes if track.program is None else changes | {track.program}


def _chooses(track: Track) -> bool:
    """Whether a track holds program changes up to its first note."""
    return bool(initial_changes(track, track.controls).any())


def _says_its_program(track: Track) -> bool:
    """Whether the program changes up to the first note, if any, end with the track's program."""
    initial = track.controls["data1"][initial_changes(track, track.controls)]
    return len(initial) == 0 or int(initial[-1]) == track.program
