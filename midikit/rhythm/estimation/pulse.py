"""The rate of the pulse through a song: a windowed periodogram of the onsets and a path through it.

The periodogram of an onset train is the tempogram of Grosche and Müller (2011), taken here of note
onsets and turned into a likelihood: the gain of a von Mises density of phases over a uniform one
(Mardia and Jupp 2000, section 5.3). Multiples of one slowly moving base rate are summed up, the
path of the base rate is found by dynamic programming (Viterbi 1967).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MULTIPLES", "base_rate"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

MULTIPLES = (1, 2, 3, 4, 6, 8)
"""Pulses a base cycle may hold."""

_RATE = 192.0
"""Bins a second: times on the lattice of the endpoint fall on bins exactly."""

_WINDOW = 9.0
_HOP = 2.0
_FFT = 8192
_SIGMA = 0.004
"""Seconds: no window is taken to be steadier than this."""

_LOW, _HIGH = 0.9, 21.0
_BASE = np.exp(np.arange(np.log(0.8), np.log(3.2), 0.004))
_STEP_COST = 0.8
_JUMP_COST = 30.0
_FARTHEST_JUMP = 76
_SHARED, _SINGLE = 3, 4
_SAME = 0.01
_CHUNK = 64


def base_rate(time: FloatArray, weight: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    """Find the slowly moving base rate whose multiples hold the onsets best.

    Parameters
    ----------
    time, weight : ndarray of float64, shape (n,)
        Strokes in seconds from 0 and their say.

    Returns
    -------
    centre : ndarray of float64, shape (windows,)
        Middle of each window in seconds.
    rates : list of ndarray of float64, shape (windows,)
        Candidate rates of the pulse in hertz, likeliest first: on the path that the multiples
        share, and on the best paths of single multiples.
    """
    centre, frequency, gain = _tempogram(time, weight)
    share = np.zeros((len(MULTIPLES), len(centre), len(_BASE)))
    for row, multiple in enumerate(MULTIPLES):
        rate = multiple * _BASE
        reached = rate < frequency[-1]
        left = np.clip((rate - frequency[0]) / (frequency[1] - frequency[0]), 0, len(frequency) - 2)
        bins = left.astype(np.int64)
        best = np.maximum(gain[:, bins], gain[:, bins + 1])
        share[row] = np.where(reached, best, 0.0)
    _, joint = _path(share.max(axis=0, keepdims=True))
    windows = np.arange(len(centre))
    total = share[:, windows, joint[0]].sum(axis=1)
    best, single = _path(share)
    paths = [(int(m), joint[0]) for m in np.argsort(-total, kind="stable")[:_SHARED]]
    paths += [(int(m), single[m]) for m in np.argsort(-best, kind="stable")[:_SINGLE]]
    found: list[FloatArray] = []
    for multiple, path in paths:
        rate = MULTIPLES[multiple] * _BASE[path]
        if all(np.abs(np.log(rate / other)).max() > _SAME for other in found):
            found.append(rate)
    return centre, found


def _tempogram(time: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute windows (s), frequencies (Hz) and the log-likelihood gain of each of them."""
    width = int(_WINDOW * _RATE)
    hop = int(_HOP * _RATE)
    count = max(1, int(np.ceil(float(time[-1]) / _HOP)))
    shape = np.hanning(width + 1)[:-1]
    train = _binned(time, weight, count * hop + 2 * width)
    square = _binned(time, weight**2, len(train))
    frequency = np.fft.rfftfreq(_FFT, 1.0 / _RATE).astype(np.float64)
    kept = (frequency >= _LOW) & (frequency <= _HIGH)
    gain = np.zeros((count, int(kept.sum())))
    first = np.arange(count) * hop + hop // 2 + width - width // 2
    for chunk in range(0, count, _CHUNK):
        rows = first[chunk : chunk + _CHUNK, None] + np.arange(width)[None]
        seen = train[rows] * shape
        total = seen.sum(axis=1)
        size = total**2 / np.maximum((square[rows] * shape**2).sum(axis=1), 1e-9)
        spectrum = np.abs(np.fft.rfft(seen, _FFT, axis=1)[:, kept])
        length = spectrum / np.maximum(total, 1e-9)[:, None]
        bias = 1.0 / np.maximum(size, 2.0)[:, None]
        length = np.sqrt(np.clip((length**2 - bias) / (1.0 - bias), 0.0, 1.0))
        gain[chunk : chunk + _CHUNK] = _gain(length, frequency[kept]) * size[:, None]
    centre: FloatArray = (np.arange(count, dtype=np.float64) + 0.5) * _HOP
    return centre, frequency[kept], gain


