"""Lags between parts: measured, removed, and left alone where a part does not tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.model.beats import BeatGrid
from midikit.model.events import Event, as_controls
from midikit.model.notes import NO_NOTES, as_notes
from midikit.model.song import Song, Track
from midikit.rhythm.align import align, common_lag, part_lags
from midikit.rhythm.quantize import quantize
from midikit.rhythm.strokes import find_strokes
from midikit.sandbox.songs import DemoSong, demo_songs

each_song = pytest.mark.parametrize("demo", demo_songs(), ids=[s.title for s in demo_songs()])
at_120 = BeatGrid.constant(120.0)


def part(name: str, places: np.ndarray, lag: float) -> Track:
    """Play places in beats at 120 bpm, late by a lag."""
    return Track(name, notes=as_notes([(b / 2 + lag, b / 2 + 0.5, 60, 80) for b in places]))


def off_places(demo: DemoSong, song: Song) -> int:
    """Count the notes that are not where they were written."""
    grid, row, wrong = demo.grid(), 0, 0
    for track in song:
        written = np.sort(demo.positions[row : row + len(track)])
        row += len(track)
        wrong += int((np.abs(grid.beat_at(track.notes["start"]) - written) > 1e-6).sum())
    return wrong


@each_song
def test_lags_of_the_demo_songs_are_found_within_2_ms(demo: DemoSong) -> None:
    """Between any two parts, though each onset is off by up to 20 ms."""
    error = part_lags(demo.song(), demo.grid()) - np.array(demo.lags)
    assert np.ptp(error) < 0.002


@each_song
def test_no_part_moves_on_the_whole(demo: DemoSong) -> None:
    """The mean over all strokes stays, and a second round finds nothing more to do."""
    song, grid = demo.song(), demo.grid()
    lags = part_lags(song, grid)
    sizes = [
        len(find_strokes(track.notes["start"], np.zeros(len(track), np.int64))) for track in song
    ]
    assert np.average(lags, weights=sizes) == pytest.approx(0.0, abs=1e-9)
    assert np.abs(part_lags(align(song, grid), grid)).max() < 0.001


def test_each_part_tells_its_own_lag() -> None:
    """Measured all at once as each alone, also beside parts that do not tell and empty ones."""
    random = np.random.default_rng(4)
    grid = BeatGrid.constant(120.0, meter=(6, 8), end=60.0)
    sizes = (0, 40, 3, 8, 0, 200, 7, 25)
    parts = [
        part("x", np.sort(random.integers(4, 40, n) / 2) + random.normal(0, 0.01, n), 0.03)
        for n in sizes
    ]
    alone = np.array([common_lag(Song((one,)), grid) for one in parts])
    together = part_lags(Song(tuple(parts)), grid) + common_lag(Song(tuple(parts)), grid)
    assert np.flatnonzero(np.isnan(together)).tolist() == [0, 2, 4, 6]
    assert np.nan_to_num(together) == pytest.approx(alone, abs=1e-12)


@each_song
@pytest.mark.parametrize("aligned", [True, False])
def test_every_note_of_the_demo_songs_lands_where_it_was_written(
    demo: DemoSong, aligned: bool
) -> None:
    """On the true grid, with divisions and swing chosen by the notes."""
    song = align(demo.song(), demo.grid()) if aligned else demo.song()
    assert off_places(demo, quantize(song, demo.grid(), division="auto")) == 0


@pytest.mark.parametrize("lag", [-0.03, -0.012, 0.0, 0.02, 0.035])
@pytest.mark.parametrize(
    "step", [1.0, 0.5, 0.25, 1 / 3, 1 / 6], ids=["1/4", "1/8", "1/16", "1/8t", "1/16t"]
)
def test_a_part_on_any_division_tells_its_lag(step: float, lag: float) -> None:
    """Against one on the beat."""
    places = 4 + step * np.arange(48)
    song = Song((part("a", np.arange(4.0, 40.0), 0.0), part("b", places, lag)))
    first, second = part_lags(song, at_120).tolist()
    assert second - first == pytest.approx(lag, abs=1e-3)


def test_swung_offbeats_do_not_look_late() -> None:
    """A part in swing at 0.62 and one that plays quarters have no lag between them."""
    beats = np.arange(4.0, 44.0)
    swung = np.sort(np.concatenate([beats, beats + 0.62]))
    lags = part_lags(Song((part("a", beats, 0.0), part("b", swung, 0.0))), at_120)
    assert np.abs(lags).max() < 0.002


def test_few_or_wild_notes_tell_nothing() -> None:
    """They stay where they are, and the change says why."""
    wild = np.sort(np.random.default_rng(5).uniform(4, 40, 30))
    song = Song(
        (
            part("few", np.arange(4.0, 9.0), 0.02),
            part("wild", wild, 0.0),
            part("a", np.arange(4.0, 40.0), 0.01),
            Track("empty"),
        )
    )
    assert np.isnan(part_lags(song, at_120)).tolist() == [True, True, False, True]
    aligned = align(song, at_120)
    assert [str(change) for change in aligned.changes] == [
        "few: not aligned: 5 notes do not tell a lag",
        "wild: not aligned: its onsets are too few or too far from the grid to tell a lag",
    ]
    for before, after in zip(song, aligned, strict=True):
        assert np.array_equal(before.notes, after.notes)


def test_a_song_without_notes_has_no_lags() -> None:
    """Nothing is measured, nothing is said."""
    assert np.isnan(part_lags(Song((Track("x"),)), at_120)).all()
    assert align(Song(()), at_120).changes == ()


def test_controls_and_texts_move_with_their_part() -> None:
    """A pedal that was pressed with a note still is."""
    late = part("late", np.arange(4.0, 24.0), 0.04)
    late = Track(
        late.name,
        notes=late.notes,
        controls=as_controls([(2.04, 0xB0, 64, 127)]),
        events=(Event(2.04, 5, b"la"),),
        program=7,
    )
    moved = align(Song((part("a", np.arange(4.0, 24.0), 0.0), late)), at_120)[1]
    assert moved.notes["start"][0] == pytest.approx(2.02)
    assert moved.controls["seconds"].tolist() == pytest.approx([2.02])
    assert moved.events[0].seconds == pytest.approx(2.02)
    assert moved.program == 7


def test_nothing_moves_to_before_second_0() -> None:
    """The first note is held there, and the change counts it."""
    song = Song((part("a", np.arange(20.0), 0.0), part("b", np.arange(20.0), 0.03)))
    late = song[1].notes.copy()
    late["start"][0] = 0.005
    song = song.with_tracks((song[0], Track("b", notes=as_notes(late))))
    aligned = align(song, at_120)
    assert aligned[1].notes["start"][0] == 0.0
    assert aligned[1].notes["start"][1] == pytest.approx(0.515, abs=1e-3)
    assert "late against the other parts; moved earlier by as much, 1 note only to second 0" in str(
        aligned.changes[1]
    )


@given(
    st.lists(st.integers(0, 4000), max_size=40).map(lambda ticks: [t / 192 for t in ticks]),
    st.floats(60, 200),
    st.floats(-2, 2),
)
@settings(max_examples=60, deadline=None)
def test_alignment_keeps_every_note(starts: list[float], bpm: float, offset: float) -> None:
    """Count, pitch, order and finite times, whatever the part plays."""
    one = as_notes([(t, t + 0.1, 60, 80) for t in starts]) if starts else NO_NOTES
    other = as_notes([(t, t + 0.1, 64, 80) for t in starts[::2]]) if starts else NO_NOTES
    song = Song((Track("a", notes=one), Track("b", notes=other)))
    aligned = align(song, BeatGrid.constant(bpm, offset))
    for before, after in zip(song, aligned, strict=True):
        assert len(before) == len(after)
        assert (after.notes["start"] >= 0).all()
        assert np.isfinite(after.notes["end"]).all()
        assert np.array_equal(np.sort(before.notes["pitch"]), np.sort(after.notes["pitch"]))


def test_the_order_of_parts_does_not_matter() -> None:
    """Measured backwards, the lags come backwards."""
    demo = demo_songs()[0]
    song = demo.song()
    turned = song.with_tracks(song.tracks[::-1])
    there, back = part_lags(song, demo.grid()), part_lags(turned, demo.grid())
    assert there == pytest.approx(back[::-1], abs=1e-9)
