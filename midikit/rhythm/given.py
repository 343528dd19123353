"""Grids that are given or claimed, and what is none: `estimate_beats` may have found none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from midikit.errors import ConversionError, NotesError
from midikit.model.beats import BeatGrid

if TYPE_CHECKING:
    from midikit.model.song import Song

__all__ = ["check_grid", "claimed_grid"]


def check_grid(grid: object) -> None:
    """Refuse anything but a grid.

    Parameters
    ----------
    grid : object
        What was given as a grid.

    Raises
    ------
    ConversionError
        If it is none.

    Examples
    --------
    >>> check_grid(BeatGrid.constant(120.0))
    """
    if grid is None:
        raise ConversionError(
            "grid is None: no steady beat was found; pass tempo_hint= to estimate_beats, or a "
            "BeatGrid.constant"
        )
    if not isinstance(grid, BeatGrid):
        raise ConversionError(f"grid is a {type(grid).__name__}; expected a BeatGrid")


def claimed_grid(song: Song) -> BeatGrid:
    """Make the grid that a song claims by its tempo and its last time signature.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    BeatGrid
        Its beats, with a bar line where that signature stands; 4/4 from second 0 without one.

    Raises
    ------
    LimitError
        If there are more beats than a grid lists.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> claimed_grid(Song(())).meter
    (4, 4)
    """
    second, *meter = song.time_signatures[-1] if song.time_signatures else (0.0, 4, 4)
    try:
        grid = BeatGrid.from_tempo(song.tempo, end=song.end, meter=(int(meter[0]), int(meter[1])))
    except NotesError:  # a signature such as 0/4
        grid = BeatGrid.from_tempo(song.tempo, end=song.end)
    return replace(grid, first_downbeat=round(float(grid.beat_at(second))))
