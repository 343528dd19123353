"""Fit the time of each grid line to the onsets on it: straight pieces with few bends.

An l1 trend filter (Kim, Koh, Boyd and Gorinevsky 2009) by reweighted least squares, in which onsets
far from the line lose their say. A constant tempo is one straight piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Course", "fit_bent", "fit_straight"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_STIFFNESS = 3.0
_BEND = 0.002
_ROUNDS = 8
_ENDING = 4.0
_LAST_KNOTS = 2
_AT_KINK = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Time of every grid position: straight between knots, going on at the pace of its ends.

    Parameters
    ----------
    place : ndarray of float64, shape (k,), k >= 2
        Positions of the knots in cycles, increasing.
    time : ndarray of float64, shape (k,)
        Their seconds, increasing.
    """

    place: FloatArray
    time: FloatArray

    def time_at(self, place: npt.ArrayLike) -> FloatArray:
        """Seconds of grid positions."""
        return _line(np.asarray(place, np.float64), self.place, self.time)

    def place_at(self, time: npt.ArrayLike) -> FloatArray:
        """Grid positions of seconds."""
        return _line(np.asarray(time, np.float64), self.time, self.place)

    @property
    def rises(self) -> bool:
        """Whether time goes forward throughout."""
        return bool((np.diff(self.time) > 0).all() and (np.diff(self.place) > 0).all())

    @property
    def bends(self) -> FloatArray:
        """Change of pace at each inner knot over the pace, by size."""
        pace = np.diff(self.time) / np.diff(self.place)
        sizes: FloatArray = np.abs(np.diff(pace)) / self.period
        return sizes

    @property
    def period(self) -> float:
        """Mean seconds a cycle."""
        return float((self.time[-1] - self.time[0]) / (self.place[-1] - self.place[0]))


def _line(x: FloatArray, xp: FloatArray, fp: FloatArray) -> FloatArray:
    """Interpolate, going on beyond both ends."""
    left = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, len(xp) - 2)
    slope = (fp[left + 1] - fp[left]) / (xp[left + 1] - xp[left])
    line: FloatArray = fp[left] + (x - xp[left]) * slope
    return line


def fit_bent(
    place: FloatArray,
    time: FloatArray,
    weight: FloatArray,
    *,
    every: float,
    tolerance: float,
    kinks: FloatArray | None = None,
    stiffness: float = _STIFFNESS,
    loose: FloatArray | None = None,
) -> Course:
    """Fit straight pieces with few bends, knots `every` so many cycles.

    Parameters
    ----------
    place, time, weight : ndarray of float64, shape (n,)
        Ideal position in cycles, second and say of each stroke.
    every : float
        Cycles between knots.
    tolerance : float
        Seconds from which on a stroke loses say.
    kinks : ndarray of float64, optional
        Positions at which there is a knot in any case.
    stiffness : float, optional
        Price of a bend.
    loose : ndarray of float64, optional
        Positions, ascending, around which a bend costs no more than the usual price.

    Returns
    -------
    Course
        The fit; it may fail to rise where the strokes are wild.
    """
    low, high = float(place.min()), float(place.max())
    knots = max(2, int(np.ceil((high - low) / every)) + 1)
    at = np.linspace(low, max(high, low + 1e-6), knots)
    if kinks is not None and len(kinks):
        far = np.abs(at[1:-1, None] - kinks[None]).min(axis=1) > 0.5 * every
        inner = kinks[(kinks > low + 1e-3) & (kinks < high - 1e-3)]
        at = np.unique(np.concatenate([at[:1], at[1:-1][far], inner, at[-1:]]))
        knots = len(at)
    first, last = every / np.diff(at)[:-1], every / np.diff(at)[1:]
    first, last = np.minimum(first, 10.0), np.minimum(last, 10.0)
    mid = -(first + last)
    price = np.full(max(knots - 2, 0), stiffness)
    if loose is not None and len(loose):
        price[_distance(at[1:-1], loose) <= 1.01 * every] = min(stiffness, _STIFFNESS)
    if kinks is not None:
        price[np.isin(at[1:-1], kinks)] *= _AT_KINK
    left = np.clip(np.searchsorted(at, place, side="right") - 1, 0, knots - 2)
    share = (place - at[left]) / (at[left + 1] - at[left])
    # The last beats may slow down, and few strokes tell: there they keep more of their say.
    trust = np.where(time > time.max() - _ENDING, 4.0, 1.0) * tolerance
    price[-_LAST_KNOTS:] = np.minimum(price[-_LAST_KNOTS:], 0.1)
    say, bend = weight.copy(), np.ones(max(knots - 2, 0))
    solved = at
    for _ in range(_ROUNDS if knots > 2 else 5):
        near, far = say * (1.0 - share), say * share
        main, side, right = np.full(knots, 1e-9), np.zeros(knots - 1), np.zeros(knots)
        main += np.bincount(left, near * (1.0 - share), knots)
        main += np.bincount(left + 1, far * share, knots)
        side += np.bincount(left, near * share, knots)[: knots - 1]
        right += np.bincount(left, near * time, knots)
        right += np.bincount(left + 1, far * time, knots)
        second = np.zeros(max(knots - 2, 0))
        if knots > 2:
            stiff = price * bend
            main[:-2] += stiff * first**2
            main[1:-1] += stiff * mid**2
            main[2:] += stiff * last**2
            side[:-1] += stiff * first * mid
            side[1:] += stiff * mid * last
            second += stiff * first * last
        solved = _solve(main, side, second, right)
        missed = np.abs(time - (solved[left] * (1.0 - share) + solved[left + 1] * share))
        say = weight / np.maximum(1.0, missed / trust) ** 2
        bent = first * solved[:-2] + mid * solved[1:-1] + last * solved[2:]
        bend = 2.0 * _BEND / (np.abs(bent) + _BEND)
    return Course(at, solved)


