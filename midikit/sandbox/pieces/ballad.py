"""Harbour Lights: a slow soul ballad in F major, 4/4, drifting from 87.15 to 87.55 and back.

The bass is split over two tracks of one name: the second has the bridge to itself and repeats
notes of the first in the choruses, some exactly, some a few milliseconds apart.
"""

from __future__ import annotations

from midikit.sandbox.perform import Part
from midikit.sandbox.score import PULSES, chart, comp, drums, riff, tune

__all__ = ["BARS", "TEMPO", "score"]

_BAR = 4 * PULSES
_EIGHTH = PULSES // 2
_SHARPS = -1

BARS = 48
"""Bars of the whole song."""

TEMPO = ((0, 87.15), (48, 87.22), (80, 87.41), (112, 87.34), (144, 87.55), (191, 87.3))
"""Beat and beats a minute; in between the tempo changes evenly."""

_CHORDS = {
    "intro": "Fmaj7 | Gm7 C7 | Fmaj7 | Gm7 C7",
    "verse": "Fmaj7 | Em7b5 A7 | Dm7 | Cm7 F7 | Bbmaj7 | Am7 Dm7 | Gm7 | C7sus4 C7",
    "chorus": "Bbmaj7 | C7 | Am7 | Dm7 | Gm7 | C7 | Fmaj7 | F7",
    "bridge": "Bbm7 | Eb7 | Abmaj7 | Dbmaj7 | Gm7b5 | C7 | Fmaj7 | C7sus4",
    "close": "Bbmaj7 | C7 | Am7 | Dm7 | Gm7 | C7 | Fmaj7 | Bbmaj7",
    "outro": "Fmaj7 | Bbmaj7 | Fmaj7 | Fmaj7",
}

_TUNES = {
    "verse": """z A A2 c2 A G | G2 B2 A2 ^c2 | d3 c A4 | G2 _E2 F2 A2 |
                z B B A B2 d2 | c2 A2 F2 A2 | B3 A G2 D2 | F2 G2 E4""",
    "chorus": """d4 f2 d2 | e3 d c4 | c4 e2 c2 | d3 c A4 |
                 z B B B d2 c B | c2 B G E4 | F3 G A4 | A2 c2 _e4""",
    "bridge": """f4 _d4 | _e3 _d B4 | _e4 c4 | _d3 c _A4 |
                 z B B B _d2 B G | E2 G2 B2 c2 | A6 z2 | G4 F4""",
    "close": """d4 f2 d2 | e3 d c4 | c4 e2 g2 | f3 e d4 |
                z B B B d2 c B | c2 B G E4 | F3 G A4 | d4 z4""",
    "outro": "c4 A4 | d3 c A4 | c8 | z8",
}

_GROOVE = """
hat    x.oox.oox.oox.oo | x.oox.oox.oox.xo
snare  ....X.......X... | ....X..g.g..X...
kick   X......x..x..... | X......x..x....x
"""

_BRIDGE = """
ride   x...o...x...o...
stick  ....x.......x...
kick   X.......x.......
"""

_FILL = """
hat    x.oox.oo........
snare  ....X...xgx.x...
mid    .............xx.
floor  ...............X
kick   X......x..x.....
"""

_BASS = {
    "intro": "R-----R- R-5-R-a-",
    "verse": "R--R5-8- R-5-R--a",
    "chorus": "R--RR-5- R--R8-5a",
    "bridge": "R---5--R 8---R-a-",
    "close": "R--RR-5- R--R8-5a",
    "outro": "R-----5- R-----5- R---5--- R-------",
}

_PIANO = {
    "intro": "*-----*-----*---",
    "verse": "*-----*---*-*--- *-----*-*-------",
    "chorus": "*--*--*---*-*--- *--*--*-*---*---",
    "bridge": "*-------*------- *-------*---*---",
    "close": "*--*--*---*-*--- *--*--*-*---*---",
    "outro": "*-------*------- *-------*------- *-------*------- *---------------",
}

_GUITAR = "1-2-3-4-5-4-3-2- 1-3-4-5-6-5-4-3-"

_FORM = (
    ("intro", -8),
    ("verse", -4),
    ("chorus", 3),
    ("verse", -1),
    ("bridge", -3),
    ("close", 7),
    ("outro", -4),
)


def score() -> list[Part]:
    """Write the parts.

    Returns
    -------
    list of Part
        Voice, piano, guitar, the two basses and the drums.
    """
    voice = Part("Vocals", 201, lag_ms=9.0, sway_us=18_000, gate=97)
    piano = Part("Electric Piano 1", 202, lag_ms=17.0, spread_us=6_000)
    guitar = Part("Acoustic Guitar (nylon)", 203, lag_ms=13.0, velocity=63)
    first = Part("Acoustic Bass", 204, lag_ms=10.0, gate=92)
    second = Part("Acoustic Bass", 204, lag_ms=10.0, gate=92)
    kit = Part("Drums", 205, lag_ms=-12.0, sway_us=8_000, spread_us=3_000, is_drum=True)
    at = 0
    for section, louder in _FORM:
        chords = chart(_CHORDS[section], _BAR)
        bars = chords.length // _BAR
        line = riff(chords, _BASS[section], low=29, level=88)
        if section == "bridge":
            second.play(line, at, louder=louder)
        else:
            first.play(line, at, louder=louder)
        if section == "chorus":
            second.play(line[: len(line) // 2], at, louder=louder)
        elif section == "close":
            second.play(line[len(line) // 2 :], at, louder=louder, take=1)
        piano.play(comp(chords, _PIANO[section], low=53, level=74), at, louder=louder)
        if section not in {"verse", "intro"}:
            guitar.play(comp(chords, _GUITAR, low=52), at)
        if section in _TUNES:
            rows = tune(_TUNES[section], unit=_EIGHTH, bar=_BAR, sharps=_SHARPS)
            voice.play(rows, at, louder=louder)
        _kit(kit, section, at, bars, louder)
        at += chords.length
    return [voice, piano, guitar, first, second, kit]


def _kit(kit: Part, section: str, at: int, bars: int, louder: int) -> None:
    """Play a section's groove, with a fill in its last bar and a crash where it opens."""
    last = at + (bars - 1) * _BAR
    if section == "intro":
        kit.play(drums("hat x.o.x.o.x.o.x.o.", bar=_BAR, bars=bars - 1), at, louder=louder)
        kit.play(drums(_FILL, bar=_BAR), last, louder=louder)
        return
    groove = _BRIDGE if section == "bridge" else _GROOVE
    kit.play(drums(groove, bar=_BAR, bars=bars - 1), at, louder=louder)
    if section == "outro":
        kit.play(drums("kick X\ncrash x", bar=_BAR), last, louder=louder)
        return
    kit.play(drums(_FILL, bar=_BAR), last, louder=louder)
    if section in {"chorus", "close"}:
        kit.play(drums("crash X", bar=_BAR, length=24), at)
