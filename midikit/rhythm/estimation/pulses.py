"""From onsets to a pulse: every grid line's time, and which line each note is on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.rhythm.estimation.fit import Course, fit_bent, fit_straight
from midikit.rhythm.estimation.lines import Lines, candidates, gain
from midikit.rhythm.estimation.phase import follow
from midikit.rhythm.estimation.pulse import base_rate
from midikit.rhythm.estimation.repetition import kinds_of
from midikit.rhythm.estimation.steps import mend_steps

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.onsets import Onsets

__all__ = ["FEWEST_STROKES", "Pulse", "assigned", "find_pulse"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

FEWEST_STROKES = 6
"""Strokes below which nothing is looked for."""

_KNOT = 2.0
_SCATTER = 0.012
_GREATEST_LAG = 0.06
_STRETCH = 6.0
_LONG = 1800.0
_SETTLED = 2
_MENDED = 2
_HEARD = 0.05
_SHARP = 0.004
_WIDEST = 0.35
_STIFFER = (300.0, 60.0, 15.0)


@dataclass(frozen=True, slots=True, eq=False)
class Pulse:
    """A pulse that the onsets keep to.

    Parameters
    ----------
    course : Course
        Seconds of cycle positions.
    slots : tuple of float
        Lines in a cycle: one, or two if swung.
    is_constant : bool
        Whether one tempo holds.
    gain : float
        Mean log-likelihood gain of a stroke over a flat density.
    sigma : float
        Scatter of the strokes around their lines in seconds.
    residual : float
        Median distance of the strokes to their lines in seconds.
    wander : float
        Total variation of the log tempo.
    lag : ndarray of float64, shape (parts,)
        How late each part is in seconds.
    """

    course: Course
    slots: tuple[float, ...]
    is_constant: bool
    gain: float
    sigma: float
    residual: float
    wander: float
    lag: FloatArray

    @property
    def cycle(self) -> float:
        """Mean seconds a cycle."""
        return self.course.period

    @property
    def period(self) -> float:
        """Mean seconds between lines."""
        return self.cycle / len(self.slots)

    @property
    def worth(self) -> float:
        """Gain less a price for an unsteady tempo, by which pulses are compared.

        Hardly any song doubles its tempo: where the lines seem to, they are others.
        """
        return self.gain - 0.15 * self.wander - _uneven(self.course)

    def nearest(self, time: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
        """Find the nearest line of each second: its number, and the signed distance in seconds."""
        place = self.course.place_at(time)
        line, ideal = assigned(place, np.array(self.slots))
        return line, (place - ideal) * self.cycle

    def line_time(self, line: npt.NDArray[np.int64]) -> FloatArray:
        """Seconds of lines by number."""
        count = len(self.slots)
        return self.course.time_at(line // count + np.array(self.slots)[line % count])


def assigned(place: FloatArray, slots: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Find the nearest line of each position in cycles: its number, and its own position."""
    whole = np.floor(place[:, None] - slots[None] + 0.5)
    off = np.abs(place[:, None] - slots[None] - whole)
    slot = off.argmin(axis=1)
    rows = np.arange(len(place))
    cycle = whole[rows, slot]
    return (cycle * len(slots) + slot).astype(np.int64), cycle + slots[slot]


def find_pulse(onsets: Onsets) -> Pulse | None:
    """Find the pulse of a song.

    Parameters
    ----------
    onsets : Onsets
        Its strokes.

    Returns
    -------
    Pulse or None
        None with too few strokes to say anything.
    """
    if len(onsets.time) < FEWEST_STROKES or onsets.time.max() < 0.5:
        return None
    order = np.argsort(onsets.time, kind="stable")
    time, weight, part = onsets.time[order], onsets.weight[order], onsets.stroke_part[order]
    struck = kinds_of(onsets)[order]
    centre, rates = base_rate(time, weight)
    rates = rates[: max(1, int(_LONG / time[-1]))]
    roughs = [_followed(time, weight, centre, rates[0])]
    best = _settle(time, weight, part, struck, roughs[0], len(onsets.tracks))
    if not (best.is_constant and _holds_throughout(best, time - best.lag[part])):
        others = [_followed(time, weight, centre, rate) for rate in rates[1:]]
        others.sort(key=lambda rough: -_promise(rough, time, weight))
        for rough in others[:_SETTLED]:
            found = _settle(time, weight, part, struck, rough, len(onsets.tracks))
            if found.worth > best.worth:
                best = found
    return _on_the_beat(best, onsets)


