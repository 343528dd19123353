"""Songs to .mid: what a broken export turns into, decision by decision."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mido
import numpy as np
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.convert.midi import plan_midi, to_midi, write_midi
from midikit.errors import ConversionError, LimitError, NotesError
from midikit.model.events import Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap
from midikit.parse.midi import read_midi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ONE = as_notes([(0.0, 0.5, 60, 80)])


def tempo_map(seconds: list[float], qpm: list[float]) -> TempoMap:
    """Make a tempo map of lists."""
    return TempoMap(np.array(seconds), np.array(qpm))


def opened(song: Song, **options: Any) -> mido.MidiFile:
    """Write with these options and read with mido."""
    return mido.MidiFile(file=io.BytesIO(to_midi(song, **options)), charset="utf-8")


def first(track: mido.MidiTrack, kind: str) -> mido.Message:
    """Return the first message of a kind."""
    return next(message for message in track if message.type == kind)


def said(song: Song, **options: Any) -> list[str]:
    """Return the changes of a plan as text."""
    return [str(change) for change in plan_midi(song, **options).changes]


def test_names_choose_the_sound_where_the_file_claims_one_for_all() -> None:
    """Program 1 everywhere is what broken exports claim; confident and partial names win."""
    names = ("Koto", "Orchestral Harp", "Dark Synth Bass", "Thing")
    song = Song(tuple(Track(name, 1, notes=ONE, channel=0) for name in names))
    tracks = opened(song).tracks[1:]
    assert [first(track, "program_change").program for track in tracks] == [107, 46, 38, 1]
    claim = "the file claimed Bright Acoustic Piano (program 1)"
    assert said(song) == [
        f"Koto: plays Koto (program 107), by its name; {claim}",
        f"Orchestral Harp: plays Orchestral Harp (program 46), by its name; {claim}",
        f"Dark Synth Bass: plays Synth Bass 1 (program 38), guessed from its name; {claim}",
    ]


def test_a_claim_that_fits_the_name_is_kept() -> None:
    """A guitar may be any guitar, and a partial name does not overrule a real claim."""
    song = Song((Track("Guitar", 30, notes=ONE), Track("Dark Synth Bass", 33, notes=ONE)))
    assert [part.program for part in plan_midi(song).parts] == [30, 33]
    assert said(song) == []


def test_sounds_nobody_claimed_are_guessed_and_listed() -> None:
    """Answers of the endpoint claim none: the name decides, else 0."""
    song = Song((Track("Synth Voice", notes=ONE), Track("Zither?", notes=ONE)))
    assert said(song) == [
        "Synth Voice: plays Synth Voice (program 54), by its name",
        "Zither?: plays Acoustic Grand Piano (program 0): its name says nothing",
    ]


def test_programs_can_be_asked_for() -> None:
    """By name of the track; a name nobody has and a number out of range are refused."""
    song = Song((Track("Koto", 1, notes=ONE), Track("Flute", 73, notes=ONE)))
    assert [part.program for part in plan_midi(song, programs={"Koto": 15}).parts] == [15, 73]
    assert [part.program for part in plan_midi(song, programs="source").parts] == [1, 73]
    with pytest.raises(ConversionError, match="no track is named 'Kotoo'; there are 'Koto', 'Flu"):
        plan_midi(song, programs={"Kotoo": 1})
    with pytest.raises(
        ConversionError, match="program 128 for 'Koto'; expected a whole number, 0 to 127"
    ):
        plan_midi(song, programs={"Koto": 128})
    with pytest.raises(ConversionError, match=r"program 1.5 for 'Koto'; expected a whole number"):
        plan_midi(song, programs={"Koto": 1.5})  # type: ignore[dict-item]
    with pytest.raises(
        ConversionError, match="programs is 'nam'; expected 'name', 'source' or pro"
    ):
        plan_midi(song, programs="nam")  # type: ignore[arg-type]
    with pytest.raises(ConversionError, match="programs is null; expected 'name', 'source' or pro"):
        plan_midi(song, programs=None)  # type: ignore[arg-type]
    drums = Song((Track("Drums", 118, is_drum=True, notes=ONE),))
    assert said(drums, programs={"Drums": 5}) == ["Drums: plays kit 5, as asked"]
    assert [part.program for part in plan_midi(drums, programs={"Drums": 5}).parts] == [5]


def test_drums_go_to_channel_ten_with_a_kit() -> None:
    """From channel 1, and with a melodic program, as exports have them."""
    song = Song((Track("Drums", 118, is_drum=True, notes=ONE, channel=0), Track("Koto", notes=ONE)))
    drums, koto = opened(song).tracks[1:]
    assert first(drums, "note_on").channel == 9
    assert first(drums, "program_change").program == 0
    assert first(koto, "note_on").channel == 0
    assert said(song)[0].startswith("Drums: plays the standard kit; the file claimed Synth Drum")
    assert "Drums: moved to channel 10, where drums play" in said(song)


def test_programs_of_a_silent_track_survive() -> None:
    """A track that only chooses programs, several in a row, keeps them all."""
    choices = as_controls([(0.0, 0xC0, 3, 0), (0.0, 0xC0, 4, 0), (1.0, 0xC0, 5, 0)])
    song = Song((Track("Setup", 4, controls=choices, channel=2),))
    for programs in ("name", "source"):
        data = to_midi(song, programs=programs)
        back = read_midi(data)
        assert back[0].program == 4
        assert back[0].controls["data1"].tolist() == [3, 4, 5]


def test_two_kits_on_one_channel_are_told() -> None:
    """All drums play on channel 10, so only one kit can sound."""
    song = Song(
        (Track("Drums", 0, is_drum=True, notes=ONE), Track("Kit", 25, is_drum=True, notes=ONE))
    )
    assert said(song) == ["Kit: shares channel 10 with Drums, and they choose different kits"]


def test_each_melodic_track_has_a_channel_of_its_own() -> None:
    """Fifteen of them, never the drum channel, although the source had one for all."""
    song = Song(tuple(Track(f"Koto {i}", notes=ONE, channel=0) for i in range(15)))
    channels = [first(track, "note_on").channel for track in opened(song).tracks[1:]]
    assert sorted(channels) == [c for c in range(16) if c != 9]


def test_beyond_fifteen_equal_programs_share() -> None:
    """The sixteenth melodic track shares with one of its own program, and that is listed."""
    names = ["Koto", *(f"Flute {i}" for i in range(15))]
    song = Song(tuple(Track(name, notes=ONE) for name in names))
    plan = plan_midi(song)
    by_channel: dict[int, set[int | None]] = {}
    for part in plan.parts:
        by_channel.setdefault(part.channel, set()).add(part.program)
    assert len(by_channel) == 15
    assert all(len(programs) == 1 for programs in by_channel.values())
    shared = [change for change in plan.changes if change.kind == "channel"]
    assert len(shared) == 1
    assert "more than 15 melodic tracks" in shared[0].what


def test_twenty_different_programs_fit_somehow_and_say_so() -> None:
    """More programs than channels: five share with another program, and each is told."""
    names = ["Koto", "Flute", "Violin", "Cello", "Viola", "Tuba", "Oboe", "Sitar", "Banjo", "Piano"]
    names += [
        "Harp",
        "Trumpet",
        "Trombone",
        "Clarinet",
        "Bassoon",
        "Piccolo",
        "Recorder",
        "Celesta",
    ]
    names += ["Marimba", "Xylophone"]
    plan = plan_midi(Song(tuple(Track(name, notes=ONE) for name in names)))
    assert len({part.channel for part in plan.parts}) == 15
    told = [change for change in plan.changes if "they play different programs" in change.what]
    assert len(told) == 5


def test_two_hands_keep_the_channel_of_their_pedal() -> None:
    """Tracks that shared a channel and its pedal in the source go on sharing it."""
    pedal = as_controls([(0.0, 0xB0, 64, 127), (0.4, 0xB0, 64, 0)])
    right = Track("Right", 0, notes=ONE, controls=pedal, channel=3)
    left = Track("Left", 0, notes=ONE, channel=3)
    plan = plan_midi(Song((right, left, Track("Koto", 107, notes=ONE, channel=4))))
    assert [part.channel for part in plan.parts] == [3, 3, 4]
    assert "keeps channel 4 together with Left" in " ".join(map(str, plan.changes))


def test_a_stray_volume_moves_to_the_start() -> None:
    """A lone CC7 behind the notes would be read as a ramp over the whole song."""
    stray = as_controls([(0.5, 0xB0, 7, 100)])
    song = Song((Track("Koto", notes=ONE, controls=stray),))
    track = opened(song).tracks[1]
    control = next(i for i, message in enumerate(track) if message.type == "control_change")
    assert sum(message.time for message in track[: control + 1]) == 0
    assert "Koto: its only volume control stood at its end; moved to its start" in said(song)
    muted = Track("Koto", notes=ONE, controls=as_controls([(0.5, 0xB0, 7, 0)]))
    assert not any("volume" in text for text in said(Song((muted,))))
    faded = Track("Koto", notes=ONE, controls=as_controls([(0.1, 0xB0, 7, 9), (0.5, 0xB0, 7, 1)]))
    assert not any("volume" in text for text in said(Song((faded,))))


def test_program_changes_of_the_source_follow_the_chosen_program() -> None:
    """The claim goes, a later change to another program stays, and nothing is said twice."""
    controls = as_controls([(0.0, 0xC0, 1, 0), (0.2, 0xC0, 40, 0), (0.3, 0xC0, 1, 0)])
    song = Song((Track("Koto", 1, notes=ONE, controls=controls),))
    by_name = [m.program for m in opened(song).tracks[1] if m.type == "program_change"]
    assert by_name == [107, 40]
    as_was = opened(song, programs="source").tracks[1]
    assert [m.program for m in as_was if m.type == "program_change"] == [1, 40, 1]


def test_a_set_up_track_follows_the_program_it_shares_a_channel_with() -> None:
    """Programs chosen in a track of their own, a bar late, do not undo what the name said."""
    late = as_controls([(0.1, 0xC0, 1, 0), (0.1, 0xB0, 91, 40)])
    setup = Track("Setup", 1, controls=late, channel=0)
    song = Song((setup, Track("Koto", 1, notes=ONE, channel=0)))
    tracks = opened(song).tracks[1:]
    said_programs = [m.program for track in tracks for m in track if m.type == "program_change"]
    assert set(said_programs) == {107}
    assert first(tracks[0], "control_change").channel == first(tracks[1], "note_on").channel
    as_was = opened(song, programs="source").tracks[1:]
    assert [m.program for track in as_was for m in track if m.type == "program_change"] == [1]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("trim", [(0, 480, 60, 10), (480, 480, 60, 20)]),
        ("keep", [(0, 960, 60, 10), (480, 480, 60, 20)]),
    ],
)
def test_overlaps_are_trimmed_or_kept(overlap: str, expected: list[tuple[int, ...]]) -> None:
    """The first of two overlapping notes ends where the second begins, unless asked otherwise."""
    song = Song((Track("Koto", notes=as_notes([(0, 1, 60, 10), (0.5, 1, 60, 20)])),))
    notes = plan_midi(song, overlap=overlap).notes  # type: ignore[arg-type]
    found = list(
        zip(notes.start, notes.end - notes.start, notes.pitch, notes.velocity, strict=True)
    )
    assert found == expected


def test_what_was_trimmed_is_counted() -> None:
    """The list says which track and how many."""
    song = Song((Track("Koto", notes=as_notes([(0, 1, 60, 10), (0.5, 2, 60, 20)])),))
    assert "Koto: 1 note ended where the pitch is struck again" in said(song)


def test_spilled_notes_play_on_a_channel_of_their_own() -> None:
    """Both notes keep their ends; the later one is a second track of the same name and sound."""
    song = Song((Track("Koto", notes=as_notes([(0, 1, 60, 10), (0.5, 2, 60, 20)])),))
    tracks = opened(song, overlap="spill").tracks[1:]
    assert [track.name for track in tracks] == ["Koto", "Koto"]
    assert [first(track, "program_change").program for track in tracks] == [107, 107]
    assert len({first(track, "note_on").channel for track in tracks}) == 2
    plan = plan_midi(song, overlap="spill")
    assert sorted((plan.notes.end - plan.notes.start).tolist()) == [960, 1440]
    drums = song.with_tracks((replace(song[0], is_drum=True),))
    assert len(plan_midi(drums, overlap="spill").parts) == 1


def test_overlaps_can_be_refused() -> None:
    """The message says which track, pitch and second, and what else to ask for."""
    song = Song((Track("Koto", notes=as_notes([(0.25, 1, 60, 10), (0.5, 2, 60, 20)])),))
    with pytest.raises(ConversionError, match=r"Koto: pitch 60 at 0.250 s still sounds when it is"):
        to_midi(song, overlap="error")


def test_notes_that_begin_together_are_kept_and_told() -> None:
    """Two equal pitches at one instant cannot be trimmed apart; both are written."""
    song = Song((Track("Koto", notes=as_notes([(0, 1, 60, 10), (0, 2, 60, 20)])),))
    assert len(plan_midi(song).notes.start) == 2
    assert "Koto: 1 note left together with another that begins there on its pitch" in said(song)


def test_nested_notes_written_as_they_are_are_told() -> None:
    """A note inside a longer one of its pitch cannot be said on one channel."""
    song = Song((Track("Koto", notes=as_notes([(0, 2, 60, 10), (0.5, 1, 60, 20)])),))
    assert any("1 notes lie inside longer ones" in text for text in said(song, overlap="keep"))


def test_short_notes_get_a_tick() -> None:
    """A note of no length, and one of a nanosecond, would vanish in other readers."""
    song = Song((Track("Koto", notes=as_notes([(0, 0, 60, 10), (1, 1 + 1e-9, 62, 20)])),))
    plan = plan_midi(song)
    assert (plan.notes.end - plan.notes.start).tolist() == [1, 1]
    assert "Koto: 2 notes shorter than a tick made one" in said(song)
    kept = plan_midi(song, short="keep").notes
    assert (kept.end - kept.start).tolist() == [0, 0]


def test_tracks_of_one_name_are_joined_on_request() -> None:
    """Notes both hold are counted once: close ones of a pitch, each for one; others stay."""
    a = as_notes([(0, 1, 60, 80), (2, 3, 62, 80)])
    b = as_notes([(0.05, 1, 60, 70), (2.2, 3, 62, 70), (4, 5, 64, 70)])
    song = Song((Track("Acoustic Bass", notes=a), Track("Acoustic Bass", notes=b)))
    plan = plan_midi(song, merge="name")
    assert len(plan.parts) == 1
    assert len(plan.notes.start) == 4
    told = [str(change) for change in plan.changes]
    assert "Acoustic Bass: 2 tracks joined into one" in told
    assert "Acoustic Bass: 1 notes that were written twice collapsed into one each" in told
    kept = plan_midi(song, merge="name", duplicates="keep", overlap="keep")
    assert len(kept.notes.start) == 5
    assert len(plan_midi(song).parts) == 2


def test_stray_volumes_are_settled_before_tracks_are_joined() -> None:
    """Two stems with a lone CC7 each become one track with one, at its start."""
    stray = as_controls([(0.5, 0xB0, 7, 100)])
    stems = [
        Track("Koto", 5, notes=ONE, controls=stray),
        Track("Koto", 9, notes=ONE, controls=stray),
    ]
    plan = plan_midi(Song(tuple(stems)), merge="name")
    assert plan.parts[0].track.controls.tolist() == [(0.0, 0xB0, 7, 100)]
    told = [str(change) for change in plan.changes]
    assert told.count("Koto: its only volume control stood at its end; moved to its start") == 2
    assert "Koto: the joined tracks claim different programs; 5 is taken" in told


def test_the_bank_goes_with_its_program() -> None:
    """A bank select for the program that the name overrules would pick a wrong variation."""
    controls = as_controls([(0.0, 0xB0, 0, 8), (0.0, 0xB0, 32, 1), (0.0, 0xC0, 1, 0)])
    song = Song((Track("Koto", 1, notes=ONE, controls=controls),))
    assert not [m for m in opened(song).tracks[1] if m.type == "control_change"]
    assert "Koto: bank selects of the program it does not play left out" in said(song)
    kept = opened(song, programs="source").tracks[1]
    assert [m.control for m in kept if m.type == "control_change"] == [0, 32]


def test_unnamed_tracks_are_never_joined() -> None:
    """No name is no common name."""
    song = Song((Track("", notes=ONE), Track("", notes=ONE)))
    assert len(plan_midi(song, merge="name").parts) == 2


def test_times_follow_the_tempo_that_is_written() -> None:
    """Whatever tempo the file says, each note keeps its seconds to half a tick."""
    notes = as_notes([(i * 0.37, i * 0.37 + 0.2, 60, 80) for i in range(500)])
    song = Song((Track("Koto", notes=notes),), tempo_map([0, 30.1, 60.7], [110.06, 43.6, 87.2]))
    for tempo in (None, 97.3, tempo_map([0, 1], [200, 60])):
        found = plan_midi(song, tempo=tempo).to_song()[0].notes
        slowest = 60 / 43.6 / 480
        assert np.abs(found["start"] - notes["start"]).max() <= slowest / 2 + 1e-9
        assert np.abs(found["end"] - notes["end"]).max() <= slowest / 2 + 1e-9


def test_coarse_ticks_are_told() -> None:
    """Rounding that can be heard is a change; at the usual resolution there is none."""
    song = Song((Track("Koto", 107, notes=as_notes([(0.013, 0.52, 60, 80), (1, 2, 62, 80)])),))
    told = "1 notes moved to coarse ticks, the farthest by 7.8 ms"
    assert said(song, ticks_per_quarter=24, tempo=120) == [told]
    assert said(song) == []


def test_mido_reads_the_seconds_that_were_meant() -> None:
    """The conductor track holds the tempo map; mido's clock agrees with the plan's."""
    notes = as_notes([(i * 0.37, i * 0.37 + 0.2, 60, 80) for i in range(100)])
    song = Song((Track("Koto", notes=notes),), tempo_map([0, 10.0], [110.06, 87.2]))
    now, starts = 0.0, []
    for message in opened(song):
        now += message.time
        if message.type == "note_on" and message.velocity:
            starts.append(now)
    assert np.allclose(starts, plan_midi(song).to_song()[0].notes["start"], atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overlap": "cut"}, "overlap is 'cut'; expected one of 'trim', 'spill', 'keep', 'error'"),
        ({"merge": "names"}, "merge is 'names'; expected one of 'off', 'name'"),
        ({"ticks_per_quarter": 0}, "ticks_per_quarter is 0; expected 1 to 32,767"),
        ({"tempo": 3.0}, "tempo of 3 qpm; a .mid holds 3.58 to 60,000,000"),
    ],
)
def test_options_out_of_range_are_refused(options: Mapping[str, Any], message: str) -> None:
    """A wrong option names itself, its value and what was expected."""
    with pytest.raises(ConversionError) as caught:
        to_midi(Song(()), **options)
    assert str(caught.value) == message


def test_impossible_numbers_are_refused_in_words() -> None:
    """A tempo of nothing, and a note so late that no tick can say it."""
    with pytest.raises(NotesError, match="every tempo must be finite"):
        to_midi(Song(()), tempo=0.0)
    late = Song((Track("Koto", notes=as_notes([(0, 1e14, 60, 80)])),))
    with pytest.raises(LimitError, match=r"a note ends at 1e\+14 s"):
        to_midi(late)
    control = as_controls([(1e300, 0xB0, 64, 0)])
    with pytest.raises(LimitError, match=r"a control stands at 1e\+300 s"):
        to_midi(Song((Track("Koto", controls=control),)))
    with pytest.raises(LimitError, match=r"an event stands at 1e\+300 s"):
        to_midi(Song((), events=(Event(1e300, 6, b"x"),)))
    with pytest.raises(LimitError, match=r"the tempo changes at 1e\+300 s"):
        to_midi(Song((), tempo_map([0, 1e9, 1e300], [120, 60, 30])))


def test_silence_at_the_end_of_a_track_is_kept() -> None:
    """A track that goes on after its last note does so again, where tracks are not tidied."""
    long = Event(4.0, 0x2F, b"")
    song = Song((Track("Koto", notes=ONE, events=(long,)), Track("Flute", notes=ONE)))
    data = to_midi(song, tracks="source")
    tracks = mido.MidiFile(file=io.BytesIO(data)).tracks
    assert [sum(message.time for message in track) for track in tracks] == [0, 3840, 480]
    assert [track.events for track in read_midi(data)] == [(long,), ()]
    assert to_midi(read_midi(data), tracks="source") == data


def test_a_port_is_written() -> None:
    """A track of the second port says so, whether or not its events do."""
    song = Song((Track("Koto", notes=ONE, port=1),))
    assert first(opened(song).tracks[1], "midi_port").port == 1
    said_already = replace(song[0], events=(Event(0.0, 0x21, bytes([1])),))
    kinds = [message.type for message in opened(Song((said_already,))).tracks[1]]
    assert kinds.count("midi_port") == 1


def test_key_signatures_that_say_no_key_are_not_written() -> None:
    """Nineteen sharps make other readers refuse the whole file."""
    keys = (Event(0.0, 0x59, bytes([19, 0])), Event(0.0, 0x59, bytes([2, 0])))
    assert said(Song((), events=keys)) == ["1 key signature that says no key left out"]
    data = to_midi(Song((), events=keys))
    assert data.count(b"\xff\x59") == 1
    assert b"\xff\x59\x02\x02\x00" in data


def test_names_are_utf8_and_a_lone_surrogate_is_replaced() -> None:
    """Any language; what is no character cannot be written and becomes U+FFFD."""
    song = Song((Track("琴 🎵", notes=ONE), Track("a\ud800b", notes=ONE)), title="Übung")
    file = opened(song)
    assert [track.name for track in file.tracks] == ["Übung", "琴 🎵", "a\ufffdb"]


def test_the_same_song_gives_the_same_bytes(tmp_path: Path) -> None:
    """On every call, and in the file."""
    song = Song((Track("Koto", notes=ONE), Track("Drums", is_drum=True, notes=ONE)))
    changes = write_midi(song, tmp_path / "song.mid")
    assert (tmp_path / "song.mid").read_bytes() == to_midi(song)
    assert [change.kind for change in changes] == ["program"]


lattice_rows = st.lists(
    st.tuples(st.integers(0, 3000), st.integers(0, 80), st.integers(58, 64), st.integers(1, 127)),
    max_size=25,
)


@settings(max_examples=200)
@given(st.lists(lattice_rows, max_size=4), st.sampled_from(["trim", "spill", "keep"]))
def test_no_note_is_lost(tables: list[list[tuple[int, ...]]], overlap: str) -> None:
    """As many notes out as in, whatever overlaps; symusic counts them."""
    song = Song(
        tuple(
            Track(f"t{i}", notes=as_notes([(s / 192, (s + d) / 192, p, v) for s, d, p, v in rows]))
            for i, rows in enumerate(tables)
        )
    )
    data = to_midi(song, overlap=overlap)  # type: ignore[arg-type]
    score: Any = symusic.Score.from_midi(data)
    assert sum(len(track.notes) for track in score.tracks) == song.note_count


@settings(max_examples=200)
@given(lattice_rows)
def test_trimmed_notes_never_overlap_unless_they_begin_together(
    rows: list[tuple[int, ...]],
) -> None:
    """After trimming, equal pitches touch at most, and nothing got longer."""
    notes = as_notes([(s / 192, (s + d) / 192, p, v) for s, d, p, v in rows])
    plan = plan_midi(Song((Track("Koto", notes=notes),)))
    last: dict[int, tuple[int, int]] = {}
    for start, end, pitch in zip(
        plan.notes.start.tolist(), plan.notes.end.tolist(), plan.notes.pitch.tolist(), strict=True
    ):
        before = last.get(pitch)
        if before is not None and before[0] != start:
            assert before[1] <= start
        last[pitch] = (start, max(end, before[1] if before and before[0] == start else 0))
