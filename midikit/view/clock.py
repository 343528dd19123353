"""What the horizontal axis of a picture counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from midikit.errors import ConversionError
from midikit.escape import quoted

if TYPE_CHECKING:
    from midikit.model.beats import BeatGrid

__all__ = ["Clock", "XAxis", "bars_to_seconds"]

XAxis: TypeAlias = Literal["seconds", "beats", "bars"]
Values: TypeAlias = npt.NDArray[np.float64]

_LABELS = {"seconds": "time (s)", "beats": "beat", "bars": "bar"}


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Seconds to what the axis counts, and back.

    Parameters
    ----------
    x : {"seconds", "beats", "bars"}
        What it counts.
    grid : BeatGrid or None
        Beats and bars; None where only seconds are counted.

    Raises
    ------
    ConversionError
        If `x` is none of the three, or needs a grid.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> clock = Clock("bars", BeatGrid.constant(120.0))
    >>> clock.at([0.0, 2.0]).tolist(), clock.seconds([2.0]).tolist(), clock.label
    ([1.0, 2.0], [2.0], 'bar')
    """

    x: XAxis
    grid: BeatGrid | None

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if self.x not in get_args(XAxis):
            raise ConversionError(f"x {quoted(self.x)}: expected one of {', '.join(_LABELS)}")
        if self.x != "seconds" and self.grid is None:
            raise ConversionError(
                f"x {quoted(self.x)} without a grid; pass grid=, such as estimate_beats(song) or "
                "BeatGrid.from_tempo(song.tempo, end=song.end)"
            )

    @property
    def label(self) -> str:
        """Name of the axis."""
        return _LABELS[self.x]

    def at(self, seconds: npt.ArrayLike) -> Values:
        """Tell where seconds lie on the axis.

        Parameters
        ----------
        seconds : array_like of float
            Times in seconds.

        Returns
        -------
        ndarray of float64
            Seconds, beats from the grid's first, or bars from 1.
        """
        if self.x == "seconds" or self.grid is None:
            return np.asarray(seconds, np.float64)
        return self.grid.beat_at(seconds) if self.x == "beats" else self.grid.bar_at(seconds)

    def seconds(self, at: npt.ArrayLike) -> Values:
        """Tell the seconds of places on the axis.

        Parameters
        ----------
        at : array_like of float
            Places on the axis.

        Returns
        -------
        ndarray of float64
            Times in seconds.
        """
        if self.x == "seconds" or self.grid is None:
            return np.asarray(at, np.float64)
        return self.grid.time_at(at) if self.x == "beats" else bars_to_seconds(self.grid, at)


def bars_to_seconds(grid: BeatGrid, bars: npt.ArrayLike) -> Values:
    """Tell the second of each bar, the inverse of `BeatGrid.bar_at`.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.
    bars : array_like of float
        Bars from 1, with fractions.

    Returns
    -------
    ndarray of float64
        Times in seconds.
    """
    return grid.time_at((np.asarray(bars, np.float64) - 1.0) * grid.beats_per_bar + grid.pickup)
