"""Sudden changes of tempo and held beats: where they are, and how many lines lie across them.

A path through short segments smears a step, and may gain or lose lines on its way. Here the steady
stretches on both sides of a moment are prolonged: for every count of lines they meet at another
moment (a step), or leave a gap to be waited through (a pause). The onsets around tell which, and so
does the pattern that goes on behind it (`midikit.rhythm.estimation.repetition`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from midikit.rhythm.estimation.repetition import agreement

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.fit import Course

__all__ = ["mend_steps"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_SMALLEST = 0.022
_WOBBLE = 0.015
_REACH = 4.0
_NEAR = 1.2
_FAR = 10.0
_HEARD = 40.0
_APART = 8.0
_MOST_STEPS = 8
_MOST_GAPS = 5
_GAP = 1.6
_STROKE = 0.02
_GAPS_TRIED = 4
_MOST_LINES = 16
_FEWEST = 6
_STRAYS = 0.1
_STEP_PRICE = 2.0
_PAUSE_PRICE = 8.0
_HURRY_PRICE = 14.0
_HURRIED = 0.85


class _Side(NamedTuple):
    """Time = offset + pace * place on one side of a moment."""

    offset: float
    pace: float

    def place(self, time: FloatArray) -> FloatArray:
        return (time - self.offset) / self.pace


class _Join(NamedTuple):
    """One way to join two sides: its worth, lines added behind, where, and the knots it needs."""

    worth: float
    lines: int
    at: float
    kinks: tuple[float, ...]


def mend_steps(
    time: FloatArray,
    weight: FloatArray,
    struck: FloatArray,
    course: Course,
    slots: FloatArray,
    known: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Find steps and pauses, and count the lines across them anew.

    Parameters
    ----------
    time, weight : ndarray of float64, shape (n,)
        Strokes in seconds, in order, and their say.
    struck : ndarray of float64, shape (n, kinds)
        What they strike.
    course : Course
        Seconds of cycle positions as fitted.
    slots : ndarray of float64, shape (1 or 2,)
        Lines of a cycle.
    known : ndarray of float64
        Positions of sudden changes that are in the course already.

    Returns
    -------
    place : ndarray of float64, shape (n,)
        Position of each stroke in cycles, counted anew behind each moment that was mended.
    kinks : ndarray of float64
        Positions at which the tempo changes suddenly.
    """
    place = course.place_at(time)
    sigma = _scatter(place, slots, course.period)
    kinks, at = known.astype(np.float64), course.time_at(known)
    for moment in _moments(course, time):
        join = _joined(time, weight, struck, place, moment, slots, sigma)
        if join is None:
            continue
        place = _rejoined(time, place, moment, slots, join)
        kinks = kinks + np.where(at >= join.at, float(join.lines), 0.0)
        kept = np.abs(at - moment) > _REACH
        kinks = np.concatenate([kinks[kept], join.kinks])
        at = np.concatenate([at[kept], np.full(len(join.kinks), join.at)])
    return place, np.unique(kinks)


def _scatter(place: FloatArray, slots: FloatArray, period: float) -> float:
    """Scatter of strokes around their lines in seconds."""
    off = np.abs(place - _ideal(place, slots)) * period
    return float(np.clip(1.5 * np.median(off), 0.004, 0.03))


def _moments(course: Course, time: FloatArray) -> list[float]:
    """Seconds around which the pace changes or nothing is struck for long, earliest first."""
    start, end = float(time[0]), float(time[-1])
    if end - start < 3 * _REACH:
        return []
    gap = np.diff(time)
    usual = float(np.quantile(gap[gap > _STROKE], 0.8)) if (gap > _STROKE).any() else np.inf
    wide = np.flatnonzero(gap > _GAP * usual)
    wait, middle = gap[wide], time[wide] + 0.5 * gap[wide]
    found: list[float] = []

    def add(moments: FloatArray, size: FloatArray, least: float, most: int) -> None:
        for i in np.argsort(-size, kind="stable").tolist():
            if size[i] < least or len(found) >= most:
                break
            at = float(moments[i])
            near = np.abs(middle - at) < _REACH
            if near.any():
                at = float(middle[near][wait[near].argmax()])
            if all(abs(at - other) > _APART for other in found):
                found.append(at)

    if len(course.place) > 2:
        grid = np.arange(start + _REACH, end - _REACH, 0.5)

        def pace(since: float, until: float) -> FloatArray:
            lines = course.place_at(grid + until) - course.place_at(grid + since)
            return np.log(np.maximum(lines, 1e-9) / (until - since))

        before, after = pace(-_REACH, -_NEAR), pace(_NEAR, _REACH)
        add(grid, np.abs(after - before), _SMALLEST, _MOST_STEPS)
        add(grid, np.abs(pace(-_NEAR, _NEAR) - 0.5 * (before + after)), _WOBBLE, _MOST_STEPS)
    inner = (middle > start + _REACH) & (middle < end - _REACH)
    add(middle[inner], wait[inner], 0.0, len(found) + _MOST_GAPS)
    return sorted(found)