def _distance(place: FloatArray, marks: FloatArray) -> FloatArray:
    """Distance of each position to the nearest of some ascending marks."""
    right = np.clip(np.searchsorted(marks, place), 1, len(marks)) - 1
    after = np.abs(marks[np.minimum(right + 1, len(marks) - 1)] - place)
    return np.minimum(np.abs(marks[right] - place), after)


def fit_straight(
    place: FloatArray, time: FloatArray, weight: FloatArray, *, tolerance: float
) -> Course:
    """Fit one straight line, strokes beyond `tolerance` (s) losing their say."""
    say = weight.copy()
    slope, offset = 1.0, 0.0
    for _ in range(8):
        total = say.sum()
        x, y = float((say * place).sum() / total), float((say * time).sum() / total)
        spread = float((say * (place - x) ** 2).sum())
        slope = float((say * (place - x) * (time - y)).sum() / max(spread, 1e-12))
        offset = y - slope * x
        missed = np.abs(time - offset - slope * place)
        say = weight / np.maximum(1.0, missed / tolerance) ** 2
    at = np.array([place.min(), max(place.max(), place.min() + 1.0)])
    return Course(at, offset + slope * at)


def _solve(main: FloatArray, side: FloatArray, second: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a symmetric positive system of five diagonals (LDL' factors, in one pass).

    Plain floats: a few hundred knots are quicker so than any array call, and memory stays linear.
    """
    n = len(main)
    d, e, f = main.tolist(), [*side.tolist(), 0.0, 0.0], [*second.tolist(), 0.0, 0.0, 0.0]
    b = right.tolist()
    low1, low2 = [0.0] * (n + 2), [0.0] * (n + 2)
    pivot = [1.0] * n
    for i in range(n):
        p = d[i]
        if i >= 1:
            p -= low1[i - 1] ** 2 * pivot[i - 1]
        if i >= 2:
            p -= low2[i - 2] ** 2 * pivot[i - 2]
        pivot[i] = p
        cross = low1[i - 1] * pivot[i - 1] * low2[i - 1] if i >= 1 else 0.0
        low1[i] = (e[i] - cross) / p
        low2[i] = f[i] / p
    for i in range(n):
        if i >= 1:
            b[i] -= low1[i - 1] * b[i - 1]
        if i >= 2:
            b[i] -= low2[i - 2] * b[i - 2]
    for i in range(n - 1, -1, -1):
        b[i] = b[i] / pivot[i]
        if i + 1 < n:
            b[i] -= low1[i] * b[i + 1]
        if i + 2 < n:
            b[i] -= low2[i] * b[i + 2]
    return np.array(b)
