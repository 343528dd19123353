"""Notes, controls and other events of a file, put into the tracks of a song."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from midikit.gm import DRUM_CHANNEL, is_drum
from midikit.model.events import END_OF_TRACK, NO_CONTROLS, Event
from midikit.model.notes import NO_NOTES, NOTE, trusted_notes
from midikit.model.song import trusted_track
from midikit.parse.clock import TEMPO
from midikit.parse.controls import read_controls
from midikit.parse.pairing import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.song import Track
    from midikit.parse.clock import Clock
    from midikit.parse.controls import Controls
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
    has_conductor = file.format == 1 and not (notes.parts and notes.parts[0] < CHANNELS)
    # Mostly few of each, so both in one go.
    ticks = np.array(file.meta_tick + file.last_tick, np.int64)
    few = clock.seconds(ticks).tolist()
    meta_seconds, last_seconds = few[: len(file.meta_tick)], few[len(file.meta_tick) :]
    texts, song_events = _texts(file, meta_seconds, has_conductor=has_conductor)
    for mtrk in _trailing(file):
        end = Event(last_seconds[mtrk], END_OF_TRACK, b"")
        if mtrk == 0 and has_conductor:
            song_events.append(end)
        elif mtrk in texts or file.bounds[mtrk + 1] > file.bounds[mtrk]:
            texts.setdefault(mtrk, _Texts()).events.append(end)
    ports = {track: text.port for track, text in texts.items() if text.port is not None}
    seconds = clock.seconds(file.tick)
    played = dict(zip(notes.parts, _note_arrays(file, notes, seconds, last_seconds), strict=True))
    controls = read_controls(file, notes, ports, seconds)
    del seconds  # as large as the notes, and of no use to the tracks
    tracks = tuple(_tracks(file, texts, played, controls, has_conductor=has_conductor))
    title = texts[0].name if has_conductor and 0 in texts else None
    return tracks, tuple(song_events), title


def _tracks(
    file: MidiFile,
    texts: dict[int, _Texts],
    played: dict[int, Notes],
    controls: Controls,
    *,
    has_conductor: bool,
) -> Iterator[Track]:
    """Make the tracks of one MTrk after the other."""
    mtrks, sizes = np.unique(controls.parts // CHANNELS, return_counts=True)
    counts = dict(zip(mtrks.tolist(), sizes.tolist(), strict=True))
    rows = controls.rows()
    for mtrk in sorted({*counts, *texts}):
        text = texts.get(mtrk, _NO_TEXTS)
        name, port, own = text.name or "", text.port or 0, tuple(text.events)
        here = [*islice(rows, counts.get(mtrk, 0))]
        home = _home(file, mtrk, [part for part, *_ in here if part in played])
        if not here and not (mtrk == 0 and has_conductor):
            yield _silent_track(name, text, None if home is None else home % CHANNELS)
        for part, (begin, end), program in here:
            channel = part % CHANNELS
            yield trusted_track(
                name,
                played.get(part, NO_NOTES),
                program=program,
                is_drum=channel == DRUM_CHANNEL or is_drum(name, program),
                controls=controls.table[begin:end] if begin < end else NO_CONTROLS,
                events=own if part == home else (),
                channel=channel,
                port=port,
            )


def _trailing(file: MidiFile) -> list[int]:
    """Return the MTrk chunks that go on after their last event."""
    last = [0] * len(file)
    played = [mtrk for mtrk, (begin, end) in enumerate(pairwise(file.bounds)) if begin < end]
    ends = file.tick[[file.bounds[mtrk + 1] - 1 for mtrk in played]].tolist()
    for mtrk, tick in zip(played, ends, strict=True):
        last[mtrk] = tick
    for mtrk, (begin, end) in enumerate(pairwise(file.meta_bounds)):
        if begin < end:
            last[mtrk] = max(last[mtrk], file.meta_tick[end - 1])
    return [mtrk for mtrk, tick in enumerate(file.last_tick) if tick > last[mtrk]]


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
    first = file.bounds[mtrk]
    if first == file.bounds[mtrk + 1]:
        return None
    return mtrk * CHANNELS + (int(file.status[first]) & 0x0F)


def _texts(
    file: MidiFile, seconds: list[float], *, has_conductor: bool
) -> tuple[dict[int, _Texts], list[Event]]:
    """Share the meta and sysex events out between the MTrk chunks and the song."""
    texts: dict[int, _Texts] = {}
    song: list[Event] = []
    seen: set[tuple[float, int, bytes]] = set()
    bounds = file.meta_bounds
    mtrks = [mtrk for mtrk in range(len(file)) for _ in range(bounds[mtrk], bounds[mtrk + 1])]
    rows = zip(mtrks, seconds, file.meta_kind, file.meta_data, strict=True)
    for mtrk, second, kind, data in rows:
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
    file: MidiFile, notes: NoteTable, seconds: npt.NDArray[np.float64], last_seconds: list[float]
) -> list[Notes]:
    """Make the note arrays of all parts; a note without an end ends with its track."""
    end = seconds[notes.off]
    if len(notes.hanging):
        hanging = (notes.off < 0).nonzero()[0]
        mtrk = notes.part_of[notes.on[hanging]] // CHANNELS
        end[hanging] = np.array(last_seconds)[mtrk]
    rows = np.empty(len(notes.on), NOTE)
    rows["start"] = seconds[notes.on]
    rows["end"] = end
    rows["pitch"] = file.data1[notes.on]
    rows["velocity"] = file.data2[notes.on]
    return trusted_notes(rows, notes.counts)
