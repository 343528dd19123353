"""Keys: their names and signatures, estimates, and what is written into a .mid."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from typing import Any

import mido
import numpy as np
import pretty_midi
import pytest

from midikit.convert.midi import to_midi
from midikit.errors import ConversionError, NotesError
from midikit.model.events import KEY_SIGNATURE, Event
from midikit.model.key import MODES, Key, KeySpan
from midikit.model.notes import as_notes, shift, transpose
from midikit.model.song import Song, Track
from midikit.parse.midi import read_midi
from midikit.sandbox.songs import demo_songs
from midikit.tonality.estimate import estimate_key
from midikit.tonality.export import with_key
from midikit.tonality.sections import estimate_keys
from tests.bench.key_data import dev_songs
from tests.bench.key_songs import ATONAL, STYLES, atonal, made_song, transposed
from tests.bench.synthetic import seed_of

POP = demo_songs()[0]
DEMO_KEYS = ("D major", "F major", "E minor", "Bb major", "A minor", "A minor")


def every_key() -> list[Key]:
    """List the keys of all key signatures."""
    return [Key.from_signature(n, minor=m) for n in range(-7, 8) for m in (False, True)]


def tune(*pitches: int, length: float = 0.5) -> Song:
    """Make a song of one voice."""
    rows = [(length * i, length * (i + 1), pitch, 80) for i, pitch in enumerate(pitches)]
    return Song((Track("Voice", notes=as_notes(rows)),))


def test_names_and_signatures_belong_together() -> None:
    """Each of the 30 keys is read from its name and signature, and pickles; minor is 3 below."""
    for key in every_key():
        assert Key.from_name(key.name) == Key.from_name(key.name.upper()[:1] + key.name[1:]) == key
        assert Key.from_signature(key.sharps, minor=key.is_minor) == key
        assert pickle.loads(pickle.dumps(key)) == key
    relative = [
        (Key.from_signature(n).pitch_class, Key.from_signature(n, minor=True).pitch_class)
        for n in range(-7, 8)
    ]
    assert all((major - minor) % 12 == 3 for major, minor in relative)
    assert (Key("C", "major").sharps, Key("G", "major").sharps, Key("F", "major").sharps) == (
        0,
        1,
        -1,
    )


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("F# minor", "F# minor"),
        ("f#m", "F# minor"),
        ("F\u266f Minor", "F# minor"),
        ("C sharp min", "C# minor"),
        ("E-flat major", "Eb major"),
        ("B\u266d", "Bb major"),
        ("bb minor", "Bb minor"),
        ("b minor", "B minor"),
        (" Am ", "A minor"),
        ("CM", "C major"),
        ("Gb:maj", "Gb major"),
    ],
)
def test_names_are_read_as_musicians_write_them(name: str, key: str) -> None:
    """Letters of either size, both kinds of accidentals, long and short modes."""
    assert Key.from_name(name).name == key


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "key '': expected such as 'F# minor', 'Bb major', 'C' or 'Am'"),
        ("H minor", "key 'H minor': expected such as 'F# minor'"),
        ("C\x1b[31m", r"key 'C\\x1b\[31m': expected"),
        ("Cmaj7", "key 'Cmaj7': expected"),
        ("G# major", "more than seven sharps or flats.*expected Ab major"),
        ("Db minor", "expected C# minor"),
        (None, "key null: expected such as"),
        (3, "key 3: expected such as"),
    ],
)
def test_other_names_are_refused(name: Any, said: str) -> None:
    """The message says what was found and what is expected."""
    with pytest.raises(NotesError, match=said):
        Key.from_name(name)


def test_impossible_keys_are_refused() -> None:
    """Modes, tonics, signatures, pitch classes and confidences out of range."""
    dorian: Any = "dorian"
    with pytest.raises(NotesError, match="mode 'dorian': expected major or minor"):
        Key("D", dorian)
    with pytest.raises(NotesError, match="mode 'dorian'"):
        Key.of(2, dorian)
    with pytest.raises(NotesError, match=r"tonic 'Fb': no major key .* expected Cb, Gb, Db"):
        Key("Fb", "major")
    with pytest.raises(NotesError, match="8 sharps: expected -7 to 7"):
        Key.from_signature(8)
    with pytest.raises(NotesError, match="pitch class 12: expected 0 to 11"):
        Key.of(12, "major")
    with pytest.raises(NotesError, match=r"confidence 1\.5: expected a probability"):
        Key("C", "major", 1.5)


def test_estimates_are_spelled_with_fewest_accidentals() -> None:
    """Nothing beyond six, and relative keys share their signature."""
    found = {Key.of(number, mode) for number in range(12) for mode in MODES}
    assert len(found) == 24
    assert max(abs(key.sharps) for key in found) == 6
    for number in range(12):
        assert Key.of(number, "major").sharps == Key.of((number + 9) % 12, "minor").sharps


def test_equal_keys_may_differ_in_confidence() -> None:
    """An estimate equals the key that was meant."""
    assert Key("A", "minor", 0.8, Key("C", "major", 0.1)) == Key("A", "minor")
    assert Key("A", "minor") != Key("A", "major")


def test_the_demo_songs_are_told_in_all_transpositions() -> None:
    """Six songs, twelve places each; what is told moves with the notes."""
    for demo, name in zip(demo_songs(), DEMO_KEYS, strict=True):
        song, key = demo.song(), Key.from_name(name)
        for by in range(-6, 6):
            tracks = tuple(
                t if t.is_drum else replace(t, notes=transpose(t.notes, by)) for t in song
            )
            found = estimate_key(song.with_tracks(tracks))
            assert found == Key.of((key.pitch_class + by) % 12, key.mode), (demo.title, by, found)


def test_made_songs_of_all_styles_and_keys_are_told() -> None:
    """At least nineteen in twenty, of songs that nothing was learnt from."""
    right = []
    for style in STYLES:
        for number in range(3):
            case = made_song(seed_of("suite", style, number), style)
            for by in (0, 5, 10):
                moved = transposed(case, by)
                right.append(estimate_key(moved.song) == moved.key)
    assert np.mean(right) >= 0.93


def test_pop_songs_are_told() -> None:
    """At least as many of the 50 songs of POP909 as music21's best profile tells, 43."""
    assert sum(estimate_key(one.song) == one.key for one in dev_songs()) >= 43


