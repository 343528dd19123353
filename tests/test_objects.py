"""Songs to the objects of mido and pretty_midi and back: what is not listed is kept."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.convert.objects import (
    from_mido,
    from_pretty_midi,
    mido_losses,
    pretty_midi_losses,
    to_mido,
    to_pretty_midi,
)
from midikit.errors import ConversionError, LimitError, NotesError
from midikit.model.events import NO_CONTROLS, Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap
from midikit.parse.midi import read_midi
from midikit.units import seconds_from_ticks

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.report import Change

MARKER, LYRIC, TEXT = 0x06, 0x05, 0x01
METER, KEY = 0x58, 0x59
WRITTEN = "in a file that pretty_midi writes"


@st.composite
def songs(draw: st.DrawFn, *, plain: bool = False) -> Song:
    """Draw a song whose times are all on ticks; a plain one has only what pretty_midi knows."""
    resolution = draw(st.sampled_from([96, 480, 960]))
    changes = draw(st.dictionaries(st.integers(1, 9000), st.integers(200_000, 999_999), max_size=3))
    ticks = np.array([0, *sorted(changes)], np.int64)
    micro = np.array([500_000, *(changes[tick] for tick in sorted(changes))], np.int64)

    def second(tick: int) -> float:
        return float(seconds_from_ticks([tick], ticks, micro, resolution)[0])

    tick = st.integers(0, 12_000)
    kinds = [TEXT, LYRIC] if plain else [TEXT, LYRIC, MARKER, 0x02, 0x07, 0x0A, 0x7F, 0x60]
    texts = st.builds(
        lambda t, kind, text: Event(second(t), kind, text.encode()),
        tick,
        st.sampled_from(kinds),
        st.text(max_size=4),
    )
    meters = st.builds(
        lambda t, beats: Event(second(t), METER, bytes([beats, 2, 24, 8])), tick, st.integers(1, 12)
    )
    keys = st.builds(
        lambda t, sharps: Event(second(t), KEY, bytes([sharps % 256, 0])), tick, st.integers(-7, 7)
    )
    statuses = [0xB0, 0xE0] if plain else [0xA0, 0xB0, 0xD0, 0xE0]

    def control(t: int, status: int, data1: int, data2: int) -> tuple[float, int, int, int]:
        return second(t), status, data1, 0 if status == 0xD0 else data2

    byte = st.integers(0, 127)
    controls = st.lists(st.builds(control, tick, st.sampled_from(statuses), byte, byte), max_size=4)
    rows = st.lists(
        st.builds(
            lambda t, length, pitch, velocity: (second(t), second(t + length), pitch, velocity),
            tick,
            st.integers(0, 900),
            st.integers(60, 72),
            st.integers(1, 127),
        ),
        max_size=6,
    )

    def track(
        name: str,
        table: list[tuple[float, float, int, int]],
        sound: int | None,
        messages: list[tuple[float, int, int, int]],
        events: list[Event],
    ) -> Track:
        is_drum = sound is None
        return Track(
            name,
            program=(0 if plain else None) if is_drum else sound,
            is_drum=is_drum,
            notes=as_notes(table),
            controls=as_controls(messages) if messages else NO_CONTROLS,
            events=() if plain else tuple(sorted(events, key=lambda event: event.seconds)),
        )

    names = st.sampled_from(["Koto", "Café", "琴", "Acoustic Bass", "a\x1bb", ""])
    tracks = st.builds(
        track,
        names,
        rows,
        st.sampled_from([0, 5, 107, None]),
        controls,
        st.lists(texts, max_size=2),
    )
    events = draw(st.lists(st.one_of(texts, meters, keys), max_size=4))
    return Song(
        tuple(draw(st.lists(tracks, max_size=3))),
        TempoMap(seconds_from_ticks(ticks, ticks, micro, resolution), 60e6 / micro),
        tuple(sorted(events, key=lambda event: event.seconds)),
        None if plain else draw(st.sampled_from([None, "Song", "曲"])),
        resolution,
    )


def stated(track: Track) -> npt.NDArray[np.void]:
    """Return a track's controls without the program change that a file needs for its program."""
    controls = track.controls
    needed = (controls["status"] == 0xC0) & (controls["seconds"] == 0)
    rest: npt.NDArray[np.void] = controls[~needed]
    return rest


