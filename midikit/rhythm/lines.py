"""Lines of a grid: the places between the bar lines that notes are moved to.

A line lies at every multiple of a division counted from each bar line; the last step of a bar is
shorter where the bar is no whole number of divisions (quarters in 7/8). Positions are in quarters,
so a sixteenth is the same length in 4/4 and in 6/8. Swing moves the eighth between two quarters,
and stretches what lies before and after it to fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midikit.model.beats import quarters_per_beat

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid

__all__ = [
    "DIVISIONS",
    "STRAIGHT",
    "Around",
    "can_swing",
    "is_near",
    "lines_around",
    "unswung",
]

DIVISIONS = {"1/4": 1, "1/8": 2, "1/16": 4, "1/32": 8, "1/8t": 3, "1/16t": 6}
"""Divisions by name and how many of each make a quarter; ``t`` is a triplet, two thirds long."""

STRAIGHT = 0.5
"""Share of a quarter before its second eighth where nothing swings."""

_FARTHEST_BEAT = float(1 << 40)
"""Beats from the grid's first after which there are no lines: 17,000 years at 120 bpm, and a float
of seconds soon tells no line from the next."""

_TIE = 1e-9
"""Quarters by which a note may miss the middle of two lines and still count as there."""


class Around(NamedTuple):
    """The lines around each of n seconds.

    Parameters
    ----------
    before, after : ndarray of float64, shape (n,)
        Seconds of the last line at or before each and of the next one.
    takes_before : ndarray of bool, shape (n,)
        Whether the one before is nearer, counted in quarters.
    """

    before: npt.NDArray[np.float64]
    after: npt.NDArray[np.float64]
    takes_before: npt.NDArray[np.bool_]

    @property
    def nearest(self) -> npt.NDArray[np.float64]:
        """Second of the nearer line, shape (n,)."""
        return np.where(self.takes_before, self.before, self.after)


def can_swing(meter: tuple[int, int]) -> bool:
    """Tell whether the quarters of a meter divide into two eighths that may swing.

    Parameters
    ----------
    meter : tuple of int
        Numerator and denominator of the time signature.

    Returns
    -------
    bool
        True where the bar is a whole number of quarters and the felt beat no dotted note.

    Examples
    --------
    >>> can_swing((4, 4)), can_swing((6, 8)), can_swing((7, 8))
    (True, False, False)
    """
    numerator, denominator = meter
    return 4 * numerator % denominator == 0 and quarters_per_beat(meter) in {1.0, 2.0, 4.0}


def is_near(seconds: npt.NDArray[np.float64], grid: BeatGrid) -> npt.NDArray[np.bool_]:
    """Tell which seconds are near enough to a grid to have lines.

    Parameters
    ----------
    seconds : ndarray of float64, shape (n,)
        Where to look.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    ndarray of bool, shape (n,)
        False for what no music reaches.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> is_near(np.array([0.5, 1e300]), BeatGrid.constant(120.0)).tolist()
    [True, False]
    """
    with np.errstate(over="ignore"):
        return np.asarray(np.abs(grid.beat_at(seconds)) < _FARTHEST_BEAT, np.bool_)


def unswung(quarter: npt.NDArray[np.float64], swing: float) -> npt.NDArray[np.float64]:
    """Take the swing out of positions.

    Parameters
    ----------
    quarter : ndarray of float64, shape (n,)
        Positions in quarters from a bar line, as played.
    swing : float
        Where the second eighth of a quarter is played, as a share of the quarter.

    Returns
    -------
    ndarray of float64, shape (n,)
        Positions as written straight.

    Examples
    --------
    >>> unswung(np.array([0.0, 0.625, 0.8125, 1.3125]), 0.625).tolist()
    [0.0, 0.5, 0.75, 1.25]
    """
    whole = np.floor(quarter)
    part = quarter - whole
    straight = np.where(
        part < swing, part * (0.5 / swing), 0.5 + (part - swing) * (0.5 / (1.0 - swing))
    )
    return np.asarray(whole + straight, np.float64)


def _swung(quarter: npt.NDArray[np.float64], swing: float) -> npt.NDArray[np.float64]:
    """Put the swing into positions: the inverse of `unswung`."""
    whole = np.floor(quarter)
    part = quarter - whole
    played = np.where(
        part < 0.5, part * (2.0 * swing), swing + (part - 0.5) * (2.0 * (1.0 - swing))
    )
    return np.asarray(whole + played, np.float64)


def lines_around(
    seconds: npt.NDArray[np.float64],
    grid: BeatGrid,
    per_quarter: npt.NDArray[np.int64] | int,
    swing: float = STRAIGHT,
) -> Around:
    """Find the lines before and after each second, and which is nearer.

    The second of a line follows from its whole number within its bar alone, whatever led to it: so
    a line is its own nearest line to the last bit.

    Parameters
    ----------
    seconds : ndarray of float64, shape (n,)
        Where to look.
    grid : BeatGrid
        Beats and bars.
    per_quarter : int or ndarray of int64, shape (n,)
        Lines a quarter, for all or for each; a multiple of 3 is a triplet and never swings.
    swing : float, optional
        Where the second eighth of a quarter lies, as a share of the quarter.

    Returns
    -------
    Around
        Seconds of the lines. A place halfway between two counts as nearer to the later one.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> around = lines_around(np.array([0.3]), BeatGrid.constant(60.0), 4)
    >>> around.before.tolist(), around.after.tolist(), around.nearest.tolist()
    ([0.25], [0.5], [0.25])
    """
    beats_per_bar, a_beat = grid.beats_per_bar, quarters_per_beat(grid.meter)
    beat = grid.beat_at(seconds) - grid.pickup
    bar_line = np.floor(beat / beats_per_bar) * beats_per_bar
    quarter = (beat - bar_line) * a_beat
    swings: npt.NDArray[np.bool_] | bool = (
        np.asarray(per_quarter) % 3 != 0 if swing != STRAIGHT else False
    )
    written = np.where(swings, unswung(quarter, swing), quarter) if np.any(swings) else quarter
    count = np.floor(written * per_quarter)
    before, after = count / per_quarter, (count + 1.0) / per_quarter
    if np.any(swings):
        before = np.where(swings, _swung(before, swing), before)
        after = np.where(swings, _swung(after, swing), after)
    before = np.minimum(before, beats_per_bar * a_beat)
    after = np.minimum(after, beats_per_bar * a_beat)
    return Around(
        grid.time_at(bar_line + before / a_beat + grid.pickup),
        grid.time_at(bar_line + after / a_beat + grid.pickup),
        quarter - before < after - quarter - _TIE,
    )
