"""Fifty real files: events as mido reads them, notes as a plain loop pairs them, and back again."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, defaultdict, deque
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import symusic

import midikit as mk
from midikit.smf.decode import decode

ARCHIVE = Path(__file__).parent.parent / "fixtures" / "pop909" / "dev_midi.zip"


def _files() -> dict[str, bytes]:
    with zipfile.ZipFile(ARCHIVE) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


FILES = _files()
each_file = pytest.mark.parametrize("data", FILES.values(), ids=FILES)


def _mido_tracks(data: bytes) -> list[list[tuple[int, mido.Message]]]:
    """Read every event with mido: its tick and itself, without the ends of tracks."""
    tracks = []
    for track in mido.MidiFile(file=io.BytesIO(data), charset="latin-1").tracks:
        tick, rows = 0, []
        for message in track:
            tick += message.time
            if message.type != "end_of_track":
                rows.append((tick, message))
        tracks.append(rows)
    return tracks


def _notes_by_a_plain_loop(data: bytes) -> list[tuple[int, int, int, int, int]]:
    """Pair notes first in, first out, track by track: start, end, pitch, velocity, channel."""
    notes = []
    for rows in _mido_tracks(data):
        sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
        for tick, message in rows:
            if message.type not in {"note_on", "note_off"}:
                continue
            waiting = sounding[message.channel, message.note]
            if message.type == "note_on" and message.velocity:
                waiting.append((tick, message.velocity))
            elif waiting:
                start, velocity = waiting.popleft()
                notes.append((start, tick, message.note, velocity, message.channel))
    return sorted(notes)


def _clock(data: bytes) -> tuple[list[int], list[float]]:
    """Walk the tempo changes: their ticks and seconds, and a point far behind the last."""
    file = mido.MidiFile(file=io.BytesIO(data), charset="latin-1")
    changes = sorted(
        (tick, message.tempo)
        for rows in _mido_tracks(data)
        for tick, message in rows
        if message.type == "set_tempo"
    )
    ticks, seconds, tempo = [0], [0.0], 500_000
    for tick, following in [*changes, (1 << 28, 0)]:
        seconds.append(seconds[-1] + (tick - ticks[-1]) * tempo / (1e6 * file.ticks_per_beat))
        ticks.append(tick)
        tempo = following
    return ticks, seconds


def test_there_are_fifty() -> None:
    """The archive is whole."""
    assert len(FILES) == 50


@each_file
def test_every_event_is_what_mido_reads(data: bytes) -> None:
    """Channel messages and meta events stand on the ticks and in the order that mido finds."""
    file = decode(data)
    expected = _mido_tracks(data)
    assert len(file) == len(expected)
    for track, rows in zip(file, expected, strict=True):
        channel = [(tick, message.bytes()) for tick, message in rows if not message.is_meta]
        columns = (track.status.tolist(), track.data1.tolist(), track.data2.tolist())
        found = [
            (tick, [status, first] if 0xC0 <= status < 0xE0 else [status, first, second])
            for tick, status, first, second in zip(track.tick.tolist(), *columns, strict=True)
        ]
        assert found == channel
        metas = [(tick, bytes(message.bytes())[1]) for tick, message in rows if message.is_meta]
        assert [(event.tick, event.kind) for event in track.metas] == metas


@each_file
def test_notes_are_what_a_plain_loop_pairs(data: bytes) -> None:
    """Every note of the song is one of the loop, within a nanosecond of its ticks."""
    ticks, seconds = _clock(data)
    notes = []
    for track in mk.read_midi(data):
        columns = []
        for name in ("start", "end"):
            column = np.rint(np.interp(track.notes[name], seconds, ticks))
            assert np.allclose(np.interp(column, ticks, seconds), track.notes[name], 0, 1e-9)
            columns.append(column.astype(int).tolist())
        columns += [track.notes["pitch"].tolist(), track.notes["velocity"].tolist()]
        notes += [(*row, track.channel) for row in zip(*columns, strict=True)]
    assert sorted(notes) == _notes_by_a_plain_loop(data)


@each_file
def test_written_files_read_back_equal_everywhere(data: bytes) -> None:
    """What is written holds the same notes for mido, for symusic and for ourselves."""
    song = mk.read_midi(data)
    written = mk.to_midi(song, programs="source", overlap="keep", short="keep", tracks="source")
    before = [note[:4] for note in _notes_by_a_plain_loop(data)]
    scale = decode(written).ticks_per_quarter
    old = decode(data).ticks_per_quarter
    assert scale == old
    assert sorted(note[:4] for note in _notes_by_a_plain_loop(written)) == before
    by_symusic: Counter[tuple[int, int, int, int]] = Counter()
    score: Any = symusic.Score.from_midi(written)
    for track in score.tracks:
        found = track.notes.numpy()
        ends = found["time"] + found["duration"]
        columns = (found["time"], ends, found["pitch"], found["velocity"])
        by_symusic.update(zip(*(column.tolist() for column in columns), strict=True))
    assert by_symusic == Counter(before)
    ours = mk.compare(song, mk.read_midi(written), tolerance=1e-9)
    assert ours.same
