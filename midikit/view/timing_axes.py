"""Deviations of onsets on matplotlib's axes: a row a part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib import pyplot as plt
from matplotlib import rcParams
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, Locator

from midikit.view.glyphs import drawable
from midikit.view.legend import Entry, add_legend
from midikit.view.scales import LETTERS, points_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from midikit.view.timing import Deviations

__all__ = ["draw_timing", "new_timing_axes"]

_WIDTH, _ROW, _MARGINS, _MOST_HEIGHT = 8.0, 0.42, 1.1, 12.0
_BINS = 81
_HEIGHT = 0.44
_LEAST_REACH = 5.0
"""Milliseconds that the axis reaches to either side at least."""

_TWO_LINES, _ONE_LINE = 2.5 * LETTERS, 1.25 * LETTERS
"""Points that a label needs."""

_EDGES = 0.2
"""Rows above the first and below the last."""


def new_timing_axes(rows: int) -> Axes:
    """Make a figure of pyplot's, which a notebook shows, as high as its rows need.

    Parameters
    ----------
    rows : int
        How many parts there are.

    Returns
    -------
    Axes
        Its axes.
    """
    height = min(_MARGINS + _ROW * max(rows, 2), _MOST_HEIGHT)
    return plt.subplots(figsize=(_WIDTH, height), layout="constrained")[1]


def draw_timing(ax: Axes, rows: Sequence[Deviations]) -> None:
    """Draw a row a part.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    rows : sequence of Deviations
        The parts, from the top down.
    """
    ink = to_rgb(rcParams["text.color"])
    far = [1e3 * float(np.abs([row.before, row.after]).max()) for row in rows]
    reach = max([_LEAST_REACH, *(1.03 * most for most in far)])
    edges = np.linspace(-reach, reach, _BINS + 1)
    for y, row in enumerate(rows):
        before, after = (_outline(values, edges, y) for values in (row.before, row.after))
        filled = PolyCollection([before], facecolor=row.part.style.color)
        filled.set(edgecolor=row.part.style.outline, linewidth=0.6, zorder=2)
        filled.set_label(row.part.label.replace("$", r"\$"))
        hanging = PolyCollection([2.0 * y * np.array([0.0, 1.0]) + after * [1.0, -1.0]])
        hanging.set(facecolor="none", edgecolor=ink, linewidth=0.8, zorder=2, label="_after")
        for made in (filled, hanging):
            ax.add_collection(made, autolim=False)
    ax.axvline(0.0, color=ink, lw=0.8, alpha=0.5, zorder=1)
    ax.set(xlim=(-reach, reach), ylim=(max(len(rows), 1) - 0.5 + _EDGES / 2, -0.5 - _EDGES / 2))
    ax.set_xlabel("onset, early (-) or late (+), in ms")
    _label(ax, rows)
    if rows:
        shapes: dict[str, Any] = {"before": {"fc": "0.6"}, "after": {"fc": "none"}}
        add_legend(ax, [Entry(Patch(ec=ink, lw=0.8, **look), w) for w, look in shapes.items()])
    else:
        ax.text(0.5, 0.5, "no notes", transform=ax.transAxes, ha="center", va="center")


def _outline(
    seconds: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], y: float
) -> npt.NDArray[np.float64]:
    """Return the outline of a histogram that stands on a row, shape (k, 2)."""
    counts = np.histogram(1e3 * seconds, edges)[0]
    heights = np.concatenate([[0.0], np.repeat(_HEIGHT * counts / max(counts.max(), 1), 2), [0.0]])
    return np.column_stack([np.repeat(edges, 2), y - heights])


def _label(ax: Axes, rows: Sequence[Deviations]) -> None:
    """Name the rows, in as many words as there is room for whenever it is drawn."""
    names = [drawable(row.part.label).replace("$", r"\$") for row in rows]
    words = [_words(1e3 * row.before) for row in rows]

    def label(y: float, _: int | None = None) -> str:
        row = round(y)
        if row != y or not 0 <= row < len(rows):
            return ""
        has_room = points_of(ax)[1] / (len(rows) + _EDGES) >= _TWO_LINES
        return f"{names[row]}\n{words[row]}" if has_room else names[row]

    ax.yaxis.set_major_locator(_EachRow(len(rows)))
    ax.yaxis.set_major_formatter(FuncFormatter(label))
    ax.tick_params(axis="y", length=0, labelsize=LETTERS)


class _EachRow(Locator):
    """Labels every row, or every second, third … as there is room."""

    axis: Axis

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __call__(self) -> Sequence[float]:
        """Return the rows that get a label."""
        return self.tick_values(0.0, 0.0)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:  # noqa: ARG002
        """Choose the rows that get a label, wherever one looks."""
        height = points_of(self.axis.axes)[1] / (self._rows + _EDGES)
        step = max(int(np.ceil(_ONE_LINE / height)), 1)
        return cast("Sequence[float]", np.arange(0.0, self._rows, step))


def _words(milliseconds: npt.NDArray[np.float64]) -> str:
    """Say the median, and how far half of the notes are from it at most."""
    middle = float(np.median(milliseconds))
    spread = float(np.median(np.abs(milliseconds - middle)))
    return f"{abs(middle):.1f} ms {'early' if middle < 0 else 'late'} ± {spread:.1f}"