def assert_same(song: Song, back: Song) -> None:
    """Compare everything a musician would hear or see."""
    assert len(back) == len(song)
    for ours, theirs in zip(song, back, strict=True):
        for name in ("name", "program", "is_drum", "events"):
            assert getattr(theirs, name) == getattr(ours, name)
        assert np.array_equal(theirs.notes, ours.notes)
        assert np.array_equal(stated(theirs), stated(ours))
    assert back.events == song.events
    assert back.ticks_per_quarter == song.ticks_per_quarter
    assert np.array_equal(back.tempo.seconds, song.tempo.seconds)
    assert np.array_equal(back.tempo.qpm, song.tempo.qpm)


@settings(max_examples=150, deadline=None)
@given(songs())
def test_mido_keeps_what_it_does_not_list(song: Song) -> None:
    """From a song to mido and back is the same song, unless a loss is listed."""
    losses = mido_losses(song)
    file = to_mido(song)
    back = from_mido(file)
    assert back.note_count == song.note_count
    assert len(file.tracks) == len(song) + 1
    if not losses:
        assert back.title == song.title
        assert_same(song, back)


@settings(max_examples=150, deadline=None)
@given(songs(plain=True))
def test_pretty_midi_keeps_what_it_does_not_list(song: Song) -> None:
    """The object holds notes to the bit; what it will lose in a file is listed as well."""
    losses = pretty_midi_losses(song)
    pm = to_pretty_midi(song)
    back = from_pretty_midi(pm)
    for ours, theirs in zip(song, back, strict=True):
        assert np.array_equal(theirs.notes, ours.notes)
    if not [change for change in losses if WRITTEN not in change.what]:
        assert_same(song, back)
    buffer = io.BytesIO()
    pm.write(buffer)
    read = read_midi(buffer.getvalue())
    assert np.allclose(read.tempo.seconds, song.tempo.seconds, atol=1e-9)
    assert np.allclose(read.tempo.qpm, song.tempo.qpm, rtol=1e-12)
    if not [change for change in losses if change.kind in {"short", "overlap", "time"}]:
        again = pretty_midi.PrettyMIDI(io.BytesIO(buffer.getvalue()), charset="utf-8")
        found = sorted(n for item in again.instruments for n in notes_of(item))
        expected = sorted(n for item in pm.instruments for n in notes_of(item))
        assert np.allclose(found, expected, atol=1e-7)


def notes_of(instrument: Any) -> list[tuple[int, int, float, float]]:
    """Return an instrument's notes as rows."""
    return [(n.pitch, n.velocity, n.start, n.end) for n in instrument.notes]


def koto(*rows: tuple[float, float, int, int], **fields: Any) -> Track:
    """Make a track that nothing is lost of."""
    return Track("Koto", 107, notes=as_notes(rows or [(0.0, 0.5, 60, 80)]), **fields)


def said(changes: tuple[Change, ...]) -> list[str]:
    """Return the lines a user reads."""
    return [str(change) for change in changes]


SYSEX = Event(1.0, 0xF0, b"\x41\x10\xf7")
CC_AND_BEND = as_controls([(1.0, 0xE0, 0, 64), (1.0, 0xB0, 7, 100)])


