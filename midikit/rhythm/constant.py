"""A song at one tempo: the notes moved so that each keeps its beat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.model.meter import meter_text, quarters_per_beat
from midikit.model.report import Change
from midikit.model.tempo import TempoMap
from midikit.rhythm.barlines import pickup_bars
from midikit.rhythm.export import signature, without_meter
from midikit.rhythm.given import check_grid
from midikit.rhythm.moving import held_back, move_song
from midikit.units import written_qpm

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["constant_grid", "constant_tempo"]

_TOGETHER = 0.0005
"""Seconds by which notes may move against each other without a word."""


def constant_tempo(song: Song, grid: BeatGrid, bpm: float | None = None) -> Song:
    """Move a song to one tempo: every note keeps its beat.

    Parameters
    ----------
    song : Song
        The song; notes, controls and events move, its tempo and time signatures are replaced.
    grid : BeatGrid
        Beats and bars that the song was played on.
    bpm : float or None, optional
        Felt beats a minute to write; None for the median of the grid.

    Returns
    -------
    Song
        The song at that tempo. Its first bar line is the whole number of bars from second 0 that
        is nearest to where it was, or leaves room for what comes before it. `changes` tells the
        tempo, how far the whole song moved, and how far notes moved against it.

    Raises
    ------
    ConversionError
        If `bpm` is not a positive number, or does not fit into a .mid.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> notes = as_notes([(0.0, 0.5, 60, 80), (1.1, 1.5, 62, 80)])
    >>> grid = BeatGrid(np.array([0.0, 0.5, 1.1, 1.6]))
    >>> constant_tempo(Song((Track("Koto", notes=notes),)), grid, 120.0)[0].notes["start"].tolist()
    [0.0, 1.0]
    """
    check_grid(grid)
    qpm, period, zero = _constant(song, grid, bpm)

    def moved(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.maximum((grid.beat_at(seconds) + zero) * period, 0.0)

    starts = [track.notes["start"] for track in song if len(track.notes)]
    held = held_back(song, float(grid.time_at(-zero)))
    moves = np.concatenate([np.zeros(0), *(moved(start) - start for start in starts)])
    song = move_song(song, moved)
    tempo = TempoMap.constant(qpm)
    events, replaced = without_meter(song, grid.meter)
    what = f"moved to a constant {60.0 / period:.2f} bpm in {meter_text(grid.meter)}"
    what += f"{_moves_told(moves)}{held}"
    return replace(
        song,
        tempo=tempo,
        events=(signature(0.0, grid.meter), *events),
        changes=(*song.changes, Change("tempo", "", what, song.note_count), *replaced),
    )


def _moves_told(moves: npt.NDArray[np.float64]) -> str:
    """Say how far the whole song moved, and how far notes moved against it."""
    if not len(moves):
        return ""
    whole = float(np.median(moves))
    single = float(np.abs(moves - whole).max())
    side = "earlier" if whole < 0 else "later"
    what = f", the whole song {abs(whole):.3f} s {side}" if abs(whole) > _TOGETHER else ""
    return what + (f", notes by up to {single:.3f} s against it" if single > _TOGETHER else "")


def constant_grid(song: Song, grid: BeatGrid, bpm: float | None = None) -> BeatGrid:
    """Tell where the beats and bars are in what `constant_tempo` returns.

    Parameters
    ----------
    song : Song
        As for `constant_tempo`, as are the others.
    grid : BeatGrid
        Beats and bars that the song was played on.
    bpm : float or None, optional
        Felt beats a minute to write.

    Returns
    -------
    BeatGrid
        The same beats at one tempo.

    Raises
    ------
    ConversionError
        As `constant_tempo`.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.song import Song
    >>> grid = BeatGrid(np.array([0.1, 0.6, 1.2, 1.7]))
    >>> constant_grid(Song(()), grid, 120.0).beats.tolist()
    [0.0, 0.5, 1.0, 1.5]
    """
    _, period, zero = _constant(song, grid, bpm)
    return replace(grid, beats=(np.arange(len(grid.beats), dtype=np.float64) + zero) * period)


def _constant(song: Song, grid: BeatGrid, bpm: float | None) -> tuple[float, float, int]:
    """Choose quarters a minute, seconds a beat, and the beat that the grid's first becomes."""
    if bpm is None:
        bpm = grid.bpm
    if not (np.isfinite(bpm) and bpm > 0):
        raise ConversionError(f"bpm {quoted(bpm)}: expected a number above 0")
    step = quarters_per_beat(grid.meter)
    qpm = written_qpm(bpm * step)
    period = 60.0 * step / qpm
    a_bar = grid.beats_per_bar * period
    bars = max(round(float(grid.time_at(grid.pickup)) / a_bar), pickup_bars(song, grid))
    return qpm, period, bars * grid.beats_per_bar - grid.pickup
