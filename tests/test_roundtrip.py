"""Out and back again: what is written is read as the same song."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import mido
import numpy as np
import pytest

from midikit.convert.midi import to_midi
from midikit.model.events import Event
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.parse.midi import read_midi
from tests.bench.roundtrip import difference, main

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.model.notes import Notes


def lattice_notes(rng: np.random.Generator, count: int) -> Notes:
    """Draw notes on the 1/192 s lattice: dense, overlapping, some of no length."""
    start = rng.integers(0, 40 * count + 1, count)
    length = rng.choice([0, 1, 12, 24, 48, 300], count)
    low = int(rng.integers(0, 128))
    pitch = rng.integers(low, int(rng.integers(low, 128)) + 1, count)
    velocity = rng.integers(1, 128, count)
    return as_notes(
        {"start": start / 192, "end": (start + length) / 192, "pitch": pitch, "velocity": velocity}
    )


def sayable(notes: Notes) -> Notes:
    """Leave out notes that lie inside a longer one of their pitch: one channel cannot say them."""
    latest: dict[int, float] = {}
    kept = []
    for row, (end, pitch) in enumerate(zip(notes["end"], notes["pitch"], strict=True)):
        if end >= latest.get(pitch, -1.0):
            latest[pitch] = end
            kept.append(row)
    return as_notes(notes[kept])


def test_ten_thousand_songs_come_back_exactly() -> None:
    """Notes, names, sounds and kits of seeded random songs survive to the last bit."""
    rng = np.random.default_rng(20261123)
    for _ in range(10_000):
        drums = rng.random(4) < 0.2
        tracks = tuple(
            Track(
                f"part {i}",
                program=0 if drums[i] else int(rng.integers(128)),
                is_drum=bool(drums[i]),
                notes=sayable(lattice_notes(rng, int(rng.integers(0, 14)))),
            )
            for i in range(rng.integers(0, 4))
        )
        data = to_midi(Song(tracks), overlap="keep", short="keep", programs="source")
        back = read_midi(data)
        assert len(back) == len(tracks)
        for ours, theirs in zip(tracks, back, strict=True):
            assert np.array_equal(ours.notes, theirs.notes)
            assert (theirs.name, theirs.program, theirs.is_drum) == (
                ours.name,
                ours.program,
                ours.is_drum,
            )


def rich_file() -> bytes:
    """Make a file with every kind of event, as a sequencer writes it, through mido."""
    file = mido.MidiFile(type=1, ticks_per_beat=384, charset="utf-8")
    meta, message = mido.MetaMessage, mido.Message
    conductor = mido.MidiTrack(
        [
            meta("track_name", name="Song", time=0),
            meta("copyright", text="(c)", time=0),
            meta("time_signature", numerator=6, denominator=8, time=0),
            meta("key_signature", key="F#m", time=0),
            meta("set_tempo", tempo=545_157, time=0),
            meta("smpte_offset", hours=1, time=0),
            meta("marker", text="Verse", time=384),
            meta("set_tempo", tempo=700_001, time=1001),
            meta("time_signature", numerator=3, denominator=4, time=7),
            meta("cue_marker", text="cue", time=5),
            message("sysex", data=(0x7E, 0x7F, 0x09, 0x01), time=0),
        ]
    )
    piano = mido.MidiTrack(
        [
            meta("track_name", name="Piano", time=0),
            meta("instrument_name", name="Steinway", time=0),
            meta("midi_port", port=0, time=0),
            message("control_change", channel=2, control=0, value=1, time=0),
            message("program_change", channel=2, program=4, time=0),
            message("control_change", channel=2, control=64, value=127, time=10),
            meta("lyrics", text="la", time=0),
            message("note_on", channel=2, note=60, velocity=80, time=0),
            message("pitchwheel", channel=2, pitch=-1234, time=30),
            message("polytouch", channel=2, note=60, value=9, time=3),
            message("aftertouch", channel=2, value=77, time=0),
            message("note_off", channel=2, note=60, velocity=0, time=350),
            message("control_change", channel=2, control=64, value=0, time=0),
            message("program_change", channel=2, program=7, time=1),
            message("note_on", channel=2, note=62, velocity=80, time=5000),
            message("note_on", channel=2, note=62, velocity=0, time=17),
            meta("text", text="end", time=99),
            meta("sequencer_specific", data=(1, 2, 3), time=0),
        ]
    )
    left = mido.MidiTrack(
        [
            meta("track_name", name="Left hand", time=0),
            message("note_on", channel=2, note=40, velocity=70, time=33),
            message("note_off", channel=2, note=40, velocity=64, time=33),
        ]
    )
    drums = mido.MidiTrack(
        [
            meta("track_name", name="Kit", time=0),
            message("program_change", channel=9, program=25, time=0),
            message("note_on", channel=9, note=36, velocity=70, time=33),
            message("note_off", channel=9, note=36, velocity=64, time=33),
        ]
    )
    file.tracks.extend([conductor, piano, left, drums])
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def test_a_rich_file_loses_nothing() -> None:
    """Every note and event is on its tick again, as mido reads it."""
    lost, new = difference(rich_file())
    assert lost == {}
    assert new == {}


def test_the_comparison_notices_what_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check above can fail: a song that lost a control or moved a note differs."""
    (tmp_path / "rich.mid").write_bytes(rich_file())
    assert main(str(tmp_path)) == 0
    assert "1 files the same, 0 different" in capsys.readouterr().out
    song = read_midi(rich_file())
    bare = song.with_tracks(tuple(replace(t, controls=t.controls[:1]) for t in song))
    before = mido.MidiFile(file=io.BytesIO(to_midi(song, programs="source")))
    after = mido.MidiFile(file=io.BytesIO(to_midi(bare, programs="source")))
    assert sum(map(len, before.tracks)) > sum(map(len, after.tracks))


def test_a_second_trip_changes_nothing() -> None:
    """Writing what was read from our own file gives the same bytes."""
    once = to_midi(read_midi(rich_file()), programs="source")
    assert to_midi(read_midi(once), programs="source") == once


def test_a_name_after_an_empty_one_stays_behind_it() -> None:
    """A track that names itself twice, first with nothing, is not called by the second name."""
    head = bytes.fromhex("4d546864 00000006 0000 0001 01e0 4d54726b 00000015")
    song = read_midi(head + bytes.fromhex("00ff0300 00ff030141 00903c64 60803c40 00ff2f00"))
    back = read_midi(to_midi(song))
    assert ([t.name for t in song], [t.name for t in back]) == ([""], [""])
    assert back[0].events == song[0].events == (Event(0.0, 0x03, b"A"),)


@pytest.mark.parametrize("division", [24, 96, 480, 960, 32767])
def test_any_resolution_keeps_its_ticks(division: int) -> None:
    """A file is written at the resolution it came with, so no note moves."""
    data = bytearray(rich_file())
    data[12:14] = division.to_bytes(2, "big")
    lost, new = difference(bytes(data))
    assert not lost
    assert not new