@pytest.mark.parametrize(
    ("song", "lines"),
    [
        (Song((koto(),), events=(SYSEX, Event(2.0, 0x0A, b"x"))), []),
        (
            Song((koto(events=(Event(0.0, 0xF7, b"\xf8"), Event(0.0, 0xF0, b"\x41"))),)),
            ["Koto: 2 events left out: mido has no place for system exclusive parts"],
        ),
        (
            Song((), events=(Event(0.0, KEY, b"\x13\x00"), Event(0.0, 0x20, b""))),
            ["2 events left out: mido has no place for impossible values"],
        ),
        (
            Song((), events=(Event(float("nan"), TEXT, b""), Event(0.0, 300, b""))),
            ["2 events left out: mido has no place for impossible values"],
        ),
        (
            Song((), events=(Event(0.0, TEXT, b"\xe9" * 1_000_000),)),
            ["1 event left out: mido has no place for more than a million bytes"],
        ),
        (
            Song((), events=(Event(0.0, 0x51, b"\x07\xa1\x20"),)),
            ["1 event left out: mido has no place for tempo and end of track among the events"],
        ),
        (
            Song((), events=(Event(0.0, TEXT, b"\xe9"),)),
            ["names and texts are held byte for byte as Latin-1: one of them is not UTF-8"],
        ),
        (
            Song((), title="\ud800"),
            ["the title is too long or holds half a character; written as far as it can be"],
        ),
        (
            Song((), TempoMap.constant(110.06)),
            ["tempo 110.06 rounded to 110.060038 qpm, whole microseconds a quarter"],
        ),
        (
            Song((), TempoMap(np.array([0.0, 1e-5, 5.0001]), np.array([120.0, 90.0, 60.0]))),
            [
                "1 of 3 tempi left out: shorter than a tick",
                "1 of 3 tempi rounded to whole ticks and microseconds a quarter",
            ],
        ),
        (
            Song((koto((0.0001, 0.5, 60, 80)),), events=(Event(0.0004, TEXT, b""),)),
            ["1 note and 1 other event moved to the nearest tick, by at most 0.4 ms"],
        ),
        (
            Song((koto((0.0, 2.0, 60, 80), (0.5, 1.0, 60, 80)),)),
            ["1 notes lie inside longer ones of their pitch; a reader will swap their ends"],
        ),
        (
            Song((Track("Drums", 0, notes=koto().notes),)),
            ["Drums: its name says drums, and so it will be read as drums"],
        ),
        (Song((Track("x", 5),)), []),
        (Song((Track(""),)), ["(unnamed): an empty track; nothing of it is written"]),
        (
            Song((koto(controls=as_controls([(0.0, 0xC0, 5, 0)])),)),
            ["Koto: program changes that contradict its program left out"],
        ),
        (
            Song((Track("a", 0, is_drum=True, notes=koto().notes), koto(is_drum=True))),
            [
                "Koto: shares channel 10 with a, and they choose different kits",
            ],
        ),
        (
            Song((), events=(Event(0.0, METER, b"\4\2\x18\x08"),) * 3),
            ["time signatures and time codes said twice (2) will be read once"],
        ),
        (
            Song((Track("", notes=koto().notes, events=(Event(0.0, 0x03, b"x"),)),)),
            ["(unnamed): a name among its events will be read as its name"],
        ),
        (
            Song((), events=(Event(0.0, 0x03, b"x"),)),
            ["a name among the events will be read as the title"],
        ),
        (Song((koto(port=2),)), ["Koto: no event names its port 2; left out"]),
        (
            Song((Track("x", is_drum=True, events=(Event(0.0, METER, b"\4\2\x18\x08"),)),)),
            [
                "x: a drum track without notes will be read as any other",
                "x: time signatures and time codes of the track (1) will be read as the song's",
            ],
        ),
    ],
)
def test_what_mido_cannot_hold_is_listed(song: Song, lines: list[str]) -> None:
    """Every loss in one line; the rest arrives."""
    assert said(mido_losses(song)) == lines
    back = from_mido(to_mido(song))
    assert back.note_count == song.note_count
    if not lines:
        assert_same(replace(song, ticks_per_quarter=480), back)


