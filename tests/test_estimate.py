"""Tempo, beats and bars from the notes alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.errors import NotesError
from midikit.model.notes import as_notes, shift
from midikit.model.song import Song, Track
from midikit.parse.response import read_json
from midikit.rhythm.align import part_lags
from midikit.rhythm.estimate import estimate_beats
from midikit.sandbox.songs import DemoSong, demo_songs

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

EXAMPLE = Path(__file__).parent.parent / "fixtures" / "answers" / "example.json"
TITLES = [song.title for song in demo_songs()]

WALTZ = 2
"""Read as 6/8 with the same bars: nothing learnt from has as little on its off-beats."""

demo = pytest.mark.parametrize("demo", demo_songs(), ids=TITLES)
level_known = pytest.mark.parametrize(
    "demo",
    demo_songs()[:WALTZ] + demo_songs()[WALTZ + 1 :],
    ids=TITLES[:WALTZ] + TITLES[WALTZ + 1 :],
)


def found(song: Song) -> BeatGrid:
    """Estimate a grid that must be there."""
    grid = estimate_beats(song)
    assert grid is not None
    return grid


def distance(marks: FloatArray, others: FloatArray) -> FloatArray:
    """Distance of each second to the nearest of others."""
    nearest: FloatArray = np.abs(marks[:, None] - others[None]).min(axis=1)
    return nearest


def heard(demo: DemoSong, marks: FloatArray) -> FloatArray:
    """Those of some seconds that lie between the first and the last onset."""
    first = min(notes["start"].min() for _, notes in demo.instruments)
    last = max(notes["start"].max() for _, notes in demo.instruments)
    within: FloatArray = marks[(marks >= first) & (marks <= last)]
    return within


def random_song(seed: int, count: int) -> Song:
    """Make notes that keep to nothing."""
    rng = np.random.default_rng(seed)
    start = np.cumsum(np.maximum(0.02, rng.gamma(1.6, 0.15, count)))
    pitch = rng.integers(40, 80, count)
    columns = {"start": start, "end": start + 0.2, "pitch": pitch, "velocity": pitch}
    return Song((Track("Piano", notes=as_notes(columns)),))


@level_known
def test_demo_tempo_and_meter(demo: DemoSong) -> None:
    """The tempo of a demo song is right to 0.02 %, its meter exactly."""
    grid = found(demo.song())
    assert grid.bpm == pytest.approx(demo.bpm, rel=2e-4)
    assert grid.meter == demo.meter
    assert grid.confidence is not None
    assert grid.confidence.pulse > 0.9


@level_known
def test_demo_beats_and_bars(demo: DemoSong) -> None:
    """Beats and bar lines are within 10 ms of the true ones; one in a last ritardando is 12.

    That one is in the last bar but one of Greensleeves, where the tempo falls by 6 % in five beats.
    """
    grid = found(demo.song())
    off = np.sort(distance(heard(demo, demo.beats), grid.beats))
    assert off[-2] < 0.010
    assert off[-1] < 0.013
    assert distance(heard(demo, demo.downbeats), grid.downbeats).max() < 0.010
    assert len(grid.beats) == pytest.approx(len(demo.beats), abs=6)


@demo
def test_demo_lags(demo: DemoSong) -> None:
    """The parts' lags differ as they truly do, to 2 ms."""
    lags = part_lags(demo.song(), found(demo.song()))
    off = lags - np.array(demo.lags)
    assert np.abs(off - np.median(off)).max() < 0.002


def test_waltz_with_its_tempo() -> None:
    """With a hint the waltz is right in tempo, meter and bars."""
    waltz = demo_songs()[WALTZ]
    grid = estimate_beats(waltz.song(), tempo_hint=138)
    assert grid is not None
    assert grid.bpm == pytest.approx(waltz.bpm, rel=2e-4)
    assert grid.meter == (3, 4)
    assert distance(heard(waltz, waltz.downbeats), grid.downbeats).max() < 0.010


