"""Few straight lines through many bar lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["fit_polyline"]


def fit_polyline(
    values: npt.NDArray[np.float64], *, within: float, longest: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Fit a connected line of few pieces to a sequence, each value within a tolerance.

    From each corner on, the slopes that stay within the tolerance of every value so far form a
    cone; a piece ends where the cone becomes empty (Reumann and Witkam 1974; Sklansky and Gonzalez
    1980). One pass, and not more pieces than that needs; the corners are free within the tolerance.

    Parameters
    ----------
    values : ndarray of float64, shape (n,), n >= 2
        One value at each of 0, 1, ... n - 1.
    within : float
        Greatest distance of the line from any value.
    longest : int
        Most steps that a piece may span.

    Returns
    -------
    at, line : ndarray of float64, shape (k,)
        Corners: their places, the first 0 and the last n - 1, and their values; the first is the
        sequence's own.

    Examples
    --------
    >>> at, line = fit_polyline(np.array([0.0, 1.0, 2.0, 4.0, 6.0]), within=0.01, longest=9)
    >>> at.tolist(), line.round(2).tolist()
    ([0.0, 2.0, 4.0], [0.0, 2.0, 6.0])
    """
    points = values.tolist()
    at, line = [0], [points[0]]
    while at[-1] < len(points) - 1:
        begin, origin = at[-1], line[-1]
        low, high = -np.inf, np.inf
        end = begin
        for place in range(begin + 1, min(begin + longest, len(points) - 1) + 1):
            steps = place - begin
            least = max(low, (points[place] - within - origin) / steps)
            most = min(high, (points[place] + within - origin) / steps)
            if least > most:
                break
            low, high, end = least, most, place
        wanted = (points[end] - origin) / (end - begin)
        slope = min(max(wanted, low), high)
        at.append(end)
        line.append(origin + slope * (end - begin))
    return np.array(at, np.float64), np.array(line, np.float64)
