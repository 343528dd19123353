"""Late Train Home: a pop song in D major, 4/4, at 109.73 beats a minute."""

from __future__ import annotations

from midikit.sandbox.perform import Part
from midikit.sandbox.score import PULSES, chart, comp, drums, pad, riff, tune

__all__ = ["BARS", "score"]

_BAR = 4 * PULSES
_EIGHTH = PULSES // 2
_SHARPS = 2

BARS = 64
"""Bars of the whole song."""

_CHORDS = {
    "intro": "D | G | Bm7 | A",
    "verse": "D | A/C# | Bm7 | G | D | A | G | G",
    "rise": "Em7 | F#m7 | G | A",
    "chorus": "G | D | A | Bm7 | G | D | Em7 A | D",
    "bridge": "Bm7 | F#m7 | G | D | Em7 | F#m7 | Gmaj7 | Asus4 A",
    "outro": "G | D | Em7 A | D",
}

_TUNES = {
    "verse": """z F F F A3 F | E4 z E F E | D3 D D2 F2 | D2 B,2 z4 |
                z F F F A3 B | c4 z c B A | B3 A G2 D2 | E2 D4 z2""",
    "again": """z F F F A3 F | E2 C2 z E F E | D3 D D F3 | B2 G2 z2 F G |
                A2 A F A3 B | c4 e c B A | B3 A G2 B2 | A2 G4 z2""",
    "rise": "z E E E G2 F E | F2 A2 c4 | z B B B d2 c B | A2 c2 e4",
    "chorus": """d3 d d2 c B | A4 z2 A B | c3 c c2 B A | B2 F2 z2 F A |
                 d3 d d2 e f | f2 d2 z2 d e | e2 d B c2 e2 | d6 z2""",
    "bridge": """F4 B4 | A4 c4 | B3 c d4 | d3 c A4 |
                 z E G B e4 | z F A c f4 | z G B d g4 | e6 z2""",
    "outro": "d3 d d2 e f | f2 d2 z2 d e | e2 d B c2 e2 | d8",
}

_GROOVES = {
    "verse": """
hat    x.o.x.o.x.o.x.o.
snare  ....X.......X...
kick   X.....x.X....... | X.....x.X.x.....
""",
    "rise": """
hat    xooxxooxxooxxoox
snare  ....X.......X... | ....X.......X..g
kick   X.....x.x.....x.
""",
    "chorus": """
hat    X.x.X.x.X.x.X.x. | X.x.X.x.X.x.X...
open   ................ | ..............x.
snare  ....X.......X... | ....X..g.g..X...
kick   X..x..x.X.x..... | X..x..x.X.x...x.
tamb   ....x.......x...
""",
    "bridge": """
ride   x...x...x...x...
stick  ........X.......
kick   X.........x.....
""",
}

_FILL = """
hat    x.o.x.o.........
snare  ....X...xox.....
high   ............xx..
floor  ..............xX
kick   X.....x.X...X...
"""

_BASS = {
    "intro": "R------- R-----a-",
    "verse": "R--R--5- R--R-R-a",
    "rise": "R-R-R-R- RRRRRR5a",
    "chorus": "R-RR-R8R R-RR-R5a",
    "bridge": "R-----5- R---5-a-",
    "outro": "R-RR-R8R R-RR-R5a R-R-R-R- R-------",
}

_KEYS = {
    "intro": "1-2-3-4-3-2-3-2-",
    "verse": "*-----*---*-----",
    "rise": "*---*---*---*---",
    "chorus": "*--*--*-..*-*-..",
    "bridge": "*-------*-------",
    "outro": "*--*--*-..*-*-.. *--*--*-..*-*-.. *---*---*---*--- *---------------",
}

# Section, tune, how much louder than written, whether the strings join in.
_FORM = (
    ("intro", "", -6, False),
    ("verse", "verse", -4, False),
    ("rise", "rise", 0, False),
    ("chorus", "chorus", 6, False),
    ("verse", "again", -2, False),
    ("rise", "rise", 2, True),
    ("chorus", "chorus", 8, True),
    ("bridge", "bridge", -6, True),
    ("chorus", "chorus", 10, True),
    ("outro", "outro", 4, True),
)


def score() -> list[Part]:
    """Write the parts.

    Returns
    -------
    list of Part
        Drums, bass, keys, lead and strings, each with a lag of its own.
    """
    kit = Part("Drums", 101, lag_ms=4.0, sway_us=7_000, spread_us=3_000, is_drum=True)
    bass = Part("Electric Bass (finger)", 102, lag_ms=11.0, gate=90)
    keys = Part("Electric Piano 1", 103, lag_ms=18.0, spread_us=6_000)
    lead = Part("Synth Voice", 104, lag_ms=7.0, sway_us=16_000, gate=97)
    strings = Part("String Ensembles 1", 105, lag_ms=26.0, gate=99, velocity=63)
    at = 0
    for section, melody, louder, joined in _FORM:
        chords = chart(_CHORDS[section], _BAR)
        bass.play(riff(chords, _BASS[section], low=28), at, louder=louder)
        keys.play(comp(chords, _KEYS[section], low=55), at, louder=louder)
        _kit(kit, section, at, chords.length // _BAR, louder)
        if melody:
            rows = tune(_TUNES[melody], unit=_EIGHTH, bar=_BAR, sharps=_SHARPS)
            lead.play(rows, at, louder=louder)
        if joined:
            strings.play(pad(chords, low=67), at)
        at += chords.length
    return [kit, bass, keys, lead, strings]


def _kit(kit: Part, section: str, at: int, bars: int, louder: int) -> None:
    """Play a section's groove, with a fill in its last bar and a crash where it opens."""
    if section == "intro":
        kit.play(drums(_FILL, bar=_BAR), at + (bars - 1) * _BAR, louder=-6)
        return
    if section == "outro":
        kit.play(drums(_GROOVES["chorus"], bar=_BAR, bars=bars - 1), at, louder=louder)
        kit.play(drums("crash X\nkick X", bar=_BAR), at + (bars - 1) * _BAR)
        return
    kit.play(drums(_GROOVES[section], bar=_BAR, bars=bars - 1), at, louder=louder)
    kit.play(drums(_FILL, bar=_BAR), at + (bars - 1) * _BAR, louder=louder)
    if section in {"chorus", "bridge"}:
        kit.play(drums("crash X", bar=_BAR, length=24), at)
