"""Notes, controls and other events of a file, put into the tracks of a song."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.gm import DRUM_CHANNEL, is_drum
from midikit.model.events import CONTROL, END_OF_TRACK, NO_CONTROLS, PROGRAM_CHANGE, Event
from midikit.model.notes import NO_NOTES, notes_by_track
from midikit.model.song import trusted_track
from midikit.parse.clock import TEMPO
from midikit.parse.pairing import CHANNELS

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.song import Track
    from midikit.parse.clock import Clock
    from midikit.parse.pairing import NoteTable
    from midikit.smf.decode import MidiFile

__all__ = ["assemble", "decode_name"]

_NAME = 0x03
_PORT = 0x21
_OF_THE_SONG = frozenset([0x54, 0x58])
"""SMPTE offset and time signature: they concern the song, whichever track holds them."""

_OF_AN_INSTRUMENT = frozenset([_NAME, 0x04, 0x05, 0x08, 0x09, 0x20, _PORT])
"""Name, instrument, lyric, program name, device, channel prefix and port: they stay in track 0."""

_KANA_OR_KANJI = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f]")
_TWO_BYTES = re.compile(rb"[\x81-\x9f]|[\xa0-\xff]{2}")


def decode_name(data: bytes) -> str:
    """Turn the bytes of a name into text.

    Parameters
    ----------
    data : bytes
        The payload of a track name.

    Returns
    -------
    str
        As UTF-8; else as Shift-JIS if it decodes and holds kana or kanji; else as Latin-1. A single
        accented letter before an ASCII one is Latin-1, although Shift-JIS would make a kanji of it.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if _TWO_BYTES.search(data):
        try:
            text = data.decode("shift_jis")
        except UnicodeDecodeError:
            pass
        else:
            if _KANA_OR_KANJI.search(text):
                return text
    return data.decode("latin-1")


@dataclass(slots=True)
class _Texts:
    """Meta and sysex events of one MTrk that are its own."""

    name: str | None = None
    port: int | None = None
    events: list[Event] = field(default_factory=list)


_NO_TEXTS = _Texts()