def test_example_pulse_and_alternatives() -> None:
    """Twenty notes give the pulse exactly, and 110.06 among the first readings."""
    grid = found(read_json(EXAMPLE))
    assert grid.subdivision is not None
    assert 192 * 60 / grid.bpm / grid.subdivision == pytest.approx(26.17, abs=0.05)
    tempi = [grid.bpm, *(other.bpm for other in grid.alternatives[:2])]
    assert any(tempo == pytest.approx(110.06, abs=0.1) for tempo in tempi)


def test_example_with_hint() -> None:
    """A tempo hint settles the level of the example."""
    grid = estimate_beats(read_json(EXAMPLE), tempo_hint=110)
    assert grid is not None
    assert grid.bpm == pytest.approx(110.06, abs=0.1)


def test_known_downbeat_moves_the_bars() -> None:
    """A bar line that is known, roughly, makes the bars begin there; beats and meter stay."""
    demo = demo_songs()[0]
    song = demo.song()
    grid = found(song)
    second = float(grid.downbeats[3] + 2 * 60 / grid.bpm)
    other = estimate_beats(song, downbeat=second + 0.1)
    assert other is not None
    assert np.abs(other.downbeats - second).min() < 1e-6
    assert (other.meter, other.bpm) == (grid.meter, grid.bpm)


def test_bad_downbeat() -> None:
    """A bar line that is no number, or far from all notes, is refused in words."""
    song = demo_songs()[0].song()
    for second in (float("nan"), 3600.0):
        with pytest.raises(NotesError, match=r"downbeat .* s; expected a second of the song"):
            estimate_beats(song, downbeat=second)


@settings(max_examples=10, deadline=None)
@given(steps=st.integers(1, 4000), which=st.sampled_from([2, 3]))
def test_shift_moves_the_grid(steps: int, which: int) -> None:
    """A song moved by lattice steps has the same grid, moved by as much."""
    song = demo_songs()[which].song()
    by = steps / 192
    moved = replace(song, tracks=tuple(replace(t, notes=shift(t.notes, by)) for t in song.tracks))
    one, two = found(song), found(moved)
    assert two.beats == pytest.approx(one.beats + by, abs=1e-6)
    assert two.first_downbeat == one.first_downbeat
    assert two.confidence == one.confidence


def test_track_order_changes_nothing() -> None:
    """Permuted tracks give the same grid to the last bit."""
    song = demo_songs()[0].song()
    one, two = found(song), found(replace(song, tracks=song.tracks[::-1]))
    assert np.array_equal(one.beats, two.beats)
    assert one.confidence == two.confidence


def test_same_song_same_grid() -> None:
    """The same notes give the same grid."""
    song = demo_songs()[1].song()
    assert np.array_equal(found(song).beats, found(song).beats)


def test_double_times_halve_the_tempo() -> None:
    """At half the speed the tempo is half, up to the level that is felt."""
    song = demo_songs()[3].song()
    slow = []
    for track in song.tracks:
        columns = {name: track.notes[name] for name in ("pitch", "velocity")}
        times = {name: 2.0 * track.notes[name] for name in ("start", "end")}
        slow.append(replace(track, notes=as_notes(columns | times)))
    half = replace(song, tracks=tuple(slow))
    ratio = found(song).bpm / found(half).bpm
    assert min(abs(ratio / level - 1) for level in (1, 2, 4)) < 1e-3
    told, told_half = estimate_beats(song, tempo_hint=132), estimate_beats(half, tempo_hint=66)
    assert told is not None
    assert told_half is not None
    assert told.bpm == pytest.approx(2 * told_half.bpm, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_no_grid_is_an_answer(seed: int) -> None:
    """Notes that keep to nothing have no grid, unless a tempo is given."""
    song = random_song(seed, 600)
    assert estimate_beats(song) is None
    hinted = estimate_beats(song, tempo_hint=97)
    assert hinted is not None
    assert hinted.bpm == pytest.approx(97, rel=0.09)


def test_sounds_too_far_apart_have_no_grid() -> None:
    """Two hundred sounds in an hour would fit any tempo that drifts; as many in ten minutes do."""
    for minutes, is_found in ((60.0, False), (10.0, True)):
        start = np.arange(200) * (minutes * 60.0 / 200)
        notes = as_notes([(second, second + 0.5, 60, 80) for second in start.tolist()])
        song = Song((Track("Bell", notes=notes),))
        assert (estimate_beats(song) is not None) is is_found
        assert estimate_beats(song, tempo_hint=100.0) is not None


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13])
def test_few_notes(count: int) -> None:
    """A handful of notes that keep to nothing gets a grid, and no confidence in it."""
    grid = found(random_song(count, count))
    assert 40 <= grid.bpm <= 220
    assert grid.confidence is not None
    assert grid.confidence.pulse < 0.6
    assert grid.confidence.bar < 0.3


