"""Sudden changes of tempo: where they are, and how many lines lie between the two tempi.

A path through short segments smears a step, and may gain or lose a line on its way. Here the steady
stretches on both sides are prolonged: for every count of lines they meet at another moment, and the
onsets around tell which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.fit import Course

__all__ = ["mend_steps"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_SMALLEST = 0.022
_REACH = 4.0
_NEAR = 1.2
_FAR = 10.0
_APART = 8.0
_MOST_STEPS = 8
_MOST_LINES = 6
_FEWEST = 6
_CAP = 0.05
_BETTER = 0.93


def mend_steps(
    time: FloatArray, weight: FloatArray, course: Course, slots: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Find steps of the tempo and count the lines across them anew.

    Parameters
    ----------
    time, weight : ndarray of float64, shape (n,)
        Strokes in seconds, in order, and their say.
    course : Course
        Seconds of cycle positions as fitted.
    slots : ndarray of float64, shape (1 or 2,)
        Lines of a cycle.

    Returns
    -------
    place : ndarray of float64, shape (n,)
        Position of each stroke in cycles, counted anew behind each step that was mended.
    kinks : ndarray of float64
        Positions at which the tempo steps.
    """
    place = course.place_at(time)
    kinks: list[float] = []
    for moment in _moments(course, float(time[0]), float(time[-1])):
        met = _met(time, weight, place, moment, slots)
        if met is None:
            continue
        place, kink = met
        kinks.append(kink)
    return place, np.array(sorted(kinks))


def _moments(course: Course, start: float, end: float) -> list[float]:
    """Seconds around which the pace differs most from before to after, earliest first."""
    if len(course.place) <= 2 or end - start < 3 * _REACH:
        return []
    grid = np.arange(start + _REACH, end - _REACH, 0.5)
    before = course.place_at(grid - _NEAR) - course.place_at(grid - _REACH)
    after = course.place_at(grid + _REACH) - course.place_at(grid + _NEAR)
    change = np.abs(np.log(np.maximum(after, 1e-9) / np.maximum(before, 1e-9)))
    found: list[float] = []
    for i in np.argsort(-change, kind="stable").tolist():
        if change[i] < _SMALLEST or len(found) >= _MOST_STEPS:
            break
        if all(abs(grid[i] - other) > _APART for other in found):
            found.append(float(grid[i]))
    return sorted(found)


def _line(time: FloatArray, weight: FloatArray, place: FloatArray) -> tuple[float, float] | None:
    """Fit time = offset + pace * place robustly; None with too few strokes."""
    if len(time) < _FEWEST or np.ptp(place) < 3.0:
        return None
    say = weight.copy()
    pace = offset = 0.0
    for _ in range(6):
        total = say.sum()
        x, y = float((say * place).sum() / total), float((say * time).sum() / total)
        spread = float((say * (place - x) ** 2).sum())
        if spread < 1e-9:
            return None
        pace = float((say * (place - x) * (time - y)).sum()) / spread
        offset = y - pace * x
        say = weight / np.maximum(1.0, np.abs(time - offset - pace * place) / 0.008) ** 2
    return (offset, pace) if pace > 0 else None


def _ideal(place: FloatArray, slots: FloatArray) -> FloatArray:
    """Nearest line of each position."""
    options = np.floor(place[:, None] - slots[None] + 0.5) + slots[None]
    best = np.abs(options - place[:, None]).argmin(axis=1)
    nearest: FloatArray = options[np.arange(len(place)), best]
    return nearest


def _met(
    time: FloatArray, weight: FloatArray, place: FloatArray, moment: float, slots: FloatArray
) -> tuple[FloatArray, float] | None:
    """Prolong both sides of a moment until they meet, for every count of lines between."""
    ideal = _ideal(place, slots)
    left = (time > moment - _FAR) & (time < moment - _NEAR)
    right = (time > moment + _NEAR) & (time < moment + _FAR)
    one = _line(time[left], weight[left], ideal[left])
    two = _line(time[right], weight[right], ideal[right])
    if one is None or two is None or abs(np.log(one[1] / two[1])) < _SMALLEST:
        return None
    around = (time > moment - _REACH) & (time < moment + _REACH)
    near, say = time[around], weight[around]
    if len(near) < _FEWEST:
        return None
    cycle = 0.5 * (one[1] + two[1])
    now = np.minimum(np.abs(place[around] - ideal[around]) * cycle, _CAP)
    best = (float((say * now).sum()) * _BETTER, 0, 0.0)
    kept = None
    for lines in range(-_MOST_LINES, _MOST_LINES + 1):
        kink = (two[0] - one[0] - two[1] * lines) / (one[1] - two[1])
        at = one[0] + one[1] * kink
        if abs(at - moment) > _REACH:
            continue
        here = np.where(near < at, (near - one[0]) / one[1], (near - two[0]) / two[1] + lines)
        off = np.minimum(np.abs(here - _ideal(here, slots)) * cycle, _CAP)
        cost = float((say * off).sum())
        if cost < best[0]:
            best = (cost, lines, at)
            kept = kink
    if kept is None:
        return None
    _, lines, at = best
    moved = place + np.where(time >= at, float(lines), 0.0)
    before = around & (time < at)
    after = around & (time >= at)
    moved[before] = (time[before] - one[0]) / one[1]
    moved[after] = (time[after] - two[0]) / two[1] + lines
    return moved, kept
