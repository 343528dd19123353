"""How far onsets are from the lines of the music, part by part, before and after quantizing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from midikit.errors import ConversionError
from midikit.extras import need_extra
from midikit.rhythm.given import check_grid
from midikit.rhythm.moving import moved_starts
from midikit.rhythm.quantize import quantize
from midikit.view.parts import parts_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.view.parts import Part

    Values = npt.NDArray[np.float64]

__all__ = ["Deviations", "deviations", "plot_timing"]


@dataclass(frozen=True, slots=True, eq=False)
class Deviations:
    """How far the onsets of one part are from their lines.

    Parameters
    ----------
    part : Part
        The part.
    before : ndarray of float64, shape (n,)
        Seconds as it was played, positive for late.
    after : ndarray of float64, shape (n,)
        The same of the quantized song.
    """

    part: Part
    before: Values
    after: Values


def plot_timing(
    song: Song, grid: BeatGrid, *, quantized: Song | None = None, ax: Axes | None = None
) -> Axes:
    """Draw how early or late each part plays, before and after quantizing.

    The line of a note is the one that ``quantize(song, grid, division="auto")`` takes it to. A
    filled shape stands for the notes as they were played: the higher it is, the more of the part's
    notes lie there. Hanging below it, a hollow one stands for the quantized notes. Beside each name
    stands the median of its notes as they were played, and how far half of them are from it at
    most.

    Parameters
    ----------
    song : Song
        What was played.
    grid : BeatGrid
        Its beats and bars.
    quantized : Song, optional
        The same song quantized in another way, such as to half strength.
    ax : Axes, optional
        Where to draw; a new figure of pyplot's if None.

    Returns
    -------
    Axes
        What was drawn on, early notes to the left; nothing is shown. Parts without notes have no
        row.

    Raises
    ------
    ConversionError
        If matplotlib is not installed, `grid` is none, or `quantized` has other notes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> late = [(i / 2 + 0.012, i / 2 + 0.4, 60, 80) for i in range(16)]
    >>> koto = Song((Track("Koto", notes=as_notes(late)),))
    >>> ax = plot_timing(koto, BeatGrid.constant(120.0), ax=Figure().subplots())
    >>> print(ax.get_yticklabels()[0].get_text())
    Koto
    12.0 ms late ± 0.0
    """
    rows = deviations(song, grid, quantized=quantized)
    need_extra("plot")
    from midikit.view.timing_axes import draw_timing, new_timing_axes  # noqa: PLC0415 - matplotlib

    ax = new_timing_axes(len(rows)) if ax is None else ax
    draw_timing(ax, rows)
    return ax


def deviations(song: Song, grid: BeatGrid, *, quantized: Song | None = None) -> list[Deviations]:
    """Measure how far onsets are from their lines.

    Parameters
    ----------
    song : Song
        As for `plot_timing`, as are the others.
    grid : BeatGrid
        See there.
    quantized : Song, optional
        See there.

    Returns
    -------
    list of Deviations
        One a part that has notes, in the order of the song.

    Raises
    ------
    ConversionError
        As `plot_timing`.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Song((Track("Koto", notes=as_notes([(0.51, 0.9, 60, 80)])),))
    >>> deviations(koto, BeatGrid.constant(120.0))[0].before.round(3).tolist()
    [0.01]
    """
    check_grid(grid)
    lined_up = quantize(song, grid, division="auto")
    other = lined_up if quantized is None else quantized
    if len(other) != len(song):
        raise ConversionError(f"quantized has {len(other)} tracks and the song {len(song)}")
    rows = []
    for part in parts_of(song):
        lines = moved_starts(part.notes, lined_up[part.index].notes)
        after = moved_starts(part.notes, other[part.index].notes)
        if lines is None or after is None:
            raise ConversionError(f"{part.label}: quantized has other notes there than the song")
        if len(lines):
            rows.append(Deviations(part, part.notes["start"] - lines, after - lines))
    return rows