def _binned(time: FloatArray, weight: FloatArray, size: int) -> FloatArray:
    """Share each stroke between its two nearest bins; one window of nothing comes first."""
    place = time * _RATE + int(_WINDOW * _RATE)
    left = np.floor(place).astype(np.int64)
    right = place - left
    train = np.zeros(size)
    train += np.bincount(left, weight * (1.0 - right), size)[:size]
    train += np.bincount(left + 1, weight * right, size)[:size]
    return train


@cache
def _concentration() -> tuple[FloatArray, FloatArray]:
    """Tabulate mean resultant length against the von Mises concentration."""
    kappa = np.concatenate([np.linspace(0, 20, 400), np.geomspace(20.2, 3000, 300)])
    length = np.concatenate([[0.0], np.gradient(_log_i0(kappa), kappa)[1:]])
    return np.maximum.accumulate(np.clip(length, 0, 1 - 1e-6)), kappa


def _log_i0(kappa: FloatArray) -> FloatArray:
    """Logarithm of the modified Bessel function of order 0, for any size."""
    small = np.log(np.i0(np.minimum(kappa, 50.0)))
    large = np.maximum(kappa, 1.0)
    return np.where(
        kappa < 50, small, kappa - 0.5 * np.log(2 * np.pi * large) + 1.0 / (8.0 * large)
    )


@cache
def _gain_table() -> FloatArray:
    """Tabulate log I0 over a fine row of concentrations."""
    return _log_i0(np.linspace(0.0, 3000.0, 60001))


def _gain(length: FloatArray, frequency: FloatArray) -> FloatArray:
    """Log-likelihood gain an onset, concentration capped by `_SIGMA`."""
    known, kappa = _concentration()
    most = 1.0 / (2.0 * np.pi * frequency * _SIGMA) ** 2
    k = np.minimum(np.interp(length, known, kappa), most[None])
    place = k * 20.0
    left = np.minimum(place.astype(np.int64), 59999)
    table = _gain_table()
    log_i0 = table[left] + (place - left) * (table[left + 1] - table[left])
    gained: FloatArray = k * length - log_i0
    return gained


def _path(score: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Find the best path of base rates for each multiple (Viterbi), small steps cheap, jumps not.

    Returns
    -------
    best : ndarray of float64, shape (multiples,)
        Score of the best path.
    path : ndarray of int64, shape (multiples, windows)
        Its base rates by number.
    """
    rows, windows, rates = score.shape
    slope = np.arange(rates) * _STEP_COST
    reached = np.empty_like(score)
    reached[:, 0] = score[:, 0]
    for i in range(1, windows):
        before = reached[:, i - 1]
        up = np.maximum.accumulate(before + slope, axis=1) - slope
        down = np.maximum.accumulate((before - slope)[:, ::-1], axis=1)[:, ::-1] + slope
        jump = _highest_near(before) - _JUMP_COST
        reached[:, i] = np.maximum(np.maximum(up, down), jump) + score[:, i]
    path = np.zeros((rows, windows), np.int64)
    path[:, -1] = reached[:, -1].argmax(axis=1)
    for i in range(windows - 1, 0, -1):
        away = np.abs(np.arange(rates)[None] - path[:, i : i + 1])
        cost = np.where(
            away <= _FARTHEST_JUMP, np.minimum(away * _STEP_COST, _JUMP_COST), away * _STEP_COST
        )
        path[:, i - 1] = (reached[:, i - 1] - cost).argmax(1)
    return reached[:, -1].max(axis=1), path


def _highest_near(score: FloatArray) -> FloatArray:
    """Highest value within `_FARTHEST_JUMP` of each place of the rows."""
    rows, size = score.shape
    wide = 2 * _FARTHEST_JUMP + 1
    padded = np.full((rows, size + wide - 1), -np.inf)
    padded[:, _FARTHEST_JUMP : _FARTHEST_JUMP + size] = score
    done = 1
    while done < wide:
        step = min(done, wide - done)
        padded = np.maximum(padded[:, : padded.shape[1] - step], padded[:, step:])
        done += step
    return padded
