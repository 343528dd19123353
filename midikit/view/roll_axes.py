"""The piano roll on matplotlib's axes: one collection a track, and the frame around them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib import rcParams
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle
from matplotlib.ticker import MaxNLocator, NullLocator
from matplotlib.transforms import IdentityTransform

from midikit.view.clock import bars_to_seconds
from midikit.view.scales import LETTERS, BarLocator, GridLines, RowLocator, points_of, row_formatter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection

    from midikit.view.clock import Clock
    from midikit.view.parts import Part
    from midikit.view.rows import Rows

    Values = npt.NDArray[np.float64]

__all__ = ["HATCHES", "Look", "RollAxes", "part_looks"]

HATCHES = ("", "|||||", "/////", "xxxxx", "\\\\\\\\\\", ".....")
"""matplotlib's hatch of each pattern of `midikit.view.palette`."""

_DOTS = "oDs^v"
"""Markers of the first drum kit, the second …"""

_SOFTEST = 0.35
_BAR, _DOT = 0.84, 0.62
"""Height of a note and of a drum stroke, of their rows."""

_MOST_DOT = 5.5
_FINE = 1200
"""Notes up to which each has an outline and its hatch; of more nobody sees them, and they take
seconds."""

_DRUM_POINTS, _DRUM_SHARE = 1.3 * LETTERS, 0.45
"""Points that the row of a drum should have, and how much of the height all may take."""


class Look(NamedTuple):
    """How matplotlib draws a part.

    Parameters
    ----------
    face : str
        Colour of the notes.
    edge : str
        Colour of their outlines and hatch; empty for none.
    hatch : str
        Their hatch.
    marker : str
        Marker of drums.
    """

    face: str
    edge: str
    hatch: str
    marker: str


def part_looks(parts: Sequence[Part]) -> list[Look]:
    """Choose how parts are drawn.

    Parameters
    ----------
    parts : sequence of Part
        All that are drawn together: where there are many notes, a darker shade stands for a hatch.

    Returns
    -------
    list of Look
        One a part.
    """
    fine = sum(len(part.notes) for part in parts) <= _FINE
    looks: list[Look] = []
    kits = 0
    for part in parts:
        style = part.style
        face = style.color if fine or not style.pattern else style.outline
        hatch = HATCHES[style.pattern] if fine else ""
        looks.append(Look(face, style.outline if fine else "", hatch, _DOTS[kits % len(_DOTS)]))
        kits += part.is_drum
    return looks


