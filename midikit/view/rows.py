"""Which rows a roll has: one a pitch, and below them a strip of one a drum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.gm import DRUM_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.view.parts import Part

__all__ = ["Rows", "pitch_name"]

_AROUND = 3
_HIGHEST = 127
_GAP = 1.0
"""Rows between the pitches and the drums."""

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_NO_PITCHES = (57, 75)
_BLACK = np.array([1, 3, 6, 8, 10])


def pitch_name(pitch: int) -> str:
    """Name a pitch with its octave, middle C (60) as C4.

    Parameters
    ----------
    pitch : int
        MIDI pitch.

    Returns
    -------
    str
        The name.

    Examples
    --------
    >>> pitch_name(60), pitch_name(21)
    ('C4', 'A0')
    """
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


@dataclass(frozen=True, slots=True)
class Rows:
    """Where pitches and drums lie: a pitch at its number, drums below the lowest.

    Parameters
    ----------
    low, high : int
        Lowest and highest pitch that there is a row for; `high` is below `low` where there is none.
    drums : tuple of int
        Drum pitches that there is a row for, from the lowest row up.
    strokes : tuple of int
        How often each is struck.
    height : float, optional
        Height of a drum's row, in rows of pitches.
    """

    low: int
    high: int
    drums: tuple[int, ...] = ()
    strokes: tuple[int, ...] = ()
    height: float = 1.0

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Rows:
        """Find the rows that parts need: the pitches they use and three more on either side.

        Parameters
        ----------
        parts : sequence of Part
            What is drawn.

        Returns
        -------
        Rows
            At least some rows, also where there are no notes.

        Examples
        --------
        >>> rows = Rows.of([])
        >>> rows.low, rows.high, rows.drums
        (57, 75, ())
        """
        used = np.zeros(_HIGHEST + 1, np.int64)
        struck = np.zeros(_HIGHEST + 1, np.int64)
        for part in parts:
            counts = struck if part.is_drum else used
            counts += np.bincount(part.notes["pitch"], minlength=_HIGHEST + 1)
        pitches, drums = np.flatnonzero(used), np.flatnonzero(struck)
        low, high = (pitches[0] - _AROUND, pitches[-1] + _AROUND) if len(pitches) else (1, 0)
        if not len(pitches) and not len(drums):
            low, high = _NO_PITCHES
        return cls(
            int(max(low, 0)),
            int(min(high, _HIGHEST)),
            tuple(drums.tolist()),
            tuple(struck[drums].tolist()),
        )

    @property
    def has_pitches(self) -> bool:
        """Whether there is a row of a pitch."""
        return self.high >= self.low

    @property
    def top(self) -> float:
        """Upper edge."""
        return self.high + 0.5

    @property
    def border(self) -> float:
        """Upper edge of the drums' strip."""
        return self.low - 0.5 - (_GAP if self.has_pitches else 0.0)

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.border - self.height * len(self.drums) if self.drums else self.low - 0.5

    def of_drums(self, pitches: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """Tell the middle of each drum's row.

        Parameters
        ----------
        pitches : ndarray of int32, shape (n,)
            Drum pitches, each one of `drums`.

        Returns
        -------
        ndarray of float64, shape (n,)
            Where they lie.
        """
        lane = np.searchsorted(self.drums, pitches).astype(np.float64)
        return self.bottom + self.height * (lane + 0.5)

    @property
    def black_keys(self) -> npt.NDArray[np.int64]:
        """Pitches of black keys among the rows."""
        pitches = np.arange(self.low, self.high + 1)
        return pitches[np.isin(pitches % 12, _BLACK)]

    @property
    def drum_labels(self) -> dict[float, str]:
        """The name of each drum by the middle of its row; of one without a name, its number."""
        middles = self.of_drums(np.array(self.drums, np.int32)).tolist()
        return {
            y: DRUM_NAMES.get(pitch, f"drum {pitch}")
            for y, pitch in zip(middles, self.drums, strict=True)
        }
