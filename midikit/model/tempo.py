"""Tempo as a step function of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.errors import NotesError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["DEFAULT_QPM", "SAME_WITHIN", "TempoMap", "default_tempo", "tempo_through"]

DEFAULT_QPM = 120.0
"""Quarters a minute where a file says nothing."""

SAME_WITHIN = 1e-6
"""Share by which tempi may differ and be one."""

_ZERO = np.zeros(1)
_ZERO.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class TempoMap:
    """Piecewise constant tempo: where each tempo begins and how fast it is.

    Parameters
    ----------
    seconds : array_like of float64, shape (k,)
        Where each tempo begins, in seconds: 0 first, strictly increasing.
    qpm : array_like of float64, shape (k,)
        Quarter notes a minute from there on, positive.

    Attributes
    ----------
    quarters : ndarray of float64, shape (k,)
        Position of each change in quarters.

    Raises
    ------
    NotesError
        If the arrays are empty, differ in length, or break a rule above.

    Examples
    --------
    >>> tempo = TempoMap([0.0, 2.0], [120.0, 60.0])
    >>> tempo.to_quarters([1.0, 2.0, 3.0]).tolist()
    [2.0, 4.0, 5.0]
    >>> tempo.to_seconds([5.0]).tolist()
    [3.0]
    """

    seconds: npt.NDArray[np.float64]
    qpm: npt.NDArray[np.float64]
    quarters: npt.NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Copy, check and freeze the arrays."""
        seconds = np.array(self.seconds, np.float64, ndmin=1)
        qpm = np.array(self.qpm, np.float64, ndmin=1)
        if seconds.shape != qpm.shape or seconds.ndim != 1 or len(seconds) == 0:
            raise NotesError(
                f"tempo map of {seconds.shape} seconds and {qpm.shape} tempi; expected one tempo a "
                "second given"
            )
        # Written so that a NaN fails each test.
        steps = seconds[1:] - seconds[:-1]
        if not (seconds[0] == 0 and (steps > 0).all() and seconds[-1] < np.inf):
            raise NotesError("tempo map: seconds must be finite, begin at 0 and increase")
        if not ((qpm > 0) & (qpm < np.inf)).all():
            raise NotesError("tempo map: every tempo must be finite and above 0 quarters a minute")
        quarters = np.zeros(len(seconds))
        np.cumsum(steps * (qpm[:-1] / 60.0), out=quarters[1:])
        for name, array in (("seconds", seconds), ("qpm", qpm), ("quarters", quarters)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def constant(cls, qpm: float = DEFAULT_QPM) -> TempoMap:
        """Make a map of one tempo.

        Parameters
        ----------
        qpm : float, optional
            Quarter notes a minute.

        Returns
        -------
        TempoMap
            The map.

        Raises
        ------
        NotesError
            If `qpm` is not finite and positive.

        Examples
        --------
        >>> TempoMap.constant(110.06).is_constant
        True
        """
        tempi = np.array([qpm], np.float64)
        if tempi.ndim != 1 or not 0 < qpm < np.inf:
            return cls(_ZERO, tempi)  # refuses it
        # What the checks of a longer map cost is felt where thousands of short songs are read.
        tempo: TempoMap = object.__new__(cls)
        tempi.flags.writeable = False
        for name, array in (("seconds", _ZERO), ("qpm", tempi), ("quarters", _ZERO)):
            object.__setattr__(tempo, name, array)
        return tempo

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor, so that the arrays come back read-only."""
        return TempoMap, (self.seconds, self.qpm)

    @property
    def is_constant(self) -> bool:
        """Whether there is a single tempo."""
        return len(self.qpm) == 1

    def to_quarters(self, seconds: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Turn seconds into quarters.

        Parameters
        ----------
        seconds : array_like of float
            Times in seconds; negative ones continue the first tempo backwards.

        Returns
        -------
        ndarray of float64
            Positions in quarters, 0 at second 0.
        """
        time = np.asarray(seconds, np.float64)
        segment = np.clip(np.searchsorted(self.seconds, time, side="right") - 1, 0, None)
        position: npt.NDArray[np.float64] = self.quarters[segment] + (
            time - self.seconds[segment]
        ) * (self.qpm[segment] / 60.0)
        return position

    def to_seconds(self, quarters: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Turn quarters into seconds.

        Parameters
        ----------
        quarters : array_like of float
            Positions in quarters; negative ones continue the first tempo backwards.

        Returns
        -------
        ndarray of float64
            Times in seconds.
        """
        position = np.asarray(quarters, np.float64)
        segment = np.clip(np.searchsorted(self.quarters, position, side="right") - 1, 0, None)
        time: npt.NDArray[np.float64] = self.seconds[segment] + (
            position - self.quarters[segment]
        ) * (60.0 / self.qpm[segment])
        return time

    def __repr__(self) -> str:
        """Say the tempo, or how many changes of it there are."""
        if self.is_constant:
            return f"<TempoMap {self.qpm[0]:.2f} qpm>"
        low, high = self.qpm.min(), self.qpm.max()
        return f"<TempoMap {len(self.qpm):,} tempi, {low:.2f} to {high:.2f} qpm>"


@cache
def default_tempo() -> TempoMap:
    """Return the map of `DEFAULT_QPM`.

    Returns
    -------
    TempoMap
        One for all songs that claim no other; nothing can change it.
    """
    return TempoMap.constant()


def tempo_through(seconds: npt.NDArray[np.float64], quarters: npt.NDArray[np.float64]) -> TempoMap:
    """Make the map under which as many quarters pass between seconds as these say.

    Parameters
    ----------
    seconds : ndarray of float64, shape (k,), k >= 2
        Seconds that increase; those before 0 are left out, but for what reaches over it.
    quarters : ndarray of float64, shape (k,)
        The quarter at each, from any zero.

    Returns
    -------
    TempoMap
        From second 0 on; a tempo that is that before it is not repeated.

    Examples
    --------
    >>> tempo_through(np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 4.0])).qpm.tolist()
    [120.0, 60.0]
    """
    qpm = 60.0 * np.diff(quarters) / np.diff(seconds)
    fresh = np.ones(len(qpm), bool)
    fresh[1:] = np.abs(np.diff(qpm)) > SAME_WITHIN * qpm[1:]
    fresh &= (seconds[1:] > 0) | (np.arange(len(qpm)) == len(qpm) - 1)
    starts, qpm = np.maximum(seconds[:-1][fresh], 0.0), qpm[fresh]
    starts[0] = 0.0
    return TempoMap(starts, qpm)
