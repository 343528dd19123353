"""Valse de l'écluse: a waltz in E minor and G major, 3/4, at 138.41 beats a minute, no drums."""

from __future__ import annotations

from midikit.sandbox.perform import Part
from midikit.sandbox.score import PULSES, chart, comp, pad, riff, tune

__all__ = ["BARS", "score"]

_BAR = 3 * PULSES
_EIGHTH = PULSES // 2
_SHARPS = 1

BARS = 89
"""Bars of the whole piece, the upbeat's included."""

_CHORDS = {
    "minor": """Em | Em | Am | Am | B7 | B7 | Em | Em |
                C | C | G | G | Am | B7 | Em | Em""",
    "major": """G | G | D7 | D7 | D7 | D7 | G | G |
                G | G7 | C | C | G | D7 | G | B7""",
    "coda": "Am | Em | B7 | Em | Am | B7 | Em | Em",
}

_TUNES = {
    "upbeat": "z4 B2",
    "minor": """e3 f g2 | b4 g2 | a3 g e2 | c'4 a2 | b3 a f2 | ^d4 f2 | g3 f e2 | e4 B2 |
                c3 d e2 | g4 e2 | d3 e d2 | B4 G2 | A3 B c2 | B2 ^d2 f2 | e6 | e4 z2""",
    "major": """d2 g2 b2 | b4 a2 | a2 f2 d2 | c'4 b2 | a2 c'2 f2 | a4 f2 | g3 a b2 | g4 d2 |
                g2 b2 d'2 | =f'2 d'2 b2 | c'2 g2 e2 | c'4 b2 | b3 a g2 | a2 f2 c2 |
                g4 d2 | ^d4 B2""",
    "coda": "c'3 b a2 | b4 g2 | f3 g a2 | g4 e2 | c'3 b a2 | b2 f2 ^d2 | e6 | e6",
}

_COUNTER = {
    "major": """B6 | d6 | c6 | A6 | F6 | c6 | B6 | B6 |
                d6 | d4 =f2 | e6 | g4 e2 | d6 | c6 | B6 | A6""",
    "coda": "E6 | G6 | ^D6 | B,6 | E6 | ^D6 | B,6 | B,6",
}

_HARP = {"minor": "..*-*-", "major": "..1234", "coda": "..*-*-"}

# Section, how much louder than written, whether the strings join in.
_FORM = (
    ("minor", -6, False),
    ("minor", 0, True),
    ("major", 6, True),
    ("minor", -2, False),
    ("major", 9, True),
    ("coda", -6, True),
)


def score() -> list[Part]:
    """Write the parts.

    Returns
    -------
    list of Part
        Koto (the tune), harp and strings.
    """
    koto = Part("Koto", 301, lag_ms=6.0, sway_us=14_000, gate=99)
    harp = Part("Orchestral Harp", 302, lag_ms=15.0, sway_us=9_000, spread_us=8_000, gate=99)
    strings = Part("String Ensembles 1", 303, lag_ms=24.0, sway_us=14_000, gate=100, velocity=91)
    koto.play(tune(_TUNES["upbeat"], unit=_EIGHTH, bar=_BAR, sharps=_SHARPS), 0)
    at = _BAR
    for section, louder, joined in _FORM:
        chords = chart(_CHORDS[section], _BAR)
        melody = tune(_TUNES[section], unit=_EIGHTH, bar=_BAR, sharps=_SHARPS)
        koto.play(melody, at, louder=louder)
        harp.play(riff(chords, "R--", low=36, level=82), at, louder=louder)
        harp.play(comp(chords, _HARP[section], low=54, level=70), at, louder=louder)
        if joined:
            strings.play(pad(chords, low=52), at)
        if section in _COUNTER:
            counter = tune(_COUNTER[section], unit=_EIGHTH, bar=_BAR, sharps=_SHARPS)
            strings.play(counter, at, up=12)
        at += chords.length
    return [koto, harp, strings]
