"""Key profiles from the literature, and how notes correlate with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["ALBRECHT_SHANAHAN", "KNOWN", "KRUMHANSL_KESSLER", "correlations"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"


def _profile(major: str, minor: str) -> FloatArray:
    """Read two rows of twelve numbers, from the tonic upwards."""
    return np.array([major.split(), minor.split()], np.float64)


KRUMHANSL_KESSLER = _profile(
    "6.35 2.23 3.48 2.33 4.38 4.09 2.52 5.19 2.39 3.66 2.29 2.88",
    "6.33 2.68 3.52 5.38 2.60 3.53 2.54 4.75 3.98 2.69 3.34 3.17",
)
"""How well each tone was heard to fit (Krumhansl and Kessler 1982)."""

AARDEN_ESSEN = _profile(
    "17.7661 0.145624 14.9265 0.160186 19.8049 11.3587 "
    "0.291248 22.062 0.145624 8.15494 0.232998 4.95122",
    "18.2648 0.737619 14.0499 16.8599 0.702494 14.4362 "
    "0.702494 18.6161 4.56621 1.93186 7.37619 1.75623",
)
"""Tones of the Essen folk songs (Aarden 2003)."""

KOSTKA_PAYNE = _profile(
    "0.748 0.060 0.488 0.082 0.670 0.460 0.096 0.715 0.104 0.366 0.057 0.400",
    "0.712 0.084 0.474 0.618 0.049 0.460 0.105 0.747 0.404 0.067 0.133 0.330",
)
"""Tones of the examples of Kostka and Payne's textbook (Temperley 2007)."""

ALBRECHT_SHANAHAN = _profile(
    "0.238 0.006 0.111 0.006 0.137 0.094 0.016 0.214 0.009 0.080 0.008 0.081",
    "0.220 0.006 0.104 0.123 0.019 0.103 0.012 0.214 0.062 0.022 0.061 0.052",
)
"""Tones at the beginnings and ends of 490 pieces (Albrecht and Shanahan 2013)."""

KNOWN = (KRUMHANSL_KESSLER, AARDEN_ESSEN, KOSTKA_PAYNE, ALBRECHT_SHANAHAN)
"""Profiles that the notes are held against, shape (2, 12) each: major and minor."""


def correlations(shares: FloatArray, profile: FloatArray) -> FloatArray:
    """Correlate pitch classes with a profile on each tonic.

    Parameters
    ----------
    shares : ndarray of float64, shape (n, 12)
        How much of each pitch class there is.
    profile : ndarray of float64, shape (2, 12)
        One of `KNOWN`.

    Returns
    -------
    ndarray of float64, shape (n, 24)
        -1 to 1: major on C to B, minor on C to B; 0 where all pitch classes are alike.

    Examples
    --------
    >>> triad = np.eye(12)[[7, 11, 2]].sum(axis=0)[None]
    >>> int(correlations(triad, KRUMHANSL_KESSLER).argmax())
    7
    """
    off = shares - shares.mean(axis=1, keepdims=True)
    size = np.maximum(np.sqrt((off**2).sum(axis=1)), 1e-9)
    columns = []
    for row in profile - profile.mean(axis=1, keepdims=True):
        row = row / np.sqrt((row**2).sum())  # noqa: PLW2901 - the same row at length 1
        columns += [(off * np.roll(row, tonic)).sum(axis=1) / size for tonic in range(12)]
    return np.stack(columns, axis=1)
