"""Greensleeves (traditional, England, 16th century), 6/8, two dotted quarters a bar, no drums."""

from __future__ import annotations

from midikit.sandbox.perform import Part
from midikit.sandbox.score import PULSES, chart, comp, pad, riff, tune

__all__ = ["BARS", "TEMPO", "score"]

_BAR = 2 * PULSES
_SIXTEENTH = PULSES // 6

BARS = 67
"""Bars of the whole piece: the upbeat's, two rounds of 32, and two to end."""

TEMPO = ((0, 56.4), (60, 57.3), (110, 56.8), (126, 56.2), (133, 51.5))
"""Beat and dotted quarters a minute; in between the tempo changes evenly."""

_CHORDS = {
    "verse": "Am | G | F | E | Am | G | Am E7 | Am",
    "chorus": "C | G | F | E | C | G | Am E7 | Am",
    "end": "Am | Am",
}

_TUNES = {
    "verse": """c4 d2 e3 f e2 | d4 B2 G3 A B2 | c4 A2 A3 ^G A2 | B4 ^G2 E4 A2 |
                c4 d2 e3 f e2 | d4 B2 G3 A B2 | c3 B A2 ^G3 ^F G2 | A6 A4 A2""",
    "last verse": """c4 d2 e3 f e2 | d4 B2 G3 A B2 | c4 A2 A3 ^G A2 | B4 ^G2 E4 A2 |
                c4 d2 e3 f e2 | d4 B2 G3 A B2 | c3 B A2 ^G3 ^F G2 | A6 A6""",
    "chorus": """g6 g3 f e2 | d4 B2 G3 A B2 | c4 A2 A3 ^G A2 | B4 ^G2 E6 |
                 g6 g3 f e2 | d4 B2 G3 A B2 | c3 B A2 ^G3 ^F G2 | A6 A6""",
    "turn": """g6 g3 f e2 | d4 B2 G3 A B2 | c4 A2 A3 ^G A2 | B4 ^G2 E6 |
               g6 g3 f e2 | d4 B2 G3 A B2 | c3 B A2 ^G3 ^F G2 | A6 A4 A2""",
}

_FORM = (
    ("verse", "verse", -6, False),
    ("verse", "last verse", -2, False),
    ("chorus", "chorus", 4, True),
    ("chorus", "turn", 2, True),
    ("verse", "verse", -3, True),
    ("verse", "last verse", 0, True),
    ("chorus", "chorus", 8, True),
    ("chorus", "chorus", 6, True),
    ("end", "", -4, True),
)


def score() -> list[Part]:
    """Write the parts.

    Returns
    -------
    list of Part
        Flute, harp and strings.
    """
    flute = Part("Flute", 601, lag_ms=12.0, sway_us=18_000, gate=97)
    harp = Part("Orchestral Harp", 602, lag_ms=5.0, sway_us=10_000, spread_us=6_000, gate=100)
    strings = Part("String Ensembles 1", 603, lag_ms=27.0, sway_us=14_000, gate=99, velocity=63)
    flute.play(tune("z10 A2", unit=_SIXTEENTH, bar=_BAR), 0)
    at = _BAR
    for section, melody, louder, joined in _FORM:
        chords = chart(_CHORDS[section], _BAR)
        if melody:
            flute.play(tune(_TUNES[melody], unit=_SIXTEENTH, bar=_BAR), at, louder=louder)
            harp.play(riff(chords, "R--5--", low=40, level=80), at, louder=louder)
            harp.play(comp(chords, ".23432", low=55, level=66), at, louder=louder)
        else:
            harp.play(comp(chords, "123456 *-----", low=52, level=64), at, louder=louder)
        if joined:
            strings.play(pad(chords, low=60), at)
        at += chords.length
    return [flute, harp, strings]
