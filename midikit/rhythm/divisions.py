"""Choose the lines that the notes of each track and bar were played on.

For each bar of each track the divisions compete: what a division costs is how far its lines lie
from the strokes, in units of the track's scatter, plus a price for each stroke on a rare line (a
sixteenth costs more than a quarter, a triplet more than an eighth), plus the rarity of the division
in that track and song. It is the description length of the bar (Rissanen 1978; for quantizing
Cemgil, Desain and Kappen 2000), with prices set by hand and the rarity learnt from the song in two
rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from midikit.model.beats import quarters_per_beat
from midikit.rhythm.lines import DIVISIONS, STRAIGHT, can_swing, lines_around, unswung

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.rhythm.strokes import Strokes

__all__ = ["Bars", "choose_divisions", "estimate_swing", "find_bars", "swings_at"]

_BASE = {"1/4": 0.0, "1/8": 0.0, "1/16": 0.5, "1/8t": 2.0, "1/16t": 4.0, "1/32": 4.0}
"""Price of a division for a bar before anything is known about the song, in nats."""

_PRICE = {1: 0.0, 2: 0.3, 4: 0.7, 8: 2.0, 3: 1.0, 6: 2.0}
"""Price of a stroke by the least number of lines a quarter that holds it, in nats."""

_FARTHEST = 8.0
"""Greatest price of a stroke's distance: beyond four times the scatter it is no evidence."""

_SCATTERS = (0.004, 0.015)
"""Least and greatest scatter in seconds that is believed."""

_SWING_STEP = 480
"""Swing is estimated in this many steps a quarter, so that it is a whole tick."""

_LEAST_SWING, _MOST_SWING, _TRIPLET_SWING = 0.53, 0.72, 2.0 / 3.0
_TRIPLET_WITHIN = 0.025
_OFFBEATS = (0.40, 0.80)
_NEAR_MODE = 0.05
_LEAST_OFFBEATS = 8
_LEAST_SHARE = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """The bars of each track that something lies in.

    Parameters
    ----------
    track : ndarray of int64, shape (b,)
        Track of each.
    row : ndarray of int64, shape (n,)
        The bar of each place that was looked at.
    """

    track: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.track)


def find_bars(
    seconds: npt.NDArray[np.float64], track: npt.NDArray[np.int64], grid: BeatGrid
) -> Bars:
    """Find the bar that each place lies in.

    Parameters
    ----------
    seconds : ndarray of float64, shape (n,)
        Places, not farther from the grid than an int64 can count bars.
    track : ndarray of int64, shape (n,)
        Track of each.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    Bars
        Each bar of each track once.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> grid = BeatGrid.constant(120.0)
    >>> find_bars(np.array([0.1, 0.5, 2.1]), np.zeros(3, np.int64), grid).row.tolist()
    [0, 0, 1]
    """
    bar = np.floor(grid.bar_at(seconds)).astype(np.int64)
    order = np.lexsort((bar, track))
    opens = np.ones(len(bar), np.bool_)
    opens[1:] = (np.diff(bar[order]) != 0) | (np.diff(track[order]) != 0)
    row = np.empty(len(bar), np.int64)
    row[order] = np.cumsum(opens) - 1
    return Bars(track[order][opens], row)


def choose_divisions(
    strokes: Strokes, bars: Bars, grid: BeatGrid, names: Sequence[str], swing: float
) -> npt.NDArray[np.int64]:
    """Choose a division for each bar of each track.

    Parameters
    ----------
    strokes : Strokes
        What was played.
    bars : Bars
        The bar of each stroke.
    grid : BeatGrid
        Beats and bars.
    names : sequence of str
        Divisions to choose from, keys of `DIVISIONS`; of equally good ones the first wins.
    swing : float
        Where the second eighth of a quarter lies, as a share of the quarter.

    Returns
    -------
    ndarray of int64, shape (b,)
        Index into `names` for each bar.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.rhythm.strokes import find_strokes
    >>> grid, start = BeatGrid.constant(60.0), np.array([0.0, 0.34, 0.66, 1.0])
    >>> strokes = find_strokes(start, np.zeros(4, np.int64))
    >>> bars = find_bars(strokes.middle, strokes.track, grid)
    >>> choose_divisions(strokes, bars, grid, ["1/8", "1/16", "1/8t"], 0.5).tolist()
    [2]
    """
    place, track = strokes.middle, strokes.track
    far = np.empty((len(strokes), len(names)))
    price = np.empty_like(far)
    for column, name in enumerate(names):
        line = lines_around(place, grid, DIVISIONS[name], swing).nearest
        far[:, column] = place - line
        price[:, column] = _prices(line, grid, DIVISIONS[name], swing)
    coarse = [column for column, name in enumerate(names) if DIVISIONS[name] <= 4]
    scatter = _scatters(np.abs(far[:, coarse] if coarse else far), track)
    cost = np.minimum((far / scatter[track][:, None]) ** 2 / 2.0, _FARTHEST) + price
    total = np.stack(
        [np.bincount(bars.row, cost[:, column], len(bars)) for column in range(len(names))], axis=1
    )
    base = np.array([_BASE[name] for name in names])
    chosen = np.argmin(total + base, axis=1)
    for _ in range(2):
        chosen = np.argmin(total + base + _rarity(chosen, bars.track, len(names)), axis=1)
    return np.asarray(chosen, np.int64)


