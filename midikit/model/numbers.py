"""Numbers as they are given, looked at before anything is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import LimitError, NotesError
from midikit.escape import quoted

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MOST_BEATS", "as_numbers", "beats_to_list"]

MOST_BEATS = 1_000_000
"""Most beats that a grid lists unless a limit is given; it goes on beyond them in any case."""

_LEAST_BEATS = 2


def as_numbers(values: npt.ArrayLike, name: str, expected: str) -> npt.NDArray[np.float64]:
    """Copy numbers; text is none, even where numpy would read it.

    Parameters
    ----------
    values : array_like
        What was given.
    name : str
        What it is called.
    expected : str
        What it should be, for the message.

    Returns
    -------
    ndarray of float64
        The numbers, in the shape that they have.

    Raises
    ------
    NotesError
        If it is something else.

    Examples
    --------
    >>> as_numbers([1, 2], "beats", "seconds").tolist()
    [1.0, 2.0]
    """
    try:
        given = np.asarray(values)
        if given.dtype.kind in "biuf":
            return given.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise NotesError(f"{name} {quoted(values)}: expected {expected}")


def beats_to_list(last: float, end: float, max_beats: int) -> int:
    """Count the beats up to a second, before there is room made for them.

    Parameters
    ----------
    last : float
        How many beats after the first it is.
    end : float
        The second.
    max_beats : int
        Most beats to list.

    Returns
    -------
    int
        At least two.

    Raises
    ------
    LimitError
        If there are more than `max_beats`.

    Examples
    --------
    >>> beats_to_list(10.5, 5.0, 1000), beats_to_list(-3.0, 0.0, 1000)
    (11, 2)
    """
    if last < max_beats:
        return max(_LEAST_BEATS, int(last) + 1)
    many = f"{last + 1.0:,.0f}" if last < 1e15 else "too many"
    raise LimitError(
        f"{many} beats up to second {end:g}: the limit is {max_beats:,}; raise it with max_beats="
    )
