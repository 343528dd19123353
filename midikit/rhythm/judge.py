"""Judge a tempo map that was claimed against the grid of the music."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midikit.model.meter import meter_text, quarters_per_beat
from midikit.model.tempo import TempoMap

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid

__all__ = ["judge_tempo"]

_A_LEVEL = 0.06
"""Relative distance within which a claimed tempo counts as double, half … of the music's."""

_LEVELS = {
    2.0: "twice",
    0.5: "half",
    3.0: "three times",
    1 / 3: "a third of",
    1.5: "one and a half times",
    2 / 3: "two thirds of",
    4.0: "four times",
    0.25: "a quarter of",
}
_MANY = 8
"""Tempo events from which on they are looked at one by one."""

_JITTER = 0.0005
_BENT = 10.0**0.5
"""How much more the second differences of beat lengths scatter than these, if beats do."""

_MISSED, _DOUBLED = 0.75, 1.4
_MOST_PLACES = 5
_AS_GOOD = 0.02
"""Beats by which a claim may leave the music and still count as right."""

_OFF_BARS = 0.02
"""Seconds by which bar lines may miss the music's and still count as right."""

_LIKELY = 0.6
"""Probability below which the beats or bars that were found are no evidence against a claim."""


class _Slips(NamedTuple):
    """Beats missed (positive) or counted too many (negative), and where."""

    beats: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]


def judge_tempo(
    claimed: TempoMap,
    grid: BeatGrid,
    *,
    bar_line: float = 0.0,
    meter: tuple[int, int] | None = None,
) -> tuple[str, ...]:
    """Say what is wrong with a claimed tempo map.

    Parameters
    ----------
    claimed : TempoMap
        The tempo as a file claims it.
    grid : BeatGrid
        Beats and bars of the music.
    bar_line : float, optional
        A second from which the file counts bars: that of its last time signature.
    meter : tuple of int or None, optional
        The time signature that is claimed; None for the grid's.

    Returns
    -------
    tuple of str
        One finding a sentence, the plainest first; none if the claim keeps to the music. Tempi are
        in quarters a minute as in the file, beats are felt beats. Where the grid is not sure of
        its beats they are told as what the music seems to play; where it is not sure of its bars,
        nothing is said about bars.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.tempo import TempoMap
    >>> grid = BeatGrid.constant(109.73, end=60.0)
    >>> judge_tempo(TempoMap.constant(120.0), grid)
    ('claims 120.00, the music plays 109.73: 1 beat off after 5.8 s, 10.2 beats at the end',)
    >>> judge_tempo(TempoMap.constant(109.73), grid)
    ()
    """
    found = []
    claimed = _heard(claimed, grid)
    level = _level(claimed, grid)
    slips = _slips(claimed)
    is_dense = len(claimed.qpm) > len(grid.downbeats) + 1
    counted = _counted(claimed, slips, is_dense=is_dense)
    if counted and is_dense:
        found.append(f"{len(claimed.qpm):,} tempo events, {counted}")
    elif counted:
        found.append(counted)
    elif len(claimed.qpm) > max(_MANY, len(grid.downbeats) + 1):
        found.append(f"{len(claimed.qpm):,} tempo events for {len(grid.downbeats):,} bars")
    drift = _drift(claimed, grid, level)
    off = float(np.abs(drift).max())
    if off > _AS_GOOD and not len(slips.beats):
        found.append(f"{_claim(claimed, grid, level)}: {_left(grid, drift)}")
    elif level != 1.0:
        found.append(_claim(claimed, grid, level))
    if off > _AS_GOOD and len(slips.beats):
        at_end = abs(float(drift[-1]))
        if at_end >= 0.5:
            found.append(f"its bars are {at_end:.1f} beats off the music's at the end")
    elif off <= _AS_GOOD and level == 1.0 and _is_likely(grid, "bar"):
        found += _bars_off(claimed, grid, bar_line, meter or grid.meter)
    return tuple(found)


def _heard(claimed: TempoMap, grid: BeatGrid) -> TempoMap:
    """Leave out what is claimed from the last beat on: nobody hears it."""
    count = max(1, int(np.searchsorted(claimed.seconds, grid.beats[-1])))
    if count == len(claimed.seconds):
        return claimed
    return TempoMap(claimed.seconds[:count], claimed.qpm[:count])


def _is_likely(grid: BeatGrid, what: str) -> bool:
    """Whether a grid is likely to be right about its level or its bars."""
    return grid.confidence is None or getattr(grid.confidence, what) >= _LIKELY


def _claim(claimed: TempoMap, grid: BeatGrid, level: float) -> str:
    """Say the tempo that is claimed beside that of the music."""
    plays = "plays" if _is_likely(grid, "level") else "seems to play"
    if level == 1.0:
        return f"claims {_tempo(claimed)}, the music {plays} {_played(grid)}"
    return f"claims {_tempo(claimed)}, {_LEVELS[level]} the {_played(grid)} that the music {plays}"


def _level(claimed: TempoMap, grid: BeatGrid) -> float:
    """Tell by what simple factor the claim counts faster than the music, 1 if by none."""
    ratio = float(np.median(_paces(claimed, grid))) / quarters_per_beat(grid.meter)
    near = [level for level in _LEVELS if abs(ratio / level - 1.0) < _A_LEVEL]
    return near[0] if near else 1.0


def _paces(claimed: TempoMap, grid: BeatGrid) -> npt.NDArray[np.float64]:
    """Return how many quarters the claim counts in each beat of the grid."""
    return np.diff(claimed.to_quarters(grid.beats))


