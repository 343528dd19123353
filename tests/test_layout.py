"""The whole way from a song as it was read to one whose bars line up, step by step."""

from __future__ import annotations

import numpy as np
import pytest

from midikit.errors import ConversionError, LimitError
from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap
from midikit.rhythm import layout
from midikit.rhythm.align import common_lag
from midikit.rhythm.estimate import estimate_beats
from midikit.rhythm.layout import Layout, Quantizing, find_beats, lay_out
from midikit.sandbox.songs import DemoSong, demo_songs

POP, BALLAD = demo_songs()[:2]


def starts(song: Song) -> np.ndarray:
    """Put the starts of all notes in one row, track after track."""
    return np.concatenate([track.notes["start"] for track in song])


def gridless() -> Song:
    """Make 200 notes at random times, which keep to no beat."""
    rng = np.random.default_rng(3)
    rows = [(t, t + 0.2, int(rng.integers(50, 80)), 80) for t in rng.uniform(0, 100, 200)]
    return Song((Track("Koto", notes=as_notes(rows)),))


def bar_error(laid: Layout) -> float:
    """Measure how far the written bar lines are from the grid's, in seconds at most."""
    grid, song = laid.grid, laid.song
    assert grid is not None
    _, numerator, denominator = song.time_signatures[-1]
    a_bar = 4.0 * numerator / denominator
    first = float(song.tempo.to_quarters(grid.downbeats[0]))
    quarters = first + a_bar * np.arange(len(grid.downbeats))
    return float(np.abs(song.tempo.to_seconds(quarters) - grid.downbeats).max())


@pytest.mark.parametrize("demo", [POP, BALLAD], ids=lambda demo: demo.title)
def test_auto_moves_no_note_and_puts_bar_lines_on_the_beat(demo: DemoSong) -> None:
    """Constant and drifting alike; lags are measured and left."""
    song = demo.song()
    laid = lay_out(song)
    assert laid.grid is not None
    assert laid.is_estimated
    assert np.array_equal(starts(laid.song), starts(song))
    assert bar_error(laid) < 0.002
    assert np.abs(laid.grid.downbeats[:40] - demo.downbeats[:40]).max() < 0.02
    assert not laid.is_aligned
    lags = laid.lags - laid.lags[0]
    truth = np.array(demo.lags) - demo.lags[0]
    assert np.abs(lags - truth).max() < 0.003
    assert laid.quantized is None


def test_constant_and_quantized_puts_every_note_where_it_was_written() -> None:
    """A drifting song with lags comes out on its score's positions, at one tempo."""
    laid = lay_out(BALLAD.song(), tempo="constant", quantizing=Quantizing("1/16"))
    assert laid.grid is not None
    assert laid.is_aligned
    assert laid.song.tempo.is_constant
    assert bar_error(laid) < 1e-6
    beat = laid.grid.beat_at(starts(laid.song)) - laid.grid.pickup
    wrong = np.abs(beat - BALLAD.positions) > 1e-6
    assert wrong.mean() < 0.01
    assert laid.unquantized is not None
    assert laid.quantized is not None


@pytest.mark.parametrize("demo", demo_songs(), ids=lambda demo: demo.title)
def test_every_note_of_a_demo_song_comes_to_its_true_position(demo: DemoSong) -> None:
    """From the answer alone, lags and scatter and all; the waltz is told its tempo."""
    hint = 138.0 if demo.meter == (3, 4) else None
    laid = lay_out(demo.song(), tempo_hint=hint, quantizing=Quantizing("auto"))
    assert laid.grid is not None
    assert laid.grid.meter == demo.meter
    off = laid.grid.beat_at(starts(laid.song)) - demo.positions
    assert np.abs(off - np.round(np.median(off))).max() < 1e-6