@pytest.mark.parametrize(
    ("song", "lines"),
    [
        (Song((koto(),)), []),
        (Song((), title="x"), ["the title left out, for which pretty_midi has no place"]),
        (
            Song((), events=(SYSEX, Event(0.0, MARKER, b""), Event(1.0, MARKER, b""))),
            [
                "1 system exclusive message left out, for which pretty_midi has no place",
                "2 markers left out, for which pretty_midi has no place",
            ],
        ),
        (
            Song((), events=(Event(0.0, KEY, b"\x13\x00"), Event(-1.0, TEXT, b""))),
            [
                "1 impossible key signature left out, for which pretty_midi has no place",
                "1 misplaced event left out, for which pretty_midi has no place",
            ],
        ),
        (
            Song((), events=(Event(0.0, KEY, b"\x07\x00"), Event(1.0, METER, b"\x06\x03\x24\x08"))),
            [
                "1 time signatures without their metronome clocks",
                "1 key signatures respelled with fewer accidentals",
            ],
        ),
        (
            Song((), events=(Event(0.0, TEXT, b"\xe9"),)),
            ["1 texts that are not UTF-8 rewritten as such"],
        ),
        (
            Song((), events=(Event(0.0, TEXT, b"a"), Event(0.0, METER, b"\x04\x02\x18\x08"))),
            ["2 events of one instant in another order"],
        ),
        (
            Song((koto(events=(Event(0.0, LYRIC, b"la"),)),)),
            ["Koto: 1 event of the track held as the song's"],
        ),
        (
            Song((replace(koto(), program=None, port=1),)),
            [
                "Koto: has no program; pretty_midi says 0",
                "Koto: its port 1 left out, for which pretty_midi has no place",
            ],
        ),
        (
            Song((koto(controls=as_controls([(0.0, 0xC0, 107, 0), (0.0, 0xD0, 3, 0)])),)),
            ["Koto: 1 pressure message left out, for which pretty_midi has no place"],
        ),
        (
            Song((koto(controls=as_controls([(1.0, 0xC0, 107, 0)])),)),
            ["Koto: 1 program change left out, for which pretty_midi has no place"],
        ),
        (
            Song((koto(controls=CC_AND_BEND),)),
            ["Koto: 2 controls of one instant in another order"],
        ),
        (
            Song((koto(controls=as_controls([(1.0, 0xB0, 101, 0), (1.0, 0xB0, 100, 0)])),)),
            [f"Koto: {WRITTEN}: 2 controls of one tick in another order"],
        ),
        (
            Song((replace(koto(), name="琴\ud800"),)),
            [
                "琴\\ud800: its name holds half a character, now U+FFFD",
                f"琴\\ud800: {WRITTEN}: its name is UTF-8, to be read with charset='utf-8'",
            ],
        ),
        (
            Song((koto((0.0, 2.0, 60, 80), (1.0, 3.0, 60, 80), (5.0, 5.0, 60, 80)),)),
            [
                f"Koto: {WRITTEN}: 1 note shorter than a tick without an end",
                f"Koto: {WRITTEN}: 1 note cut or run on: struck again too early",
            ],
        ),
        (
            Song((koto((0.0001, 0.5, 60, 80)),)),
            [f"1 note moved to the nearest tick {WRITTEN}, by at most 0.1 ms"],
        ),
        (
            Song((koto((0.0, 1e300, 60, 80)),)),
            [f"Koto: {WRITTEN}: 1 note may lie where pretty_midi refuses to read it"],
        ),
        (
            Song((), TempoMap(np.array([0.0, 1e9]), np.array([120.0, 60.0]))),
            ["1 tempo change after tick 10,000,000 left out"],
        ),
        (
            Song((koto(),) * 17),
            [f"{WRITTEN}: 2 tracks on the channel of another, it gives 15 in turn"],
        ),
        (
            Song((), events=(Event(0.0, TEXT, b"x" * 1_000_001),)),
            [f"{WRITTEN}: 1 text of more than a million bytes, which it refuses to read"],
        ),
    ],
)
def test_what_pretty_midi_cannot_hold_is_listed(song: Song, lines: list[str]) -> None:
    """Every loss in one line; the notes arrive to the bit."""
    assert said(pretty_midi_losses(song)) == lines
    back = from_pretty_midi(to_pretty_midi(song))
    assert np.array_equal(back.note_array(), song.note_array())


