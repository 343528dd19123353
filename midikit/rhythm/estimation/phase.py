"""Follow the phase of a pulse whose rate is roughly known.

A hidden Markov model over (phase, rate) at the ends of short segments, as the bar pointer of
Whiteley, Cemgil and Godsill (2006) and Krebs, Böck and Widmer (2015), but within a segment the
phase moves evenly, so that the onsets' exact times are used and not frames of them. Changes of rate
cost their size (so few are made) up to a price at which a jump is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["follow"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_PHASES = 32
_SEGMENT = 1.0
_REACH = 6
_FREE = 1
_STEP_COST = 0.7
_JUMP_COST = 9.0
_OUTLIERS = 0.12
_MARGIN = 0.06
_MOST_RATES = 96


def follow(
    time: FloatArray,
    weight: FloatArray,
    centre: FloatArray,
    rate: FloatArray,
    *,
    sigma: float,
) -> tuple[FloatArray, FloatArray]:
    """Follow a pulse of known rough rate through the strokes.

    Parameters
    ----------
    time, weight : ndarray of float64, shape (n,)
        Strokes in seconds from 0 and their say.
    centre, rate : ndarray of float64, shape (windows,)
        Rough rate of the pulse in hertz, and where.
    sigma : float
        Expected scatter of onsets in seconds.

    Returns
    -------
    edge : ndarray of float64, shape (segments + 1,)
        Ends of the segments in seconds.
    pulse : ndarray of float64, shape (segments + 1,)
        Position in pulses at each, increasing; the pulse falls on whole numbers.
    """
    low = np.floor(float(rate.min()) * (1.0 - _MARGIN) * _SEGMENT * _PHASES)
    high = np.ceil(float(rate.max()) * (1.0 + _MARGIN) * _SEGMENT * _PHASES)
    stride = max(1, int(np.ceil((high - low) / _MOST_RATES)))
    advance = np.arange(low, high + stride, stride).astype(np.int64)
    count = int(float(time[-1]) / _SEGMENT) + 1
    segment = np.minimum((time / _SEGMENT).astype(np.int64), count - 1)
    score = _likelihood(time - segment * _SEGMENT, weight, segment, advance, sigma, count)
    price = _nearby(centre, rate, advance, count)
    taken, phase = _viterbi(score, advance, price)
    pulse = np.concatenate([[phase[0]], phase[0] + np.cumsum(advance[taken])]) / _PHASES
    edge: FloatArray = np.arange(count + 1, dtype=np.float64) * _SEGMENT
    return edge, pulse


def _nearby(
    centre: FloatArray, rate: FloatArray, advance: npt.NDArray[np.int64], count: int
) -> FloatArray:
    """Price of each advance in each segment for leaving the rough rate, shape (segments, rates)."""
    rough = np.interp((np.arange(count) + 0.5) * _SEGMENT, centre, rate)
    off = np.log(advance[None] / (_PHASES * _SEGMENT) / rough[:, None])
    price: FloatArray = np.minimum((off / 0.04) ** 2, 12.0)
    return price


def _likelihood(
    late: FloatArray,
    weight: FloatArray,
    segment: npt.NDArray[np.int64],
    advance: npt.NDArray[np.int64],
    sigma: float,
    count: int,
) -> npt.NDArray[np.float32]:
    """Log-likelihood by segment, rate, and phase at the start of the segment."""
    score = np.zeros((count, len(advance), _PHASES), np.float32)
    bins = np.arange(_PHASES)
    shift = (bins[:, None] + bins[None]) % _PHASES
    for row, step in enumerate(advance.tolist()):
        rate = step / (_PHASES * _SEGMENT)
        place = np.floor(late * rate * _PHASES + 0.5).astype(np.int64) % _PHASES
        seen = np.bincount(segment * _PHASES + place, weight, count * _PHASES)
        gain = _density(sigma * rate)[shift]
        # Not `@`: the last bits of BLAS depend on the machine and on the number of threads.
        score[:, row] = np.einsum("sp,pq->sq", seen.reshape(count, _PHASES), gain)
    return score


def _density(sigma: float) -> FloatArray:
    """Log-density gain of a stroke over uniform for each phase bin, scatter in cycles."""
    width = np.hypot(sigma, 0.3 / _PHASES)
    off = (np.arange(_PHASES) / _PHASES + 0.5) % 1.0 - 0.5
    peak = np.exp(-0.5 * (off / width) ** 2)
    gain: FloatArray = np.log(_OUTLIERS + (1.0 - _OUTLIERS) * peak / peak.mean())
    return gain


def _viterbi(
    score: npt.NDArray[np.float32], advance: npt.NDArray[np.int64], price: FloatArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find the best rate in every segment and the phase at the start of each."""
    count, rates, _ = score.shape
    before = (np.arange(_PHASES)[None] - advance[:, None]) % _PHASES
    origin = np.zeros(score.shape, np.int16)
    score -= price[:, :, None]
    arrived = np.take_along_axis(score[0], before, 1)
    steps = np.arange(-_REACH, _REACH + 1)
    cost = _STEP_COST * np.maximum(0, np.abs(steps) - _FREE)
    padded = np.full((rates + 2 * _REACH, _PHASES), -np.inf)
    around = sliding_window_view(padded, 2 * _REACH + 1, axis=0)
    rows, columns = np.ogrid[:rates, :_PHASES]
    for i in range(1, count):
        padded[_REACH:-_REACH] = arrived
        reached = around - cost
        step = reached.argmax(axis=2)
        best = reached[rows, columns, step]
        far = arrived.argmax(axis=0)
        jump = arrived[far, columns[0]] - _JUMP_COST
        origin[i] = np.where(jump > best, far, rows + step - _REACH)
        arrived = np.take_along_axis(np.maximum(best, jump) + score[i], before, 1)
    taken = np.zeros(count, np.int64)
    phase = np.zeros(count, np.int64)
    rate, end = divmod(int(arrived.argmax()), _PHASES)
    for i in range(count - 1, -1, -1):
        taken[i] = rate
        phase[i] = (end - advance[rate]) % _PHASES
        end = int(phase[i])
        rate = int(origin[i, rate, end])
    return taken, phase
