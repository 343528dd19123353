"""The same steps with other libraries, written as their users write them, for speed alone."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import mido
import numpy as np
import orjson
import pretty_midi
import symusic

from midikit.gm import is_drum

if TYPE_CHECKING:
    from collections.abc import Callable

    from midikit.model.song import Song

__all__ = [
    "columns_with_orjson",
    "convert_with_pretty_midi",
    "convert_with_symusic",
    "pretty_midi_writer",
    "read_with_mido",
    "read_with_pretty_midi",
    "read_with_symusic",
    "roll_with_symusic",
    "symusic_writer",
]

TICKS = 96
"""Ticks a quarter: at 120 BPM each is a step of the lattice of 1/192 s."""

_A_SECOND = 2 * TICKS
_KEYS = ("start", "end", "pitch", "velocity")


def columns_with_orjson(data: bytes) -> list[tuple[str, list[Any]]]:
    """Make float columns of every instrument, without any check."""
    found = []
    for part in orjson.loads(data)["data"]["instruments"]:
        notes = part["notes"]
        columns = [np.fromiter((n[key] for n in notes), "f8", len(notes)) for key in _KEYS]
        found.append((part["name"], columns))
    return found


def convert_with_symusic(data: bytes) -> bytes:
    """Take the JSON of an answer to a .mid with orjson, numpy and symusic."""
    score: Any = symusic.Score(TICKS)
    score.tempos.append(symusic.Tempo(0, 120.0))
    for name, (start, end, pitch, velocity) in columns_with_orjson(data):
        begin = np.rint(start * _A_SECOND).astype(np.int32)
        length = np.rint(end * _A_SECOND).astype(np.int32) - begin
        _add(score, name, begin, length, pitch, np.rint(velocity * 127))
    midi: bytes = score.dumps_midi()
    return midi


def _add(score: Any, name: str, start: Any, length: Any, pitch: Any, velocity: Any) -> None:
    """Add a track of notes to a score."""
    track: Any = symusic.Track(name, 0, is_drum(name, None))
    track.notes = symusic.Note.from_numpy(
        start, np.maximum(length, 1), pitch.astype(np.int8), velocity.astype(np.int8)
    )
    score.tracks.append(track)


def symusic_writer(song: Song) -> Callable[[], bytes]:
    """Return what writes the notes of a song, which are arrays already."""
    parts = [(track.name, {key: track.notes[key] for key in _KEYS}) for track in song]

    def write() -> bytes:
        score: Any = symusic.Score(TICKS)
        score.tempos.append(symusic.Tempo(0, 120.0))
        for name, notes in parts:
            begin = np.rint(notes["start"] * _A_SECOND).astype(np.int32)
            length = np.rint(notes["end"] * _A_SECOND).astype(np.int32) - begin
            _add(score, name, begin, length, notes["pitch"], notes["velocity"])
        midi: bytes = score.dumps_midi()
        return midi

    return write


def convert_with_pretty_midi(data: bytes) -> bytes:
    """Take the JSON of an answer to a .mid with json and pretty_midi, as most scripts do."""
    answer = json.loads(data)
    midi = pretty_midi.PrettyMIDI(resolution=TICKS, initial_tempo=120)
    for part in answer["data"]["instruments"]:
        instrument = pretty_midi.Instrument(0, is_drum(part["name"], None), part["name"])
        instrument.notes = [
            pretty_midi.Note(round(n["velocity"] * 127), n["pitch"], n["start"], n["end"])
            for n in part["notes"]
        ]
        midi.instruments.append(instrument)
    return _written(midi)


def pretty_midi_writer(song: Song) -> Callable[[], bytes]:
    """Return what makes pretty_midi's objects of a song's notes and writes them."""

    def write() -> bytes:
        midi = pretty_midi.PrettyMIDI(resolution=TICKS, initial_tempo=120)
        for track in song:
            instrument = pretty_midi.Instrument(0, track.is_drum, track.name)
            columns = (track.notes[key].tolist() for key in ("velocity", "pitch", "start", "end"))
            instrument.notes = [pretty_midi.Note(*row) for row in zip(*columns, strict=True)]
            midi.instruments.append(instrument)
        return _written(midi)

    return write


def _written(midi: Any) -> bytes:
    file = io.BytesIO()
    midi.write(file)
    return file.getvalue()


def read_with_symusic(data: bytes) -> list[Any]:
    """Read the notes of a .mid as columns of ticks."""
    score: Any = symusic.Score.from_midi(data)
    return [track.notes.numpy() for track in score.tracks]


def read_with_mido(data: bytes) -> object:
    """Parse the messages of a .mid; no notes yet."""
    return mido.MidiFile(file=io.BytesIO(data))


def read_with_pretty_midi(data: bytes) -> Any:
    """Read a .mid as pretty_midi's objects."""
    return pretty_midi.PrettyMIDI(io.BytesIO(data))


def roll_with_symusic(data: bytes, fs: int) -> Callable[[], Any]:
    """Return what draws a .mid at 120 BPM, its ticks brought onto the frames beforehand."""
    score: Any = symusic.Score.from_midi(data)
    score = score.resample(fs // 2, min_dur=1)

    def draw() -> Any:
        return score.pianoroll(modes=["frame"], pitch_range=(0, 128), encode_velocity=True)[0]

    return draw