def _holds_throughout(pulse: Pulse, time: FloatArray) -> bool:
    """Tell whether strokes keep to the lines in nearly every stretch of a song."""
    _, off = pulse.nearest(time)
    stretch = np.maximum(time / _STRETCH, 0.0).astype(np.int64)
    near = np.abs(off) < 0.2 * pulse.period
    total = np.bincount(stretch)
    share = np.bincount(stretch, near) / np.maximum(total, 1)
    heard = total >= 8
    return bool((share[heard] > 0.7).mean() > 0.97) if heard.any() else False


def _followed(time: FloatArray, weight: FloatArray, centre: FloatArray, rate: FloatArray) -> Course:
    """Follow a pulse of a known rough rate, and fit its course for a start."""
    edge, pulse = follow(time, weight, centre, rate, sigma=_SCATTER)
    place = np.interp(time, edge, pulse)
    rough = _refine(time, weight, place, np.zeros(1))[0]
    return rough if rough.rises else Course(np.array([place[0], place[-1]]), time[[0, -1]])


def _promise(rough: Course, time: FloatArray, weight: FloatArray) -> float:
    """Worth of a pulse as far as it shows before steps are mended."""
    lines = candidates(rough.place_at(time), weight, period=rough.period)[0]
    return lines.gain - _uneven(rough)


def _uneven(course: Course) -> float:
    """Price of tempi that lie further apart than hardly any song's."""
    even = course.place_at(np.linspace(course.time[0], course.time[-1], 65))
    low, high = np.quantile(np.log(np.maximum(np.diff(even), 1e-9)), (0.06, 0.94))
    return max(0.0, float(high - low) - _WIDEST)


def _on_the_beat(pulse: Pulse, onsets: Onsets) -> Pulse:
    """Move the grid from the mean of all parts to where the beat is felt.

    Percussion is heard when it starts. Slow attacks are heard, and transcribed, late, and nothing
    is heard before it sounds: so the beat is taken to lie midway between the percussion and the
    earliest of the other parts (of those with a twentieth of the strokes).
    """
    count = np.bincount(onsets.stroke_part, minlength=len(onsets.tracks))
    drum = np.zeros(len(onsets.tracks), bool)
    drum[onsets.stroke_part] = onsets.is_drum[
        np.searchsorted(onsets.stroke, np.arange(len(onsets.time)))
    ]
    known = count >= max(FEWEST_STROKES, _HEARD * len(onsets.time))
    early = []
    if (known & drum).any():
        early.append(float(np.average(pulse.lag[known & drum], weights=count[known & drum])))
    if (known & ~drum).any():
        early.append(float(pulse.lag[known & ~drum].min()))
    if not early:
        return pulse
    shift = float(np.mean(early))
    course = Course(pulse.course.place, pulse.course.time + shift)
    return replace(pulse, course=course, lag=pulse.lag - shift)


def _settle(
    time: FloatArray,
    weight: FloatArray,
    part: npt.NDArray[np.int64],
    struck: FloatArray,
    course: Course,
    parts: int,
) -> Pulse:
    """Choose lines, fit their course, take the parts' lags off, and do so again."""
    lag = np.zeros(parts)
    kinks = np.zeros(0)
    for _ in range(_MENDED):
        place, kinks = mend_steps(time, weight, struck, course, np.zeros(1), kinks)
        if not len(kinks):
            break
        course = _refine(time, weight, place, np.zeros(1), kinks)[0]
    place = course.place_at(time)
    found: Pulse | None = None
    for _ in range(2):
        lines = candidates(place, weight, period=course.period)[0]
        found = _fitted(time - lag[part], weight, lines, place, lag, kinks)
        _, off = found.nearest(time - lag[part])
        late = _part_lags(off, part, parts, found.period)
        if np.abs(late).max() < 0.0005:
            break
        lag = lag + late
        place = (found.course.place_at(time - lag[part]) - lines.shift) / lines.scale
    assert found is not None
    return found


def _part_lags(
    off: FloatArray, part: npt.NDArray[np.int64], parts: int, period: float
) -> FloatArray:
    """Median distance of each part to its lines, against the mean of all (by say)."""
    near = np.abs(off) < min(_GREATEST_LAG, 0.35 * period)
    late, say = np.zeros(parts), np.zeros(parts)
    for i in range(parts):
        own = off[near & (part == i)]
        if len(own) >= 4:
            late[i] = np.median(own)
            say[i] = np.sqrt(len(own))
    if say.sum() > 0:
        late[say > 0] -= float((late * say).sum() / say.sum())
    return late