def test_alignment_follows_what_moves_notes_unless_it_is_said() -> None:
    """On with a constant tempo or quantizing, off otherwise; either can be asked for."""
    song = POP.song()
    assert lay_out(song, tempo="constant").is_aligned
    assert lay_out(song, quantizing=Quantizing()).is_aligned
    assert not lay_out(song, tempo="constant", align=False).is_aligned
    aligned = lay_out(song, align=True)
    assert aligned.is_aligned
    assert aligned.grid is not None
    assert abs(common_lag(aligned.song, aligned.grid)) < 0.0005
    again = lay_out(aligned.song, align=True)
    assert np.nanmax(np.abs(again.lags)) < 0.001
    claimed = lay_out(song, tempo=POP.qpm, quantizing=Quantizing())
    assert not claimed.is_aligned
    assert np.isnan(claimed.lags).all()
    assert lay_out(song, tempo=POP.qpm, quantizing=Quantizing(), align=True).is_aligned


def test_sync_bar_moves_song_and_grid_alike() -> None:
    """The first downbeat becomes second 0, and the offset says how far."""
    song = POP.song()
    laid = lay_out(song, sync="bar")
    assert laid.grid is not None
    assert laid.sync_offset == pytest.approx(-POP.downbeats[0], abs=0.01)
    assert laid.grid.downbeats[0] == pytest.approx(0.0, abs=1e-9)
    assert laid.song.tempo.is_constant
    moved = starts(song) + laid.sync_offset
    assert np.allclose(starts(laid.song), np.maximum(moved, 0.0))


def test_markers_stand_on_bar_lines() -> None:
    """In a tempo map and at a constant tempo."""
    for tempo in ("auto", "constant"):
        laid = lay_out(BALLAD.song(), tempo=tempo, markers=True)
        assert laid.grid is not None
        seconds = [second for second, _ in laid.song.markers]
        assert np.allclose(seconds, laid.grid.downbeats, atol=1e-9)
        bars = laid.song.tempo.to_quarters(np.array(seconds)) / 4 + 1
        texts = [f"Bar {round(bar)}" for bar in bars.tolist()]
        assert [text for _, text in laid.song.markers] == texts
        assert texts[0] == ("Bar 2" if tempo == "auto" else "Bar 1")


@pytest.mark.parametrize("offset", [0.237, -0.237])
def test_an_offset_moves_song_and_grid_alike(offset: float) -> None:
    """Earlier or later, without touching the beat itself; what would be before 0 is told."""
    song = POP.song()
    laid, still = lay_out(song, offset=offset), lay_out(song)
    assert laid.grid is not None
    assert still.grid is not None
    assert np.allclose(laid.grid.beats, still.grid.beats + offset)
    assert np.allclose(starts(laid.song), np.maximum(starts(song) + offset, 0.0))
    assert bar_error(laid) < 0.002
    said = [str(change) for change in laid.song.changes]
    assert any(f"moved 0.237 s {'later' if offset > 0 else 'earlier'}" in line for line in said)
    first = float(starts(song).min())
    near = lay_out(song, offset=-first - 0.02)
    assert any("before second 0 start" in str(change) for change in near.song.changes)
    with pytest.raises(ConversionError, match=rf"6 of 2,387 .*; expected -{first:.3f} or more"):
        lay_out(song, offset=-2.0)


def test_an_offset_moves_changes_of_a_claimed_tempo() -> None:
    """Each tempo still holds for the notes it held for."""
    notes = as_notes([(4.0, 4.5, 60, 80)])
    song = Song(
        (Track("Koto", notes=notes),),
        TempoMap(np.array([0.0, 2.0, 5.0]), np.array([90.0, 120.0, 60.0])),
    )
    later = lay_out(song, tempo="source", offset=1.0).song.tempo
    assert (later.seconds.tolist(), later.qpm.tolist()) == ([0.0, 3.0, 6.0], [90.0, 120.0, 60.0])
    sooner = lay_out(song, tempo="source", offset=-3.0).song.tempo
    assert (sooner.seconds.tolist(), sooner.qpm.tolist()) == ([0.0, 2.0], [120.0, 60.0])
    assert lay_out(song, tempo="source").song.tempo is song.tempo


