"""Bar lines of a grid that a file can have, and the bars that notes before them need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["ON_TIME", "bar_lines", "bar_number", "pickup_bars", "sync_offset"]

ON_TIME = 0.03
"""Seconds by which a note may come before the first bar line and still be meant to be on it."""

_AT_ZERO = 1e-9
_NO_BAR = 1e-6
"""Bars that a time signature may be late by and count as on the bar line."""

_SHORTEST = 64
"""Of the notes that a time signature may count; what claims shorter ones counts 64ths."""


def bar_lines(grid: BeatGrid) -> npt.NDArray[np.float64]:
    """List the bar lines from the first at or after second 0 to one past the last beat.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    ndarray of float64, shape (bars,)
        Seconds, two or more.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> bar_lines(BeatGrid.constant(120.0, offset=-0.5, end=3.0)).tolist()
    [1.5, 3.5]
    """
    per_bar = grid.beats_per_bar
    first = grid.pickup
    # A grid may begin after its first bar line, or long before second 0.
    after = int(np.ceil((float(grid.beat_at(-_AT_ZERO)) - first) / per_bar))
    listed = 0 if len(grid.downbeats) else -1
    start = max(after, listed)
    stop = max(start, (len(grid.beats) - 1 - first + per_bar - 1) // per_bar)
    bar = np.arange(start, max(stop, start + 1) + 1)
    return np.maximum(grid.time_at(first + bar * per_bar), 0.0)


def bar_number(song: Song, seconds: float) -> int:
    """Tell the bar that a sequencer shows at a second of a song.

    Parameters
    ----------
    song : Song
        The song; its tempo and time signatures count, 4/4 before the first. A signature begins a
        bar.
    seconds : float
        When. What is early by no more than onsets scatter is meant to be on the bar line.

    Returns
    -------
    int
        The bar, from 1.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> bar_number(Song(()), 1.9), bar_number(Song(()), 1.99)
    (1, 2)
    """
    quarters = song.tempo.to_quarters
    at = float(quarters(seconds + ON_TIME))
    bar, begin, length = 1, 0.0, 4.0
    for second, numerator, denominator in song.time_signatures:
        if (here := float(quarters(second))) > at:
            break
        bar += int(np.ceil((here - begin) / length - _NO_BAR))
        begin, length = here, 4.0 * max(numerator, 1) / min(denominator, _SHORTEST)
    return bar + int((at - begin) / length)


def sync_offset(song: Song, grid: BeatGrid) -> float:
    """Tell how far ``with_grid(song, grid, sync="bar")`` moves a song.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    float
        Seconds, positive for later: what puts the first bar line at second 0, or at the end of as
        many whole bars as the notes before it need.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.song import Song
    >>> sync_offset(Song(()), BeatGrid.constant(100.0, offset=0.6))
    -0.6
    """
    return -float(grid.time_at(grid.pickup - pickup_bars(song, grid) * grid.beats_per_bar))


def pickup_bars(song: Song, grid: BeatGrid) -> int:
    """Count the bars needed before the grid's first bar line for the notes that come before it.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    int
        Whole bars. What is early by no more than onsets scatter is meant to be on the bar line.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.1, 0.4, 60, 80)])),))
    >>> pickup_bars(song, BeatGrid.constant(120.0, offset=0.6))
    1
    """
    starts = [float(track.notes["start"][0]) for track in song if len(track.notes)]
    if not starts:
        return 0
    early = (grid.pickup - float(grid.beat_at(min(starts) + ON_TIME))) / grid.beats_per_bar
    return max(0, int(np.ceil(early - _AT_ZERO)))
