"""What a PrettyMIDI object cannot hold of a song, and what its `write` will lose."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.arrange.naming import shown
from midikit.convert.arrange.overlap import NoteTable, overlapping
from midikit.convert.objects.places import (
    MOST_TICKS,
    PITCH_BEND,
    as_utf8,
    held_controls,
    held_events,
    held_tempo,
    is_held,
    key_data,
    key_number,
    near_tempo,
)
from midikit.convert.objects.rounding import moved_times, rounded_tempi
from midikit.model.events import KEY_SIGNATURE, LYRIC, MARKER, SMPTE_OFFSET, TEXT, TIME_SIGNATURE
from midikit.model.report import Change, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.convert.arrange.chunks import TempoTicks
    from midikit.model.events import Event
    from midikit.model.song import Song, Track

__all__ = ["pretty_midi_losses"]

_WRITTEN = "in a file that pretty_midi writes"
_NO_PLACE = "left out, for which pretty_midi has no place"
_RANK = {TIME_SIGNATURE: 0, KEY_SIGNATURE: 1, LYRIC: 2, TEXT: 3}
_NOUNS = {
    0x02: "copyright notice",
    0x03: "name",
    0x04: "instrument name",
    MARKER: "marker",
    0x07: "cue",
    0x08: "program name",
    0x09: "device name",
    0x20: "channel prefix",
    0x21: "port number",
    SMPTE_OFFSET: "time code",
    TIME_SIGNATURE: "impossible time signature",
    KEY_SIGNATURE: "impossible key signature",
    0x7F: "sequencer's own event",
    0xF0: "system exclusive message",
    0xF7: "system exclusive message",
}
_MOST_BYTES = 1_000_000
_CLOCKS = bytes([24, 8])
_CHANNELS = 15  # all but that of the drums
_PRESSURE, _PROGRAM_CHANGE, _CHANNEL_PRESSURE = 0xA0, 0xC0, 0xD0


def pretty_midi_losses(song: Song) -> tuple[Change, ...]:
    """List what `to_pretty_midi` changes or cannot hold, and what the object's `write` loses.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    tuple of Change
        Those of the second sort say "in a file that pretty_midi writes". Without the first sort
        ``from_pretty_midi(to_pretty_midi(song))`` has the same notes, names, programs, drums,
        controls, events and tempo map; only that a program change that says the track's program
        before its first note becomes the instrument's program.

    Raises
    ------
    ConversionError
        If a tempo is one that a .mid cannot hold.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Track("Koto", program=107, notes=as_notes([(0.0, 2.0, 60, 80), (1.0, 2.0, 60, 80)]))
    >>> print(*pretty_midi_losses(Song((koto,))))
    Koto: in a file that pretty_midi writes: 1 note cut or run on: struck again too early
    """
    tempo, near = held_tempo(song), near_tempo(song)
    changes = []
    if left := len(song.tempo.qpm) - len(near.qpm):
        what = f"{counted(left, 'tempo change')} after tick {MOST_TICKS:,} left out"
        changes.append(Change("tempo", "", what, left))
    changes += rounded_tempi(replace(song, tempo=near), tempo)
    if song.title:
        changes.append(Change("name", "", f"the title {_NO_PLACE}"))
    changes += _event_losses("", song.events)
    changes += _order_of_events(song)
    for track in song.tracks:
        changes += _track_losses(track)
    changes += moved_times(_held(song), tempo, f" {_WRITTEN}")
    changes += _too_long(song)
    for track in song.tracks:
        changes += _track_losses_in_file(track, tempo)
    return (*changes, *_sharing(song))


def _event_losses(where: str, events: Sequence[Event]) -> list[Change]:
    """List events that have no place, and those that come back otherwise."""
    lost = Counter(_noun(event) for event in events if not is_held(event))
    changes = [
        Change("event", where, f"{counted(n, noun)} {_NO_PLACE}", n) for noun, n in lost.items()
    ]
    held = [event for event in events if is_held(event)]
    altered = (
        ("texts that are not UTF-8 rewritten as such", _is_recoded),
        ("time signatures without their metronome clocks", _is_metronomic),
        ("key signatures respelled with fewer accidentals", _is_respelled),
    )
    for what, test in altered:
        if n := sum(map(test, held)):
            changes.append(Change("event", where, f"{n:,} {what}", n))
    return changes


def _noun(event: Event) -> str:
    """Name an event that is not held."""
    if not 0 <= event.seconds < np.inf:
        return "misplaced event"
    return _NOUNS.get(event.kind, "unknown meta event")


def _is_recoded(event: Event) -> bool:
    return event.kind in {TEXT, LYRIC} and event.text.encode() != event.data


def _is_metronomic(event: Event) -> bool:
    return event.kind == TIME_SIGNATURE and event.data[2:] != _CLOCKS


def _is_respelled(event: Event) -> bool:
    return event.kind == KEY_SIGNATURE and key_data(key_number(event.data)) != event.data


def _order_of_events(song: Song) -> list[Change]:
    """List events of one instant that come back in another order: pretty_midi has four lists."""
    held = held_events(song)
    back = sorted(held, key=lambda event: (event.seconds, _RANK[event.kind]))
    n = sum(one is not other for one, other in zip(held, back, strict=True))
    if not n:
        return []
    return [Change("order", "", f"{counted(n, 'event')} of one instant in another order", n)]


def _track_losses(track: Track) -> list[Change]:
    """List what of one track has no place in an instrument."""
    name = shown(track)
    pressure = int(np.isin(track.controls["status"], [_PRESSURE, _CHANNEL_PRESSURE]).sum())
    programs = _other_programs(track)
    controls = held_controls(track)
    back = controls[np.lexsort((controls["status"], controls["seconds"]))]
    moved = int(np.count_nonzero(controls != back))
    held = sum(map(is_held, track.events))
    found = (
        ("name", as_utf8(track.name) != track.name, "its name holds half a character, now U+FFFD"),
        ("program", track.program is None, "has no program; pretty_midi says 0"),
        ("port", track.port > 0, f"its port {track.port} {_NO_PLACE}"),
        ("control", pressure, f"{counted(pressure, 'pressure message')} {_NO_PLACE}"),
        ("control", programs, f"{counted(programs, 'program change')} {_NO_PLACE}"),
        ("order", moved, f"{counted(moved, 'control')} of one instant in another order"),
        ("event", held, f"{counted(held, 'event')} of the track held as the song's"),
    )
    changes = [Change(kind, name, what, int(n)) for kind, n, what in found if n]
    return changes + _event_losses(name, track.events)


def _other_programs(track: Track) -> int:
    """Count program changes that say more than the instrument's program."""
    controls = track.controls
    begin = track.notes["start"][0] if len(track.notes) else np.inf
    initial = (controls["data1"] == track.program) & (controls["seconds"] <= begin)
    return int(np.count_nonzero((controls["status"] == _PROGRAM_CHANGE) & ~initial))