def test_a_given_tempo_is_written_and_quantized_on() -> None:
    """A number and a claimed map are grids as well; without need of one there is none."""
    notes = as_notes([(0.012, 0.3, 60, 80), (0.512, 0.8, 62, 80)])
    song = Song((Track("Koto", notes=notes),), TempoMap.constant(60.0))
    laid = lay_out(song, tempo=120.0, quantizing=Quantizing("1/4"))
    assert starts(laid.song).tolist() == [0.0, 0.5]
    assert laid.song.tempo.qpm.tolist() == [120.0]
    assert not laid.is_estimated
    laid = lay_out(song, tempo="source", quantizing=Quantizing("1/4"))
    assert starts(laid.song).tolist() == [0.0, 1.0]
    assert lay_out(song, tempo="source").grid is None


def test_a_song_without_a_beat_is_left_as_it_is_and_says_so() -> None:
    """Whatever was asked for, notes keep their seconds and the tempo is nominal, or claimed."""
    song = gridless()
    laid = lay_out(song, tempo="constant", quantizing=Quantizing(), sync="bar")
    assert (laid.grid, laid.is_aligned, laid.quantized, laid.sync_offset) == (
        *(None, False, None, None),
    )
    assert np.array_equal(starts(laid.song), starts(song))
    assert laid.song.tempo.qpm.tolist() == [120.0]
    beat, quantizing = map(str, laid.song.changes)
    assert beat.startswith("no steady beat found: written at a nominal 120 BPM, whose bar lines")
    assert beat.endswith("every note keeps its second")
    assert quantizing == "nothing was quantized: there is no steady beat to move notes onto"
    claimed = Song(song.tracks, TempoMap.constant(93.0), ticks_per_quarter=480)
    laid = lay_out(claimed)
    assert laid.song.tempo.qpm.tolist() == [93.0]
    (change,) = laid.song.changes
    assert str(change).startswith("no steady beat found: the tempo stays as it was claimed")
    moved = lay_out(song, offset=1.0)
    assert np.allclose(starts(moved.song), starts(song) + 1.0)
    assert lay_out(song, tempo_hint=100.0).grid is not None


def test_no_notes_and_too_many_are_told_from_no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for where there is nothing, or so much that it would take minutes."""
    (change,) = lay_out(Song(()), quantizing=Quantizing()).song.changes
    assert str(change).startswith("no notes to find a beat in")
    monkeypatch.setattr(layout, "MOST_NOTES", 100)
    assert find_beats(POP.song()) is None
    (change,) = lay_out(POP.song()).song.changes
    assert str(change).startswith("no beat looked for in more than 100 notes")


@pytest.mark.parametrize("far", [21_601.0, 1e9, 1e300])
def test_more_than_six_hours_are_left_as_they_are(far: float) -> None:
    """Memory would grow with the time between two notes; the limit can be raised."""
    song = Song((Track("Piano", notes=as_notes([(0, 1, 60, 90), (far - 1, far, 60, 90)])),))
    assert find_beats(song) is None
    (change,) = lay_out(song).song.changes
    assert str(change).startswith("no beat looked for in more than 6 hours: written at")
    with pytest.raises(LimitError, match=r"hours of notes: the limit is 6; .* max_seconds="):
        estimate_beats(song, tempo_hint=120.0)
    with pytest.raises(LimitError, match=r"beats of 0\.5 hours of notes: the limit is 0\.25;"):
        estimate_beats(
            Song((Track("Piano", notes=as_notes([(10, 1810, 60, 90)])),)), max_seconds=900.0
        )


def test_a_tempo_that_is_none_is_refused() -> None:
    """In one line."""
    with pytest.raises(ConversionError, match="tempo 'fast': expected auto, constant, source or a"):
        lay_out(POP.song(), tempo="fast")  # type: ignore[arg-type]
    assert isinstance(lay_out(POP.song(), tempo=100.0).grid, BeatGrid)