def test_names_are_text_in_mido() -> None:
    """A name beyond Latin-1 is readable in the object, and its bytes are UTF-8."""
    file = to_mido(Song((replace(koto(), name="琴"),), title="曲"))
    assert (file.charset, [track.name for track in file.tracks]) == ("utf-8", ["曲", "琴"])
    buffer = io.BytesIO()
    file.save(file=buffer)
    assert "琴".encode() in buffer.getvalue()


def test_texts_that_are_not_utf8_keep_their_bytes_in_mido() -> None:
    """One Shift-JIS lyric makes the whole object Latin-1, byte for byte."""
    song = Song(
        (replace(koto(), name="琴"),), events=(Event(0.0, LYRIC, "歌".encode("shift_jis")),)
    )
    file = to_mido(song)
    assert file.charset == "latin-1"
    back = from_mido(file)
    assert back.events == song.events
    assert back[0].name == "琴"


def test_meta_events_mido_does_not_know_keep_their_time() -> None:
    """Their delta times, which mido drops when it reads, are put back."""
    fake = Event(1.5, 0x7F, b"\0midikit\0\x0ax")
    song = Song((koto((2.0, 3.0, 60, 80)),), events=(Event(1.0, 0x0A, b"\x01"), fake))
    file = to_mido(song)
    unknown = [message for message in file.tracks[0] if message.type == "unknown_meta"]
    assert [(m.type_byte, m.data, m.time) for m in unknown] == [(0x0A, (1,), 960)]
    assert from_mido(file).events == song.events


def test_mido_files_made_by_hand_are_read() -> None:
    """A name beyond mido's default charset is no obstacle; the file is not changed."""
    file = mido.MidiFile()
    track = file.add_track("琴")
    track.append(mido.Message("note_on", note=60, velocity=64, time=0))
    track.append(mido.Message("note_off", note=60, time=480))
    song = from_mido(file)
    assert song["琴"].notes.tolist() == [(0.0, 0.5, 60, 64)]
    assert file.charset == "latin1"


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([mido.Message("note_on", time=0.5)], "message time must be int in MIDI file"),
        ([mido.Message("clock")], "realtime messages are not allowed in MIDI files"),
        ([mido.MetaMessage("text", text="\ud800")], "codec can't encode character"),
    ],
)
def test_what_mido_cannot_write_is_refused_in_its_words(messages: list[Any], problem: str) -> None:
    """One documented error, not whatever mido's encoders raise."""
    file = mido.MidiFile(tracks=[mido.MidiTrack(messages)])
    with pytest.raises(ConversionError, match="mido cannot write this file: ") as caught:
        from_mido(file)
    assert problem in str(caught.value)


def test_what_a_file_cannot_say_is_refused() -> None:
    """Tempi and pauses beyond the format raise the writer's errors."""
    slow = Song((), TempoMap.constant(1.0))
    for convert in (to_mido, to_pretty_midi, mido_losses, pretty_midi_losses):
        with pytest.raises(ConversionError, match=r"tempo of 1 qpm; a \.mid holds 3\.58 to"):
            convert(slow)
    with pytest.raises(LimitError, match="a note ends at 1e"):
        to_mido(Song((koto((0.0, 1e300, 60, 80)),)))


