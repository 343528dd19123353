"""Seconds, ticks, quarters and velocities: the only place that rounds between units.

Ticks are int64, quarters and seconds float64. A tempo is written as whole microseconds a quarter,
so every conversion to ticks uses the tempo *as written*, never the one that was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "DEFAULT_TICKS_PER_QUARTER",
    "LATTICE",
    "MAX_MICROSECONDS",
    "check_tempo",
    "microseconds_per_quarter",
    "qpm_from_microseconds",
    "seconds_from_microseconds",
    "seconds_from_ticks",
    "ticks_from_quarters",
    "ticks_from_seconds",
    "velocity_from_unit",
    "velocity_to_unit",
    "written_qpm",
    "written_tempo",
]

DEFAULT_TICKS_PER_QUARTER = 480
"""Ticks a quarter when nothing else is asked for; at 120 BPM they hold 1/192 s exactly."""

LATTICE = 192
"""Lattice steps a second: every time the endpoint answers is a whole number of them."""

MAX_MICROSECONDS = 0xFFFFFF
"""Longest quarter that a tempo event can hold, in microseconds (3.58 BPM)."""

_HELD = 0.01
"""Share by which a written tempo may miss the one that was meant."""


def velocity_from_unit(velocity: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Turn velocities 0..1 into MIDI velocities.

    Parameters
    ----------
    velocity : array_like of float
        Velocities from 0 to 1.

    Returns
    -------
    ndarray of int32
        ``rint(127 v)``, at least 1: a velocity of 0 would delete the note on the wire.

    Examples
    --------
    >>> velocity_from_unit([0.0, 63 / 127, 1.0]).tolist()
    [1, 63, 127]
    """
    scaled = np.rint(np.asarray(velocity, np.float64) * 127.0)
    return np.minimum(np.maximum(scaled, 1.0), 127.0).astype(np.int32)


