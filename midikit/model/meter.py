"""Time signatures: a pair of whole numbers, how it is written, and how long its beats are."""

from __future__ import annotations

from operator import index
from typing import Any

from midikit.errors import NotesError
from midikit.escape import printable

__all__ = ["as_meter", "beats_per_bar", "meter_text", "quarters_per_beat"]

_DENOMINATORS = frozenset([1, 2, 4, 8, 16, 32, 64])


def as_meter(meter: Any) -> tuple[int, int]:
    """Check a time signature.

    Parameters
    ----------
    meter : sequence of int, length 2
        Numerator and denominator.

    Returns
    -------
    tuple of int
        The same as plain numbers.

    Raises
    ------
    NotesError
        If it is no time signature.

    Examples
    --------
    >>> as_meter([6, 8])
    (6, 8)
    """
    try:
        numerator, denominator = (index(number) for number in meter)
    except (TypeError, ValueError):
        raise NotesError(
            f"meter {printable(repr(meter))}: expected two whole numbers, such as (4, 4)"
        ) from None
    if numerator < 1 or denominator not in _DENOMINATORS:
        raise NotesError(f"meter {numerator}/{denominator}: expected such as 4/4, 3/4 or 6/8")
    return numerator, denominator


def meter_text(meter: tuple[int, int]) -> str:
    """Write a time signature as music does.

    Parameters
    ----------
    meter : tuple of int
        Numerator and denominator.

    Returns
    -------
    str
        With a stroke between them.

    Examples
    --------
    >>> meter_text((6, 8))
    '6/8'
    """
    numerator, denominator = meter
    return f"{numerator}/{denominator}"


def quarters_per_beat(meter: tuple[int, int]) -> float:
    """Tell how long the felt beat of a meter is.

    Parameters
    ----------
    meter : tuple of int
        Numerator and denominator of the time signature.

    Returns
    -------
    float
        In quarters. Compound meters (6, 9, 12 … eighths or shorter) are felt in dotted beats of
        three of those: ``12 / denominator``, so 1.5 in 6/8 and 0.75 in 12/16. In all others the
        denominator is the beat: ``4 / denominator``.

    Examples
    --------
    >>> quarters_per_beat((4, 4)), quarters_per_beat((6, 8)), quarters_per_beat((2, 2))
    (1.0, 1.5, 2.0)
    """
    return (12.0 if _is_compound(meter) else 4.0) / meter[1]


def beats_per_bar(meter: tuple[int, int]) -> int:
    """Tell how many felt beats a bar has.

    Parameters
    ----------
    meter : tuple of int
        Numerator and denominator of the time signature.

    Returns
    -------
    int
        The numerator, a third of it in compound meters.

    Examples
    --------
    >>> beats_per_bar((4, 4)), beats_per_bar((6, 8)), beats_per_bar((7, 8))
    (4, 2, 7)
    """
    return meter[0] // 3 if _is_compound(meter) else meter[0]


def _is_compound(meter: tuple[int, int]) -> bool:
    numerator, denominator = meter
    return denominator >= 8 and numerator > 3 and numerator % 3 == 0
