"""Refuse what is no grid in words: `estimate_beats` may have found none."""

from __future__ import annotations

from midikit.errors import ConversionError
from midikit.model.beats import BeatGrid

__all__ = ["check_grid"]


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