def _prices(
    line: npt.NDArray[np.float64], grid: BeatGrid, per_quarter: int, swing: float
) -> npt.NDArray[np.float64]:
    """Return the price of a stroke on each line of a division."""
    quarter = _quarter(line, grid)
    if per_quarter % 3 and swing != STRAIGHT:
        quarter = unswung(quarter, swing)
    step = np.rint(quarter * per_quarter).astype(np.int64) % per_quarter
    table = [_PRICE[Fraction(number, per_quarter).denominator] for number in range(per_quarter)]
    return np.asarray(np.array(table)[step], np.float64)


def _quarter(seconds: npt.NDArray[np.float64], grid: BeatGrid) -> npt.NDArray[np.float64]:
    """Return the quarters from the bar line before each second."""
    bar = grid.bar_at(seconds)
    a_bar = grid.beats_per_bar * quarters_per_beat(grid.meter)
    return np.asarray((bar - np.floor(bar)) * a_bar, np.float64)


def _scatters(
    far: npt.NDArray[np.float64], track: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Estimate each track's scatter in seconds from the division that fits it best.

    The caller leaves out the finest: they fit anything.
    """
    scatter = np.full(int(track.max(initial=-1)) + 1, _SCATTERS[1])
    for index in np.unique(track).tolist():
        median = np.median(far[track == index], axis=0)
        scatter[index] = 1.4826 * float(median.min())
    return np.asarray(np.clip(scatter, *_SCATTERS), np.float64)


def _rarity(
    chosen: npt.NDArray[np.int64], track: npt.NDArray[np.int64], choices: int
) -> npt.NDArray[np.float64]:
    """Return the price of each division for each bar, from how often track and song chose it."""
    song = np.bincount(chosen, minlength=choices) + 0.2
    song /= song.sum()
    count = np.bincount(track * choices + chosen, minlength=(int(track.max()) + 1) * choices)
    of_track = count.reshape(-1, choices) + 2.0 * song
    share = of_track / of_track.sum(axis=1, keepdims=True)
    return np.asarray(-np.log(share)[track], np.float64)


def estimate_swing(strokes: Strokes, grid: BeatGrid) -> float:
    """Estimate where the second eighth of a quarter is played.

    Parameters
    ----------
    strokes : Strokes
        What was played.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    float
        Share of the quarter, a multiple of 1/480: 0.5 where the song is straight or does not say,
        exactly 2/3 near it. It is measured against the strokes on the beat of the same track, so
        that a part's lag does not count.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.rhythm.strokes import find_strokes
    >>> start = np.sort(np.concatenate([np.arange(20.0), np.arange(20) + 0.6]))
    >>> strokes = find_strokes(start, np.zeros(40, np.int64))
    >>> round(estimate_swing(strokes, BeatGrid.constant(60.0)), 4)
    0.6
    """
    if len(strokes) == 0 or not can_swing(grid.meter):
        return STRAIGHT
    quarter = _quarter(strokes.middle, grid)
    part = quarter - np.floor(quarter)
    part -= _on_beat(part, strokes.track)[strokes.track]
    offbeat = np.sort(part[(part > _OFFBEATS[0]) & (part < _OFFBEATS[1])])
    if len(offbeat) < _LEAST_OFFBEATS:
        return STRAIGHT
    low = np.searchsorted(offbeat, offbeat - _NEAR_MODE, side="left")
    high = np.searchsorted(offbeat, offbeat + _NEAR_MODE, side="right")
    mode = int(np.argmax(high - low))
    if high[mode] - low[mode] < _LEAST_SHARE * len(offbeat):
        return STRAIGHT
    swing = float(np.median(offbeat[low[mode] : high[mode]]))
    if not _LEAST_SWING < swing < _MOST_SWING:
        return STRAIGHT
    if abs(swing - _TRIPLET_SWING) < _TRIPLET_WITHIN:
        return _TRIPLET_SWING
    return round(swing * _SWING_STEP) / _SWING_STEP


def swings_at(start: npt.NDArray[np.float64], grid: BeatGrid) -> tuple[float, ...]:
    """List the swings that a song may have been quantized with.

    Parameters
    ----------
    start : ndarray of float64, shape (n,)
        Starts in seconds.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    tuple of float
        Straight, then those that `estimate_swing` can return and that starts lie exactly on, the
        four most frequent first.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> swings_at(np.array([0.0, 0.6, 1.6, 2.61]), BeatGrid.constant(60.0))
    (0.5, 0.6)
    """
    if not can_swing(grid.meter):
        return (STRAIGHT,)
    quarter = _quarter(start, grid)
    part = (quarter - np.floor(quarter)) * _SWING_STEP
    step = np.rint(part)
    on = (np.abs(part - step) < 1e-6) & (step > _LEAST_SWING * _SWING_STEP)
    steps, count = np.unique(step[on & (step < _MOST_SWING * _SWING_STEP)], return_counts=True)
    common = steps[np.argsort(-count, kind="stable")][:4].tolist()
    return (STRAIGHT, *(step / _SWING_STEP for step in common))


def _on_beat(
    part: npt.NDArray[np.float64], track: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return each track's median distance of what is played near a quarter from it, in quarters."""
    away = part - np.rint(part)
    found = np.zeros(int(track.max()) + 1)
    for index in np.unique(track).tolist():
        near = away[(track == index) & (np.abs(away) < 0.15)]
        if len(near) >= 4:
            found[index] = np.median(near)
    return found
