"""Find each part's lag against the others, and remove it.

Stems that were transcribed one by one are late or early by a constant each. A part's lag is where
its strokes lie between the lines of a grid, on average over the circle from one line to the next
(circular mean, Fisher 1993), for the lines that it fits best; then the mean distance from those
lines without the farthest strokes (a trimmed mean). What is common to all parts is the grid's own
offset, not a lag: it stays.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.escape import printable
from midikit.model.report import Change
from midikit.rhythm.divisions import estimate_swing
from midikit.rhythm.given import check_grid
from midikit.rhythm.lines import DIVISIONS, can_swing, is_near, lines_around
from midikit.rhythm.moving import move_track
from midikit.rhythm.strokes import find_strokes

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song, Track

__all__ = ["align", "common_lag", "part_lags"]

_LEAST_STROKES = 8
_GREATEST_DOUBT = 0.004
"""Standard error in seconds above which a part does not tell its lag."""

_SCATTER = 0.012
"""Scatter in seconds by which the divisions are weighed against each other."""

_FARTHEST = 4.0
_CLEARLY = 0.1
"""How much better, in halves of a squared scatter, a finer division must fit."""

_TRIMMED = 0.05
_LEAST_SHIFT = 5e-5
"""Seconds; what is less is no shift."""


def part_lags(song: Song, grid: BeatGrid) -> npt.NDArray[np.float64]:
    """Measure how late each part is against the others.

    Parameters
    ----------
    song : Song
        The parts.
    grid : BeatGrid
        Its beats and bars; a constant offset against the song does not matter while it is small
        against a sixteenth.

    Returns
    -------
    ndarray of float64, shape (tracks,)
        Seconds, positive for late; their mean over all strokes of the song is 0. NaN for a part
        that does not tell: fewer than 8 strokes, or so scattered that its lag would be uncertain
        by more than 4 ms.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> beats = np.arange(1, 17) / 2
    >>> parts = (
    ...     Track(str(late), notes=as_notes([(b + late, b + 0.4, 60, 80) for b in beats]))
    ...     for late in (0.0, 0.02)
    ... )
    >>> part_lags(Song(tuple(parts)), BeatGrid.constant(120.0)).round(3).tolist()
    [-0.01, 0.01]
    """
    lags, weights = _measured(song, grid)
    known = ~np.isnan(lags)
    if known.any():
        lags[known] -= np.average(lags[known], weights=weights[known])
    return lags


def common_lag(song: Song, grid: BeatGrid) -> float:
    """Measure how late all parts together are against a grid.

    Parameters
    ----------
    song : Song
        The parts.
    grid : BeatGrid
        Its beats and bars.

    Returns
    -------
    float
        Seconds, positive for late: the mean over all strokes of the parts that tell their lag,
        which `part_lags` takes off; 0 if none does.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> late = [(i / 2 + 0.012, i / 2 + 0.4, 60, 80) for i in range(16)]
    >>> song = Song((Track("Koto", notes=as_notes(late)),))
    >>> round(common_lag(song, BeatGrid.constant(120.0)), 6)
    0.012
    """
    lags, weights = _measured(song, grid)
    known = ~np.isnan(lags)
    return float(np.average(lags[known], weights=weights[known])) if known.any() else 0.0


def _measured(
    song: Song, grid: BeatGrid
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Measure how late each part is against the grid itself, and count its strokes."""
    lags = np.full(len(song), np.nan)
    counts = [len(track.notes) for track in song.tracks]
    if not sum(counts):
        return lags, np.zeros(len(song))
    start = np.concatenate([track.notes["start"] for track in song.tracks])
    near = is_near(start, grid)
    start = start[near]
    strokes = find_strokes(start, np.repeat(np.arange(len(counts)), counts)[near])
    swing = estimate_swing(strokes, grid)
    sizes = np.bincount(strokes.of_note, minlength=len(strokes))
    # From the first start on, so that great times keep their digits.
    after = np.bincount(strokes.of_note, start - strokes.first[strokes.of_note], len(strokes))
    place = strokes.first + after / sizes
    weights = np.bincount(strokes.track, minlength=len(song))
    told = weights >= _LEAST_STROKES
    if told.any():
        lags[told] = _lags(place[told[strokes.track]], _Parts(weights[told]), grid, swing)
    return lags, weights.astype(np.float64)


