"""Everything that a picture of a song shows, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.view.clock import Clock
from midikit.view.parts import bounded, in_window, parts_of, window
from midikit.view.rows import Rows
from midikit.view.unmatched import split

if TYPE_CHECKING:
    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.verify.comparison import Comparison
    from midikit.view.clock import XAxis
    from midikit.view.parts import Choice, Part

__all__ = ["Scene", "scene_of"]

_AFTER = 0.01
"""Room after the end of the song, of its length."""

_MOST_PARTS = 300
"""Parts that are drawn as such; each takes matplotlib two milliseconds."""

_MARGINS = 1.2
_ROW, _DRUM_ROW, _LEGEND_ROW = 0.058, 0.15, 0.18
"""Inches of a row that a figure is made for."""

_WIDTH, _LEAST_HEIGHT, _MOST_HEIGHT = 10.0, 3.4, 7.5


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a picture shows.

    Parameters
    ----------
    title : str
        Name of the song, as it was given.
    clock : Clock
        The horizontal axis.
    first, last : float
        From where to where, in seconds.
    rows : Rows
        The vertical axis.
    parts : list of Part
        The parts; of two songs that are compared, their notes that match.
    missing, extra : list of Part or None
        Notes without a partner; None where nothing is compared.
    """

    title: str
    clock: Clock
    first: float
    last: float
    rows: Rows
    parts: list[Part]
    missing: list[Part] | None = None
    extra: list[Part] | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches of a figure with room for it."""
        rows = self.rows
        needed = _ROW * (rows.high - rows.low + 1) + _DRUM_ROW * len(rows.drums)
        height = _MARGINS + max(needed, _LEGEND_ROW * len(self.parts))
        return _WIDTH, float(np.clip(height, _LEAST_HEIGHT, _MOST_HEIGHT))


def scene_of(
    song: Song,
    *,
    grid: BeatGrid | None = None,
    tracks: Choice = None,
    start: float | None = None,
    end: float | None = None,
    x: XAxis = "seconds",
    compare: Song | Comparison | None = None,
) -> Scene:
    """Choose what a picture shows.

    Parameters
    ----------
    song : Song
        As for `midikit.plot`, as are the others.
    grid : BeatGrid, optional
        See there.
    tracks : int, str, iterable of int or str, optional
        See there.
    start, end : float, optional
        See there.
    x : {"seconds", "beats", "bars"}, optional
        See there.
    compare : Song or Comparison, optional
        See there.

    Returns
    -------
    Scene
        What there is to draw.

    Raises
    ------
    ConversionError
        As `midikit.plot`, as the others.
    KeyError
        See there.
    IndexError
        See there.
    """
    clock = Clock(x, grid)
    first, last = window(song, start, end)
    parts = parts_of(song, tracks=tracks)
    missing: list[Part] | None = None
    extra: list[Part] | None = None
    if compare is not None:
        parts, missing, extra = split(song, parts, compare, all_tracks=tracks is None)
        if end is None:
            last = max([last, *(float(part.notes["end"].max()) for part in [*missing, *extra])])
        missing = bounded(_seen(missing, first, last, end), _MOST_PARTS)
        extra = bounded(_seen(extra, first, last, end), _MOST_PARTS)
    parts = bounded(_seen(parts, first, last, end), _MOST_PARTS)
    rows = Rows.of([*parts, *(missing or ()), *(extra or ())])
    if end is None:
        last += _AFTER * (last - first)
    return Scene(song.title or "", clock, first, last, rows, parts, missing, extra)


def _seen(parts: list[Part], first: float, last: float, end: float | None) -> list[Part]:
    """Take what lies in the window of each part, up to an end that was asked for."""
    until = np.inf if end is None else last
    return [
        replace(part, notes=in_window(part.notes, first, until, is_drum=part.is_drum))
        for part in parts
    ]
