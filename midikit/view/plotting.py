"""A song as a picture: its notes as a piano roll, drums in a strip below, bars and beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.extras import need_extra
from midikit.view.scene import scene_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.verify.comparison import Comparison
    from midikit.view.clock import XAxis
    from midikit.view.parts import Choice

__all__ = ["plot"]


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
    scene = scene_of(song, grid=grid, tracks=tracks, start=start, end=end, x=x, compare=compare)
    need_extra("plot")
    from midikit.view.drawing import draw  # noqa: PLC0415 - loads matplotlib

    if ax is not None:
        draw(ax, scene)
        return ax
    from matplotlib import pyplot as plt  # noqa: PLC0415 - chooses a backend

    _, new = plt.subplots(figsize=scene.size, layout="constrained")
    draw(new, scene, with_title=True)
    return new
