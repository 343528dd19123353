"""Cleaning: each rule finds what it is for, leaves what is music, and everything adds up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import midikit as mk
from midikit.cleaning.limits import voice_limits
from midikit.cleaning.rules import LIGHT, RULES, STRONG
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track

if TYPE_CHECKING:
    from collections.abc import Iterable

    from midikit.cleaning.cleaning import Profile

PROFILES: tuple[Profile, ...] = ("light", "strong", "auto")
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def line(
    count: int = 32, step: float = 0.25, length: float = 0.22, velocity: int = 80
) -> list[tuple[float, float, int, int]]:
    """Write a tune up and down a scale."""
    pitches = [*SCALE, *SCALE[-2:0:-1]]
    return [
        (i * step, i * step + length, pitches[i % len(pitches)], velocity) for i in range(count)
    ]


def song(*parts: tuple[str, Iterable[tuple[float, float, int, int]]]) -> Song:
    """Make a song of named parts; drums are known by their name."""
    return Song(
        tuple(Track(name, is_drum=name == "Drums", notes=as_notes(rows)) for name, rows in parts)
    )


def gone(it: Song, profile: Profile = "light") -> list[tuple[str, int, float, int]]:
    """List rule, track, start and pitch of what is taken out."""
    _, report = mk.clean(it, profile=profile)
    return [
        (str(e["rule"]), int(e["track"]), float(e["start"]), int(e["pitch"]))
        for e in report.removed
    ]


def same(one: Song, other: Song) -> bool:
    """Whether two songs hold the same notes."""
    return [t.notes.tobytes() for t in one] == [t.notes.tobytes() for t in other]


# ---------------------------------------------------------------- what is found


def test_short_notes_go_but_not_of_drums() -> None:
    """A blip of 20 ms is no note, a hit of 20 ms is one."""
    blip = (1.1, 1.12, 67, 80)
    hits = [(0.25 * i, 0.25 * i + 0.02, 38, 90) for i in range(16)]
    assert gone(song(("Koto", [*line(), blip]), ("Drums", hits))) == [("short", 0, 1.1, 67)]


def test_how_short_is_too_short_can_be_set() -> None:
    """min_duration= decides, for both profiles."""
    it = song(("Koto", [*line(), (1.1, 1.15, 67, 80)]))
    assert gone(it) == []
    for profile in PROFILES:
        _, report = mk.clean(it, profile=profile, min_duration=0.06)
        assert report.counts == {"short": 1}


def test_a_stray_note_goes() -> None:
    """Three octaves above the line, once, between two notes of it."""
    assert gone(song(("Koto", [*line(), (1.1, 1.2, 108, 60)]))) == [("stray", 0, 1.1, 108)]


def test_a_long_stray_note_goes_but_not_a_last_one() -> None:
    """Two octaves below, alone; as the last note of a piece it may be meant."""
    low = (5.1, 6.0, 30, 80)
    assert gone(song(("Koto", [*line(64), low]))) == [("stray", 0, 5.1, 30)]
    assert gone(song(("Koto", [*line(64), (16.0, 17.0, 30, 80)]))) == []


def test_two_strays_do_not_vouch_for_each_other() -> None:
    """Nor do those that lie beside each other."""
    strays = [(1.1, 1.2, 108, 60), (1.35, 1.45, 107, 60)]
    assert [row[0] for row in gone(song(("Koto", [*line(), *strays])))] == ["stray", "stray"]


def test_a_retrigger_goes_and_the_stroke_stays() -> None:
    """12 ms after the onset it is the same stroke; a click before a note is the one that goes."""
    echo = (0.262, 0.46, 62, 80)
    assert gone(song(("Koto", [*line(), echo]))) == [("retriggered", 0, 0.262, 62)]
    click = (0.24, 0.29, 62, 80)
    assert gone(song(("Koto", [*line(), click]))) == [("retriggered", 0, 0.24, 62)]


def test_exact_repeats_go() -> None:
    """Of three equal notes one stays."""
    again = line()[4]
    assert len(gone(song(("Koto", [*line(), again, again])))) == 2


def test_a_tail_over_the_next_of_its_pitch_is_trimmed() -> None:
    """By a hair, and listed with the end it had; a note that rings on is left."""
    rows = [(0.5 * i, 0.5 * i + 0.51, 60, 80) for i in range(8)]
    cleaned, report = mk.clean(song(("Piano", rows)))
    assert cleaned[0].notes["end"][:-1].tolist() == cleaned[0].notes["start"][1:].tolist()
    assert report.counts == {"overlapping": 7}
    assert len(report.removed) == 0
    assert report.changed["end"].tolist() == [row[1] for row in rows[:-1]]
    rings = song(("Piano", [(0.5 * i, 0.5 * i + 0.7, 60, 80) for i in range(8)]))
    assert mk.clean(rings, profile="strong")[0] is rings


def test_notes_in_two_tracks_of_a_name_are_kept_once() -> None:
    """The track that holds little else loses them, whichever comes first."""
    copy = [(start + 0.01, end, pitch, velocity) for start, end, pitch, velocity in line()[8:16]]
    for parts, index in (
        ((("Guitar", line()), ("guitar ", copy)), 1),
        (
            (("Guitar", copy), ("Guitar", line())),
            0,
        ),
    ):
        cleaned, report = mk.clean(song(*parts))
        assert report.counts == {"doubled": 8}
        assert set(report.removed["track"].tolist()) == {index}
        assert [track.name for track in cleaned] == [name for name, _ in parts]


def test_two_instruments_in_unison_are_kept() -> None:
    """Flute and violin may play the same notes, and two staffs of other programs; light keeps a
    second bass as well."""
    for names in (("Flute", "Violin"), ("Piano", "Strings"), ("Violin 1", "Violin 2")):
        assert gone(song(*((name, line()) for name in names))) == []
    staffs = [Track("Staff", program, notes=as_notes(line())) for program in (40, 73)]
    assert gone(Song(tuple(staffs)), "strong") == []
    basses = song(("Acoustic Bass", line()), ("Electric Bass (finger)", line()))
    assert gone(basses) == []
    assert len(gone(basses, "strong")) == 32


def test_faint_notes_go_but_a_fade_stays() -> None:
    """A tenth as loud as all around is leakage; soft together with its neighbours it fades."""
    assert gone(song(("Koto", [*line(), (1.1, 1.3, 62, 8)]))) == [("faint", 0, 1.1, 62)]
    fade = [
        (start, end, pitch, max(1, 96 - 3 * i)) for i, (start, end, pitch, _) in enumerate(line())
    ]
    assert gone(song(("Koto", fade)), "strong") == []


@pytest.mark.parametrize(("name", "extra"), [("Lead 2 (sawtooth)", 1), ("Bass", 2), ("Guitar", 6)])
def test_more_voices_than_the_part_can_play(name: str, extra: int) -> None:
    """The notes that are added to one of a line go, all of them, though a bass may have two."""
    chord = [(2.0, 2.15, pitch, 60) for pitch in (61, 63, 66, 68, 70, 73)[:extra]]
    found = gone(song((name, [*line(), *chord])))
    assert sorted(found) == sorted(("crowded", 0, row[0], row[2]) for row in chord)


def test_more_voices_than_a_part_ever_plays() -> None:
    """Ten fingers can, but not in a part of single notes."""
    chord = [(2.0, 2.15, pitch, 60) for pitch in (61, 63, 66, 68)]
    found = gone(song(("Koto", [*line(128), *chord])))
    assert found == [("crowded", 0, 2.0, pitch) for pitch in (61, 63, 66, 68)]


def test_the_line_tells_which_of_two_notes_is_meant() -> None:
    """Both are as long and loud, and as common in the part, which plays in two registers."""
    low, high = line(32), [(8 + a, 8 + b, p + 24, v) for a, b, p, v in line(32)]
    for at, ghost in ((9.0, 60), (1.0, 84)):
        start, end, meant, velocity = next(row for row in [*low, *high] if row[0] == at)
        found = gone(song(("Lead", [*low, *high, (start, end, ghost, velocity)])))
        assert found == [("crowded", 0, at, ghost)], meant


def test_the_chord_tells_which_of_two_notes_is_meant() -> None:
    """All else is equal: what sounds with the other parts stays."""
    tune = [(0.5 * i, 0.5 * i + 0.45, (60, 60, 62, 62)[i % 4], 80) for i in range(64)]
    both = (16.0, 16.45, 62, 80)
    for pitch, ghost in ((48, 62), (50, 60)):
        chords = [(2.0 * i, 2.0 * i + 2.0, pitch, 80) for i in range(16)]
        found = gone(song(("Lead", [*tune, both]), ("Organ", chords)))
        assert found == [("crowded", 0, 16.0, ghost)]


def test_turns_tell_which_of_two_notes_is_meant() -> None:
    """A part that goes up a scale and down again does not come back to the note before."""
    tune = line(128)
    start, end, meant, velocity = tune[66]
    ghost = tune[65][2]
    assert gone(song(("Lead", [*tune, (start, end, ghost, velocity)]))) == [
        ("crowded", 0, start, ghost)
    ], meant


def test_of_a_roll_every_other_stroke_goes() -> None:
    """Not all but the first: strokes 20 ms apart leave strokes 40 ms apart."""
    roll = song(("Piano", [(0.02 * i, 0.02 * i + 0.05, 60, 80) for i in range(64)]))
    assert len(gone(roll)) == 32


def test_voices_can_be_set() -> None:
    """And are kept to throughout, though the part plays chords all the time."""
    chords = [(0.5 * i, 0.5 * i + 0.45, pitch, 80) for i in range(16) for pitch in (60, 64, 67)]
    assert gone(song(("Vocals", chords)), "strong") == []
    cleaned, report = mk.clean(song(("Vocals", chords)), voices={"Vocals": 1})
    assert report.counts == {"crowded": 32}
    assert len(cleaned[0]) == 16
    _, report = mk.clean(song(("Vocals", chords)), voices={"Vocals": 3})
    assert len(report.edits) == 0


def test_limits_follow_the_names() -> None:
    """A name counts before a claim; drums and unknown names are free."""
    tracks = [
        Track("Synth Voice", 1), Track("Song (Bass)", 1), Track("Guitar"), Track("Piano"),
        Track("Solo"), Track("Lead Guitar"), Track("Drums", is_drum=True), Track("x", 73),
        Track("x"),
    ]  # fmt: skip
    assert voice_limits(tracks).tolist() == [1, 2, 6, 10, 1, 6, 128, 1, 128]


# ---------------------------------------------------------------- what is left

MUSIC: dict[str, tuple[str, list[tuple[float, float, int, int]]]] = {
    "nothing": ("Piano", []),
    "one note": ("Lead 1 (square)", [(0.0, 1.0, 60, 80)]),
    "one short note": ("Piano", [(0.0, 0.01, 60, 80)]),
    "three notes": ("Koto", [(0.0, 1.0, 60, 80), (1.0, 2.0, 62, 80), (5.2, 5.3, 100, 30)]),
    "one chord of all fingers": ("Piano", [(0.0, 1.0, 40 + 4 * i, 80) for i in range(10)]),
    "drum hits of 20 ms": ("Drums", [(0.1 * i, 0.1 * i + 0.02, 42, 30 + i) for i in range(64)]),
    "flams": (
        "Drums",
        [(0.5 * i + d, 0.5 * i + d + 0.05, 38, 90) for i in range(16) for d in (0, 0.027)],
    ),
    "ghost notes of a snare": (
        "Drums",
        [(0.25 * i, 0.25 * i + 0.05, 38, (110, 12)[i % 2]) for i in range(32)],
    ),
    "a triangle, once, and clicks": (
        "Drums",
        [
            *((0.25 * i, 0.25 * i + 0.2, 36 + i % 3, 90) for i in range(64)),
            *((1.0 + i, 1.02 + i, 42, 90) for i in range(8)),
            (3.1, 3.12, 81, 40),
        ],
    ),
    "a short tune with one far note": ("Koto", [*line(8), (2.1, 2.2, 110, 40)]),
    "a low note that returns": (
        "Koto",
        [*line(128), *((8.0 * i, 8.0 * i + 0.2, 24, 80) for i in range(4))],
    ),
    "leaps over six octaves": (
        "Piano",
        [
            (0.25 * i, 0.25 * i + (0.2, 0.05)[i % 7 == 0], 25 + (2 * i + 34) * i % 79, loud)
            for i, loud in ((i, (80, 50)[i % 7 == 0]) for i in range(96))
        ],
    ),
    "two slow voices that never rest": (
        "Vocals",
        [(0.5 * i, 0.5 * i + 1.4, 60 + 4 * (i % 2) + i % 3, 80) for i in range(20)],
    ),
    "a trill": (
        "Flute",
        [*line(16), *((4 + 0.055 * i, 4.05 + 0.055 * i, 72 + i % 2, 80) for i in range(40))],
    ),
    "a tremolo": ("Koto", [(0.07 * i, 0.07 * i + 0.065, 64, 80) for i in range(64)]),
    "grace notes": (
        "Flute",
        [
            *line(32, 0.5, 0.4),
            *((0.5 * i - 0.05, 0.5 * i - 0.005, 57, 70) for i in range(4, 32, 4)),
        ],
    ),
    "an arpeggio over five octaves": (
        "Orchestral Harp",
        [
            (0.1 * i, 0.1 * i + 0.4, 36 + [0, 4, 7][i % 3] + 12 * (i // 3 % 5), 70)
            for i in range(90)
        ],
    ),
    "two hands five octaves apart": (
        "Piano",
        [(0.25 * i, 0.25 * i + 0.2, (31, 91)[i % 2] + i % 5, 80) for i in range(64)],
    ),
    "a bass in octaves": (
        "Bass",
        [(0.25 * i, 0.25 * i + 0.2, (28, 40)[i % 2], 90) for i in range(64)],
    ),
    "leaps of an octave": (
        "Flute",
        [(0.25 * i, 0.25 * i + 0.2, (60, 72, 64, 76)[i % 4], 90) for i in range(64)],
    ),
    "a pedal note that returns": (
        "Piano",
        [*line(128), *((4.0 * i, 4.0 * i + 3.9, 24, 90) for i in range(8))],
    ),
    "a low last note": ("Piano", [*line(64), (16.0, 19.0, 36, 80), (16.0, 19.0, 48, 80)]),
    "sparse notes": (
        "Piano",
        [(17.3 * i, 17.3 * i + 2.0, (40, 90, 65)[i % 3], 80) for i in range(12)],
    ),
    "harmony for a while": (
        "Vocals",
        [*line(64), *((a + 4, b + 4, p - 17, v) for a, b, p, v in line(32))],
    ),
    "slurs": ("Vocals", line(64, 0.4, 0.55)),
    "a part that is all clicks": (
        "Koto",
        [(0.25 * i, 0.25 * i + 0.015, 60 + i % 5, 80) for i in range(32)],
    ),
    "woodblocks": (
        "Woodblock",
        [*line(16), *((4 + 0.25 * i, 4.015 + 0.25 * i, 70, 80) for i in range(8))],
    ),
    "a solo in another register": (
        "Flute",
        [
            *line(64),
            *((16 + a, 16 + b, p + 24, v) for a, b, p, v in line(8)),
            *((18 + a, 18 + b, p, v) for a, b, p, v in line(64)),
        ],
    ),
    "chords of a guitar": (
        "Guitar",
        [(0.5 * i, 0.5 * i + 0.45, p, 80) for i in range(32) for p in (40, 47, 52, 56, 59, 64)],
    ),
    "single notes and full chords": (
        "Piano",
        [
            *line(32),
            *((8 + i, 8.9 + i, p, 80) for i in range(4) for p in (36, 48, 55, 60, 64, 67, 72)),
        ],
    ),
}


@pytest.mark.parametrize("name", MUSIC)
def test_music_is_left(name: str) -> None:
    """Light touches none of it, strong next to none."""
    part = MUSIC[name]
    assert gone(song(part)) == []
    assert len(gone(song(part), "strong")) <= 0.02 * len(part[1])


def test_no_tracks_and_no_notes_are_nothing_to_clean() -> None:
    """The song comes back."""
    for it in (Song(()), song(("Piano", []), ("Piano", []))):
        for profile in PROFILES:
            assert mk.clean(it, profile=profile)[0] is it
        assert mk.melody(it, tracks=[])[0] is it


def test_a_bar_of_strummed_chords_is_left_to_a_picked_guitar() -> None:
    """Too many at once is only what the part cannot, or never does."""
    picked = line(64, 0.25, 0.2)
    strummed = [(16 + 0.5 * i, 16.45 + 0.5 * i, p, 80) for i in range(16) for p in (52, 56, 59, 64)]
    assert gone(song(("Guitar", [*picked, *strummed]))) == []


def test_only_notes_are_touched() -> None:
    """Names, programs, controls, events, tempo, repairs and everything else stay as they were."""
    it = mk.read_midi("fixtures/midi/valid-sysex-split.mid")
    blips = [(1.0, 1.001, 60, 80), *line()]
    tracks = (Track("x", 5, notes=as_notes(blips), channel=3), *it.tracks)
    before = it.with_tracks(tracks)
    after, report = mk.clean(before)
    assert len(report.removed) == 1
    for name in ("tempo", "events", "title", "ticks_per_quarter", "source", "midi_url", "repairs"):
        assert getattr(after, name) == getattr(before, name)
    assert (after[0].name, after[0].program, after[0].channel) == ("x", 5, 3)
    assert all(a is b for a, b in zip(after.tracks[1:], before.tracks[1:], strict=True))
    assert [(change.kind, change.count) for change in after.changes] == [("clean", 1)]


# ---------------------------------------------------------------- what adds up


def test_strong_is_nowhere_narrower_than_light() -> None:
    """Or auto could find more in what it has cleaned."""
    for name in LIGHT.__dataclass_fields__:
        if name in {"far", "usual", "ceiling", "bearable"}:
            continue
        assert getattr(STRONG, name) >= getattr(LIGHT, name), name
    assert STRONG.usual <= LIGHT.usual
    assert STRONG.ceiling <= LIGHT.ceiling
    assert STRONG.bearable <= LIGHT.bearable
    for far in LIGHT.far:
        assert any(
            all(a <= b for a, b in zip(wide[:3], far[:3], strict=True)) and wide.alike >= far.alike
            for wide in STRONG.far
        )


lattice = st.integers(0, 192 * 8).map(lambda step: step / 192)
rows = st.tuples(lattice, st.integers(0, 150), st.integers(0, 127), st.integers(1, 127)).map(
    lambda row: (row[0], row[0] + row[1] / 192, row[2], row[3])
)
names = st.sampled_from(
    ["Lead", "Lead", "Bass", "Acoustic Bass", "Guitar", "Piano", "Drums", "", "x"]
)
songs = st.lists(st.tuples(names, st.lists(rows, max_size=60)), max_size=5).map(
    lambda parts: song(*parts)
)


@settings(max_examples=150, deadline=None)
@given(songs, st.sampled_from(PROFILES), st.sets(st.sampled_from(RULES)))
def test_what_goes_out_is_what_came_in_less_the_list(
    it: Song, profile: Profile, rules: set[str]
) -> None:
    """Whatever the notes: putting the list back gives the input, and cleaning again nothing."""
    cleaned, report = mk.clean(it, profile=profile, rules=rules)
    assert same(report.restore(cleaned), it)
    assert cleaned.note_count == it.note_count - len(report.removed)
    assert set(report.counts) <= rules
    assert mk.clean(cleaned, profile=profile, rules=rules)[0] is cleaned
    for edit in report.edits:
        note = it[int(edit["track"])].notes[edit["note"]]
        assert note.tolist() == tuple(edit[name].item() for name in note.dtype.names)


@settings(max_examples=50, deadline=None)
@given(songs, st.sampled_from(["top", "strongest"]), st.integers(0, 4))
def test_a_line_adds_up_as_well(it: Song, pick: mk.cleaning.melody.Pick, which: int) -> None:
    """One note at a time, the same when it is drawn again, and everything listed."""
    tracks = list(range(min(which, len(it))))
    drawn, report = mk.melody(it, tracks=tracks, pick=pick)
    assert same(report.restore(drawn), it)
    assert mk.melody(drawn, tracks=tracks, pick=pick)[0] is drawn
    for index in tracks:
        notes = drawn[index].notes
        assert (notes["end"][:-1] <= notes["start"][1:]).all()


def test_a_report_can_only_restore_its_own_song() -> None:
    """Other tracks, or an altered note that is not there, are refused."""
    overlapping = song(("Piano", [(0.5 * i, 0.5 * i + 0.51, 60, 80) for i in range(8)]))
    _, report = mk.clean(overlapping)
    with pytest.raises(mk.NotesError, match="2 tracks; expected 1"):
        report.restore(song(("a", []), ("b", [])))
    with pytest.raises(mk.NotesError, match="not in the song"):
        report.restore(overlapping)


def test_auto_is_strong_where_much_is_wrong() -> None:
    """A part with a twentieth of evident ghosts is cleaned strongly, another one lightly."""
    soft = (1.1, 1.3, 62, 20)  # for strong alone
    blips = [(0.3 + i, 0.31 + i, 67, 80) for i in range(6)]
    it = song(("Koto", [*line(), soft]), ("Shamisen", [*line(), soft, *blips]))
    _, report = mk.clean(it, profile="auto")
    assert report.strong == (False, True)
    assert report.counts == {"short": 6, "faint": 1}
    assert report.removed["track"].tolist() == [1] * 7


# ---------------------------------------------------------------- what is said


def test_the_report_says_what_went_and_why() -> None:
    """Rule, place and note in words; counts by rule; values for JSON; a line a rule in changes."""
    parts = ("Ko\x1bto", [*line(), (1.1, 1.12, 67, 80)]), ("Drums", [(0.0, 0.1, 38, 80)] * 2)
    cleaned, report = mk.clean(song(*parts))
    assert str(report) == (
        "2 of 35 notes taken out (light): 1 retriggered, 1 short.\n"
        "Drums: note 1 at 0.000 s, pitch 38 (Acoustic Snare), taken out: struck twice within a "
        "moment\n"
        "Ko\\x1bto: note 5 at 1.100 s, pitch 67 (G4), taken out: too short to be meant"
    )
    assert repr(report) == "<CleanReport light: 2 of 35 notes taken out>"
    assert json.loads(json.dumps(report.to_dict())) == {
        "profile": "light",
        "removed": 2,
        "altered": 0,
        "rules": [{"rule": "retriggered", "notes": 1}, {"rule": "short", "notes": 1}],
    }
    assert [str(change) for change in cleaned.changes] == [
        "retriggered: 1 note taken out, struck twice within a moment: Drums 1",
        "short: 1 note taken out, too short to be meant: Ko\\x1bto 1",
    ]
    assert len(report.lines(1)) == 1
    assert str(mk.clean(cleaned)[1]) == "Nothing to take out (light)."


def test_the_report_cannot_be_changed() -> None:
    """It is a value."""
    _, report = mk.clean(song(("Koto", line())))
    with pytest.raises(ValueError, match="read-only"):
        report.edits["pitch"] = 0
    with pytest.raises(AttributeError):
        report.profile = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "hard"}, "profile 'hard': expected auto, light, strong"),
        ({"rules": "short"}, "rules: 'short'; expected some of retriggered, doubled"),
        ({"rules": ["shrt"]}, "rules: 'shrt'; expected some of retriggered, doubled"),
        ({"rules": ["shrt", 3]}, "rules: 3; expected some of retriggered, doubled"),
        ({"min_duration": -1.0}, "min_duration is -1.0; expected seconds, 0 or more"),
        ({"min_duration": float("nan")}, "min_duration is nan"),
        ({"min_duration": "0.03"}, "min_duration is '0.03'; expected seconds, 0 or more"),
        ({"voices": {"Koto": 0}}, "voices of 'Koto': got 0, expected a number from 1 to 128"),
        ({"voices": {"Koto": 1.5}}, "voices of 'Koto': got 1.5, expected a number from 1 to 128"),
        ({"voices": {"Koto": "2"}}, "voices of 'Koto': got '2', expected a number from 1 to 128"),
        ({"voices": {"Bass": 1}}, "voices: no track is named 'Bass'; there are 'Koto'"),
    ],
)
def test_bad_options_are_told(options: dict[str, object], message: str) -> None:
    """One clear line each."""
    with pytest.raises(mk.ConversionError, match=message):
        mk.clean(song(("Koto", line())), **options)  # type: ignore[arg-type]


def test_many_tracks_and_many_notes_at_once() -> None:
    """Hundreds of tracks, and hundreds of notes that all sound together, are no trouble."""
    rng = np.random.default_rng(1)
    tracks = [
        (f"Lead {i}", [(t, t + 0.2, 60, 80) for t in np.sort(rng.uniform(0, 9, 5))])
        for i in range(600)
    ]
    wall = ("Guitar", [(0.0, 5.0, 40 + i % 60, 1 + i % 127) for i in range(2000)])
    it = song(*tracks, wall)
    for profile in PROFILES:
        cleaned, report = mk.clean(it, profile=profile)
        assert same(report.restore(cleaned), it)
        assert mk.clean(cleaned, profile=profile)[0] is cleaned


def test_notes_of_no_length_are_a_voice_each_when_they_begin() -> None:
    """However many begin at once, they end no other note and there is no voice less than none."""
    clicks = [(1.0, 1.0, 60 + i % 12, 80) for i in range(200)]
    for rows in (clicks, [(0.5, 2.0, 50, 80), *clicks, (2.5, 3.0, 50, 80)]):
        it = song(("Vocals", rows), ("Flute", rows))
        assert mk.clean(it, rules=["crowded"])[0] is it
        cleaned, report = mk.clean(it, profile="strong")
        assert same(report.restore(cleaned), it)
