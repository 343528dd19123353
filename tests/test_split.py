"""Parts of a song: played together they are the whole, whoever plays them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import Counter, defaultdict, deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mido
import numpy as np
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

import midikit as mk
from midikit.convert.arrange import split
from midikit.convert.arrange.split import part_names, split_plan, split_song
from midikit.convert.zipped import to_zip
from midikit.errors import ConversionError, LimitError
from midikit.escape import file_stem, folded
from midikit.model.events import LYRIC, MARKER, TEXT, TIME_SIGNATURE, Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.hosted import hosted_midi
from midikit.sandbox.songs import DemoSong, demo_songs
from tests.hostile_names import NAMES
from tests.strategies import broken_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FIXTURES = Path(__file__).parent.parent / "fixtures"
NOTES = as_notes([(0.0, 0.5, 60, 80), (1.0, 1.5, 64, 90)])
KEY = 0x59


# ---------------------------------------------------------------- two players that are not ours


def _by_mido(data: bytes) -> dict[str, Any]:
    """Play a file with mido: its notes with the sound they have, its controls, its conductor."""
    file = mido.MidiFile(file=io.BytesIO(data), charset="latin-1")
    rows = []
    for number, track in enumerate(file.tracks):
        tick = 0
        for message in track:
            tick += message.time
            rows.append((tick, number, message))
    port: dict[int, int] = defaultdict(int)
    program: dict[tuple[int, int], int] = defaultdict(int)
    sounding: dict[tuple[int, int, int], deque[tuple[Any, ...]]] = defaultdict(deque)
    notes: Counter[Any] = Counter()
    controls: dict[tuple[int, int], set[Any]] = defaultdict(set)
    for tick, number, message in sorted(rows, key=lambda row: row[:2]):
        if message.type == "midi_port":
            port[number] = message.port
        if message.is_meta or message.type == "sysex":
            continue
        channel = port[number], message.channel
        if message.type not in {"note_on", "note_off"}:
            program[channel] = getattr(message, "program", program[channel])
            controls[channel].add((tick, tuple(message.bytes())))
            continue
        # Each track's own: two that share a channel may hold one pitch at a time.
        waiting = sounding[number, message.channel, message.note]
        if message.type == "note_on" and message.velocity:
            waiting.append((tick, message.velocity, program[channel], channel))
        else:
            start, velocity, sound, at = waiting.popleft()
            notes[start, tick, message.note, velocity, sound, at] += 1
    assert not any(sounding.values())
    first = [(tick, str(message.copy(time=0))) for tick, number, message in rows if number == 0]
    return {
        "notes": notes,
        "controls": controls,
        "conductor": Counter(first),
        "resolution": file.ticks_per_beat,
    }


def _by_symusic(data: bytes) -> dict[str, Any]:
    """Read a file with symusic: its notes on ticks and in seconds, its tempi and meters."""
    score: Any = symusic.Score.from_midi(data)
    played: Any = score.to("second")
    notes: Counter[Any] = Counter()
    for track, clock in zip(score.tracks, played.tracks, strict=True):
        ticks, seconds = track.notes.numpy(), clock.notes.numpy()
        columns = [table[name].tolist() for table in (ticks, seconds) for name in sorted(table)]
        sound = (track.program, track.is_drum)
        notes.update((sound, row) for row in zip(*columns, strict=True))
    return {
        "notes": notes,
        "tempi": [(one.time, one.mspq) for one in score.tempos],
        "meters": [(one.time, one.numerator, one.denominator) for one in score.time_signatures],
        "keys": [(one.time, one.key, one.tonality) for one in score.key_signatures],
        "markers": Counter((one.time, one.text) for one in score.markers),
        "resolution": score.tpq,
    }


def _union(tables: Iterable[dict[Any, set[Any]]]) -> dict[Any, set[Any]]:
    found: dict[Any, set[Any]] = defaultdict(set)
    for table in tables:
        for key, rows in table.items():
            found[key] |= rows
    return found


def assert_together(
    whole: bytes, parts: Sequence[bytes], *, by_symusic: bool = True, spills: bool = False
) -> None:
    """Assert that files played together equal the file of the whole."""
    one, others = _by_mido(whole), [_by_mido(part) for part in parts]
    assert sum((other["notes"] for other in others), Counter()) == one["notes"]
    heard = {note[-1] for note in one["notes"]}
    controls = {channel: rows for channel, rows in one["controls"].items() if channel in heard}
    apart = _union(other["controls"] for other in others)
    if spills:  # a part's further channels hear all that it hears, in the whole its own alone
        assert all(apart[channel] >= rows for channel, rows in controls.items())
    else:
        assert apart == controls
    for other in others:
        assert other["conductor"] == one["conductor"]
        assert other["resolution"] == one["resolution"]
        assert other["notes"]
    if not by_symusic:
        return
    score, scores = _by_symusic(whole), [_by_symusic(part) for part in parts]
    assert sum((other["notes"] for other in scores), Counter()) == score["notes"]
    for other in scores:
        for name in ("tempi", "meters", "keys", "markers", "resolution"):
            assert other[name] == score[name]


def _both_ways(song: Song, **options: Any) -> tuple[bytes, list[bytes]]:
    """Write the whole and its parts: by the plan, and make sure that songs give the same."""
    plan = mk.plan_midi(song, **options)
    parts = [part.to_bytes() for part in split_plan(plan)]
    assert len(parts) == sum(len(track.notes) > 0 for track in song)
    made = split_song(song, programs=options.get("programs", "name"))
    assert [mk.to_midi(part, **options) for part in made] == parts
    return plan.to_bytes(), parts


# ---------------------------------------------------------------- together they are the whole


@pytest.mark.parametrize("demo", demo_songs(), ids=lambda demo: demo.title)
def test_demo_songs_and_their_hosted_files(demo: DemoSong) -> None:
    """With the tempo that was found, and as the broken file of the service has them."""
    laid = mk.lay_out(demo.song(), markers=True)
    whole, parts = _both_ways(laid.song)
    assert len(parts) == len(demo.song())
    assert_together(whole, parts)
    hosted = mk.read_midi(hosted_midi(demo))
    assert_together(*_both_ways(hosted))


def _real_files() -> dict[str, bytes]:
    with zipfile.ZipFile(FIXTURES / "pop909" / "dev_midi.zip") as archive:
        return {name: archive.read(name) for name in sorted(archive.namelist())[::5]}


@pytest.mark.parametrize("data", [pytest.param(d, id=n) for n, d in _real_files().items()])
def test_real_files(data: bytes) -> None:
    """As they are, and with everything as the source has it."""
    song = mk.read_midi(data)
    assert_together(*_both_ways(song))
    whole, parts = _both_ways(song, programs="source", overlap="keep", short="keep")
    assert_together(whole, parts, by_symusic=False)


@pytest.mark.parametrize("folder", ["midi", "bad/midi"])
def test_every_fixture_that_has_notes(folder: str) -> None:
    """Ports, sysex, channels without notes, one channel for all, damaged bytes."""
    split_up = 0
    for path in sorted((FIXTURES / folder).glob("*.mid")):
        try:
            song = mk.read_midi(path)
        except mk.MidiError:
            continue
        assert_together(*_both_ways(song))
        split_up += 1
    assert split_up > 10


_SECOND = st.integers(0, 400).map(lambda step: step / 192)


@st.composite
def songs(draw: st.DrawFn) -> Song:
    """Draw a song of tracks that share channels, hear each other, or have no notes."""
    row = st.tuples(_SECOND, st.integers(1, 90), st.integers(60, 64), st.integers(1, 127))
    byte = st.integers(0, 127)
    control = st.one_of(
        st.tuples(_SECOND, st.sampled_from([0xB0, 0xE0]), byte, byte),
        st.tuples(_SECOND, st.just(0xD0), byte, st.just(0)),
    )
    event = st.builds(
        Event, _SECOND, st.sampled_from([TEXT, LYRIC, MARKER, KEY]), st.just(bytes([2, 0]))
    )
    channel = draw(st.sampled_from([st.just(None), st.integers(0, 3), st.integers(0, 15)]))

    def track() -> Track:
        rows = draw(st.lists(row, max_size=5))
        at = draw(channel)
        is_drum = at == 9 or draw(st.sampled_from([False, False, True]))
        return Track(
            draw(st.sampled_from(["Koto", "Acoustic Bass", "Dark Synth Bass", "Drums", ""])),
            # One kit, and none of a track without notes: in the whole the last one counts for all.
            None if is_drum or not rows else draw(st.sampled_from([None, 0, 1, 38])),
            is_drum=is_drum,
            notes=as_notes([(start, start + n / 192, p, v) for start, n, p, v in rows]),
            controls=as_controls(draw(st.lists(control, max_size=3))),
            events=tuple(sorted(draw(st.lists(event, max_size=2)), key=lambda e: e.seconds)),
            channel=at,
            port=draw(st.sampled_from([0, 0, 0, 1])),
        )

    tracks = tuple(track() for _ in range(draw(st.integers(0, 5))))
    events = sorted(draw(st.lists(event, max_size=3)), key=lambda e: e.seconds)
    tempo = draw(
        st.sampled_from(
            [mk.TempoMap.constant(97.0), mk.TempoMap(np.array([0.0, 1.0]), np.array([120.0, 61.5]))]
        )
    )
    return Song(tracks, tempo, tuple(events), draw(st.sampled_from([None, "Song"])))


@settings(max_examples=300, deadline=None)
@given(songs(), st.sampled_from(["name", "source"]), st.sampled_from(["trim", "spill"]))
def test_random_songs(song: Song, programs: Any, overlap: Any) -> None:
    """Every note on its tick, with its sound; every control; the same conductor in each."""
    plan = mk.plan_midi(song, programs=programs, overlap=overlap)
    parts = [part.to_bytes() for part in split_plan(plan)]
    common = [event for track in song for event in track.events]
    if any(event.kind in (MARKER, KEY) for event in common) or any(
        track.events for track in song if not len(track.notes)
    ):
        # The conductor of each part holds more than that of the whole: told apart below.
        song = song.with_tracks(tuple(replace(track, events=()) for track in song))
        plan = mk.plan_midi(song, programs=programs, overlap=overlap)
        parts = [part.to_bytes() for part in split_plan(plan)]
    if parts:
        assert_together(plan.to_bytes(), parts, by_symusic=False, spills=overlap == "spill")


@settings(max_examples=200, deadline=None)
@given(broken_files())
def test_random_files(data: bytes) -> None:
    """Whatever reading makes of damaged bytes comes apart and together again, to the last note."""
    try:
        song = mk.read_midi(data)
        plan = mk.plan_midi(song, programs="source")
        plan.to_bytes()
    except (mk.MidiError, mk.LimitError):  # no file, or a pause that none can hold
        return
    parts = split_plan(plan)
    whole = Counter(zip(*_columns(plan), strict=True))
    assert sum((Counter(zip(*_columns(part), strict=True)) for part in parts), Counter()) == whole
    meant = [track.notes.tobytes() for track in plan.to_song() if len(track.notes)]
    found = [mk.read_midi(part.to_bytes()) for part in parts]
    assert [song.note_count for song in found] == [
        len(notes) // mk.NOTE.itemsize for notes in meant
    ]


def _columns(plan: mk.MidiPlan) -> list[list[int]]:
    notes = plan.notes
    channel = [plan.parts[part].channel for part in notes.part.tolist()]
    return [channel, *(column.tolist() for column in (notes.start, notes.end, notes.pitch))]


# ---------------------------------------------------------------- what each part has


def _piano() -> Song:
    """Two hands on one channel, a pedal in one, a volume in a track of its own, and texts."""
    pedal = as_controls([(0.0, 0xB0, 64, 127), (0.5, 0xB0, 64, 0)])
    volume = as_controls([(0.2, 0xB0, 7, 90), (0.8, 0xB0, 7, 70)])
    return Song(
        (
            Track("Right", 0, notes=NOTES, channel=2, events=(Event(0.5, LYRIC, b"la"),)),
            Track("Left", 0, notes=NOTES, controls=pedal, channel=2),
            Track("Mix", controls=volume, events=(Event(0.0, TEXT, b"by me"),), channel=2),
            Track("Flute", 73, notes=NOTES, channel=3, events=(Event(1.0, MARKER, b"Chorus"),)),
            Track("Nothing"),
            Track("Lost", controls=volume, channel=5),
        ),
        mk.TempoMap(np.array([0.0, 1.0]), np.array([120.0, 60.0])),
        (Event(0.0, TIME_SIGNATURE, bytes([3, 2, 24, 8])),),
        "Etude",
        960,
    )


def test_parts_have_what_they_hear_and_what_is_of_no_part() -> None:
    """The pedal for both hands, the marker and the text for all; the lyric for its singer alone."""
    no_notes, its = "has no notes, and so no file", "its 2 controls"
    right, left, flute = split_song(_piano())
    assert right[0].controls.tolist() == left[0].controls.tolist()
    assert len(left[0].controls) == 4
    assert len(flute[0].controls) == 0
    for part in (right, left, flute):
        *said, end = part.events
        assert [event.data for event in said] == [b"\x03\x02\x18\x08", b"by me", b"Chorus"]
        assert end.kind == 0x2F
        assert (part.title, part.ticks_per_quarter, len(part.tempo.qpm)) == ("Etude", 960, 2)
        assert [str(change) for change in part.changes if change.kind == "split"] == [
            f"Mix: {no_notes}; its 1 text goes to every part; {its} go to the parts on its channel",
            f"Nothing: {no_notes}",
            f"Lost: {no_notes}; {its} would be heard by none",
        ]
    assert [event.data for event in right[0].events] == [b"la"]
    assert flute[0].events == ()
    assert (right[0].channel, left[0].channel, flute[0].program) == (2, 2, 73)


def test_sounds_are_chosen_in_the_whole() -> None:
    """A guess that the whole makes, because all claim one sound, is the parts' as well."""
    names = ("Dark Synth Bass", "My Koto Thing")
    song = Song(tuple(Track(name, 0, notes=NOTES, channel=0) for name in names))
    chosen = [part.program for part in mk.plan_midi(song).parts]
    assert chosen == [38, 107]
    assert [mk.plan_midi(part).parts[0].program for part in split_song(song)] == chosen
    assert [mk.plan_midi(part).parts[0].channel for part in split_song(song)] == [0, 1]
    asked = split_song(song, programs={"My Koto Thing": 5})
    assert [part[0].program for part in asked] == [38, 5]
    assert [part[0].program for part in split_song(song, programs="source")] == [0, 0]
    with pytest.raises(ConversionError, match="no track is named 'Kotto'"):
        split_song(song, programs={"Kotto": 5})


