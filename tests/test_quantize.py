"""Quantizing: by eye, and what must hold for every song, grid, division and strength."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.errors import ConversionError
from midikit.model.beats import BeatGrid, quarters_per_beat
from midikit.model.events import Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.report import Change
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap
from midikit.rhythm.lines import can_swing
from midikit.rhythm.quantize import DIVISIONS, quantize
from midikit.units import ticks_from_seconds, written_tempo

Row = tuple[float, float, int, int]

at_120 = BeatGrid.constant(120.0)

times = st.one_of(
    st.integers(0, 192 * 300).map(lambda k: k / 192),
    st.floats(0, 300),
    st.sampled_from([0.0, 5e-324, 1e-12, 0.0625, 0.1875]),
)
rows = st.lists(
    st.tuples(times, st.one_of(st.just(0.0), st.floats(0, 3)), st.integers(0, 5)).map(
        lambda r: (r[0], r[0] + r[1], 60 + r[2], 80)
    ),
    max_size=12,
)
songs = st.lists(rows, min_size=1, max_size=3).map(
    lambda tables: Song(tuple(Track(f"T{i}", notes=as_notes(t)) for i, t in enumerate(tables)))
)
meters = st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (5, 16), (9, 16), (2, 2), (12, 8)])
divisions = st.sampled_from(sorted(DIVISIONS))


@st.composite
def grids(draw: st.DrawFn) -> BeatGrid:
    """Draw a grid: even or drifting, any meter, any bar line, beginning anywhere up to 20 s."""
    first = draw(st.floats(0, 20))
    if draw(st.booleans()):
        return BeatGrid.constant(draw(st.floats(30, 300)), first, meter=draw(meters))
    steps = draw(st.lists(st.floats(0.2, 1.5), min_size=1, max_size=12))
    beats = first + np.concatenate([[0.0], np.cumsum(steps)])
    return BeatGrid(beats, draw(meters), draw(st.integers(0, 5)))


def starts_of(song: Song) -> list[list[float]]:
    """List the starts of each track."""
    return [track.notes["start"].tolist() for track in song.tracks]


def equal(one: Song, other: Song) -> bool:
    """Whether all notes are the same to the last bit."""
    return all(np.array_equal(a.notes, b.notes) for a, b in zip(one, other, strict=True))


def one_track(*table: Row) -> Song:
    """Make a song of one track."""
    return Song((Track("Koto", notes=as_notes(list(table))),))


def one_a_time(song: Song) -> Song:
    """Take the notes out that start within 20 ms after another."""
    tracks = []
    for track in song:
        kept, last = [], -1.0
        for note in track.notes.tolist():
            if note[0] > last + 0.02:
                kept.append(note)
                last = note[0]
        tracks.append(replace(track, notes=as_notes(kept)))
    return song.with_tracks(tuple(tracks))


def line_after(beat: float, grid: BeatGrid, per_quarter: int) -> tuple[float, float]:
    """Tell the lines before and after a beat, walking from the bar line in whole fractions."""
    per_bar = grid.beats_per_bar
    phase = grid.first_downbeat % per_bar
    a_beat = Fraction(quarters_per_beat(grid.meter))
    bar = math.floor((beat - phase) / per_bar)
    lines = [Fraction(i, per_quarter) / a_beat for i in range(per_quarter * 16)]
    inside = [line for line in lines if line < per_bar] + [Fraction(per_bar)]
    places = [float(phase + bar * per_bar + line) for line in inside]
    places = [places[0] - 1e-6, *places]
    before = max(place for place in places if place <= beat + 1e-9)
    after = min((place for place in places if place > beat + 1e-9), default=places[-1])
    return before, after


def test_sixteenths_by_eye() -> None:
    """At 120 bpm lines lie 0.125 s apart; ends move with their starts."""
    song = one_track((0.01, 0.26, 60, 80), (0.12, 0.2, 62, 80), (0.49, 1.0, 64, 80))
    snapped = quantize(song, at_120)
    assert snapped[0].notes["start"].tolist() == [0.0, 0.125, 0.5]
    assert snapped[0].notes["end"] == pytest.approx([0.25, 0.205, 1.01])
    assert snapped.changes == (
        Change("quantize", "Koto", "moved 3 of 3 notes, the farthest by 10.0 ms", 3),
    )


@pytest.mark.parametrize(
    ("division", "expected"),
    [
        ("1/4", 0.5),
        ("1/8", 0.25),
        ("1/16", 0.375),
        ("1/32", 0.3125),
        ("1/8t", 1 / 3),
        ("1/16t", 1 / 3),
    ],
)
def test_divisions_by_eye(division: str, expected: float) -> None:
    """Where 0.32 s goes at 120 bpm, where a quarter is half a second."""
    snapped = quantize(one_track((0.32, 1, 60, 80)), at_120, division=division)
    assert snapped[0].notes["start"].tolist() == [pytest.approx(expected, abs=1e-12)]


def test_strength_goes_part_of_the_way() -> None:
    """Half of 40 ms, and the change says what was moved, not what is left."""
    snapped = quantize(one_track((0.54, 1, 60, 80)), at_120, strength=0.5)
    assert snapped[0].notes["start"] == pytest.approx([0.52])
    assert str(snapped.changes[0]) == "Koto: moved 1 of 1 note, the farthest by 20.0 ms"


def test_halfway_goes_to_the_later_line() -> None:
    """Exactly, and to a billionth of a quarter, so that noise does not decide."""
    song = one_track((0.0625, 1, 60, 80), (0.1875 - 1e-13, 1, 60, 80))
    assert starts_of(quantize(song, at_120)) == [[0.125, 0.25]]


def test_a_bar_that_is_no_whole_number_of_divisions_starts_anew() -> None:
    """Quarters in 7/8 lie at 0, 1, 2, 3 eighth pairs and again at the bar line, 3.5 quarters on."""
    grid = BeatGrid.constant(240.0, meter=(7, 8))
    near = [0.0, 0.5, 1.0, 1.5, 1.75, 2.25, 3.25, 3.5]
    song = Song((Track("x", notes=as_notes([(t + 0.01, 4, 60, 80) for t in near])),))
    assert starts_of(quantize(song, grid, division="1/4")) == [near]


def test_lines_count_from_the_bar_line_not_from_the_first_beat() -> None:
    """In 6/8 quarters of a bar that begins one dotted quarter later are half a quarter off."""
    beats = np.array([0.0, 0.75, 1.5, 2.25])
    song = one_track((0.45, 1, 60, 80), (0.8, 1, 60, 80))
    assert starts_of(quantize(song, BeatGrid(beats, (6, 8)), division="1/4")) == [[0.5, 1.0]]
    shifted = quantize(song, BeatGrid(beats, (6, 8), 1), division="1/4")
    assert starts_of(shifted) == [pytest.approx([0.25, 0.75], abs=1e-12)]


def test_nothing_lands_before_second_0() -> None:
    """The line at -0.05 s is nearer, the first one in time is at 0.075 s."""
    grid = BeatGrid.constant(120.0, 0.2)
    assert starts_of(quantize(one_track((0.0, 1, 60, 80)), grid)) == [[pytest.approx(0.075)]]


def test_a_line_at_second_0_stays_there_in_spite_of_rounding() -> None:
    """Three beats of 0.1 s before 0.3 s end at -5.6e-17 s, which is second 0."""
    grid = BeatGrid(np.array([0.3, 0.4, 0.5]))
    assert starts_of(quantize(one_track((0.01, 1, 60, 80)), grid, division="1/4")) == [[0.0]]


def test_equal_starts_are_ordered_by_pitch() -> None:
    """A strummed chord becomes one in order of pitch; all of its notes stay."""
    song = one_track((0.49, 1, 67, 80), (0.5, 1, 64, 80), (0.51, 1, 60, 80))
    notes = quantize(song, at_120)[0].notes
    assert (notes["start"].tolist(), notes["pitch"].tolist()) == ([0.5] * 3, [60, 64, 67])


def test_everything_but_the_notes_stays() -> None:
    """Tempo, texts, controls, programs and names are those of the song."""
    track = Track(
        "Koto",
        program=107,
        notes=as_notes([(0.49, 1, 60, 80)]),
        controls=as_controls([(0.49, 0xB0, 64, 127)]),
        events=(Event(0.49, 5, b"la"),),
        channel=3,
    )
    song = Song((track, Track("Empty")), tempo=TempoMap.constant(93.0), title="t")
    snapped = quantize(song, at_120)
    assert snapped.tempo is song.tempo
    assert snapped.title == "t"
    assert np.array_equal(snapped[0].controls, track.controls)
    for name in ("name", "program", "events", "channel"):
        assert getattr(snapped[0], name) == getattr(track, name)
    assert len(snapped.changes) == 1


def test_a_track_on_the_grid_is_no_change() -> None:
    """Nothing moved, nothing said; a nameless track is named by its index."""
    song = Song((Track("x", notes=as_notes([(0.5, 1, 60, 80)])),))
    assert quantize(song, at_120).changes == ()
    nameless = Song((Track("", notes=as_notes([(0.51, 1, 60, 80)])),))
    assert quantize(nameless, at_120).changes[0].where == "track 0"
    hostile = Song((Track("a\x1b[2J", notes=as_notes([(0.51, 1, 60, 80)])),))
    assert quantize(hostile, at_120).changes[0].where == r"a\x1b[2J"


def test_earlier_changes_are_kept() -> None:
    """The list grows."""
    song = replace(one_track((0.51, 1, 60, 80)), changes=(Change("x", "y", "z"),))
    assert [change.kind for change in quantize(song, at_120).changes] == ["x", "quantize"]


@given(songs, grids(), divisions, st.sampled_from([0.0, 0.3, 0.7, 0.999999, 1.0]))
@settings(max_examples=150, deadline=None)
def test_notes_are_kept_and_none_passes_another(
    song: Song, grid: BeatGrid, division: str, strength: float
) -> None:
    """Count, pitches, velocities and lengths stay; the i-th start stays the i-th."""
    snapped = quantize(song, grid, division=division, strength=strength)
    for before, after in zip(song.tracks, snapped.tracks, strict=True):
        old, new = before.notes, after.notes
        assert len(old) == len(new)
        assert not new.flags.writeable
        assert (new["start"] >= 0).all()
        assert (new["end"] >= new["start"]).all()
        assert (np.diff(new["start"]) >= 0).all()
        assert np.array_equal(np.sort(old["pitch"]), np.sort(new["pitch"]))
        # Notes whose starts did not become equal are the same ones in the same places.
        alone = np.flatnonzero(np.isin(new["start"], *_once(new["start"])))
        assert np.array_equal(old["pitch"][alone], new["pitch"][alone])
        lengths = np.sort((old["end"] - old["start"]).round(6))
        assert np.allclose(lengths, np.sort((new["end"] - new["start"]).round(6)), atol=2e-6)


def _once(values: np.ndarray) -> tuple[np.ndarray]:
    """Return the values that occur once."""
    unique, count = np.unique(values, return_counts=True)
    return (unique[count == 1],)


@given(songs, grids(), divisions)
@settings(max_examples=200, deadline=None)
def test_once_is_enough(song: Song, grid: BeatGrid, division: str) -> None:
    """Quantizing a second time changes nothing, to the last bit, and says so."""
    once = quantize(song, grid, division=division)
    twice = quantize(once, grid, division=division)
    assert equal(once, twice)
    assert twice.changes == once.changes


@given(songs, grids(), divisions)
@settings(max_examples=60, deadline=None)
def test_strength_0_moves_nothing(song: Song, grid: BeatGrid, division: str) -> None:
    """Equal arrays and no changes."""
    still = quantize(song, grid, division=division, strength=0.0)
    assert equal(song, still)
    assert still.changes == ()


@given(songs, grids(), divisions)
@settings(max_examples=100, deadline=None)
def test_every_start_is_on_the_nearest_line(song: Song, grid: BeatGrid, division: str) -> None:
    """Against lines walked from the bar line in fractions; unless that is before second 0.

    Chords, which go together, are looked at elsewhere.
    """
    song = one_a_time(song)
    snapped = quantize(song, grid, division=division)
    per_quarter = DIVISIONS[division]
    for before, after in zip(starts_of(song), starts_of(snapped), strict=True):
        for old, new in zip(before, after, strict=True):
            beat = float(grid.beat_at(old))
            lines = line_after(beat, grid, per_quarter)
            seconds = [float(grid.time_at(line)) for line in lines]
            on = [
                float(grid.time_at(line))
                for line in line_after(float(grid.beat_at(new)), grid, per_quarter)
            ]
            assert min(abs(new - line) for line in on) < 1e-9
            if seconds[0] < 0:
                continue
            nearest = min(abs(beat - line) for line in lines)
            assert abs(float(grid.beat_at(new)) - beat) <= nearest + 1e-6


@given(songs, st.sampled_from([60.0, 100.0, 120.0, 150.0]), st.integers(0, 3), divisions)
@settings(max_examples=50, deadline=None)
def test_ticks_are_exact_at_the_grids_tempo(
    song: Song, bpm: float, bars: int, division: str
) -> None:
    """At 480 ticks a quarter every start is a whole number of divisions to the tick."""
    grid = BeatGrid.constant(bpm, bars * 4 * 60 / bpm)
    snapped = quantize(song, grid, division=division)
    written = written_tempo(np.zeros(1), np.array([bpm]), 480)
    for starts in starts_of(snapped):
        ticks = ticks_from_seconds(starts, *written, 480)
        assert (ticks % (480 // DIVISIONS[division]) == 0).all()
        back = [mido.tick2second(tick, 480, mido.bpm2tempo(bpm)) for tick in ticks.tolist()]
        assert np.allclose(back, starts, atol=1e-9, rtol=0)


@pytest.mark.parametrize("start", [4.5e9, 1e15, 1e300, 1.7e308])
def test_times_beyond_all_music_stay_finite(start: float) -> None:
    """Snapped while a float can tell lines apart, else left where they are."""
    song = one_track((0.01, 1, 60, 80), (start, start, 60, 80))
    snapped = quantize(song, at_120)
    assert starts_of(snapped) == [[0.0, start]]
    tiny = BeatGrid(np.array([0.0, 1e-300]))
    assert starts_of(quantize(song, tiny)) == [[0.01, start]]


@given(songs)
@settings(max_examples=40, deadline=None)
def test_beats_as_close_as_floats_are_survived(song: Song) -> None:
    """A grid of neighbouring floats still keeps the order and is stable."""
    first = 1.0
    beats = [first]
    for _ in range(4):
        beats.append(math.nextafter(beats[-1], 2.0))
    grid = BeatGrid(np.array(beats))
    once = quantize(song, grid, division="1/4")
    for starts in starts_of(once):
        assert starts == sorted(starts)
    assert equal(once, quantize(once, grid, division="1/4"))


@pytest.mark.parametrize("division", ["1/3", "", "1/16T", "AUTO", "\x1b", None, 16])
def test_other_divisions_are_refused(division: str) -> None:
    """The message names what was given and lists what there is."""
    with pytest.raises(ConversionError) as caught:
        quantize(one_track(), at_120, division=division)
    message = str(caught.value)
    assert "expected one of 1/4, 1/8, 1/16, 1/32, 1/8t, 1/16t or auto" in message
    assert "\x1b" not in message


# Chords, choice of lines, swing, window, ends


def row_of(*starts: float, length: float = 0.2) -> Song:
    """Make a track of notes that start there."""
    return one_track(*((start, start + length, 60 + i % 12, 80) for i, start in enumerate(starts)))


def test_chords_stay_together() -> None:
    """Two notes on either side of a middle of lines go where the middle of both goes."""
    song = row_of(0.058, 0.065, 0.3)
    assert starts_of(quantize(song, at_120)) == [[0.0, 0.0, 0.25]]
    assert starts_of(quantize(row_of(0.06, 0.067), at_120)) == [[0.125, 0.125]]


def test_fast_notes_are_no_chord() -> None:
    """Where lines are 15.6 ms apart, notes 16 ms apart are two."""
    grid = BeatGrid.constant(480.0)
    song = row_of(0.001, 0.017, 0.032)
    assert starts_of(quantize(song, grid, division="1/32")) == [[0.0, 0.015625, 0.03125]]


@given(songs, grids(), st.sampled_from([*sorted(DIVISIONS), "auto"]))
@settings(max_examples=100, deadline=None)
def test_a_chord_struck_at_once_is_never_split(song: Song, grid: BeatGrid, division: str) -> None:
    """Notes of one start have one start afterwards."""
    snapped = quantize(song, grid, division=division)
    for before, after in zip(starts_of(song), starts_of(snapped), strict=True):
        assert len(set(after)) <= len(set(before))


def test_auto_takes_the_coarsest_that_fits_in_each_bar() -> None:
    """A bar of eighths, one of triplets, one of sixteenths, played up to 10 ms off."""
    wobble = [0.01, -0.008, 0.004, 0.0, -0.01, 0.006]
    bars = [
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5],
        [0.0, 1 / 3, 2 / 3, 1.0, 4 / 3, 5 / 3, 2.0, 7 / 3, 8 / 3, 3.0, 10 / 3, 11 / 3],
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 1.75, 2.0, 2.25, 3.0, 3.25, 3.5],
    ]
    beats = [4.0 + 4.0 * bar + beat for bar in range(9) for beat in bars[bar % 3]]
    places = np.array(beats) * 0.5
    played = places + np.resize(wobble, len(places))
    snapped = quantize(row_of(*played.tolist()), at_120, division="auto")
    assert snapped[0].notes["start"] == pytest.approx(places, abs=1e-9)
    straight = quantize(row_of(*played.tolist()), at_120, division="auto", triplets=False)
    beat = np.array(starts_of(straight)[0]) * 2.0
    assert beat * 8 == pytest.approx(np.rint(beat * 8), abs=1e-9)


def test_each_track_chooses_for_itself() -> None:
    """Triplets in one, sixteenths in the other, in the same bars."""
    triplets = np.arange(36) / 6.0
    sixteenths = np.arange(48) / 8.0
    song = Song(tuple(row_of(*(t + 0.004).tolist())[0] for t in (triplets, sixteenths)))
    snapped = quantize(song, at_120, division="auto")
    assert snapped[0].notes["start"] == pytest.approx(triplets, abs=1e-9)
    assert snapped[1].notes["start"] == pytest.approx(sixteenths, abs=1e-9)


@pytest.mark.parametrize("swing", [0.5, 0.58, 0.62, 2 / 3])
def test_auto_finds_the_swing(swing: float) -> None:
    """Offbeats land on one line, at the swing they were played with, to a 480th."""
    rng = np.random.default_rng(3)
    beats = np.arange(2.0, 66.0)
    places = np.sort(np.concatenate([beats, beats + swing])) * 0.5
    song = row_of(*(places + rng.normal(0, 0.006, len(places))).tolist())
    snapped = np.array(starts_of(quantize(song, at_120, division="auto"))[0]) * 2.0
    assert snapped[::2] == pytest.approx(beats, abs=1e-9)
    assert np.ptp(snapped[1::2] - beats) < 1e-9
    assert snapped[1] - 2.0 == pytest.approx(
        swing, abs=0.006 if swing not in {0.5, 2 / 3} else 1e-9
    )


def test_a_swing_that_is_given_moves_the_offbeat_lines() -> None:
    """Sixteenths are stretched to fit, triplets stay."""
    song = row_of(0.0, 0.14, 0.3, 0.39)
    eighths = quantize(song, at_120, division="1/8", swing=0.6)
    assert starts_of(eighths) == [[0.0, 0.0, 0.3, 0.3]]
    sixteenths = quantize(song, at_120, division="1/16", swing=0.6)
    assert starts_of(sixteenths) == [pytest.approx([0.0, 0.15, 0.3, 0.4])]
    assert equal(
        quantize(song, at_120, division="1/8t", swing=0.6), quantize(song, at_120, division="1/8t")
    )
    assert equal(quantize(song, at_120, swing=0.5), quantize(song, at_120))


def test_a_named_division_may_give_way_to_its_triplet() -> None:
    """Asked for, bar by bar."""
    places = np.concatenate([np.arange(12) / 6.0, 2.0 + np.arange(8) / 4.0])
    song = row_of(*(places + 0.003).tolist())
    snapped = quantize(song, at_120, division="1/8", triplets=True)
    assert snapped[0].notes["start"] == pytest.approx(places, abs=1e-9)


def test_a_window_moves_only_what_is_near() -> None:
    """Seconds from the line; what is farther stays to the last bit."""
    song = row_of(0.01, 0.17, 0.26, 0.32)
    assert starts_of(quantize(song, at_120, window=0.02)) == [[0.0, 0.17, 0.25, 0.32]]
    assert equal(song, quantize(song, at_120, window=0.0))


def test_ends_snap_to_lines_but_at_least_one_after_the_start() -> None:
    """Notes without length keep none."""
    song = one_track((0.01, 0.24, 60, 80), (0.49, 0.51, 62, 80), (0.76, 0.76, 64, 80))
    snapped = quantize(song, at_120, ends="snap")[0].notes
    assert snapped["start"].tolist() == [0.0, 0.5, 0.75]
    assert snapped["end"].tolist() == [0.25, 0.625, 0.75]


@given(
    songs,
    grids(),
    st.sampled_from([*sorted(DIVISIONS), "auto"]),
    st.sampled_from([None, 0.5, 0.6, 2 / 3]),
    st.sampled_from(["auto", True]),
    st.sampled_from([None, 0.0, 0.01, 0.05]),
    st.sampled_from(["keep", "snap"]),
    st.sampled_from([0.0, 0.5, 1.0]),
)
@settings(max_examples=400, deadline=None)
def test_whatever_is_asked_for_the_rules_hold(
    song: Song,
    grid: BeatGrid,
    division: str,
    swing: float | None,
    triplets: bool | Literal["auto"],
    window: float | None,
    ends: Literal["keep", "snap"],
    strength: float,
) -> None:
    """Notes are kept in order from second 0 on, once is enough, and strength 0 moves nothing."""
    if not can_swing(grid.meter):
        swing = None

    def again(song: Song) -> Song:
        return quantize(
            song,
            grid,
            division=division,
            swing=swing,
            triplets=triplets,
            window=window,
            ends=ends,
            strength=strength,
        )

    snapped = again(song)
    for before, after in zip(song.tracks, snapped.tracks, strict=True):
        old, new = before.notes, after.notes
        assert len(old) == len(new)
        assert (new["start"] >= 0).all()
        assert (new["end"] >= new["start"]).all()
        assert np.array_equal(np.sort(old["pitch"]), np.sort(new["pitch"]))
        alone = np.flatnonzero(np.isin(new["start"], *_once(new["start"])))
        assert np.array_equal(old["pitch"][alone], new["pitch"][alone])
    if strength == 0.0:
        assert equal(song, snapped)
    if strength == 1.0:
        assert equal(snapped, again(snapped))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"swing": 0.49}, "swing 0.49: expected a number from 0.5 to 0.75"),
        ({"swing": math.nan}, "swing nan: expected a number from 0.5 to 0.75"),
        ({"triplets": "no"}, "triplets 'no': expected auto, True or False"),
        (
            {"division": "1/8t", "triplets": False},
            "division '1/8t': is a triplet, and triplets is False",
        ),
        ({"window": -0.1}, "window -0.1: expected seconds, 0 or more, or None"),
        ({"window": math.inf}, "window inf: expected seconds, 0 or more, or None"),
        ({"ends": "cut"}, "ends 'cut': expected keep or snap"),
    ],
)
def test_other_options_are_refused(options: dict[str, Any], said: str) -> None:
    """The message says what was given and what there is."""
    with pytest.raises(ConversionError) as caught:
        quantize(one_track(), at_120, **options)
    assert str(caught.value) == said


def test_meters_without_quarters_to_swing_are_refused() -> None:
    """Six eighths in two beats have no second eighth."""
    with pytest.raises(ConversionError) as caught:
        quantize(one_track(), BeatGrid.constant(60.0, meter=(6, 8)), swing=0.6)
    assert str(caught.value) == (
        "swing 0.6: the quarters of 6/8 have no second eighth to move; expected 0.5 or None"
    )


@pytest.mark.parametrize("strength", [-0.1, 1.1, math.nan, math.inf])
def test_strengths_out_of_range_are_refused(strength: float) -> None:
    """The message names the number and the range."""
    with pytest.raises(ConversionError) as caught:
        quantize(one_track(), at_120, strength=strength)
    assert str(caught.value) == f"strength {strength}: expected a number from 0 to 1"
