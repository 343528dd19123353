"""The lead-in: what a file counts between second 0 and the first bar line of the music."""

from __future__ import annotations

from dataclasses import dataclass

from midikit.units import written_qpm

__all__ = ["LeadIn", "lead_in"]

_FASTEST = 960.0
"""Quarters a minute that a lead-in of whole bars may have; sequencers take about 1,000 at most."""

_NO_LEAD_IN = 0.02
"""Seconds below which there is no lead-in: it would be a bar of its own at a wild tempo."""

_AT_TEMPO = 0.002
"""Seconds by which a bar line may miss its place at the music's tempo and count as there."""

_WITHIN = 0.0015
"""Seconds by which a lead-in may miss the first bar line."""

_FINEST = 64
_BENT = 20
"""A long lead-in may be shorter or longer by one bar in so many, to end where it should."""


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
    missed : float
        Seconds from its end to the first bar line, where it has none.
    """

    quarters: float
    meter: tuple[int, int]
    is_at_tempo: bool = False
    missed: float = 0.0


def lead_in(seconds: float, bar: float, meter: tuple[int, int]) -> LeadIn:
    """Choose what to count before the first bar line.

    Whole bars wherever their tempo stays below 960 quarters a minute, as many as come nearest to
    the music's own tempo: so the bar lines are right even where only the first time signature is
    read. Else one bar that is shorter, down to a 64th; under 20 ms none.

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
    LeadIn(quarters=8.0, meter=(4, 4), is_at_tempo=False, missed=0.0)
    >>> lead_in(0.13, 2.0, (4, 4))
    LeadIn(quarters=0.25, meter=(1, 16), is_at_tempo=False, missed=0.0)
    """
    numerator, denominator = meter
    a_bar = 4.0 * numerator / denominator
    if seconds < _NO_LEAD_IN:
        return LeadIn(0.0, meter, missed=seconds)
    bars = max(1, round(seconds / bar))
    if 60.0 * bars * a_bar / seconds <= _FASTEST:
        quarters = bars * a_bar
        if abs(bars * bar - seconds) <= _AT_TEMPO and _is_met(seconds, quarters, bar / a_bar):
            return LeadIn(quarters, meter, is_at_tempo=True)
        return LeadIn(_whole_bars(seconds, bars, a_bar) * a_bar, meter)
    quarters = seconds / bar * a_bar
    unit = denominator
    while unit < _FINEST and quarters * unit / 4.0 < 0.75:
        unit *= 2
    count = max(1, round(quarters * unit / 4.0))
    return LeadIn(count * 4.0 / unit, (count, unit))


def _is_met(seconds: float, quarters: float, quarter: float) -> bool:
    """Whether so many quarters of a length, as it is written, end on a bar line."""
    return abs(60.0 * quarters / written_qpm(60.0 / quarter) - seconds) <= _WITHIN


def _whole_bars(seconds: float, bars: int, a_bar: float) -> int:
    """Choose a number of bars whose tempo in whole microseconds ends on the bar line."""
    for step in range(1 + bars // _BENT):
        for chosen in (bars + step, bars - step):
            quarters = chosen * a_bar
            if _is_met(seconds, quarters, seconds / quarters):
                return chosen
    return bars
