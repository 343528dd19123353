"""Where the notes of a song go when they are moved onto lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.rhythm.divisions import Bars, choose_divisions, estimate_swing, find_bars, swings_at
from midikit.rhythm.lines import DIVISIONS, STRAIGHT, is_near, lines_around
from midikit.rhythm.strokes import CHORD, find_strokes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid

    Lines = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    PerQuarter = npt.NDArray[np.int64] | int

__all__ = ["Places"]

_ZERO = 1e-9
"""Seconds by which a line may lie before second 0 and still count as there."""

_GLANCE = 256
"""Notes that are looked at before all of a song is, to see whether it is quantized already."""


class Places:
    """Starts and ends of all notes of a song, and the lines they go to.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.
    start, end : ndarray of float64, shape (n,)
        Seconds, track after track, starts ascending within each.
    counts : list of int
        Notes in each track.
    window : float or None, optional
        Longest way in seconds that a stroke or an end may go; what is farther stays.
    snaps_ends : bool, optional
        Whether ends go to lines as well.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> start = np.array([0.01, 0.49])
    >>> places = Places(BeatGrid.constant(120.0), start, start + 0.2, [2])
    >>> places.lines(4, 4)[0].tolist()
    [0.0, 0.5]
    """

    def __init__(
        self,
        grid: BeatGrid,
        start: npt.NDArray[np.float64],
        end: npt.NDArray[np.float64],
        counts: list[int],
        *,
        window: float | None = None,
        snaps_ends: bool = False,
    ) -> None:
        self._grid = grid
        self._start, self._end = start, end
        self._counts = counts
        self._track = np.repeat(np.arange(len(counts)), counts)
        self._window = window
        self._snaps_ends = snaps_ends
        self._near = is_near(start, grid) & is_near(end, grid)

    def lines(self, per_start: PerQuarter, per_end: PerQuarter, swing: float = STRAIGHT) -> Lines:
        """Find the lines that starts and ends go to.

        Parameters
        ----------
        per_start, per_end : int or ndarray of int64, shape (n,)
            Lines a quarter for the start and the end of each note.
        swing : float, optional
            Where the second eighth of a quarter lies, as a share of the quarter.

        Returns
        -------
        start, end : ndarray of float64, shape (n,)
            Seconds; what is too far from its line, or from all music, has its own.
        """
        per_start = np.broadcast_to(np.asarray(per_start, np.int64), self._start.shape)
        start = np.where(self._near, self._start, 0.0)
        around = lines_around(start, self._grid, per_start, swing)
        strokes = find_strokes(
            self._start,
            self._track,
            within=np.minimum(CHORD, (around.after - around.before) / 2.0),
            alone=(around.nearest == self._start) | ~self._near,
        )
        middle = np.where(self._near[strokes.head], strokes.middle, 0.0)
        per_stroke = per_start[strokes.head]
        line = lines_around(middle, self._grid, per_stroke, swing).nearest
        line = self._from_zero(line, per_stroke, swing)
        target = line[strokes.of_note]
        stays = ~self._near
        if self._window is not None:
            stays = stays | (np.abs(middle - line) > self._window)[strokes.of_note]
        target = np.where(stays, self._start, target)
        self._keep_order(target, stays)
        if not self._snaps_ends:
            return target, self._end
        return target, self._released(target, np.asarray(per_end, np.int64), swing)

    def chosen_lines(self, names: Sequence[str], swing: float | None) -> Lines:
        """Find the lines of the divisions that suit each bar of each track.

        Parameters
        ----------
        names : sequence of str
            Divisions to choose from, keys of `DIVISIONS`.
        swing : float or None
            Where the second eighth of a quarter lies; None estimates it.

        Returns
        -------
        start, end : ndarray of float64, shape (n,)
            As `lines`. Where all notes are on lines already, for some division in each bar, they
            stay there.
        """
        near = self._near
        start, end, track = self._start[near], self._end[near], self._track[near]
        if any(
            self._is_settled(names, tried)
            for tried in (swings_at(start, self._grid) if swing is None else (swing,))
        ):
            return self._start, self._end
        strokes = find_strokes(start, track)
        if swing is None:
            swing = estimate_swing(strokes, self._grid)
        places = np.concatenate([strokes.middle, end])
        bars = find_bars(places, np.concatenate([strokes.track, track]), self._grid)
        of_stroke, of_end = bars.row[: len(strokes)], bars.row[len(strokes) :]
        chosen = choose_divisions(strokes, Bars(bars.track, of_stroke), self._grid, names, swing)
        per_bar = np.array([DIVISIONS[name] for name in names])[chosen]
        per_start, per_end = (np.ones(len(near), np.int64) for _ in range(2))
        per_start[near] = per_bar[of_stroke][strokes.of_note]
        per_end[near] = per_bar[of_end]
        return self.lines(per_start, per_end, swing)

    def _is_settled(self, names: Sequence[str], swing: float) -> bool:
        """Whether every note is where some division of its bar would put it."""
        count = len(self._start)
        if self._window is None:
            some = np.linspace(0, count - 1, min(count, _GLANCE)).astype(np.int64)
            some = some[self._near[some]]
            start = self._start[some]
            still = np.zeros(len(some), np.bool_)
            for name in names:
                still |= lines_around(start, self._grid, DIVISIONS[name], swing).nearest == start
            if not still.all():
                return False
        near = self._near
        bars = find_bars(self._start[near], self._track[near], self._grid)
        settled = np.zeros(len(bars), np.bool_)
        end_settled = np.zeros(count, np.bool_)
        for name in names:
            start, end = self.lines(DIVISIONS[name], DIVISIONS[name], swing)
            moves = (start != self._start)[near]
            settled |= np.bincount(bars.row, moves, len(bars)) == 0
            end_settled |= end == self._end
        return bool(settled.all() and end_settled.all())

    def _from_zero(
        self, line: npt.NDArray[np.float64], per_quarter: npt.NDArray[np.int64], swing: float
    ) -> npt.NDArray[np.float64]:
        """Replace lines before second 0 by the first at or after it."""
        early = line < -_ZERO
        if early.any():
            line = line.copy()
            zero = np.zeros(np.count_nonzero(early))
            around = lines_around(zero, self._grid, per_quarter[early], swing)
            line[early] = np.where(around.before >= -_ZERO, around.before, around.after)
        return np.maximum(line, 0.0)

    def _keep_order(self, target: npt.NDArray[np.float64], stays: npt.NDArray[np.bool_]) -> None:
        """Keep, in place, each track's targets ascending without moving what stays."""
        row = 0
        for count in self._counts:
            rows = slice(row, row + count)
            row += count
            part = target[rows]
            if stays[rows].any():
                fixed = np.where(stays[rows], part, -np.inf)
                np.maximum(part, np.maximum.accumulate(fixed), out=part)
                fixed = np.where(stays[rows], self._start[rows], np.inf)
                np.minimum(part, np.minimum.accumulate(fixed[::-1])[::-1], out=part)
            np.maximum.accumulate(part, out=part)

    def _released(
        self, start: npt.NDArray[np.float64], per_quarter: npt.NDArray[np.int64], swing: float
    ) -> npt.NDArray[np.float64]:
        """Return the lines that ends go to when their starts go to `start`."""
        near = self._near
        end = np.where(near, self._end, 0.0)
        line = lines_around(end, self._grid, per_quarter, swing).nearest
        begin = np.where(near, start, 0.0)
        around = lines_around(begin, self._grid, per_quarter, swing)
        # A quarter of the way on: past a line that rounding put just before its own second.
        begin = begin + (around.after - around.before) / 4.0
        line = np.maximum(line, lines_around(begin, self._grid, per_quarter, swing).after)
        stays = ~near | (self._end == self._start)
        if self._window is not None:
            stays |= np.abs(self._end - line) > self._window
        moved = np.where(self._end == self._start, start, np.maximum(self._end, start))
        return np.where(stays, moved, line)