def velocity_to_unit(velocity: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Turn MIDI velocities into 0..1.

    Parameters
    ----------
    velocity : array_like of int
        MIDI velocities, 1 to 127.

    Returns
    -------
    ndarray of float64
        ``v / 127``.

    Examples
    --------
    >>> velocity_to_unit([127]).tolist()
    [1.0]
    """
    return np.asarray(velocity, np.float64) / 127.0


def microseconds_per_quarter(qpm: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Round tempi to the whole microseconds that a tempo event holds.

    Parameters
    ----------
    qpm : array_like of float
        Quarters a minute, positive.

    Returns
    -------
    ndarray of int64
        Microseconds a quarter, 1 to 16,777,215 (3.58 qpm and slower cannot be written).

    Examples
    --------
    >>> microseconds_per_quarter([120.0, 110.06]).tolist()
    [500000, 545157]
    """
    micro = np.rint(60e6 / np.asarray(qpm, np.float64))
    return np.clip(micro, 1, MAX_MICROSECONDS).astype(np.int64)


def qpm_from_microseconds(micro: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Turn lengths of a quarter into tempi.

    Parameters
    ----------
    micro : array_like of float
        Microseconds a quarter, positive.

    Returns
    -------
    ndarray of float64
        Quarters a minute.

    Examples
    --------
    >>> qpm_from_microseconds([500_000, 400_000]).tolist()
    [120.0, 150.0]
    """
    return np.asarray(60e6 / np.asarray(micro, np.float64))


def seconds_from_microseconds(micro: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Turn microseconds into seconds.

    Parameters
    ----------
    micro : array_like of float
        Microseconds.

    Returns
    -------
    ndarray of float64
        Seconds.

    Examples
    --------
    >>> seconds_from_microseconds([500_000]).tolist()
    [0.5]
    """
    return np.asarray(np.asarray(micro, np.float64) * 1e-6)


def check_tempo(qpm: npt.ArrayLike) -> None:
    """Refuse tempi that no tempo event holds.

    Parameters
    ----------
    qpm : array_like of float
        Quarters a minute.

    Raises
    ------
    ConversionError
        If one is slower than 3.58 (60e6 / `MAX_MICROSECONDS`) or faster than 60,000,000.

    Examples
    --------
    >>> check_tempo([3.0, 120.0])
    Traceback (most recent call last):
    midikit.errors.ConversionError: tempo of 3 qpm; a .mid holds 3.58 to 60,000,000
    """
    for tempo in np.asarray(qpm, np.float64).reshape(-1).tolist():
        if not 60e6 / MAX_MICROSECONDS <= tempo <= 60e6:
            raise ConversionError(f"tempo of {tempo:g} qpm; a .mid holds 3.58 to 60,000,000")


def written_qpm(qpm: float) -> float:
    """Round a tempo to what a .mid holds.

    Parameters
    ----------
    qpm : float
        Quarters a minute.

    Returns
    -------
    float
        The nearest tempo of whole microseconds a quarter.

    Raises
    ------
    ConversionError
        If it is more than 1 % from it.

    Examples
    --------
    >>> round(written_qpm(109.73), 6)
    109.729936
    """
    written = float(qpm_from_microseconds(microseconds_per_quarter(qpm)))
    if abs(written / qpm - 1.0) > _HELD:
        raise ConversionError(f"tempo of {qpm:g} qpm; a .mid holds 3.58 to 60,000,000")
    return written


def ticks_from_quarters(quarters: npt.ArrayLike, ticks_per_quarter: int) -> npt.NDArray[np.int64]:
    """Round positions in quarters to ticks.

    Parameters
    ----------
    quarters : array_like of float
        Positions in quarters.
    ticks_per_quarter : int
        Resolution of the file.

    Returns
    -------
    ndarray of int64
        The nearest ticks.

    Examples
    --------
    >>> ticks_from_quarters([0.5, 1.0], 480).tolist()
    [240, 480]
    """
    return np.rint(np.asarray(quarters, np.float64) * ticks_per_quarter).astype(np.int64)


def written_tempo(
    seconds: npt.NDArray[np.float64], qpm: npt.NDArray[np.float64], ticks_per_quarter: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Put a tempo map on whole ticks and whole microseconds.

    Each change is placed on the tick nearest to its second *as the file written so far tells it*,
    so that rounding never adds up. Changes that fall on one tick keep the last.

    Parameters
    ----------
    seconds : ndarray of float64, shape (k,)
        Where each tempo begins, the first at 0.
    qpm : ndarray of float64, shape (k,)
        Quarters a minute from there on.
    ticks_per_quarter : int
        Resolution of the file.

    Returns
    -------
    ticks : ndarray of int64, shape (m,), m <= k
        Tick of each tempo event, strictly increasing from 0.
    micro : ndarray of int64, shape (m,)
        Microseconds a quarter.
    starts : ndarray of float64, shape (m,)
        Second of each event as a reader of the file computes it.
    """
    micro = microseconds_per_quarter(qpm)
    ticks, kept, starts = [0], [int(micro[0])], [0.0]
    for second, quarter in zip(seconds[1:].tolist(), micro[1:].tolist(), strict=True):
        tick_seconds = kept[-1] * 1e-6 / ticks_per_quarter
        step = max(0, round((second - starts[-1]) / tick_seconds))
        if step == 0:
            kept[-1] = quarter
            continue
        ticks.append(ticks[-1] + step)
        starts.append(starts[-1] + step * tick_seconds)
        kept.append(quarter)
    return np.array(ticks, np.int64), np.array(kept, np.int64), np.array(starts, np.float64)


def ticks_from_seconds(
    seconds: npt.ArrayLike,
    tempo_ticks: npt.NDArray[np.int64],
    micro: npt.NDArray[np.int64],
    starts: npt.NDArray[np.float64],
    ticks_per_quarter: int,
) -> npt.NDArray[np.int64]:
    """Round seconds to ticks under a tempo map as written.

    Parameters
    ----------
    seconds : array_like of float
        Times in seconds.
    tempo_ticks, micro, starts : ndarray
        What `written_tempo` returned.
    ticks_per_quarter : int
        Resolution of the file.

    Returns
    -------
    ndarray of int64
        The nearest ticks.
    """
    time = np.asarray(seconds, np.float64)
    if len(micro) == 1:
        position = np.multiply(time, ticks_per_quarter * 1e6 / int(micro[0]), order="C")
        return np.rint(position).astype(np.int64)
    segment = np.clip(np.searchsorted(starts, time, side="right") - 1, 0, None)
    rate = ticks_per_quarter * 1e6 / micro
    offset = np.rint((time - starts[segment]) * rate[segment]).astype(np.int64)
    return tempo_ticks[segment] + offset


def seconds_from_ticks(
    ticks: npt.ArrayLike,
    tempo_ticks: npt.NDArray[np.int64],
    micro: npt.NDArray[np.int64],
    ticks_per_quarter: int,
) -> npt.NDArray[np.float64]:
    """Turn ticks into seconds under the tempo events of a file.

    Parameters
    ----------
    ticks : array_like of int
        Positions in ticks.
    tempo_ticks : ndarray of int64, shape (k,)
        Tick of each tempo event, strictly increasing from 0.
    micro : ndarray of int64, shape (k,)
        Microseconds a quarter from there on.
    ticks_per_quarter : int
        Resolution of the file.

    Returns
    -------
    ndarray of float64
        Seconds.

    Examples
    --------
    >>> zero, half = np.array([0]), np.array([500_000])
    >>> seconds_from_ticks([480, 960], zero, half, 480).tolist()
    [0.5, 1.0]
    """
    position = np.asarray(ticks, np.int64)
    if position.size and int(position.max()) > _MAX_EXACT_TICKS:
        return _seconds_from_far_ticks(position, tempo_ticks, micro, ticks_per_quarter)
    if len(micro) == 1:
        # One division of whole numbers: a tick on the lattice gives its second to the last bit.
        return position * int(micro[0]) / (1e6 * ticks_per_quarter)
    # Whole numbers up to each change (microseconds times ticks), so that nothing adds up; less
    # what the tempo from there on would have made of the ticks before.
    ahead = np.zeros(len(micro), np.int64)
    np.cumsum((tempo_ticks[1:] - tempo_ticks[:-1]) * micro[:-1], out=ahead[1:])
    ahead -= tempo_ticks * micro
    segment = np.maximum(tempo_ticks.searchsorted(position, side="right") - 1, 0)
    total = position * micro[segment] + ahead[segment]
    return np.asarray(total / (1e6 * ticks_per_quarter), np.float64)


_MAX_EXACT_TICKS = (1 << 62) // MAX_MICROSECONDS
"""Beyond it ticks times microseconds may leave int64; only hostile files get there."""


def _seconds_from_far_ticks(
    position: npt.NDArray[np.int64],
    tempo_ticks: npt.NDArray[np.int64],
    micro: npt.NDArray[np.int64],
    ticks_per_quarter: int,
) -> npt.NDArray[np.float64]:
    """`seconds_from_ticks` in floating point, for ticks whose product would overflow."""
    rate = micro / (1e6 * ticks_per_quarter)
    elapsed = np.concatenate([[0.0], np.cumsum(np.diff(tempo_ticks) * rate[:-1])])
    segment = np.clip(np.searchsorted(tempo_ticks, position, side="right") - 1, 0, None)
    far = elapsed[segment] + (position - tempo_ticks[segment]) * rate[segment]
    return far.astype(np.float64, copy=False)
