"""Which notes match and which do not: counts, index pairs, errors.

Precision is the part of the estimate's notes that match, recall the part of the reference's, F1
their harmonic mean, as in Bay, Ehmann and Downie, "Evaluation of multiple-F0 estimation and
tracking systems", ISMIR 2009. Where there is no note at all nothing is wrong, and each of them is
1 (`mir_eval` answers 0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.escape import printable

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["NOTE_INDEX", "PAIR", "ErrorSummary", "Matches", "TrackComparison"]

PAIR = np.dtype(
    [
        ("reference_track", "i4"),
        ("reference_note", "i4"),
        ("estimate_track", "i4"),
        ("estimate_note", "i4"),
    ]
)
"""One match: ``reference[reference_track].notes[reference_note]`` and its partner."""

NOTE_INDEX = np.dtype([("track", "i4"), ("note", "i4")])
"""One note without a partner: ``song[track].notes[note]``."""


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """How far matched notes are apart in one respect, sign left out; NaN if no note matched.

    Parameters
    ----------
    median, p90, p99, max : float
        Half, 90 %, 99 % and all of the differences are at most this.
    shift : float
        Median with its sign: positive where the estimate is later (louder) than the reference.

    Examples
    --------
    >>> ErrorSummary.of(np.array([0.0, 0.001, -0.002])).max
    0.002
    """

    median: float
    p90: float
    p99: float
    max: float
    shift: float

    @classmethod
    def of(cls, differences: npt.ArrayLike) -> ErrorSummary:
        """Summarise estimate minus reference.

        Parameters
        ----------
        differences : array_like of float, shape (n,)
            One difference a matched note.

        Returns
        -------
        ErrorSummary
            Percentiles interpolated linearly.
        """
        signed = np.asarray(differences, np.float64)
        if signed.size == 0:
            return cls(math.nan, math.nan, math.nan, math.nan, math.nan)
        median, p90, p99, most = np.percentile(np.abs(signed), [50, 90, 99, 100]).tolist()
        return cls(median, p90, p99, most, float(np.median(signed)))

    def to_dict(self) -> dict[str, float] | None:
        """Put the numbers under their names.

        Returns
        -------
        dict or None
            None if no note matched: JSON has no NaN.
        """
        if math.isnan(self.max):
            return None
        return {name: getattr(self, name) for name in ("median", "p90", "p99", "max", "shift")}


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Notes that found a partner and notes that did not.

    Parameters
    ----------
    pairs : ndarray of `PAIR`, shape (k,)
        The matches, track after track.
    missing_notes : ndarray of `NOTE_INDEX`, shape (m,)
        Notes of the reference without a partner.
    extra_notes : ndarray of `NOTE_INDEX`, shape (n,)
        Notes of the estimate without a partner.
    onset_errors : ndarray of float64, shape (k,)
        Estimate minus reference of each match, in seconds.
    offset_errors : ndarray of float64, shape (k,)
        The same of the notes' ends, in seconds.
    velocity_differences : ndarray of int64, shape (k,)
        The same of velocities.
    """

    pairs: npt.NDArray[np.void]
    missing_notes: npt.NDArray[np.void]
    extra_notes: npt.NDArray[np.void]
    onset_errors: npt.NDArray[np.float64]
    offset_errors: npt.NDArray[np.float64]
    velocity_differences: npt.NDArray[np.int64]

    @property
    def matched(self) -> int:
        """Number of notes that match."""
        return len(self.pairs)

    @property
    def missing(self) -> int:
        """Number of the reference's notes that the estimate has not."""
        return len(self.missing_notes)

    @property
    def extra(self) -> int:
        """Number of the estimate's notes that the reference has not."""
        return len(self.extra_notes)

    @property
    def same(self) -> bool:
        """Whether no note is missing and none is extra."""
        return self.missing == self.extra == 0

    @property
    def precision(self) -> float:
        """Part of the estimate's notes that match, 0 to 1; 1 if it has none."""
        return _ratio(self.matched, self.matched + self.extra)

    @property
    def recall(self) -> float:
        """Part of the reference's notes that match, 0 to 1; 1 if it has none."""
        return _ratio(self.matched, self.matched + self.missing)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0 to 1; 1 if neither side has notes."""
        return _ratio(2 * self.matched, 2 * self.matched + self.missing + self.extra)

    @property
    def onset(self) -> ErrorSummary:
        """How far onsets of matched notes are apart, in seconds."""
        return ErrorSummary.of(self.onset_errors)

    @property
    def offset(self) -> ErrorSummary:
        """How far ends of matched notes are apart, in seconds."""
        return ErrorSummary.of(self.offset_errors)

    @property
    def velocity(self) -> ErrorSummary:
        """How far velocities of matched notes are apart, 0 to 126."""
        return ErrorSummary.of(self.velocity_differences)

    def numbers(self) -> dict[str, Any]:
        """Put counts, rates and errors under their names.

        Returns
        -------
        dict
            Plain numbers, fit for JSON; an error is None if no note matched.
        """
        return {
            "matched": self.matched,
            "missing": self.missing,
            "extra": self.extra,
            "same": self.same,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "onset": self.onset.to_dict(),
            "offset": self.offset.to_dict(),
            "velocity": self.velocity.to_dict(),
        }

    @property
    def summary(self) -> str:
        """The counts in words."""
        parts = [f"{self.matched:,} of {self.matched + self.missing:,} notes match"]
        if self.missing:
            parts.append(f"{self.missing:,} missing")
        if self.extra:
            parts.append(f"{self.extra:,} extra")
        return ", ".join(parts)


def _ratio(part: int, whole: int) -> float:
    """Divide, and take all of nothing for 1."""
    return part / whole if whole else 1.0


@dataclass(frozen=True, slots=True, eq=False)
class TrackComparison(Matches):
    """The same for one pair of tracks, or for a track without a counterpart.

    Parameters
    ----------
    name : str
        Name in the reference; of a track that only the estimate has, its name there.
    reference, estimate : tuple of int
        Indices of the tracks that were compared, usually one each. None on one side: the other
        side's track has no counterpart. Several: tracks of this name are divided differently.
    """

    name: str
    reference: tuple[int, ...]
    estimate: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Put everything but the single notes under its name.

        Returns
        -------
        dict
            Plain numbers, text and lists, fit for JSON.
        """
        who = {"name": self.name, "reference": [*self.reference], "estimate": [*self.estimate]}
        return who | self.numbers()

    def __repr__(self) -> str:
        """Say the name and the counts."""
        return f"<TrackComparison '{printable(self.name)}' {self.summary}>"