def test_what_has_no_key_is_told_to_have_none() -> None:
    """Tone rows, chromatic and whole-tone runs, random pitches; or with little confidence."""
    found = [
        estimate_key(atonal(seed_of("suite", kind, n), kind).song)
        for kind in ATONAL
        for n in range(8)
    ]
    assert sum(key is None for key in found) >= 36
    assert all(key is None or (key.confidence or 0.0) < 0.6 for key in found)


def test_without_pitches_there_is_no_key() -> None:
    """Empty songs, empty tracks, drums alone."""
    drums = [(0.5 * i, 0.5 * i + 0.1, 36 + 2 * (i % 2), 90) for i in range(64)]
    kit = Track("Drums", is_drum=True, notes=as_notes(drums))
    for song in (Song(()), Song((Track("Koto"),)), Song((kit,))):
        assert estimate_key(song) is None
        assert estimate_keys(song) == ()


def test_one_or_two_pitches_are_no_key() -> None:
    """A lone note, one of no length, two hours of one, a drone; a chord is hardly one."""
    for rows in ([(0.0, 1.0, 60, 80)], [(3.0, 3.0, 60, 80)], [(0.0, 7200.0, 60, 80)]):
        assert estimate_key(Song((Track("Koto", notes=as_notes(rows)),))) is None
    for pitches in ((60,) * 300, (36, 55) * 150, (0, 127) * 150):
        assert estimate_key(tune(*pitches)) is None
        assert estimate_keys(tune(*pitches)) == ()
    chord = estimate_key(tune(60, 64, 67))
    assert chord is not None
    assert (chord.confidence or 1.0) < 0.3


def test_drums_and_velocities_do_not_count() -> None:
    """A kit changes nothing, nor does how loud notes are."""
    song = POP.song().select(drums=False)
    found = estimate_key(song)
    loud = tuple(
        replace(t, notes=as_notes([(*row[:3], 1 + row[2] % 127) for row in t.notes.tolist()]))
        for t in song
    )
    again = estimate_key(song.with_tracks(loud))
    assert found is not None
    assert again is not None
    assert found == again == estimate_key(POP.song())
    assert found.confidence == again.confidence


def test_confidence_is_a_probability_and_the_runner_up_follows() -> None:
    """The runner-up differs, is less likely, and both add up to one at most."""
    for one in list(dev_songs())[:10]:
        key = estimate_key(one.song)
        assert key is not None
        assert key.runner_up is not None
        assert key.runner_up != key
        assert 0.0 < (key.runner_up.confidence or 0.0) <= (key.confidence or 0.0) <= 1.0
        assert (key.runner_up.confidence or 0.0) + (key.confidence or 0.0) <= 1.0 + 1e-9


def test_fewer_notes_are_less_sure() -> None:
    """The same bars over and over make an estimate surer."""
    bar = (60, 64, 67, 72, 65, 69, 67, 71)
    sure = [estimate_key(tune(*(bar * times))) for times in (1, 4, 16)]
    levels = [0.0 if key is None else key.confidence for key in sure]
    assert levels == sorted(levels, key=lambda level: level or 0.0)


def test_a_stretch_is_told_by_its_own_notes() -> None:
    """From a second on and up to one; a stretch without notes has no key."""
    bar = (60, 64, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71, 72, 67, 64, 60)
    song = tune(*(bar * 6), *(pitch + 3 for pitch in bar * 6))
    assert str(estimate_key(song, end=48.0)) == "C major"
    assert str(estimate_key(song, start=48.0)) == "Eb major"
    assert estimate_key(song, start=200.0) is None


