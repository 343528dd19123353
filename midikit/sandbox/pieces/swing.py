"""Corner Table Blues: twelve bars in B flat, swung 4/4 at 132.6 beats a minute.

Eighths off the beat are played on the third triplet; that is their true position.
"""

from __future__ import annotations

from midikit.sandbox.perform import Part
from midikit.sandbox.score import PULSES, Chart, Row, chart, comp, drums, tune

__all__ = ["BARS", "score"]

_BAR = 4 * PULSES
_EIGHTH = PULSES // 2
_TRIPLET = PULSES // 3
_SHARPS = -2

_BLUES = """Bb7 | Eb7 | Bb7 | Fm7 Bb7 | Eb7 | Edim7 | Bb7 | G7 |
            Cm7 | F7 | Bb7 G7 | Cm7 F7"""
_LAST = """Bb7 | Eb7 | Bb7 | Fm7 Bb7 | Eb7 | Edim7 | Bb7 | G7 |
           Cm7 | F7 | Bb7 G7 | Bb6"""

BARS = 74
"""Bars of the whole song: two of drums, six choruses."""

_TUNES = {
    "head": """z B, D F G F D B, | G2 z E G2 F E | z B, D F G F D B, | _A3 G F2 D2 |
               z B, _D E G E D B, | G3 =E _D2 B,2 | z B, D F G F D F | =B3 G F2 D2 |
               z c B G E G B c | A3 F C2 E2 | D2 F2 =B2 G2 | c3 B A2 z2""",
    "first": """d2 z B (3FGB d2 | _d2 B G E2 z2 | z f e d c B _A F | _A2 c2 (3fdA F2 |
                G2 z B _d2 B G | =E G B _d (3=edB G2 | F4 z D F G | =B2 d2 f2 d B |
                c2 e g b2 g e | f e c A F2 z2 | (3F2B2d2 f2 =B2 | c e g b a f z2""",
    "second": """f4 z f d B | _d4 z d B G | f2 d2 (3B2d2f2 | _a3 f d2 B2 |
                 g2 e _d B2 G2 | g3 =e _d2 B2 | z f z d z B z F | =B d f _a g2 f2 |
                 e2 g2 (3b2g2e2 | c2 e2 a2 f2 | d f d B =B2 g2 | e2 c2 A2 F2""",
    "answer": """z4 z B d f | z8 | z4 f2 d2 | z8 | z4 z _d e g | z8 | z4 f2 d2 | z8 |
                 z4 z c e g | z8 | z8 | z4 f2 A2""",
    "out": """z B, D F G F D B, | G2 z E G2 F E | z B, D F G F D B, | _A3 G F2 D2 |
              z B, _D E G E D B, | G3 =E _D2 B,2 | z B, D F G F D F | =B3 G F2 D2 |
              z c B G E G B c | A3 F C2 E2 | D2 F2 =B2 G2 | B,4 z4""",
}

_RIDE = """
ride   x..X.xx..X.x
pedal  ...x.....x..
kick   o..o..o..o.. | o..o..o..o.. | o..o..o..o.. | o..o..o..o.x
snare  ............ | ........g... | .....g...... | .....g..o..x
"""

_LOUD = """
ride   X..X.xX..X.x
pedal  ...x.....x..
kick   x..o..x..o.. | x..o..o.xo..
snare  ..g...x..... | .....x..g..x
"""

_FILL = """
ride   x..X........
snare  .....xX.xx.g
high   ......x.....
floor  ..........xx
kick   o..o..o..o..
pedal  ...x.....x..
"""

_TRADE = """
snare  X.gx.xX.gx.x | xxgxxgX..... | X..x.xxgxxgx | XxxXxx......
high   ............ | .......xx... | ............ | ......Xxx...
floor  ............ | ..........xx | ............ | .........Xxx
pedal  ...x.....x..
kick   X.....x..... | X.....x....x
"""

# Twelve signs a bar: swung eighths fall on the third of each beat.
_CHARLESTON = "*-...*-..... ..*-....*-.. *-...*-..... ...*-...*-.. "
_LAST_TIME = _CHARLESTON * 2 + "*-...*-..... ..*-....*-.. *-...*-..... *-----------"

