"""Chance that is the same everywhere: SplitMix64 in whole numbers modulo 2**64.

NumPy may change what its generators draw from one version to the next; this cannot change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["drawn", "mixed", "seeded"]


def seeded(values: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    """Turn whole numbers, negative ones included, into states.

    Parameters
    ----------
    values : array_like of int
        One number a state.

    Returns
    -------
    ndarray of uint64
        The numbers modulo 2**64.
    """
    return np.asarray(values, np.int64).astype(np.uint64)


def mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Stir states: one step of SplitMix64 (Steele, Lea and Flood 2014).

    Parameters
    ----------
    state : ndarray of uint64
        States, or seeds added to them.

    Returns
    -------
    ndarray of uint64
        The next states, 64 random bits each.

    Examples
    --------
    >>> hex(int(mixed(seeded([0]))[0]))
    '0xe220a8397b1dcdaf'
    """
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def drawn(state: npt.NDArray[np.uint64], most: int) -> npt.NDArray[np.int64]:
    """Turn states into whole numbers around 0, the middle ones likelier.

    Parameters
    ----------
    state : ndarray of uint64
        Random bits.
    most : int
        Greatest number to draw, and negated the least.

    Returns
    -------
    ndarray of int64
        Numbers from ``-most`` to ``most``.
    """
    total = np.zeros(state.shape, np.int64)
    for shift in (0, 16, 32):
        total += ((state >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64)
    return total * (2 * most + 1) // (3 * 0x10000) - most