def test_drums_that_share_their_channel_keep_controls_of_their_own() -> None:
    """Two kits that share channel 10 for want of another do not set each other's volume."""
    loud, soft = (as_controls([(0.0, 0xB0, 7, level)]) for level in (120, 40))
    song = Song(
        (
            Track("Drums", is_drum=True, notes=NOTES, controls=loud),
            Track("Percussion", is_drum=True, notes=NOTES, controls=soft),
        )
    )
    assert [part[0].controls["data2"].tolist() for part in split_song(song)] == [[120], [40]]


def test_a_kit_that_another_track_chose_is_written_in_each_part() -> None:
    """In the whole one program change is enough for the channel."""
    chosen = as_controls([(0.0, 0xC0, 8, 0)])
    song = Song(
        (
            Track("Drums", 8, is_drum=True, notes=NOTES),
            Track("Percussion", 8, is_drum=True, notes=NOTES, controls=chosen, channel=4),
        )
    )
    parts = split_plan(mk.plan_midi(song, programs="source"))
    assert [mk.read_midi(part.to_bytes())[0].program for part in parts] == [8, 8]


def test_what_several_tracks_say_of_the_song_is_said_once() -> None:
    """A key that stands in each track of a file is one; two texts of the song stay two."""
    key = Event(0.0, KEY, bytes([2, 0]))
    text = Event(0.0, TEXT, b"la la")
    tracks = (Track("Koto", notes=NOTES, events=(key,)), Track("Harp", notes=NOTES, events=(key,)))
    for part in split_song(Song(tracks, events=(text, text))):
        assert part.events[:-1] == (text, text, key)
        assert part[0].events == ()