def assemble(
    file: MidiFile, notes: NoteTable, clock: Clock
) -> tuple[tuple[Track, ...], tuple[Event, ...], str | None]:
    """Put a song's tracks together.

    Parameters
    ----------
    file : MidiFile
        A decoded file.
    notes : NoteTable
        Its notes.
    clock : Clock
        Its clock.

    Returns
    -------
    tracks : tuple of Track
        By MTrk, then channel.
    events : tuple of Event
        What concerns the whole song, by time.
    title : str or None
        Name of the conductor track.
    """
    has_conductor = file.format == 1 and not bool((notes.parts < CHANNELS).any())
    texts, song_events = _texts(file, clock, has_conductor=has_conductor)
    for mtrk, second in _trailing_ends(file, clock).items():
        end = Event(second, END_OF_TRACK, b"")
        if mtrk == 0 and has_conductor:
            song_events.append(end)
        elif mtrk in texts or file.bounds[mtrk + 1] > file.bounds[mtrk]:
            texts.setdefault(mtrk, _Texts()).events.append(end)
    ports = {track: text.port for track, text in texts.items() if text.port is not None}
    seconds = clock.seconds(file.tick)
    played = dict(zip(notes.parts.tolist(), _note_arrays(file, notes, seconds, clock), strict=True))
    controls = _controls(file, seconds)
    programs = _programs(file, notes, ports)
    parts: dict[int, list[int]] = {}
    for part in sorted({*played, *controls}):
        parts.setdefault(part // CHANNELS, []).append(part)
    tracks = []
    for mtrk in sorted({*parts, *texts}):
        text = texts.get(mtrk, _NO_TEXTS)
        name = text.name or ""
        conducts = mtrk == 0 and has_conductor
        home = _home(file, mtrk, [part for part in parts.get(mtrk, ()) if part in played])
        if mtrk not in parts and not conducts:
            channel = None if home is None else home % CHANNELS
            tracks.append(_silent_track(name, text, channel))
        for part in parts.get(mtrk, ()):
            channel = part % CHANNELS
            program = programs.get(part)
            if part not in played:
                program = _first_program(controls[part])
            tracks.append(
                trusted_track(
                    name,
                    played.get(part, NO_NOTES),
                    program=program,
                    is_drum=channel == DRUM_CHANNEL or is_drum(name, program),
                    controls=controls.get(part, NO_CONTROLS),
                    events=tuple(text.events) if part == home else (),
                    channel=channel,
                    port=text.port or 0,
                )
            )
    title = texts[0].name if has_conductor and 0 in texts else None
    return tuple(tracks), tuple(song_events), title


def _trailing_ends(file: MidiFile, clock: Clock) -> dict[int, float]:
    """Return the second of the end of each MTrk that goes on after its last event."""
    last = np.zeros(len(file), np.int64)
    for tick, bounds in ((file.tick, file.bounds), (file.meta_tick, file.meta_bounds)):
        filled = np.flatnonzero(bounds[1:] > bounds[:-1])
        last[filled] = np.maximum(last[filled], tick[bounds[1:][filled] - 1])
    trailing = np.flatnonzero(file.last_tick > last)
    return dict(
        zip(trailing.tolist(), clock.seconds(file.last_tick[trailing]).tolist(), strict=True)
    )


def _first_program(controls: npt.NDArray[np.void]) -> int | None:
    """Return the first program that a part without notes chooses."""
    changes = controls[controls["status"] == PROGRAM_CHANGE]
    if not len(changes):
        return None
    return int(changes["data1"][changes["seconds"] == changes["seconds"][0]][-1])


def _silent_track(name: str, text: _Texts, channel: int | None) -> Track:
    """Make the track of an MTrk that holds texts but neither notes nor controls."""
    return trusted_track(
        name,
        NO_NOTES,
        is_drum=channel == DRUM_CHANNEL or is_drum(name, None),
        events=tuple(text.events),
        channel=channel,
        port=text.port or 0,
    )


def _home(file: MidiFile, mtrk: int, played: list[int]) -> int | None:
    """Return the part that gets the texts of an MTrk: its first with notes, else with a message."""
    if played:
        return played[0]
    first = int(file.bounds[mtrk])
    if first == int(file.bounds[mtrk + 1]):
        return None
    return mtrk * CHANNELS + (int(file.status[first]) & 0x0F)


def _texts(
    file: MidiFile, clock: Clock, *, has_conductor: bool
) -> tuple[dict[int, _Texts], list[Event]]:
    """Share the meta and sysex events out between the MTrk chunks and the song."""
    texts: dict[int, _Texts] = {}
    song: list[Event] = []
    seen: set[tuple[float, int, bytes]] = set()
    mtrks = np.repeat(np.arange(len(file)), np.diff(file.meta_bounds)).tolist()
    seconds = clock.seconds(file.meta_tick).tolist()
    kinds = file.meta_kind.tolist()
    for mtrk, second, kind, data in zip(mtrks, seconds, kinds, file.meta_data, strict=True):
        if kind == TEMPO:
            continue
        if kind in _OF_THE_SONG:
            if (second, kind, data) not in seen:
                seen.add((second, kind, data))
                song.append(Event(second, kind, data))
            continue
        text = texts.get(mtrk)
        if text is None:
            text = texts[mtrk] = _Texts()
        if kind == _NAME and text.name is None:
            text.name = decode_name(data)
            continue
        if kind == _PORT and text.port is None:
            text.port = data[0]
        if mtrk == 0 and (has_conductor or kind not in _OF_AN_INSTRUMENT):
            song.append(Event(second, kind, data))
        else:
            text.events.append(Event(second, kind, data))
    song.sort(key=_when)
    return texts, song


def _when(event: Event) -> float:
    return event.seconds


def _note_arrays(
    file: MidiFile, notes: NoteTable, seconds: npt.NDArray[np.float64], clock: Clock
) -> list[Notes]:
    """Make the note arrays of all parts; a note without an end ends with its track."""
    end = seconds[notes.off]
    hanging = np.flatnonzero(notes.off < 0)
    if len(hanging):
        mtrk = np.repeat(notes.parts, notes.counts)[hanging] // CHANNELS
        end[hanging] = clock.seconds(file.last_tick[mtrk])
    columns: dict[str, npt.NDArray[Any]] = {
        "start": seconds[notes.on],
        "end": end,
        "pitch": file.data1[notes.on],
        "velocity": file.data2[notes.on],
    }
    return notes_by_track(columns, notes.counts.tolist())


def _part_of(file: MidiFile, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the part of some channel messages."""
    mtrk = np.searchsorted(file.bounds, rows, side="right") - 1
    return mtrk * CHANNELS + (file.status[rows] & 0x0F)


def _controls(file: MidiFile, seconds: npt.NDArray[np.float64]) -> dict[int, npt.NDArray[np.void]]:
    """Make the control arrays of all parts."""
    rows = np.flatnonzero((file.status & 0xE0) != 0x80)
    if len(rows) == 0:
        return {}
    part = _part_of(file, rows)
    if bool((part[1:] < part[:-1]).any()):
        order = np.argsort(part, kind="stable")
        rows, part = rows[order], part[order]
    table = np.empty(len(rows), CONTROL)
    table["seconds"] = seconds[rows]
    table["status"] = file.status[rows] & 0xF0
    table["data1"] = file.data1[rows]
    table["data2"] = file.data2[rows]
    table.flags.writeable = False
    begins = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    bounds = [*begins.tolist(), len(rows)]
    return {
        found: table[bounds[i] : bounds[i + 1]] for i, found in enumerate(part[begins].tolist())
    }


def _programs(file: MidiFile, notes: NoteTable, ports: dict[int, int]) -> dict[int, int]:
    """Tell the program each part with notes has at its first note.

    What its own MTrk says up to there counts. Where that says nothing, the whole file does: all
    tracks play at once, so a program change counts for its port and channel in every MTrk, by tick,
    then in file order; one that comes too late is better than none.
    """
    changes = np.flatnonzero((file.status & 0xF0) == 0xC0)
    if len(changes) == 0 or len(notes.parts) == 0:
        return {}
    messages = np.concatenate([changes, notes.first])
    part = _part_of(file, messages)
    port_of = np.zeros(len(file), np.int64)
    for mtrk, port in ports.items():
        port_of[mtrk] = port
    shared = port_of[part // CHANNELS] * CHANNELS + part % CHANNELS
    anywhere = _in_force(file, messages, shared, len(changes), is_late_taken=True)
    own = _in_force(file, messages, part, len(changes), is_late_taken=False)
    source = np.where(own >= 0, own, anywhere)
    known = np.flatnonzero(source >= 0)
    programs = file.data1[messages[source[known]]]
    parts = part[len(changes) :][known]
    return dict(zip(parts.tolist(), programs.tolist(), strict=True))


def _in_force(
    file: MidiFile,
    messages: npt.NDArray[np.int64],
    where: npt.NDArray[np.int64],
    changes: int,
    *,
    is_late_taken: bool,
) -> npt.NDArray[np.int64]:
    """Return, for each first note, the row of the program change in force at its place, else -1.

    The first `changes` of the messages are program changes, the others first notes; `where` says
    which of them hear each other.
    """
    order = np.lexsort((messages, file.tick[messages], where))
    is_change = order < changes
    where = where[order]
    last = np.maximum.accumulate(np.where(is_change, np.arange(len(order)), -1))
    source = np.where((last >= 0) & (where[last] == where), last, -1)
    if is_late_taken:
        places = np.flatnonzero(is_change)
        first = places[np.minimum(np.searchsorted(where[places], where), len(places) - 1)]
        source = np.where((source < 0) & (where[first] == where), first, source)
    found = np.full(len(order), -1, np.int64)
    found[order] = np.where(source >= 0, order[source], -1)
    return found[changes:]