def _line(time: FloatArray, weight: FloatArray, place: FloatArray) -> _Side | None:
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
    return _Side(offset, pace) if pace > 0 else None


def _ideal(place: FloatArray, slots: FloatArray) -> FloatArray:
    """Nearest line of each position."""
    options = np.floor(place[:, None] - slots[None] + 0.5) + slots[None]
    best = np.abs(options - place[:, None]).argmin(axis=1)
    nearest: FloatArray = options[np.arange(len(place)), best]
    return nearest


def _sides(
    time: FloatArray, weight: FloatArray, place: FloatArray, moment: float, slots: FloatArray
) -> tuple[_Side, _Side] | None:
    """Fit the steady stretches before and behind a moment."""
    ideal = _ideal(place, slots)
    left = (time > moment - _FAR) & (time < moment - _NEAR)
    right = (time > moment + _NEAR) & (time < moment + _FAR)
    one = _line(time[left], weight[left], ideal[left])
    two = _line(time[right], weight[right], ideal[right])
    return None if one is None or two is None else (one, two)


def _joined(
    time: FloatArray,
    weight: FloatArray,
    struck: FloatArray,
    place: FloatArray,
    moment: float,
    slots: FloatArray,
    sigma: float,
) -> _Join | None:
    """Choose how two sides of a moment are joined; None if they are best left as they are."""
    sides = _sides(time, weight, place, moment, slots)
    around = (time > moment - _REACH) & (time < moment + _REACH)
    near, say = time[around], weight[around]
    if sides is None or len(near) < _FEWEST:
        return None
    one, two = sides
    cycle = 0.5 * (one.pace + two.pace)
    wide = (time > moment - _HEARD) & (time < moment + _HEARD)
    # The tables of the repetition count whole cycles: both lines of a swung pair are one there.
    line = np.floor(place[wide] + (0.5 if len(slots) == 1 else 0.1)).astype(np.int64)
    goes_on = agreement(line, struck[wide], time[wide] > moment, _MOST_LINES)

    def fits(here: FloatArray) -> float:
        off = (here - _ideal(here, slots)) * cycle / sigma
        peak = np.exp(-0.5 * off**2) * cycle / (len(slots) * sigma * np.sqrt(2 * np.pi))
        return float((say * np.log(_STRAYS + (1.0 - _STRAYS) * peak)).sum())

    highest = fits(_ideal(place[around], slots))
    best = _Join(fits(place[around]) + goes_on[_MOST_LINES], 0, moment, ())
    for lines in range(-_MOST_LINES, _MOST_LINES + 1):
        most = highest + goes_on[lines + _MOST_LINES]
        ways = _steps(one, two, moment, lines) if most - _STEP_PRICE > best.worth else []
        if most - _PAUSE_PRICE > best.worth:
            ways += _pauses(one, two, near, lines, slots)
        for way in ways:
            here = np.where(near < way.at, one.place(near), two.place(near) + lines)
            worth = fits(here) + goes_on[lines + _MOST_LINES] + way.worth
            if worth > best.worth:
                best = way._replace(worth=worth)
    return best if best.kinks else None


def _steps(one: _Side, two: _Side, moment: float, lines: int) -> list[_Join]:
    """Find where both sides meet if the tempo steps there, at the price of that."""
    if abs(np.log(one.pace / two.pace)) < _SMALLEST:
        return []
    kink = (two.offset - one.offset - two.pace * lines) / (one.pace - two.pace)
    at = one.offset + one.pace * kink
    return [_Join(-_STEP_PRICE, lines, at, (kink,))] if abs(at - moment) <= _REACH else []


def _pauses(one: _Side, two: _Side, near: FloatArray, lines: int, slots: FloatArray) -> list[_Join]:
    """Hold the beat in each of the widest gaps between strokes, at the price of that."""
    gap = np.diff(near)
    ways = []
    for i in np.argsort(-gap, kind="stable")[:_GAPS_TRIED].tolist():
        ends = np.array([one.place(near[i]), two.place(near[i + 1]) + lines])
        low, high = _ideal(ends, slots).tolist()
        if high - low < 0.5 / len(slots):
            continue
        rest = two.offset + two.pace * (high - lines) - one.offset - one.pace * low
        hurried = rest < _HURRIED * (high - low) * 0.5 * (one.pace + two.pace)
        price = _HURRY_PRICE if hurried else _PAUSE_PRICE
        ways.append(_Join(-price, lines, float(near[i : i + 2].mean()), (low, high)))
    return ways


def _rejoined(
    time: FloatArray, place: FloatArray, moment: float, slots: FloatArray, join: _Join
) -> FloatArray:
    """Count the lines behind a join anew; around it, by the lines of both sides."""
    sides = _sides(time, np.ones(len(time)), place, moment, slots)
    assert sides is not None
    moved = place + np.where(time >= join.at, float(join.lines), 0.0)
    before = (time > moment - _REACH) & (time < join.at)
    after = (time < moment + _REACH) & (time >= join.at)
    moved[before] = sides[0].place(time[before])
    moved[after] = sides[1].place(time[after]) + join.lines
    return moved
