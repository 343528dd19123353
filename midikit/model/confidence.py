"""How sure an estimate is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Confidence"]


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure an estimated grid is: probabilities, 0 to 1.

    Parameters
    ----------
    pulse : float
        That the song keeps to a steady grid at all, and that its lines are these.
    level : float
        That the beats are the right ones of those lines (not twice or half as many).
    bar : float
        That beats, bar length and bar lines are all right.

    Examples
    --------
    >>> Confidence(pulse=0.99, level=0.9, bar=0.7)
    Confidence(pulse=0.99, level=0.9, bar=0.7)
    """

    pulse: float
    level: float
    bar: float