def test_the_tempo_map_is_in_the_tick_scales() -> None:
    """Beats and ticks of pretty_midi follow a tempo that changes; its file says the same."""
    song = Song((koto((4.0, 5.0, 60, 80)),), TempoMap(np.array([0.0, 2.0]), np.array([120.0, 60])))
    pm = to_pretty_midi(song)
    assert pm.time_to_tick(4.0) == 6 * 480  # before anything else has filled its table
    assert pm.resolution == 480
    assert pm.get_tempo_changes()[0].tolist() == pytest.approx([0.0, 2.0])
    assert pm.get_tempo_changes()[1].tolist() == pytest.approx([120.0, 60.0])
    assert pm.get_beats().tolist() == pytest.approx([0, 0.5, 1, 1.5, 2, 3, 4])
    odd = to_pretty_midi(Song((koto(),), TempoMap.constant(60e6 / 545_157)))
    buffer = io.BytesIO()
    odd.write(buffer)
    tempi = [
        m.tempo
        for m in mido.MidiFile(file=io.BytesIO(buffer.getvalue())).tracks[0][:2]
        if m.type == "set_tempo"
    ]
    assert tempi == [545_157]


def test_files_read_by_pretty_midi_are_the_same_song() -> None:
    """An object that pretty_midi read itself gives the notes that read_midi gives."""
    song = Song(
        (
            koto((0.5, 1.0, 60, 80), (1.0, 2.0, 60, 90), (1.0, 1.5, 64, 1)),
            Track(
                "Kit", 0, is_drum=True, notes=as_notes([(0.25, 0.5, 38, 127)]), controls=NO_CONTROLS
            ),
        ),
        TempoMap(np.array([0.0, 1.0]), np.array([120.0, 80.0])),
        (Event(0.0, METER, bytes([3, 2, 24, 8])), Event(0.0, KEY, b"\xfd\x00")),
    )
    buffer = io.BytesIO()
    to_mido(song).save(file=buffer)
    theirs = from_pretty_midi(pretty_midi.PrettyMIDI(io.BytesIO(buffer.getvalue())))
    ours = read_midi(buffer.getvalue())
    assert [track.name for track in theirs] == ["Koto", "Kit"]
    assert [(track.program, track.is_drum) for track in theirs] == [(107, False), (0, True)]
    for a, b in zip(ours, theirs, strict=True):
        assert np.allclose(a.notes["start"], b.notes["start"])
        assert np.allclose(a.notes["end"], b.notes["end"])
        assert np.array_equal(a.notes["pitch"], b.notes["pitch"])
    assert theirs.time_signatures == ours.time_signatures
    assert theirs.key_signatures == ours.key_signatures
    assert np.array_equal(theirs.tempo.qpm, ours.tempo.qpm)


def test_a_tempo_of_no_whole_microseconds_is_taken_as_it_is() -> None:
    """An object made by hand may have any tempo; of two in one place the last counts."""
    pm = pretty_midi.PrettyMIDI(initial_tempo=110.06)
    assert from_pretty_midi(pm).tempo.qpm.tolist() == pytest.approx([110.06], abs=1e-12)
    pm._tick_scales = [(0, 60 / (90 * pm.resolution)), (0, 60 / (80 * pm.resolution))]
    assert from_pretty_midi(pm).tempo.qpm.tolist() == pytest.approx([80.0])


