"""Out and back again: what is written is read as the same song."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import mido
import pytest

from midikit.convert.midi import to_midi
from midikit.model.events import Event
from midikit.parse.midi import read_midi
from tests.bench.roundtrip import difference, main
from tests.fuzz.songs import check_songs
from tests.smf_bytes import whole

if TYPE_CHECKING:
    from pathlib import Path


def test_random_songs_come_back_exactly() -> None:
    """Notes, names, sounds, controls, texts and tempi survive to the last bit."""
    check_songs(1_500)


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
    before = mido.MidiFile(file=io.BytesIO(to_midi(song, programs="source", tracks="source")))
    after = mido.MidiFile(file=io.BytesIO(to_midi(bare, programs="source", tracks="source")))
    assert sum(map(len, before.tracks)) > sum(map(len, after.tracks))


def test_a_second_trip_changes_nothing() -> None:
    """Writing what was read from our own file gives the same bytes."""
    once = to_midi(read_midi(rich_file()), programs="source")
    assert to_midi(read_midi(once), programs="source") == once


def test_a_name_after_an_empty_one_stays_behind_it() -> None:
    """A track that names itself twice, first with nothing, is not called by the second name."""
    song = read_midi(whole("00 ff0300 00 ff030141 00 903c64 60 803c40", form=0))
    back = read_midi(to_midi(song, tracks="source"))
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