class RollAxes:
    """A piano roll on axes.

    Parameters
    ----------
    axes : Axes
        Where it is drawn.
    rows : Rows
        Its rows; those of drums are made high enough for their names, as far as there is room.
    clock : Clock
        Its horizontal axis.
    """

    def __init__(self, axes: Axes, rows: Rows, clock: Clock) -> None:
        self.axes = axes
        self.rows = _fitted(rows, axes)
        self._clock = clock
        self._ink, self._paper = to_rgb(rcParams["text.color"]), to_rgb(axes.get_facecolor())

    def frame(self, first: float, last: float) -> None:
        """Draw everything but the notes.

        Parameters
        ----------
        first, last : float
            What is looked at, in seconds.
        """
        axes, rows, clock = self.axes, self.rows, self._clock
        axes.set_xlim(*clock.at([first, last]).tolist())
        axes.set_ylim(rows.bottom, rows.top)
        self._stripes()
        axes.yaxis.set_major_locator(RowLocator(rows))
        axes.yaxis.set_major_formatter(row_formatter(rows))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.tick_params(axis="y", length=0, labelsize=LETTERS)
        axes.set_xlabel(clock.label)
        middle = (rows.low + rows.high) / 2 if rows.has_pitches else (rows.bottom + rows.top) / 2
        share = (middle - rows.bottom) / (rows.top - rows.bottom)
        axes.set_ylabel("pitch (C4 = 60)" if rows.has_pitches else "drums", y=share)
        if clock.grid is not None:
            self._add(GridLines(clock.grid, clock, axes, self._ink), axes.get_xaxis_transform())
            self._number_bars()

    def say(self, text: str) -> None:
        """Write words in the middle of the roll.

        Parameters
        ----------
        text : str
            Plain words of ours.
        """
        self.axes.text(0.5, 0.5, text, transform=self.axes.transAxes, ha="center", va="center")

    def draw(self, parts: Sequence[Part]) -> None:
        """Draw notes, one collection a part.

        Parameters
        ----------
        parts : sequence of Part
            What to draw; the louder a note, the more opaque.
        """
        looks = part_looks(parts)
        for part, look in zip(parts, looks, strict=True):
            velocity = part.notes["velocity"][:, None] / 127.0
            face = np.empty((len(part.notes), 4))
            face[:, :3] = to_rgb(look.face)
            face[:, 3:] = _SOFTEST + (1.0 - _SOFTEST) * velocity
            made: PathCollection | PolyCollection
            if part.is_drum:
                made = self._dots(part, look.marker)
            else:
                made = self._bars(part)
                made.set_hatch(look.hatch)
            made.set(facecolor=face, edgecolor=look.edge or "face", linewidth=0.4, zorder=2)
            made.set_label(part.label.replace("$", r"\$"))

    def draw_unmatched(self, missing: Sequence[Part], extra: Sequence[Part]) -> None:
        """Draw notes without a partner so that they are told apart without colours.

        Parameters
        ----------
        missing : sequence of Part
            Drawn hollow.
        extra : sequence of Part
            Drawn solid.
        """
        for name, parts, face in (("missing", missing, self._paper), ("extra", extra, self._ink)):
            for part in parts:
                made = self._dots(part, _DOTS[0]) if part.is_drum else self._bars(part)
                made.set(facecolor=[face], edgecolor=[self._ink], linewidth=1.0, zorder=3)
                made.set_label(f"_{name}")

    def _stripes(self) -> None:
        """Shade black keys, and draw lines under each C and at each drum."""
        axes, rows = self.axes, self.rows
        across = axes.get_yaxis_transform()
        keys = rows.black_keys[:, None] + np.array([-0.5, -0.5, 0.5, 0.5])
        sides = np.broadcast_to([0.0, 1.0, 1.0, 0.0], keys.shape)
        corners: Any = np.stack([sides, keys], 2)
        black = PolyCollection(corners, facecolor=[(*self._ink, 0.055)])
        black.set(linewidth=0, zorder=0.3, label="_black keys")
        self._add(black, across)
        octaves = np.arange(rows.low, rows.high + 1)
        lines = [
            *(octaves[(octaves % 12 == 0) & (octaves > rows.low)] - 0.5).tolist(),
            *rows.drum_labels,
            *([rows.border] if rows.drums and rows.has_pitches else []),
        ]
        levels = LineCollection([((0.0, y), (1.0, y)) for y in lines], colors=[self._ink])
        levels.set(linewidth=0.5, alpha=0.2, zorder=0.4, label="_levels")
        self._add(levels, across)

    def _number_bars(self) -> None:
        """Put numbers of bars on the axis itself if it counts them, else above."""
        clock, grid = self._clock, self._clock.grid
        assert grid is not None
        if clock.x == "bars":
            self.axes.xaxis.set_major_locator(BarLocator(self.axes))
            return
        if clock.x == "beats":
            self.axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 4, 8], integer=True))
        above = self.axes.secondary_xaxis(
            "top",
            functions=(
                lambda at: grid.bar_at(clock.seconds(at)),
                lambda bars: clock.at(bars_to_seconds(grid, bars)),
            ),
        )
        above.xaxis.set_major_locator(BarLocator(self.axes))
        above.tick_params(labelsize=LETTERS)
        above.set_xlabel("bar", fontsize=LETTERS)

    def _bars(self, part: Part) -> PolyCollection:
        """Make rectangles of notes."""
        notes = part.notes
        corners: Any = np.empty((len(notes), 4, 2))
        corners[:, :2, 0] = self._clock.at(notes["start"])[:, None]
        corners[:, 2:, 0] = self._clock.at(notes["end"])[:, None]
        corners[:, ::3, 1] = notes["pitch"][:, None] - _BAR / 2
        corners[:, 1:3, 1] = notes["pitch"][:, None] + _BAR / 2
        made = PolyCollection(corners)
        self._add(made)
        return made

    def _dots(self, part: Part, marker: str) -> PathCollection:
        """Make dots of drum strokes."""
        at = np.column_stack(
            [self._clock.at(part.notes["start"]), self.rows.of_drums(part.notes["pitch"])]
        )
        shape = MarkerStyle(marker)
        path = shape.get_path().transformed(shape.get_transform())
        height = points_of(self.axes)[1] / (self.rows.top - self.rows.bottom) * self.rows.height
        size = min(_DOT * height, _MOST_DOT) ** 2
        made = PathCollection((path,), [size], offsets=at, offset_transform=self.axes.transData)
        self._add(made, IdentityTransform())
        return made

    def _add(self, made: Collection, transform: Any = None) -> None:
        """Put a collection on the axes; the limits are known already."""
        if transform is not None:
            made.set_transform(transform)
        self.axes.add_collection(made, autolim=False)


def _fitted(rows: Rows, axes: Axes) -> Rows:
    """Give drums rows high enough for their names, as far as there is room."""
    if not (rows.drums and rows.has_pitches):
        return rows
    height, drums = points_of(axes)[1], len(rows.drums)
    points = min(_DRUM_POINTS, _DRUM_SHARE * height / drums)
    a_pitch = (height - points * drums) / (rows.high - rows.low + 2)
    return replace(rows, height=max(points / a_pitch, 1.0))
