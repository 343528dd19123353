"""A pulse for a handful of strokes, or at a rate that is wanted: laid, not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.rhythm.estimation.fit import Course
from midikit.rhythm.estimation.lines import gain
from midikit.rhythm.estimation.pulses import Pulse, assigned

if TYPE_CHECKING:
    from midikit.rhythm.estimation.onsets import Onsets

__all__ = ["bare_rate", "pulse_at"]

_SHORTEST = 0.05
_USUAL = 0.5


def bare_rate(onsets: Onsets, tempo_range: tuple[float, float]) -> float:
    """Guess the rate of a pulse from few strokes: their median gap, folded into a range.

    Parameters
    ----------
    onsets : Onsets
        A song's strokes, one at least.
    tempo_range : tuple of float
        Slowest and fastest beats a minute, the upper at least twice the lower.

    Returns
    -------
    float
        Pulses a second.
    """
    times = np.unique(onsets.time)
    gap = float(np.median(np.diff(times))) if len(times) > 1 else _USUAL
    rate = 1.0 / max(gap, _SHORTEST)
    low, high = tempo_range[0] / 60.0, tempo_range[1] / 60.0
    while rate > high:
        rate /= 2.0
    while rate < low:
        rate *= 2.0
    return rate


def pulse_at(onsets: Onsets, rate: float) -> Pulse:
    """Lay a pulse of a given rate through the strokes, however badly it fits.

    Parameters
    ----------
    onsets : Onsets
        A song's strokes, one at least.
    rate : float
        Pulses a second.

    Returns
    -------
    Pulse
        Even lines at about that rate, constant.
    """
    late = np.exp(2j * np.pi * rate * onsets.time)
    turn = float(np.angle((onsets.weight * late).sum())) / (2.0 * np.pi)
    at = np.array([0.0, 1.0])
    course = Course(at, (at + turn) / rate)
    place = course.place_at(onsets.time)
    _, ideal = assigned(place, np.zeros(1))
    off = np.abs(place - ideal) / rate
    value, sigma = gain(off, onsets.weight, period=1.0 / rate, slots=1)
    return Pulse(
        course=course,
        slots=(0.0,),
        is_constant=True,
        gain=value,
        sigma=sigma,
        residual=float(np.median(off)),
        wander=0.0,
        lag=np.zeros(len(onsets.tracks)),
    )
