"""The lead-in: what a file counts between second 0 and the first bar line of the music."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LeadIn", "lead_in"]

_FASTEST = 960.0
"""Quarters a minute that a lead-in of whole bars may have; sequencers take about 1,000 at most."""

_NO_LEAD_IN = 0.002
"""Seconds by which a bar line may miss second 0, or its place at the tempo, and count as there."""

_FINEST = 64


@dataclass(frozen=True, slots=True)
class LeadIn:
    """What comes before the first bar line.

    Parameters
    ----------
    quarters : float
        Its length in quarters; 0 if the music begins with a bar line.
    meter : tuple of int
        Its time signature: that of the music, or one short bar.
    is_at_tempo : bool
        Whether the music's own tempo, going on backwards, makes it that long.
    """

    quarters: float
    meter: tuple[int, int]
    is_at_tempo: bool = False


def lead_in(seconds: float, bar: float, meter: tuple[int, int]) -> LeadIn:
    """Choose what to count before the first bar line.

    Whole bars wherever their tempo stays below 960 quarters a minute, as many as come nearest to
    the music's own tempo: so the bar lines are right even where only the first time signature is
    read. Else one bar that is shorter, down to a 64th.

    Parameters
    ----------
    seconds : float
        Where the first bar line is, 0 or later.
    bar : float
        Length of the first bar in seconds.
    meter : tuple of int
        Time signature of the music.

    Returns
    -------
    LeadIn
        Length and time signature.

    Examples
    --------
    >>> lead_in(4.2, 2.0, (4, 4))
    LeadIn(quarters=8.0, meter=(4, 4), is_at_tempo=False)
    >>> lead_in(0.13, 2.0, (4, 4))
    LeadIn(quarters=0.25, meter=(1, 16), is_at_tempo=False)
    """
    numerator, denominator = meter
    a_bar = 4.0 * numerator / denominator
    if seconds <= _NO_LEAD_IN:
        return LeadIn(0.0, meter)
    bars = max(1, round(seconds / bar))
    if 60.0 * bars * a_bar / seconds <= _FASTEST:
        return LeadIn(bars * a_bar, meter, abs(bars * bar - seconds) <= _NO_LEAD_IN)
    quarters = seconds / bar * a_bar
    unit = denominator
    while unit < _FINEST and quarters * unit / 4.0 < 0.75:
        unit *= 2
    count = max(1, round(quarters * unit / 4.0))
    return LeadIn(count * 4.0 / unit, (count, unit))