class _Parts:
    """Statistics of many parts at once, one part after the other in each column.

    Parts are mostly short: what is computed for all in one call costs as much as for one.
    """

    def __init__(self, sizes: npt.NDArray[np.int64]) -> None:
        self.sizes = sizes
        self.ends = np.cumsum(sizes)
        self.of_row = np.repeat(np.arange(len(sizes)), sizes)

    def ordered(self, column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sort the rows of each part."""
        return column[np.lexsort((column, self.of_row))]

    def medians(self, column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the median of each part, shape (parts,)."""
        ordered, first = self.ordered(column), self.ends - self.sizes
        low, high = ordered[first + (self.sizes - 1) // 2], ordered[first + self.sizes // 2]
        middle: npt.NDArray[np.float64] = (low + high) / 2.0
        return middle

    def means(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the mean of each part, shape (parts,)."""
        return np.array([rows.mean() for rows in np.split(column, self.ends[:-1])])


def _lags(
    place: npt.NDArray[np.float64], parts: _Parts, grid: BeatGrid, swing: float
) -> npt.NDArray[np.float64]:
    """Return each part's mean distance from the lines it fits best, NaN if it is doubtful."""
    names = ["1/8", "1/16"] + (["1/8t", "1/16t"] if can_swing(grid.meter) else [])
    best = np.full(len(parts.sizes), np.inf)
    chosen = place
    for name in names:
        away = _distances(place, parts, grid, DIVISIONS[name], swing)
        off = (away - parts.medians(away)[parts.of_row]) / _SCATTER
        cost = parts.means(np.minimum(off**2 / 2.0, _FARTHEST))
        better = cost < best - _CLEARLY
        best[better] = cost[better]
        chosen = np.where(better[parts.of_row], away, chosen)
    chosen = parts.ordered(chosen)
    scatter = 1.4826 * parts.medians(np.abs(chosen - parts.medians(chosen)[parts.of_row]))
    cut = (_TRIMMED * parts.sizes).astype(np.int64)
    rows = zip((parts.ends - parts.sizes + cut).tolist(), (parts.ends - cut).tolist(), strict=True)
    lags = np.array([chosen[a:b].mean() for a, b in rows])
    lags[scatter > _GREATEST_DOUBT * np.sqrt(parts.sizes)] = np.nan
    return lags


def _distances(
    place: npt.NDArray[np.float64],
    parts: _Parts,
    grid: BeatGrid,
    per_quarter: int,
    swing: float,
) -> npt.NDArray[np.float64]:
    """Return each stroke's distance in seconds from its line, around the lag of its part."""
    around = lines_around(place, grid, per_quarter, swing)
    step = around.after - around.before
    # Rounding may put a stroke on a bar line past the last line of the bar before: no step at all.
    share = np.divide(place - around.before, step, out=np.zeros_like(step), where=step > 0)
    turn = parts.means(np.exp(2j * np.pi * share))
    lag = np.angle(turn) / (2.0 * np.pi) * parts.medians(step)
    line = lines_around(place - lag[parts.of_row], grid, per_quarter, swing).nearest
    return np.asarray(place - line, np.float64)


def align(song: Song, grid: BeatGrid) -> Song:
    r"""Remove each part's lag against the others.

    Parameters
    ----------
    song : Song
        The parts.
    grid : BeatGrid
        Its beats and bars.

    Returns
    -------
    Song
        Every part moved as a whole, with its controls and texts, by the lag that `part_lags`
        measures; parts that do not tell their lag stay. Nothing starts before second 0: what would
        starts there and ends as early as the rest of its part. `changes` says for each part how
        far it was moved, or that it was not and why.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> beats = np.arange(1, 17) / 2
    >>> parts = (
    ...     Track(str(late), notes=as_notes([(b + late, b + 0.4, 60, 80) for b in beats]))
    ...     for late in (0.0, 0.02)
    ... )
    >>> aligned = align(Song(tuple(parts)), BeatGrid.constant(120.0))
    >>> print(*aligned.changes, sep="\n")
    0.0: 10.0 ms early against the other parts; moved later by as much
    0.02: 10.0 ms late against the other parts; moved earlier by as much
    """
    check_grid(grid)
    lags = part_lags(song, grid)
    tracks, changes = [], []
    several = sum(len(track.notes) > 0 for track in song.tracks) > 1
    for index, (track, lag) in enumerate(zip(song.tracks, lags.tolist(), strict=True)):
        where = printable(track.name) or f"track {index}"
        if len(track.notes) and several and np.isnan(lag):
            changes.append(Change("align", where, _untold(track)))
        if np.isnan(lag) or abs(lag) < _LEAST_SHIFT:
            tracks.append(track)
            continue
        tracks.append(move_track(track, partial(_earlier, by=lag)))
        said, moved = ("late", "earlier") if lag > 0 else ("early", "later")
        what = (
            f"{1000.0 * abs(lag):.1f} ms {said} against the other parts; moved {moved} by as much"
        )
        held = int(np.count_nonzero(track.notes["start"] < lag))
        if held:
            what += f", {held:,} note{'' if held == 1 else 's'} only to second 0"
        changes.append(Change("align", where, what, len(track.notes)))
    return song.with_tracks(tuple(tracks), *changes)


def _untold(track: Track) -> str:
    """Say why a part stays where it is."""
    count = len(track.notes)
    if count < _LEAST_STROKES:
        return f"not aligned: {count} note{'' if count == 1 else 's'} do not tell a lag"
    return "not aligned: its onsets are too few or too far from the grid to tell a lag"


def _earlier(seconds: npt.NDArray[np.float64], by: float) -> npt.NDArray[np.float64]:
    """Move seconds, but none to before second 0."""
    return np.maximum(seconds - by, 0.0)