def test_parts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a thousand and one files, nor one text in all of them, fills a disk."""
    with pytest.raises(LimitError, match="1,001 parts, each of which would be a file"):
        split_song(Song((Track("Koto", notes=NOTES),) * 1001))
    monkeypatch.setattr(split, "_MOST_BYTES", 10_000)
    text = (Event(0.0, TEXT, bytes(6_000)),)
    assert len(split_song(Song((Track("Koto", notes=NOTES),), events=text))) == 1
    with pytest.raises(
        LimitError, match="2 parts repeat what is common to all in 12,016 bytes; ex"
    ):
        split_song(Song((Track("Koto", notes=NOTES),) * 2, events=text))
    silent = Track("Lost", events=text)
    with pytest.raises(
        LimitError, match="2 parts repeat what is common to all in 12,016 bytes; ex"
    ):
        split_plan(mk.plan_midi(Song((Track("Koto", notes=NOTES),) * 2 + (silent,))))


def test_a_song_without_notes_has_no_parts() -> None:
    """Nothing is split into nothing."""
    assert split_song(Song((Track("Koto"),))) == ()
    assert split_plan(mk.plan_midi(Song(()))) == ()


# ---------------------------------------------------------------- their names


def _named(song_name: str, names: Iterable[str], **options: Any) -> list[str]:
    return part_names(song_name, [Song((Track(name, **options),)) for name in names])


def test_names_are_as_exports_have_them() -> None:
    """The instrument in brackets; once, where the track is called so already."""
    assert _named("Night Drive", ["Drums", "Night Drive (Bass)", "night drive (Keys (left))"]) == [
        "Night Drive (Drums)",
        "Night Drive (Bass)",
        "Night Drive (Keys (left))",
    ]
    assert _named("x", ["Other (Bass)"]) == ["x (Other (Bass))"]
    titled = Song((Track("Etude (Flute)"),), title="Etude")
    assert part_names("file", [titled]) == ["file (Flute)"]


def test_parts_of_one_name_have_files_of_their_own() -> None:
    """Whatever case, width or accent tells them apart: some file systems do not."""
    made = _named("Song", ["Bass", "bass", "Bass", "\uff22ass", "é", "e\u0301", "Bass) (2"])
    assert made[:3] == ["Song (Bass)", "Song (bass) (2)", "Song (Bass) (3)"]
    assert len({folded(name) for name in made}) == len(made)


def test_parts_without_a_name_are_called_after_their_sound() -> None:
    """Or by their number, where nobody said one."""
    assert _named("Song", ["", " "], program=32) == [
        "Song (Acoustic Bass)",
        "Song (Acoustic Bass) (2)",
    ]
    assert _named("Song", [""], is_drum=True) == ["Song (Drums)"]
    assert _named("Song", ["Koto", ""]) == ["Song (Koto)", "Song (Part 2)"]


def test_hostile_names_stay_in_their_folder() -> None:
    """Each is one safe component, its own stem, and no other's."""
    for song_name in ("Song", "../..", "\x1b[2J", "x" * 300, "", "CON"):
        made = _named(song_name, NAMES.values())
        assert all(file_stem(name) == name for name in made)
        assert len({folded(name) for name in made}) == len(NAMES)
        assert max(len(name.encode()) for name in made) <= 120
    long = _named("s" * 200, ["Electric Piano 1", "k" * 200])
    assert long[0].endswith(" (Electric Piano 1)")
    assert long[0][:40] == long[1][:40] == "s" * 40


