"""How late each part of a song is against a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.rhythm.estimation.onsets import gather

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["lag_of", "part_lags"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_FEWEST = 8
_GREATEST = 0.06


def part_lags(song: Song, grid: BeatGrid) -> tuple[float | None, ...]:
    """Measure how late each track is.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid
        Its grid; the lines are the `subdivision` of its beats (sixteenths if unknown).

    Returns
    -------
    tuple of float or None
        For each track the median distance of its strokes to the nearest line in seconds, positive
        if late; None where a track has too few strokes to tell.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> late = [(0.5 * i + 0.02, 0.5 * i + 0.4, 48, 90) for i in range(16)]
    >>> [
    ...     round(lag, 3)
    ...     for lag in part_lags(
    ...         Song((Track("Bass", notes=as_notes(late)),)), BeatGrid.constant(120.0, end=8.0)
    ...     )
    ... ]
    [0.02]
    """
    onsets = gather(song)
    lags: list[float | None] = [None] * len(song.tracks)
    for part, track in enumerate(onsets.tracks):
        time = onsets.origin + onsets.time[onsets.stroke_part == part]
        lags[track] = lag_of(_off(time, grid), _spacing(grid))
    return tuple(lags)


def lag_of(off: FloatArray, spacing: float) -> float | None:
    """Median of signed distances (s) to lines `spacing` apart; None if too few are near one."""
    near = np.abs(off) < min(_GREATEST, 0.35 * spacing)
    if near.sum() < _FEWEST:
        return None
    return float(np.median(off[near]))


def _spacing(grid: BeatGrid) -> float:
    """Mean seconds between lines."""
    return 60.0 / grid.bpm / (grid.subdivision or 4)


def _off(time: FloatArray, grid: BeatGrid) -> FloatArray:
    """Signed distance of seconds to the nearest line of a grid."""
    count = grid.subdivision or 4
    place = grid.beat_at(time)
    if grid.swing_ratio == 0.5 or count % 3 == 0:
        line = np.round(place * count) / count
    else:
        pairs = count / 2
        whole = np.floor(place * pairs)
        inside = place * pairs - whole
        options = np.array([0.0, grid.swing_ratio, 1.0])
        chosen = options[np.abs(inside[:, None] - options[None]).argmin(axis=1)]
        line = (whole + chosen) / pairs
    off: FloatArray = time - grid.time_at(line)
    return off