def test_a_track_without_a_program_hears_those_of_its_channel() -> None:
    """In a file a program counts for every track of the channel."""
    drums = Track("Drums", is_drum=True, notes=koto().notes)
    song = Song((drums, replace(drums, name="Kit", program=8)))
    what = "claims no program, but there are program changes on its channel"
    assert said(mido_losses(song)) == [f"Drums: {what}"]
    assert [track.program for track in from_mido(to_mido(song))] == [8, 8]


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("sharps", range(-7, 8))
def test_keys_are_those_of_pretty_midi(sharps: int, minor: int) -> None:
    """All thirty keys have the number pretty_midi gives them when it reads a file."""
    song = Song((koto(),), events=(Event(0.0, KEY, bytes([sharps % 256, minor])),))
    buffer = io.BytesIO()
    to_mido(song).save(file=buffer)
    expected = pretty_midi.PrettyMIDI(io.BytesIO(buffer.getvalue())).key_signature_changes[0]
    assert to_pretty_midi(song).key_signature_changes[0].key_number == expected.key_number
    written = io.BytesIO()
    to_pretty_midi(song).write(written)
    assert (
        read_midi(written.getvalue()).key_signatures
        == from_pretty_midi(to_pretty_midi(song)).key_signatures
    )


def broken(**changes: Any) -> pretty_midi.PrettyMIDI:
    """Make an object whose first note is impossible; pretty_midi checks nothing."""
    pm = to_pretty_midi(Song((replace(koto(), name="Lead\x1b"),)))
    for name, value in changes.items():
        setattr(pm.instruments[0].notes[0], name, value)
    return pm


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"velocity": 0}, "note 0: velocity is 0; expected a whole number from 1 to 127"),
        ({"pitch": 60.5}, "note 0: pitch is 60.5"),
        ({"pitch": None}, "pitch holds object; expected numbers"),
        ({"start": float("nan")}, "note 0: start is nan"),
    ],
)
def test_impossible_notes_are_refused_by_name(changes: dict[str, Any], message: str) -> None:
    """The instrument is named, escaped, and the value shown."""
    with pytest.raises(NotesError) as caught:
        from_pretty_midi(broken(**changes))
    assert str(caught.value).startswith("instrument 0 'Lead\\x1b': " + message)


def test_other_impossible_values_are_refused() -> None:
    """Nothing is rounded or cut in silence."""
    pm = to_pretty_midi(Song((koto(controls=CC_AND_BEND),)))
    pm.instruments[0].control_changes[0].value = 64.5
    with pytest.raises(NotesError, match=r"value is 64\.5; expected a whole number"):
        from_pretty_midi(pm)
    pm.instruments[0].control_changes[0].value = 64
    pm.instruments[0].pitch_bends[0].pitch = 8192
    with pytest.raises(NotesError, match="bend is 8192; expected -8192 to 8191"):
        from_pretty_midi(pm)
    pm.instruments[0].pitch_bends = []
    pm.instruments[0].program = 128
    with pytest.raises(NotesError, match="program is 128; expected 0 to 127"):
        from_pretty_midi(pm)
    pm.instruments[0].program = "piano"
    with pytest.raises(NotesError, match="program is piano; expected a whole number"):
        from_pretty_midi(pm)
    pm.instruments = []
    pm.time_signature_changes = [pretty_midi.TimeSignature(4, 3, 0.0)]
    with pytest.raises(ConversionError, match=r"time signature 4/3 at 0\.00 seconds: expected"):
        from_pretty_midi(pm)
    pm.time_signature_changes = []
    pm.lyrics = [pretty_midi.Lyric("la", -1.0)]
    with pytest.raises(ConversionError, match=r"its time is -1\.0; expected seconds, 0 or more"):
        from_pretty_midi(pm)
    pm.lyrics = []
    pm.key_signature_changes = [pretty_midi.KeySignature(3, 0.0)]
    pm.key_signature_changes[0].key_number = 24
    with pytest.raises(ConversionError, match="key signature 24: expected 0 to 23"):
        from_pretty_midi(pm)


def test_neither_package_is_imported_before_it_is_asked_for() -> None:
    """The lists of losses need no other package."""
    code = (
        "import sys\nfrom midikit.convert.objects import mido_losses, pretty_midi_losses\n"
        "from midikit.model.song import Song\n"
        "mido_losses(Song(())), pretty_midi_losses(Song(()))\n"
        "print({'mido', 'pretty_midi'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