_FORM = (
    ("head", 0, "Tenor Sax"),
    ("head", 4, "Tenor Sax"),
    ("first", 2, "Tenor Sax"),
    ("second", 4, "Trumpet"),
    ("answer", 6, "Trumpet"),
    ("out", 8, "Tenor Sax"),
)


def score() -> list[Part]:
    """Write the parts.

    Returns
    -------
    list of Part
        Sax, trumpet, piano, walking bass and drums.
    """
    winds = {
        "Tenor Sax": Part("Tenor Sax", 401, lag_ms=14.0, sway_us=14_000, gate=96),
        "Trumpet": Part("Trumpet", 402, lag_ms=10.0, sway_us=12_000, gate=92),
    }
    piano = Part("Acoustic Grand Piano", 403, lag_ms=12.0, spread_us=5_000, gate=80)
    bass = Part("Acoustic Bass", 404, lag_ms=5.0, sway_us=10_000, gate=96, velocity=91)
    kit = Part("Drums", 405, lag_ms=-3.0, sway_us=7_000, spread_us=3_000, is_drum=True)
    kit.play(drums("pedal ...x.....x..\nride x..X.xx..X.x", bar=_BAR), 0, louder=-10)
    kit.play(drums(_FILL, bar=_BAR), _BAR, louder=-4)
    at = 2 * _BAR
    for index, (melody, louder, player) in enumerate(_FORM):
        last = index == len(_FORM) - 1
        chords = chart(_LAST if last else _BLUES, _BAR)
        rows = tune(_TUNES[melody], unit=_EIGHTH, bar=_BAR, sharps=_SHARPS)
        winds[player].play(_swung(rows), at, louder=louder)
        if melody in {"out", "head"} and index:
            low = tune(_TUNES[melody], unit=_EIGHTH, bar=_BAR, sharps=_SHARPS, level=76)
            winds["Trumpet"].play(_swung(low), at, louder=louder, up=12)
        trading = melody == "answer"
        pattern = _LAST_TIME if last else _CHARLESTON
        if trading:
            pattern = "*-.......... ............"
        piano.play(comp(chords, pattern, low=56, level=72), at, louder=louder)
        bass.play(_walk(chords, 34, ends=last), at)
        _kit(kit, at, index)
        at += chords.length
    return [*winds.values(), piano, bass, kit]


def _kit(kit: Part, at: int, index: int) -> None:
    """Swing through a chorus, with a fill every fourth bar; trade fours in the fifth chorus."""
    for four in range(3):
        start = at + 4 * four * _BAR
        if index == 4 and four != 2:
            kit.play(drums(_TRADE, bar=_BAR, bars=4), start)
            continue
        groove = _LOUD if index in {3, 5} else _RIDE
        kit.play(drums(groove, bar=_BAR, bars=3), start, louder=index)
        closing = index == len(_FORM) - 1 and four == 2
        end = "crash X\nkick X" if closing else _FILL if four == 2 else groove
        kit.play(drums(end, bar=_BAR), start + 3 * _BAR, louder=index)


def _swung(rows: list[Row]) -> list[Row]:
    """Move what lies half way between two beats to the third triplet, starts and ends."""
    return [
        row._replace(
            pulse=_late(row.pulse), length=_late(row.pulse + row.length) - _late(row.pulse)
        )
        for row in rows
    ]


def _late(pulse: int) -> int:
    """Swing one place."""
    return pulse + _TRIPLET // 2 if pulse % PULSES == PULSES // 2 else pulse


def _walk(chords: Chart, low: int, *, ends: bool) -> list[Row]:
    """Walk a bass: the root where a chord begins, chord tones on, a half tone into the next."""
    rows = []
    for index, (pulse, length, chord) in enumerate(chords.spans):
        root = low + (chord.bass - low) % 12
        target = low + (chords.at(pulse + length).bass - low) % 12
        third, fifth = (root + (tone - root) % 12 for tone in chord.tones[1:3])
        if root > low + 7:
            third, fifth = third - 12, fifth - 12
        into = target + (1 if target < fifth else -1)
        if ends and pulse + length == chords.length:
            rows.append(Row(pulse, length, root, 90))
            continue
        line = [root, third, fifth, into] if index % 2 else [root, fifth, third, into]
        if length < _BAR:
            line = [root, into]
        rows += [Row(pulse + i * PULSES, PULSES, pitch, 90) for i, pitch in enumerate(line)]
    return rows