def _drift(claimed: TempoMap, grid: BeatGrid, level: float) -> npt.NDArray[np.float64]:
    """Return how many beats the claim has counted too many at each beat of the grid.

    What it counts before the first bar line is its lead-in, whatever the pace.
    """
    quarters = claimed.to_quarters(grid.beats) / level
    first = min(grid.pickup, len(grid.beats) - 1)
    beats = (quarters - quarters[first]) / quarters_per_beat(grid.meter)
    drift = np.asarray(beats - np.arange(len(grid.beats)) + first, np.float64)
    drift[:first] = 0.0
    return drift


def _slips(claimed: TempoMap) -> _Slips:
    """Find single beats at half or double tempo: where a tracker missed one, or heard one more.

    An event counts as a slip if its tempo is out of line with both neighbourhoods and it lasts only
    as long as a few of the others; a change that stays is none.
    """
    qpm = claimed.qpm
    if len(qpm) < _MANY:
        return _Slips(np.zeros(0, np.int64), np.zeros(0))
    half = 4
    padded = np.pad(qpm, half, mode="reflect")
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    ratio = qpm / usual
    length = np.append(np.diff(claimed.seconds), np.inf)
    brief = length < 4.5 * np.median(length)
    slow, fast = brief & (ratio < _MISSED), brief & (ratio > _DOUBLED)
    counted = np.append(np.diff(claimed.quarters), 0.0)
    a_beat = float(np.median(counted[:-1]))
    beats = np.zeros(len(qpm), np.int64)
    # What passed at the usual tempo, less what was counted.
    passed = (counted / ratio - counted) / a_beat
    beats[slow | fast] = np.rint(passed[slow | fast])
    where = beats != 0
    return _Slips(beats[where], claimed.seconds[where])


def _counted(claimed: TempoMap, slips: _Slips, *, is_dense: bool) -> str:
    """Say how the tempo events jitter and what they missed; nothing where they do neither.

    Less than one event a bar is a drift in steps, not jitter.
    """
    what = []
    if is_dense and len(claimed.qpm) >= _MANY:
        jitter = 1.4826 * float(np.median(np.abs(_bends(claimed)))) / _BENT
        if jitter > _JITTER:
            what.append(f"jittering by {100.0 * jitter:.1f} %")
    if len(slips.beats):
        what.append(_told(slips))
    return ", ".join(what)


def _bends(claimed: TempoMap) -> npt.NDArray[np.float64]:
    """Return how far each tempo is from going on as before, relative: a drift is no jitter."""
    return np.asarray(np.diff(np.log(claimed.qpm), 2), np.float64)


def _told(slips: _Slips) -> str:
    """Say how many beats were missed or counted too many, and where."""
    said = []
    for sign, word in ((1, "missed"), (-1, "too many")):
        mine = np.sign(slips.beats) == sign
        count = int(np.abs(slips.beats[mine]).sum())
        if not count:
            continue
        places = [f"{second:.1f}" for second in slips.seconds[mine][:_MOST_PLACES].tolist()]
        more = ", …" if np.count_nonzero(mine) > _MOST_PLACES else ""
        beats = "beat" if count == 1 else "beats"
        said.append(f"{count:,} {beats} {word} (at {', '.join(places)} s{more})")
    return ", ".join(said)


def _left(grid: BeatGrid, drift: npt.NDArray[np.float64]) -> str:
    """Say by how much a claim leaves the music, and when."""
    at_end = abs(float(drift[-1]))
    far = np.abs(drift) >= 1.0
    if not far.any():
        worst = float(np.abs(drift).max())
        most = worst * 60.0 / grid.bpm
        return f"up to {worst:.2f} beats ({1000.0 * most:.0f} ms) off"
    row = int(np.argmax(far))
    share = (1.0 - abs(drift[row - 1])) / (abs(drift[row]) - abs(drift[row - 1]))
    second = grid.beats[row - 1] + share * (grid.beats[row] - grid.beats[row - 1])
    return f"1 beat off after {second - grid.beats[0]:.1f} s, {at_end:.1f} beats at the end"


def _tempo(claimed: TempoMap) -> str:
    """Say the claimed tempo, or its range."""
    low, high = (float(x) for x in np.percentile(claimed.qpm, [10, 90]))
    if len(claimed.qpm) < _MANY:
        low, high = float(claimed.qpm.min()), float(claimed.qpm.max())
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def _played(grid: BeatGrid) -> str:
    """Say the tempo of the music in quarters a minute, or its range."""
    scale = quarters_per_beat(grid.meter)
    if grid.is_constant:
        return f"{grid.bpm * scale:.2f}"
    low, high = (60.0 * scale / float(x) for x in np.percentile(np.diff(grid.beats), [95, 5]))
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def _bars_off(
    claimed: TempoMap, grid: BeatGrid, bar_line: float, meter: tuple[int, int]
) -> list[str]:
    """Say how far the bar lines of a claim at the right tempo lie from the music's."""
    if meter[0] * grid.meter[1] != meter[1] * grid.meter[0]:
        found = meter_text(grid.meter)
        return [f"counts bars of {meter_text(meter)}, the music was found to be in {found}"]
    if not len(grid.downbeats):
        return []
    a_bar = grid.beats_per_bar * quarters_per_beat(grid.meter)
    first = float(claimed.to_quarters(bar_line))
    bar = (claimed.to_quarters(grid.downbeats) - first) / a_bar
    seconds = grid.downbeats - claimed.to_seconds(first + np.rint(bar) * a_bar)
    off = float(np.median(seconds))
    if abs(off) <= _OFF_BARS:
        return []
    side = "before" if off > 0 else "after"
    return [f"its bar lines lie {1000.0 * abs(off):.0f} ms {side} the music's"]
