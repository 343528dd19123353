"""Which lines the onsets keep to: the finest even pulse, or a swung pair in every beat.

Each candidate is judged by the likelihood of the onsets' phases under narrow peaks at its lines and
a flat share of strays, against a flat density: finer lines explain more onsets, each less sharply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Lines", "candidates", "gain"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_SIGMAS = (0.004, 0.007, 0.012, 0.02, 0.03)
_STRAYS = 0.05
_EVEN = (0.25, 1 / 3, 0.5, 1.0, 1.5, 2.0, 3.0)
_SHORTEST, _LONGEST = 0.06, 1.2
_SWUNG = (1.0, 2 / 3, 0.5, 0.4, *(1 / pulses for pulses in range(3, 13)))
_SWING_CYCLE = (0.25, 1.1)
_SWING_RATIO = (0.55, 0.72)
_SWING_PRICE = 0.03
_SWING_SHARE = 0.08
_BINS = 120


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a cycle.

    Parameters
    ----------
    scale : float
        Cycles a pulse.
    shift : float
        Cycle position of pulse 0.
    slots : tuple of float
        Positions of the lines in the cycle: one, or two if swung.
    gain : float
        Mean log-likelihood gain an onset.
    """

    scale: float
    shift: float
    slots: tuple[float, ...]
    gain: float

    @property
    def swung(self) -> bool:
        """Whether the cycle is a swung pair."""
        return len(self.slots) > 1


def gain(off: FloatArray, weight: FloatArray, *, period: float, slots: int) -> tuple[float, float]:
    """Judge distances to the nearest line.

    Parameters
    ----------
    off, weight : ndarray of float64, shape (n,)
        Distance in seconds and say of each stroke.
    period : float
        Seconds a cycle.
    slots : int
        Lines a cycle.

    Returns
    -------
    gain, sigma : float
        Mean log-likelihood gain over a flat density at the best scatter, and that in seconds.
    """
    best = (-np.inf, _SIGMAS[0])
    for sigma in _SIGMAS:
        peak = np.exp(-0.5 * (off / sigma) ** 2) * period / (slots * sigma * np.sqrt(2 * np.pi))
        total = float((weight * np.log(_STRAYS + (1.0 - _STRAYS) * peak)).sum() / weight.sum())
        best = max(best, (total, sigma))
    return best


def candidates(place: FloatArray, weight: FloatArray, *, period: float) -> list[Lines]:
    """Judge every plausible set of lines.

    Parameters
    ----------
    place, weight : ndarray of float64, shape (n,)
        Position in pulses and say of each stroke.
    period : float
        Seconds a pulse.

    Returns
    -------
    list of Lines
        Best first; never empty.
    """
    found = [
        line
        for scale in _EVEN
        if _SHORTEST < period / scale < _LONGEST or scale == 1.0
        for line in _even(place, weight, scale, period / scale)
    ]
    for scale in _SWUNG:
        if _SWING_CYCLE[0] < period / scale < _SWING_CYCLE[1]:
            found += _swung(place, weight, scale, period / scale)
    found.sort(key=lambda line: -line.gain)
    return found


def _even(place: FloatArray, weight: FloatArray, scale: float, cycle: float) -> list[Lines]:
    """Judge even lines; those coarser than the pulse have several places to lie."""
    ways = round(1.0 / scale) if scale < 1.0 else 1
    found = []
    for way in range(ways):
        at = place * scale + way * scale
        turn = float(np.angle((weight * np.exp(2j * np.pi * at)).sum()) / (2 * np.pi))
        off = ((at - turn + 0.5) % 1.0 - 0.5) * cycle
        found.append(
            Lines(scale, way * scale - turn, (0.0,), gain(off, weight, period=cycle, slots=1)[0])
        )
    return found


def _swung(place: FloatArray, weight: FloatArray, scale: float, cycle: float) -> list[Lines]:
    """Judge a swung pair of lines a cycle, its place and ratio found on a histogram of phases."""
    at = place * scale
    seen = np.bincount((at % 1.0 * _BINS).astype(np.int64) % _BINS, weight, _BINS)
    off = (np.arange(_BINS) + _BINS // 2) % _BINS - _BINS // 2
    smooth = np.fft.irfft(np.fft.rfft(seen) * np.fft.rfft(np.exp(-0.125 * off**2)), _BINS)
    steps = np.arange(round(0.56 * _BINS), round(0.73 * _BINS))
    pairs = np.stack([smooth + np.roll(smooth, -int(step)) for step in steps])
    row, first = np.unravel_index(int(pairs.argmax()), pairs.shape)
    turn, ratio = (float(first) + 0.5) / _BINS, float(steps[row]) / _BINS
    second = np.zeros(len(at), bool)
    for _ in range(3):
        to_first = (at - turn + 0.5) % 1.0 - 0.5
        to_second = (at - turn - ratio + 0.5) % 1.0 - 0.5
        here, second = np.abs(to_first) < 0.06, np.abs(to_second) < 0.06
        if not (here.any() and second.any()):
            return []
        early = float(np.average(to_first[here], weights=weight[here]))
        late = float(np.average(to_second[second], weights=weight[second]))
        turn, ratio = turn + early, ratio + late - early
    total = weight.sum()
    if not _SWING_RATIO[0] < ratio < _SWING_RATIO[1] or weight[second].sum() < _SWING_SHARE * total:
        return []
    middle = np.abs((at - turn - 1 / 3 + 0.5) % 1.0 - 0.5) < 0.05
    if abs(ratio - 2 / 3) < 0.015 and weight[middle].sum() > 0.02 * total:
        return []
    near = np.minimum(
        np.abs((at - turn + 0.5) % 1.0 - 0.5), np.abs((at - turn - ratio + 0.5) % 1.0 - 0.5)
    )
    judged = gain(near * cycle, weight, period=cycle, slots=2)[0] - _SWING_PRICE
    return [Lines(scale, -turn, (0.0, ratio), judged)]
