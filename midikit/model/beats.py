"""Beats, bars and meter: where the felt pulse of a song lies in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import index
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import NotesError
from midikit.escape import quoted
from midikit.model.confidence import Confidence
from midikit.model.meter import as_meter, beats_per_bar, meter_text, quarters_per_beat
from midikit.model.numbers import MOST_BEATS, as_numbers, beats_to_list
from midikit.model.tempo import SAME_WITHIN, TempoMap, tempo_through

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["BeatGrid", "Confidence", "quarters_per_beat"]

_MIN_BEATS = 2


@dataclass(frozen=True, slots=True, eq=False)
class BeatGrid:
    """Felt beats and bar lines of a song.

    Between two beats time runs evenly; before the first and after the last the grid goes on at the
    pace of its first and last beat, so that every second has a beat and every beat a second.

    Parameters
    ----------
    beats : array_like of float64, shape (k,), k >= 2
        Felt beats in seconds, strictly increasing (dotted quarters in 6/8 and 12/8).
    meter : tuple of int, optional
        Numerator and denominator of the time signature.
    first_downbeat : int, optional
        Index of a beat that opens a bar; the others follow from the meter.
    residual : float or None, optional
        Median distance of the onsets to the grid in seconds, None for a grid that was given.
    subdivision : int or None, optional
        Lines a beat that the onsets keep to (4 for sixteenths in 4/4), None if unknown.
    swing_ratio : float, optional
        Where in the beat its second half falls: 0.5 straight, 2/3 swung in triplets.
    confidence : Confidence or None, optional
        How sure an estimate is, None for a grid that was given.
    margin : float or None, optional
        How much likelier these bar lines are than the next phase of the same beats and bar length,
        as a difference of probabilities; None for a grid that was given.
    alternatives : tuple of BeatGrid, optional
        Other readings of the same notes, likeliest first, each with its own confidence.

    Raises
    ------
    NotesError
        If there are fewer than two beats, or they are not finite and increasing, the meter is no
        time signature, or `first_downbeat` is no whole number.

    Examples
    --------
    >>> grid = BeatGrid.constant(120.0, offset=0.25)
    >>> grid.bpm, grid.beat_at([0.25, 0.75]).tolist(), grid.time_at([4]).tolist()
    (120.0, [0.0, 1.0], [2.25])
    """

    beats: npt.NDArray[np.float64]
    meter: tuple[int, int] = (4, 4)
    first_downbeat: int = 0
    residual: float | None = None
    subdivision: int | None = None
    swing_ratio: float = 0.5
    confidence: Confidence | None = None
    margin: float | None = None
    alternatives: tuple[BeatGrid, ...] = ()

    def __post_init__(self) -> None:
        """Copy, check and freeze the beats."""
        beats = as_numbers(self.beats, "beats", "seconds that increase")
        if beats.ndim != 1 or len(beats) < _MIN_BEATS:
            raise NotesError(f"beats of shape {beats.shape}; expected two or more in one row")
        if not (np.isfinite(beats).all() and (np.diff(beats) > 0).all()):
            raise NotesError("beats must be finite seconds that increase")
        try:
            first = index(self.first_downbeat)
        except TypeError:
            raise NotesError(
                f"first_downbeat {quoted(self.first_downbeat)}: expected the index of a beat"
            ) from None
        beats.flags.writeable = False
        for name, value in (
            ("beats", beats),
            ("meter", as_meter(self.meter)),
            ("first_downbeat", first),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def constant(
        cls,
        bpm: float,
        offset: float = 0.0,
        *,
        meter: tuple[int, int] = (4, 4),
        end: float = 0.0,
        max_beats: int = MOST_BEATS,
    ) -> BeatGrid:
        """Make a grid of one tempo.

        Parameters
        ----------
        bpm : float
            Felt beats a minute.
        offset : float, optional
            A bar line, in seconds.
        meter : tuple of int, optional
            Time signature.
        end : float, optional
            List the beats up to this second; the grid goes on beyond it in any case.
        max_beats : int, optional
            Most beats to list.

        Returns
        -------
        BeatGrid
            The grid.

        Raises
        ------
        NotesError
            If a number is not finite, `bpm` is not positive or `meter` is no time signature.
        LimitError
            If more than `max_beats` would be listed.

        Examples
        --------
        >>> len(BeatGrid.constant(60.0, end=10.0).beats)
        11
        """
        for name, number in (("bpm", bpm), ("offset", offset), ("end", end)):
            if not np.isfinite(as_numbers(number, name, "a number")).all():
                raise NotesError(f"{name} {quoted(number)}: expected a finite number")
        if not bpm > 0:
            raise NotesError(f"bpm {quoted(bpm)}: expected a number above 0")
        period = 60.0 / bpm
        count = beats_to_list((end - offset) / period, end, max_beats)
        return cls(offset + period * np.arange(count, dtype=np.float64), meter)

    @property
    def beats_per_bar(self) -> int:
        """Felt beats in a bar: 4 in 4/4, 2 in 6/8."""
        return beats_per_bar(self.meter)

    @property
    def downbeats(self) -> npt.NDArray[np.float64]:
        """Bar lines among the beats, in seconds, shape (bars,)."""
        return self.beats[self.pickup :: self.beats_per_bar]

    @property
    def bpm(self) -> float:
        """Felt beats a minute, the median over the song."""
        return float(60.0 / np.median(np.diff(self.beats)))

    @property
    def qpm(self) -> float:
        """Quarters a minute, the median over the song."""
        return self.bpm * quarters_per_beat(self.meter)

    @property
    def is_constant(self) -> bool:
        """Whether one tempo holds throughout (to a millionth)."""
        period = np.diff(self.beats)
        return bool(np.ptp(period) <= SAME_WITHIN * float(np.median(period)))

    @property
    def pickup(self) -> int:
        """Beats before the first bar line."""
        return self.first_downbeat % self.beats_per_bar

    @property
    def tempo_map(self) -> TempoMap:
        """The grid as a tempo map: one tempo if constant, else at most one a bar.

        Second 0 has the tempo of the first beat; a tempo that the bar before had is not repeated.
        Its quarters count from second 0: what `midikit.with_grid` writes begins with a lead-in, so
        that bar lines are whole bars from the start of the file.
        """
        step = quarters_per_beat(self.meter)
        if self.is_constant:
            return TempoMap.constant(self.qpm)
        edges = np.unique([0, *range(self.pickup, len(self.beats), self.beats_per_bar)])
        edges = np.append(edges[edges < len(self.beats) - 1], len(self.beats) - 1)
        return tempo_through(self.beats[edges], step * edges)

    def half_time(self) -> BeatGrid:
        """Take every other beat, those that ``beats[first_downbeat]`` is one of.

        Returns
        -------
        BeatGrid
            Half the tempo in the same meter, without alternatives or confidence. That beat still
            opens a bar; of bars of an odd number of beats, an earlier bar line may be no beat any
            more.

        Raises
        ------
        NotesError
            If fewer than two beats remain.

        Examples
        --------
        >>> BeatGrid.constant(120.0, end=8.0).half_time().bpm
        60.0
        """
        first = self.first_downbeat % 2
        lines = None if self.subdivision is None else 2 * self.subdivision
        return replace(
            self,
            beats=self.beats[first::2],
            first_downbeat=(self.first_downbeat - first) // 2,
            subdivision=lines,
            swing_ratio=0.5,
            confidence=None,
            margin=None,
            alternatives=(),
        )

    def double_time(self) -> BeatGrid:
        """Put a beat halfway between every two.

        Returns
        -------
        BeatGrid
            Twice the tempo in the same meter, without alternatives or confidence.

        Examples
        --------
        >>> BeatGrid.constant(60.0, end=8.0).double_time().bpm
        120.0
        """
        count = 2 * len(self.beats) - 1
        even = self.subdivision is not None and self.subdivision % 2 == 0
        return replace(
            self,
            beats=self.time_at(0.5 * np.arange(count)),
            first_downbeat=2 * self.first_downbeat,
            subdivision=self.subdivision // 2 if even and self.subdivision else None,
            swing_ratio=0.5,
            confidence=None,
            margin=None,
            alternatives=(),
        )

    def shift_downbeat(self, beats: int) -> BeatGrid:
        """Move every bar line by so many beats.

        Parameters
        ----------
        beats : int
            How far, later if positive.

        Returns
        -------
        BeatGrid
            The same beats, without alternatives or confidence.

        Examples
        --------
        >>> BeatGrid.constant(60.0, end=8.0).shift_downbeat(1).downbeats.tolist()
        [1.0, 5.0]
        """
        return replace(
            self,
            first_downbeat=(self.pickup + beats) % self.beats_per_bar,
            confidence=None,
            margin=None,
            alternatives=(),
        )

    def beat_at(self, seconds: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Tell the beat at each second.

        Parameters
        ----------
        seconds : array_like of float
            Times in seconds.

        Returns
        -------
        ndarray of float64
            Beats from ``beats[0]``, with fractions; negative before it.
        """
        time = np.asarray(seconds, np.float64)
        last = len(self.beats) - 2
        left = np.clip(np.searchsorted(self.beats, time, side="right") - 1, 0, last)
        period = self.beats[left + 1] - self.beats[left]
        position: npt.NDArray[np.float64] = left + (time - self.beats[left]) / period
        return position

    def time_at(self, beat: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Tell the second of each beat.

        Parameters
        ----------
        beat : array_like of float
            Beats from ``beats[0]``, with fractions.

        Returns
        -------
        ndarray of float64
            Times in seconds.
        """
        position = np.asarray(beat, np.float64)
        last = len(self.beats) - 2
        left = np.clip(np.floor(position), 0, last).astype(np.int64)
        period = self.beats[left + 1] - self.beats[left]
        time: npt.NDArray[np.float64] = self.beats[left] + (position - left) * period
        return time

    def bar_at(self, seconds: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Tell the bar at each second.

        Parameters
        ----------
        seconds : array_like of float
            Times in seconds.

        Returns
        -------
        ndarray of float64
            Bars, 1 at the first bar line, with fractions; below 1 in a pickup.
        """
        beat = self.beat_at(seconds) - self.pickup
        bar: npt.NDArray[np.float64] = 1.0 + beat / self.beats_per_bar
        return bar

    @classmethod
    def from_tempo(
        cls,
        tempo: TempoMap,
        *,
        end: float,
        meter: tuple[int, int] = (4, 4),
        max_beats: int = MOST_BEATS,
    ) -> BeatGrid:
        """Make the grid that a tempo map claims, its first bar line at second 0.

        Parameters
        ----------
        tempo : TempoMap
            A tempo map, such as a file's.
        end : float
            List the beats up to this second.
        meter : tuple of int, optional
            Time signature.
        max_beats : int, optional
            Most beats to list.

        Returns
        -------
        BeatGrid
            The grid.

        Raises
        ------
        NotesError
            If `meter` is no time signature.
        LimitError
            If more than `max_beats` would be listed.

        Examples
        --------
        >>> from midikit.model.tempo import TempoMap
        >>> BeatGrid.from_tempo(TempoMap.constant(120.0), end=1.0).beats.tolist()
        [0.0, 0.5, 1.0]
        """
        step = quarters_per_beat(as_meter(meter))
        count = beats_to_list(float(tempo.to_quarters(end)) / step, end, max_beats)
        return cls(tempo.to_seconds(step * np.arange(count)), meter)

    def _repr_html_(self) -> str:
        """Tempo, meter, how sure and other readings, for notebooks."""
        from midikit.view.summary import grid_html  # noqa: PLC0415 - looks at grids from above

        return grid_html(self)

    def __repr__(self) -> str:
        """Say tempo, meter and size, and how well the onsets fit where that is known."""
        fit = "" if self.residual is None else f", residual {1000.0 * self.residual:.1f} ms"
        if (sure := self.confidence) is not None:
            fit += f", pulse {sure.pulse:.2f} level {sure.level:.2f} bar {sure.bar:.2f}"
        tempo = f"{self.bpm:.2f}" if self.bpm < 1e6 else f"{self.bpm:g}"
        return f"<BeatGrid {tempo} bpm {meter_text(self.meter)}, {len(self.beats):,} beats{fit}>"