# ---------------------------------------------------------------- in one .zip


def test_a_zip_has_the_same_bytes_whatever_the_order_and_the_day() -> None:
    """By name, of one date, stored; and any reader takes it."""
    files = {"b (Drums).mid": b"MThd", "a é 琴.mid": b"", "c.mid": bytes(1000)}
    data = to_zip(files)
    assert data == to_zip(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(files)
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert {info.date_time[:3] for info in archive.infolist()} == {(1980, 1, 1)}
    assert hashlib.sha256(data).hexdigest()[:16] == ZIP_DIGEST


ZIP_DIGEST = "cb57975d74f8787a"
"""On every machine, with every version of Python and zlib."""


@pytest.mark.parametrize("name", ["../x.mid", "/x.mid", "a/b.mid", "a\\b.mid", "", ".x", "CON"])
def test_a_zip_has_no_member_that_leaves_its_folder(name: str) -> None:
    """Refused, whoever asks for it."""
    with pytest.raises(ConversionError, match="is no safe name"):
        to_zip({name: b""})


def test_a_zip_has_no_two_members_that_are_one_file() -> None:
    """On a system that does not tell case."""
    with pytest.raises(ConversionError, match=r"'bass.mid' is in the .zip twice"):
        to_zip({"Bass.mid": b"", "bass.mid": b""})
