"""A song at one tempo: the notes moved so that each keeps its beat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.model.beats import quarters_per_beat
from midikit.model.report import Change
from midikit.model.tempo import TempoMap
from midikit.rhythm.export import pickup_bars, signature
from midikit.rhythm.moving import held_back, move_song
from midikit.units import microseconds_per_quarter

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["constant_grid", "constant_tempo"]

_TIME_SIGNATURE = 0x58


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
        tempo and the farthest move.

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
    micro, period, zero = _constant(song, grid, bpm)

    def moved(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.maximum((grid.beat_at(seconds) + zero) * period, 0.0)

    starts = [track.notes["start"] for track in song if len(track.notes)]
    held = held_back(song, float(grid.time_at(-zero)))
    farthest = max((float(np.abs(moved(start) - start).max()) for start in starts), default=0.0)
    song = move_song(song, moved)
    tempo = TempoMap.constant(60e6 / micro)
    events = [event for event in song.events if event.kind != _TIME_SIGNATURE]
    meter = "/".join(str(number) for number in grid.meter)
    what = f"moved to a constant {60.0 / period:.2f} bpm in {meter}"
    what += f", the farthest note by {farthest:.3f} s{held}"
    return replace(
        song,
        tempo=tempo,
        events=(signature(0.0, grid.meter), *events),
        changes=(*song.changes, Change("tempo", "", what, song.note_count)),
    )


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


def _constant(song: Song, grid: BeatGrid, bpm: float | None) -> tuple[int, float, int]:
    """Choose microseconds a quarter, seconds a beat, and the beat that the grid's first becomes."""
    if bpm is None:
        bpm = grid.bpm
    if not (np.isfinite(bpm) and bpm > 0):
        raise ConversionError(f"bpm {quoted(bpm)}: expected a number above 0")
    micro = int(microseconds_per_quarter(bpm * quarters_per_beat(grid.meter)))
    period = micro * 1e-6 * quarters_per_beat(grid.meter)
    if abs(60.0 / period / bpm - 1.0) > 0.01:
        raise ConversionError(f"tempo of {bpm:g} bpm; a .mid holds 3.58 to 60,000,000 quarters")
    per_bar = grid.beats_per_bar
    first = grid.first_downbeat % per_bar
    near = round(float(grid.time_at(first)) / (per_bar * period))
    bars = max(near, pickup_bars(song, grid))
    return micro, period, bars * per_bar - first
