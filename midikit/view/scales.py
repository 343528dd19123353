"""What a roll has at its edges, fitted to its size whenever it is drawn: labels, beats and bars.

Nothing here overlaps: what finds no room is left out, drums that are struck least first, bars by
halves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib.artist import allow_rasterization
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, Locator

from midikit.view.clock import bars_to_seconds
from midikit.view.rows import pitch_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.backend_bases import RendererBase

    from midikit.model.beats import BeatGrid
    from midikit.view.clock import Clock
    from midikit.view.rows import Rows

    Seconds = npt.NDArray[np.float64]

__all__ = ["LETTERS", "BarLocator", "GridLines", "RowLocator", "points_of", "row_formatter"]

LETTERS = 8.0
"""Size of labels in points."""

_LABEL_HEIGHT = 1.25
"""Least distance of two labels, in sizes of their letters."""

_LABEL_WIDTH = 34.0
"""Points that a bar's number may take, with the room beside it."""

_BARS_APART, _BEATS_APART = 9.0, 5.0
"""Least points from one line to the next."""

_WHITE = frozenset([0, 2, 4, 5, 7, 9, 11])
_MOST_STEP = 1 << 40


def points_of(axes: Axes) -> tuple[float, float]:
    """Measure axes.

    Parameters
    ----------
    axes : Axes
        The axes.

    Returns
    -------
    tuple of float
        Width and height in points, at least 1.
    """
    figure = axes.get_figure(root=True)
    scale = 72.0 / (100.0 if figure is None else figure.dpi)
    return max(axes.bbox.width * scale, 1.0), max(axes.bbox.height * scale, 1.0)


class RowLocator(Locator):
    """Labels the octaves' C, or each white key where there is room; drums as room allows.

    Parameters
    ----------
    rows : Rows
        The rows.
    """

    axis: Axis

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __call__(self) -> Sequence[float]:
        """Return the rows that get a label."""
        bottom, top = sorted(self.axis.get_view_interval())
        return self.tick_values(float(bottom), float(top))

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Choose the rows between two edges that get a label.

        Parameters
        ----------
        vmin, vmax : float
            The edges.

        Returns
        -------
        ndarray of float64
            Middles of rows.
        """
        points = points_of(self.axis.axes)[1] / max(vmax - vmin, 1e-9)
        least = _LABEL_HEIGHT * LETTERS / points  # rows from one label to the next
        rows = self._rows
        low, high = max(rows.low, int(np.ceil(vmin))), min(rows.high, int(np.floor(vmax)))
        found: list[float] = []
        by_use = sorted(
            zip(rows.drum_labels, rows.strokes, strict=True), key=lambda one: (-one[1], one[0])
        )
        pitches = _pitches(low, high, least)
        for y in [*pitches, *(y for y, _ in by_use if vmin <= y <= vmax)]:
            if all(abs(y - other) >= least for other in found):
                found.append(y)
        return cast("Sequence[float]", np.array(sorted(found)))


def _pitches(low: int, high: int, least: float) -> list[float]:
    """Choose pitches to label: white keys if there is room, else each C."""
    keys = range(low, high + 1)
    white = [float(pitch) for pitch in keys if pitch % 12 in _WHITE]
    octaves = [float(pitch) for pitch in keys if pitch % 12 == 0]
    if least <= 1.0 or (len(octaves) == 0 and least <= 2.0):
        return white
    return octaves or white[len(white) // 2 :][:1]


def row_formatter(rows: Rows) -> FuncFormatter:
    """Name rows.

    Parameters
    ----------
    rows : Rows
        The rows.

    Returns
    -------
    FuncFormatter
        Pitches with their octave, drums by their General MIDI name.
    """
    drums = {round(y, 6): name for y, name in rows.drum_labels.items()}

    def name(y: float, _: int | None = None) -> str:
        if round(y, 6) in drums:
            return drums[round(y, 6)]
        pitch = round(y)
        return pitch_name(pitch) if rows.low <= pitch <= rows.high else ""

    return FuncFormatter(name)


def _thinned(first: float, last: float, points: float, least: float) -> Seconds:
    """Return every n-th whole number from 1 on, n a power of two that gives each so many points."""
    step = 1
    while (last - first) / step > max(points / least, 1.0) and step < _MOST_STEP:
        step *= 2
    low, high = (np.ceil((first - 1.0) / step), np.floor((last - 1.0) / step))
    return 1.0 + step * np.arange(low, high + 1.0)


class BarLocator(Locator):
    """Numbers bars: each, or every second, fourth … counted from bar 1.

    Parameters
    ----------
    room : Axes
        What is as wide as the axis.
    """

    axis: Axis

    def __init__(self, room: Axes) -> None:
        self._room = room

    def __call__(self) -> Sequence[float]:
        """Return the bars that get a number."""
        first, last = sorted(self.axis.get_view_interval())
        return self.tick_values(float(first), float(last))

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Choose the bars between two places that get a number.

        Parameters
        ----------
        vmin, vmax : float
            The places.

        Returns
        -------
        ndarray of float64
            Bars from 1.
        """
        bars = _thinned(vmin, vmax, points_of(self._room)[0], _LABEL_WIDTH)
        return cast("Sequence[float]", bars[bars >= 1.0])


class GridLines(LineCollection):
    """Bar lines, heavy, and beats, light, as far apart as they can be told.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.
    clock : Clock
        What the axis counts.
    room : Axes
        Where they are drawn.
    ink : tuple of float
        Red, green and blue of the lines.
    """

    def __init__(
        self,
        grid: BeatGrid,
        clock: Clock,
        room: Axes,
        ink: tuple[float, float, float],
    ) -> None:
        super().__init__([], zorder=0.6, label="_grid")
        self._beat_grid = grid
        self._clock, self._room, self._ink = clock, room, ink

    def fit(self) -> None:
        """Choose the lines for the axes as they are now."""
        axes, grid = self._room, self._beat_grid
        edges = self._clock.seconds(np.array(sorted(axes.get_xlim())))
        points, per_bar = points_of(axes)[0], grid.beats_per_bar
        first, last = grid.bar_at(edges).tolist()
        bars = _thinned(first, last, points, _BARS_APART)
        beats = np.zeros(0)
        if (last - first) * per_bar * _BEATS_APART <= points:
            low, high = np.ceil((first - 1.0) * per_bar), np.floor((last - 1.0) * per_bar)
            beats = np.arange(low, high + 1.0)
            beats = 1.0 + beats[beats % per_bar != 0] / per_bar
        at = np.concatenate([bars, beats])
        x = self._clock.at(bars_to_seconds(grid, at))
        heavy = np.arange(len(at)) < len(bars)
        self.set_segments([((place, 0.0), (place, 1.0)) for place in x.tolist()])
        self.set_linewidth(np.where(heavy, 1.0, 0.6).tolist())
        self.set_color([(*self._ink, 0.45 if bar else 0.2) for bar in heavy.tolist()])

    @allow_rasterization  # type: ignore[untyped-decorator]
    def draw(self, renderer: RendererBase) -> None:
        """Choose the lines, and draw them.

        Parameters
        ----------
        renderer : RendererBase
            Where they are drawn.
        """
        self.fit()
        super().draw(renderer)