def _refine(
    time: FloatArray,
    weight: FloatArray,
    place: FloatArray,
    slots: FloatArray,
    kinks: FloatArray | None = None,
) -> tuple[Course, FloatArray]:
    """Assign strokes to lines and fit the course of the lines, in turn."""
    course = Course(place[[0, -1]] + np.array([0.0, 1e-6]), time[[0, -1]] + np.array([0.0, 1e-6]))
    cycle = float((time[-1] - time[0]) / max(place[-1] - place[0], 1e-9))
    before: FloatArray | None = None
    for _ in range(3):
        _, ideal = assigned(place, slots)
        if before is not None and np.array_equal(ideal, before):
            break
        before = ideal
        off = np.abs(place - ideal) * cycle
        tolerance = max(0.006, 1.5 * float(np.median(off)))
        used = off < max(4.0 * tolerance, 0.02)
        every = max(1.0, _KNOT / cycle)
        fitted = fit_bent(
            ideal[used], time[used], weight[used], every=every, tolerance=tolerance, kinks=kinks
        )
        if not fitted.rises:
            break
        course = fitted
        place = course.place_at(time)
        if len(slots) == 2:
            swung = place - np.floor(place)
            near = np.abs(swung - slots[1]) < 0.07
            if near.sum() > 5:
                slots = np.array([0.0, float(np.median(swung[near]))])
    return course, slots


def _simplest(
    ideal: FloatArray,
    time: FloatArray,
    weight: FloatArray,
    bent: Course,
    *,
    kinks: FloatArray,
    tolerance: float,
) -> tuple[Course, bool]:
    """Choose the simplest course that does about as well: straight, stiff, or as bent as it is."""
    stretch = np.maximum((time - time[0]) / _STRETCH, 0.0).astype(np.int64)
    heard = np.maximum(np.bincount(stretch), 1)

    def missed(course: Course) -> FloatArray:
        return np.minimum(np.abs(time - course.time_at(ideal)), 0.03)

    def by_stretch(course: Course) -> FloatArray:
        shares: FloatArray = np.bincount(stretch, missed(course)) / heard
        return shares

    least = float(missed(bent).mean())
    straight = fit_straight(ideal, time, weight, tolerance=tolerance)
    close = float(missed(straight).mean()) < max(least * 1.15 + 0.0004, 0.0017)
    if straight.rises and close:
        return straight, True
    every = max(1.0, _KNOT / bent.period)
    worst = by_stretch(bent) + max(0.0015, 0.35 * least)
    sharp = bent.place[1:-1][bent.bends > _SHARP]
    for stiffness in _STIFFER:
        stiff = fit_bent(
            ideal,
            time,
            weight,
            every=every,
            tolerance=tolerance,
            kinks=kinks,
            stiffness=stiffness,
            loose=sharp,
        )
        close = stiff.rises and float(missed(stiff).mean()) < least * 1.02 + 0.00003
        if close and (by_stretch(stiff) < worst).all():
            return stiff, False
    return bent, False


def _fitted(
    time: FloatArray,
    weight: FloatArray,
    lines: Lines,
    place: FloatArray,
    lag: FloatArray,
    kinks: FloatArray,
) -> Pulse:
    """Fit one set of lines, straight if that does as well as bent."""
    kinks = kinks * lines.scale + lines.shift
    bent, slots = _refine(
        time, weight, place * lines.scale + lines.shift, np.array(lines.slots), kinks
    )
    place = bent.place_at(time)
    _, ideal = assigned(place, slots)
    off = np.abs(place - ideal) * bent.period
    tolerance = max(0.006, 1.5 * float(np.median(off)))
    used = off < max(4.0 * tolerance, 0.02)
    course, constant = _simplest(
        ideal[used], time[used], weight[used], bent, kinks=kinks, tolerance=tolerance
    )
    _, ideal = assigned(course.place_at(time), slots)
    off = np.abs(time - course.time_at(ideal))
    value, sigma = gain(off, weight, period=course.period, slots=len(slots))
    pace = np.diff(course.time) / np.diff(course.place)
    # Not where a beat is held: there the pace is that of a pause.
    going = np.diff(course.place) > 0.5 * min(_KNOT / course.period, np.ptp(course.place))
    wander = float(np.abs(np.diff(np.log(np.maximum(pace[going], 1e-9)))).sum())
    return Pulse(
        course=course,
        slots=tuple(slots.tolist()),
        is_constant=constant,
        gain=value,
        sigma=sigma,
        residual=float(np.median(off)),
        wander=wander,
        lag=lag,
    )