def _held(song: Song) -> Song:
    """Take what the object holds, and so what it will write."""
    tracks = [replace(track, events=(), controls=held_controls(track)) for track in song.tracks]
    return replace(song, tracks=tuple(tracks), events=tuple(held_events(song)))


def _too_long(song: Song) -> list[Change]:
    """List names and texts that mido, which reads for pretty_midi, takes for damage."""
    texts = [as_utf8(track.name) for track in song.tracks]
    texts += [event.text for event in held_events(song) if event.kind in {TEXT, LYRIC}]
    n = sum(len(text.encode()) > _MOST_BYTES for text in texts)
    what = (
        f"{_WRITTEN}: {counted(n, 'text')} of more than a million bytes, which it refuses to read"
    )
    return [Change("event", "", what, n)] if n else []


def _track_losses_in_file(track: Track, tempo: TempoTicks) -> list[Change]:
    """List what one track loses when it is written."""
    farthest = MOST_TICKS * float(tempo.micro.min()) / (1e6 * tempo.ticks_per_quarter)
    notes = track.notes[track.notes["end"] < farthest]
    start, end = tempo.at(notes["start"]), tempo.at(notes["end"])
    table = NoteTable(np.zeros(len(notes), np.int64), start, end, notes["pitch"], notes["velocity"])
    far = len(track.notes) - len(notes)
    short = int(np.count_nonzero(end <= start))
    overlaps = len(overlapping(table.sort()))
    moved = _reordered(held_controls(track), tempo, farthest)
    found = (
        ("charset", not track.name.isascii(), "its name is UTF-8, to be read with charset='utf-8'"),
        ("time", far, f"{counted(far, 'note')} may lie where pretty_midi refuses to read it"),
        ("short", short, f"{counted(short, 'note')} shorter than a tick without an end"),
        ("overlap", overlaps, f"{counted(overlaps, 'note')} cut or run on: struck again too early"),
        ("order", moved, f"{counted(moved, 'control')} of one tick in another order"),
    )
    return [
        Change(kind, shown(track), f"{_WRITTEN}: {what}", int(n)) for kind, n, what in found if n
    ]


def _reordered(controls: npt.NDArray[np.void], tempo: TempoTicks, farthest: float) -> int:
    """Count controls that are written elsewhere among those of their tick: sorted by value."""
    controls = controls[controls["seconds"] < farthest]
    tick = tempo.at(controls["seconds"])
    is_control = controls["status"] != PITCH_BEND
    high, low = np.where(
        is_control,
        (controls["data1"], controls["data2"]),
        (controls["data2"], controls["data1"]),
    )
    order = np.lexsort((low, high, is_control, tick))
    return int(np.count_nonzero(controls != controls[order]))


def _sharing(song: Song) -> list[Change]:
    """List melodic tracks that are written on the channel of an earlier one."""
    places = [i % _CHANNELS for i, track in enumerate(song.tracks) if not track.is_drum]
    n = len(places) - len(set(places))
    if not n:
        return []
    what = f"{_WRITTEN}: {counted(n, 'track')} on the channel of another, it gives 15 in turn"
    return [Change("channel", "", what, n)]