def test_confidence_grows_with_the_notes() -> None:
    """Even notes tell the more of a pulse the more they are."""
    sure = []
    for count in (1, 4, 8, 16, 32, 64):
        notes = as_notes([(0.5 * i, 0.5 * i + 0.2, 60, 80) for i in range(count)])
        confidence = found(Song((Track("Koto", notes=notes),))).confidence
        assert confidence is not None
        sure.append(confidence.pulse)
    assert sure[0] < 0.1
    assert sure == sorted(sure)
    assert sure[-1] > 0.9


def test_no_handful_of_notes_is_a_failure() -> None:
    """Few notes at few instants, some at one, give a grid and no warning."""
    rng = np.random.default_rng(7)
    for _ in range(150):
        count = int(rng.integers(1, 20))
        start = np.round(rng.choice(rng.uniform(0, 4, 6), count), 2)
        notes = as_notes([(second, second + 0.1, 60, 80) for second in start])
        assert 40 <= found(Song((Track("Koto", notes=notes),))).bpm <= 220


def test_no_notes() -> None:
    """A song without notes has no grid, but for a tempo that is given."""
    empty = Song((Track("Silence"),))
    assert estimate_beats(empty) is None
    hinted = estimate_beats(empty, tempo_hint=93.0)
    assert hinted is not None
    assert hinted.bpm == pytest.approx(93.0)


def test_all_notes_at_once() -> None:
    """One chord is no pulse, and no failure."""
    chord = as_notes([(1.0, 2.0, pitch, 80) for pitch in range(40, 90)])
    grid = found(Song((Track("Chord", notes=chord),)))
    assert 40 <= grid.bpm <= 220
    assert grid.confidence is not None
    assert grid.confidence.pulse < 0.2


def test_beats_per_bar_wins() -> None:
    """A bar length that is given is taken."""
    grid = estimate_beats(demo_songs()[0].song(), beats_per_bar=3)
    assert grid is not None
    assert grid.beats_per_bar == 3


@pytest.mark.parametrize("beats", [1, 2, 5, 7, 16])
def test_any_bar_length_can_be_asked_for(beats: int) -> None:
    """Bars of one beat to sixteen."""
    grid = estimate_beats(demo_songs()[0].song(), beats_per_bar=beats)
    assert grid is not None
    assert grid.beats_per_bar == beats


def test_tempo_range_wins() -> None:
    """No reading outside the range is taken."""
    grid = estimate_beats(demo_songs()[0].song(), tempo_range=(40, 80))
    assert grid is not None
    assert grid.bpm == pytest.approx(109.73 / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tempo_hint": float("nan")}, r"tempo_hint nan; expected 10 to 600"),
        ({"tempo_range": (100.0, 120.0)}, r"tempo_range 100.0 to 120.0; .* at least twice"),
        ({"beats_per_bar": 0}, r"beats_per_bar 0; expected 1 to 16"),
    ],
)
def test_impossible_options(options: dict[str, float], said: str) -> None:
    """What cannot be meant is refused with the value and what was expected."""
    with pytest.raises(NotesError, match=said):
        estimate_beats(random_song(0, 20), **options)  # type: ignore[arg-type]