def test_sections_are_told_without_gaps() -> None:
    """A song that rises a tone changes its key once, where it does."""
    case = made_song(seed_of("suite", "pop", 1), "pop").song.select(drums=False)
    half = case.end
    tracks = tuple(
        replace(t, notes=np.concatenate([t.notes, shift(transpose(t.notes, 2), half)]))
        for t in case
    )
    spans = estimate_keys(Song(tracks))
    assert [str(span.key) for span in spans] == ["C major", "D major"]
    assert spans[0].end == spans[1].start
    assert abs(spans[0].end - half) < 4.0
    assert (spans[0].start, spans[1].end) == (0.5, 2 * half)


def test_sections_change_on_bar_lines() -> None:
    """With a grid, each change is on one of its bar lines."""
    grid = POP.grid()
    song = POP.song()
    tracks = []
    for track in song:
        notes = track.notes.copy()
        notes["pitch"] += np.where((notes["start"] > 70.0) & (not track.is_drum), 3, 0)
        tracks.append(replace(track, notes=as_notes(notes)))
    spans = estimate_keys(song.with_tracks(tuple(tracks)), grid=grid)
    assert [str(span.key) for span in spans] == ["D major", "F major"]
    assert np.abs(grid.downbeats - spans[1].start).min() == 0.0
    assert abs(spans[1].start - 70.0) < 4.0


def test_every_key_is_read_back_by_others() -> None:
    """Mido, pretty_midi and midikit read each of the 30 keys from the .mid that was written."""
    song = tune(60, 64, 67)
    for key in every_key():
        data = to_midi(with_key(song, key))
        messages = [m for track in mido.MidiFile(file=io.BytesIO(data)).tracks for m in track]
        named = [m.key for m in messages if m.type == "key_signature"]
        assert named == [key.tonic + ("m" if key.is_minor else "")]
        (read,) = pretty_midi.PrettyMIDI(io.BytesIO(data)).key_signature_changes
        assert (read.time, read.key_number) == (0.0, key.pitch_class + 12 * key.is_minor)
        assert read_midi(data).key_signatures == ((0.0, key.sharps, key.is_minor),)
        assert not read_midi(data).repairs


def test_sections_are_written_where_they_begin() -> None:
    """The first at tick 0, however late its notes; the others at their seconds."""
    spans = [KeySpan(0.7, 4.0, Key("C", "major")), KeySpan(4.0, 9.0, Key("Eb", "minor"))]
    keyed = with_key(tune(60, 64, 67), spans)
    assert keyed.key_signatures == ((0.0, 0, False), (4.0, -6, True))
    assert keyed.changes[-1].what == ("2 key signatures written: C major, Eb minor from 4.000 s")


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (float("nan"), 1.0, "start nan: expected seconds"),
        (0.0, float("inf"), "end inf: expected seconds"),
        ("0", 1.0, "start '0': expected seconds"),
        (2.0, 1.5, "end 1.5: before the start, 2 s"),
    ],
)
def test_a_stretch_has_a_beginning_and_an_end(start: Any, end: Any, message: str) -> None:
    """Or no file could hold its key."""
    with pytest.raises(NotesError, match=message):
        KeySpan(start, end, Key("C", "major"))
    assert KeySpan(1, np.float32(1.0), Key("C", "major")).end == 1.0  # type: ignore[arg-type]


def test_other_signatures_give_way_and_are_told() -> None:
    """Those of the song and its tracks, valid or not; every other event stays."""
    text = Event(0.0, 0x01, b"text")
    claimed = (Event(0.0, KEY_SIGNATURE, b"\x01\x00"), text, Event(2.0, KEY_SIGNATURE, b"\x0b\x00"))
    voice = replace(tune(60)[0], events=(Event(1.0, KEY_SIGNATURE, b"\xff\x01"), text))
    keyed = with_key(Song((voice,), events=claimed), "Bb major")
    assert [event.data for event in keyed.events] == [b"text", b"\xfe\x00"]
    assert keyed[0].events == (text,)
    assert keyed.changes[-1].what == (
        "key signature of Bb major (2 flats) written instead of the G major and 1 more that was "
        "claimed"
    )
    again = with_key(keyed, Key("Bb", "major"))
    assert again.events == keyed.events
    assert "instead" not in again.changes[-1].what


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "key is None: no key was found; pass a Key or a name"),
        ("H", "key 'H': expected such as"),
        ([], "key a list: expected a Key, a name"),
        (4, "key 4: expected a Key"),
    ],
)
def test_what_is_no_key_is_not_written(key: Any, said: str) -> None:
    """Nothing but a key, its name or stretches."""
    with pytest.raises(ConversionError, match=said):
        with_key(Song(()), key)
