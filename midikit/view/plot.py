"""A song as a picture: its notes as a piano roll, drums in a strip below, bars and beats."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.escape import printable
from midikit.extras import need_extra
from midikit.view.clock import Clock
from midikit.view.parts import in_window, parts_of, window
from midikit.view.rows import Rows
from midikit.view.unmatched import split

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.verify.comparison import Comparison
    from midikit.view.clock import XAxis
    from midikit.view.parts import Choice, Part

__all__ = ["figure_size", "plot"]

_AFTER = 0.01
"""Room after the end of the song, of its length."""

_MARGINS = 1.2
_ROW, _DRUM_ROW, _LEGEND_ROW = 0.058, 0.15, 0.18
"""Inches of a row that a figure is made for."""

_WIDTH, _LEAST_HEIGHT, _MOST_HEIGHT = 10.0, 3.4, 7.5


def plot(
    song: Song,
    *,
    grid: BeatGrid | None = None,
    ax: Axes | None = None,
    tracks: Choice = None,
    start: float | None = None,
    end: float | None = None,
    x: XAxis = "seconds",
    compare: Song | Comparison | None = None,
) -> Axes:
    """Draw a song as a piano roll with matplotlib (``midikit[plot]``).

    Each track is one collection in a colour of its own, the same in every picture where no two
    names ask for it (`midikit.view.palette`); the louder a note, the more opaque. A pitch lies at
    its MIDI number, C4 at 60; drums lie below, a row each with its General MIDI name.

    Parameters
    ----------
    song : Song
        What to draw.
    grid : BeatGrid, optional
        Draws bar lines, heavy, and beats, light, as many as can be told apart, and numbers the
        bars.
    ax : Axes, optional
        Where to draw; a new figure of pyplot's if None. Its limits are set, its title is not.
    tracks : int, str, iterable of int or str, optional
        Only these, by index, or by name as `Song.select` takes it: all of that name.
    start, end : float, optional
        Draw from and up to this second.
    x : {"seconds", "beats", "bars"}, optional
        What the horizontal axis counts: seconds, or ``grid.beat_at`` or ``grid.bar_at`` of them.
    compare : Song or Comparison, optional
        The reference to compare `song` with, or a comparison that it is one side of. Notes that
        only the estimate has are filled black, notes that only the reference has are hollow.

    Returns
    -------
    Axes
        What was drawn on. Nothing is shown: a notebook does so at the end of a cell, elsewhere
        ``matplotlib.pyplot.show()`` or ``ax.figure.savefig(path)``.

    Raises
    ------
    ConversionError
        If matplotlib is not installed, `x` needs a grid and there is none, `start` is not before
        `end`, or `compare` is a comparison of other songs.
    KeyError
        If no track has a name that is asked for.
    IndexError
        If there is no track of an index that is asked for.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80), (0.5, 1.0, 64, 40)]))
    >>> ax = plot(Song((koto,)), grid=BeatGrid.constant(120.0), ax=Figure().subplots())
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_legend().get_texts()[0].get_text()
    ('time (s)', 'pitch (C4 = 60)', 'Koto')
    """
    clock = Clock(x, grid)
    first, last = window(song, start, end)
    parts = parts_of(song, tracks=tracks)
    unmatched: tuple[list[Part], list[Part]] = ([], [])
    if compare is not None:
        parts, *found = split(song, parts, compare, all_tracks=tracks is None)
        unmatched = (_seen(found[0], first, last), _seen(found[1], first, last))
    parts = _seen(parts, first, last)
    rows = Rows.of([*parts, *unmatched[0], *unmatched[1]])
    need_extra("plot")
    from midikit.view.glyphs import drawable  # noqa: PLC0415 - as above
    from midikit.view.legend import add_legend, part_entries, unmatched_entries  # noqa: PLC0415
    from midikit.view.roll_axes import RollAxes  # noqa: PLC0415 - loads matplotlib

    is_new = ax is None
    if ax is None:
        ax = _new_axes(rows, len(parts))
    roll = RollAxes(ax, rows, clock)
    roll.frame(first, last if end is not None else last + _AFTER * (last - first))
    roll.draw(parts)
    entries = part_entries(parts)
    if compare is not None:
        roll.draw_unmatched(*unmatched)
        entries += unmatched_entries(ax, *unmatched)
    add_legend(ax, entries)
    if not entries:
        roll.say("no notes")
    if is_new and song.title:
        title = drawable(printable(song.title))
        ax.set_title(title, loc="left", parse_math=False, usetex=False)
    return ax


def _seen(parts: list[Part], first: float, last: float) -> list[Part]:
    """Take what lies in the window of each part."""
    return [
        replace(part, notes=in_window(part.notes, first, last, is_drum=part.is_drum))
        for part in parts
    ]


def _new_axes(rows: Rows, parts: int) -> Axes:
    """Make a figure of pyplot's, which a notebook shows, as high as its rows need."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - chooses a backend

    return plt.subplots(figsize=figure_size(rows, parts), layout="constrained")[1]


def figure_size(rows: Rows, parts: int) -> tuple[float, float]:
    """Tell how large a figure should be.

    Parameters
    ----------
    rows : Rows
        Its rows.
    parts : int
        How many parts the legend tells.

    Returns
    -------
    tuple of float
        Width and height in inches.
    """
    needed = _ROW * (rows.high - rows.low + 1) + _DRUM_ROW * len(rows.drums)
    height = _MARGINS + max(needed, _LEGEND_ROW * parts)
    return _WIDTH, float(np.clip(height, _LEAST_HEIGHT, _MOST_HEIGHT))
