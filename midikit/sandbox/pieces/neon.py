"""Neon Arcade: a dense synth-pop song in A minor, 4/4, at 124.61 beats a minute.

Close to 4,000 notes: the guitar rings into itself (crossing notes of one pitch), the percussion
holds ghost notes under 30 ms, and the guitar is split over two tracks of one name.
"""

from __future__ import annotations

from midikit.sandbox.perform import Part
from midikit.sandbox.score import PULSES, Chart, chart, comp, drums, pad, riff, tune

__all__ = ["BARS", "score"]

_BAR = 4 * PULSES
_EIGHTH = PULSES // 2

BARS = 68
"""Bars of the whole song."""

_CHORDS = {
    "intro": "Am | F | C | G",
    "verse": "Am | F | C | G | Am | F | C | G",
    "chorus": "F | G | Am | Em7 | F | G | C | E7",
    "bridge": "Dm7 | Am7 | Bbmaj7 | F | Dm7 | Am7 | Bbmaj7 | E7",
    "outro": "F | G | Am | Am | F | G | Am | Am",
}

_TUNES = {
    "verse": """z A A c c B A2 | A2 F2 z2 F G | z G G c c B G2 | B2 G2 z2 G A |
                z A A c e d c2 | c2 A2 z2 A B | c3 d e2 c2 | d6 z2""",
    "chorus": """a3 g f2 c2 | g3 f d2 B2 | e3 d c2 A2 | B2 d2 e4 |
                 f2 f g a2 g f | g2 d2 z2 d e | e2 g2 g4 | e2 d2 B2 ^G2""",
    "bridge": "f4 d4 | e4 c4 | d4 f4 | c6 z2 | f4 a4 | e4 g4 | f4 d4 | e4 ^g4",
    "outro": "a3 g f2 c2 | g3 f d2 B2 | e3 d c2 B2 | A6 z2 | a3 g f2 c2 | g3 f d2 B2 | c4 B4 | A8",
}

_BACKING = {
    "chorus": """c4 A4 | B4 G4 | c4 A4 | G4 B4 | A4 c4 | B4 G4 | c4 e4 | B4 ^G4""",
    "bridge": "A8 | G8 | F8 | A8 | A8 | G8 | F8 | ^G8",
    "outro": "c4 A4 | B4 G4 | c4 A4 | A8 | c4 A4 | B4 G4 | A4 G4 | A8",
}

_GROOVES = {
    "intro": "kick X...X...X...X...\nhat ..x...x...x...x.",
    "verse": """
hat    x.o.x.o.x.o.x.o.
snare  ....X.......X...
kick   X...X...X...X.x.
""",
    "chorus": """
hat    xo.oxo.oxo.oxo.o
open   ..x...x...x...x.
snare  ....X.......X... | ....X..g....X..g
clap   ....x.......x...
kick   X...X...X...X... | X...X...X..xX...
""",
    "bridge": """
ride   x...x...x...x...
snare  ........X.......
kick   X.........x.....
""",
}

_FILL = """
hat    x.o.x.o.........
snare  ....X...x.xxXoxX
high   ..........x.....
floor  ..............xx
kick   X...X...X...X...
"""

_CONGAS = """
conga  ..x..x....x..xx.
tumba  x.......x.......
shaker ..g.g...g.g...g.
"""

_BASS = {
    "intro": "R-R-R-R-",
    "verse": "R-RRR-8R R-RRR-5a",
    "chorus": "R8R8R8R8 R8R8R85a",
    "bridge": "R-----R- R---5-a-",
    "outro": "R8R8R8R8 " * 7 + "R-------",
}

_PIANO = {
    "intro": "1-2-3-4-3-2-3-2-",
    "verse": "*-----*-----*---",
    "chorus": "*-----*-----*---",
    "bridge": "*-------*-------",
    "outro": "*-----*-----*--- " * 7 + "*---------------",
}

_GUITAR = "1.3.2.3.4.3.2.3."
_STABS = {
    "chorus": "*..*..*......... ............*.*.",
    "outro": "*..*..*......... ............*.*. " * 3 + "*..*..*......... *---------------",
}

# Section, tune, how much louder than written, which guitar track plays.
_FORM = (
    ("intro", "", -8, None),
    ("verse", "verse", -4, 0),
    ("chorus", "chorus", 4, None),
    ("verse", "verse", -2, 0),
    ("chorus", "chorus", 6, 1),
    ("bridge", "bridge", -8, 1),
    ("chorus", "chorus", 8, 0),
    ("chorus", "chorus", 10, 1),
    ("outro", "outro", 4, None),
)


def score() -> list[Part]:
    """Write the parts.

    Returns
    -------
    list of Part
        Eleven tracks, two of them named "Guitar".
    """
    band = _band()
    at = 0
    for index, (section, melody, louder, guitar) in enumerate(_FORM):
        chords = chart(_CHORDS[section], _BAR)
        band["bass"].play(riff(chords, _BASS[section], low=28), at, louder=louder)
        band["piano"].play(comp(chords, _PIANO[section], low=55), at, louder=louder)
        if melody:
            rows = tune(_TUNES[melody], unit=_EIGHTH, bar=_BAR)
            band["lead"].play(rows, at, louder=louder)
        if section in _BACKING:
            band["backing"].play(tune(_BACKING[section], unit=_EIGHTH, bar=_BAR), at)
        if section in {"chorus", "bridge", "outro"}:
            band["strings"].play(pad(chords, low=64), at)
        if section in _STABS:
            band["brass"].play(comp(chords, _STABS[section], low=60, level=84), at, louder=louder)
        if guitar is not None:
            part = band["second guitar" if guitar else "guitar"]
            part.play(comp(chords, _GUITAR, low=52, level=72), at, louder=louder)
        _beat(band, section, chords, at, index)
        at += chords.length
    return list(band.values())


def _band() -> dict[str, Part]:
    """Hire the band."""
    return {
        "lead": Part("Synth Voice", 501, lag_ms=8.0, sway_us=14_000, gate=97, velocity=63),
        "backing": Part("Backing Vocals", 502, lag_ms=12.0, sway_us=16_000, gate=98),
        "piano": Part("Electric Piano 1", 503, lag_ms=15.0, spread_us=6_000),
        "strings": Part("SynthStrings 1", 504, lag_ms=21.0, gate=100, velocity=91),
        "guitar": Part("Guitar", 505, lag_ms=9.0, gate=480, rings=True),
        "second guitar": Part("Guitar", 506, lag_ms=9.0, gate=480, rings=True),
        "brass": Part("Brass", 507, lag_ms=17.0, gate=85),
        "bass": Part("Electric Bass (finger)", 508, lag_ms=11.0, gate=90),
        "effect": Part("FX", 509, lag_ms=0.0, sway_us=10_000),
        "percussion": Part("Percussion", 510, lag_ms=6.0, sway_us=9_000, is_drum=True),
        "kit": Part("Drums", 511, lag_ms=3.0, sway_us=6_000, spread_us=3_000, is_drum=True),
    }


def _beat(band: dict[str, Part], section: str, chords: Chart, at: int, index: int) -> None:
    """Play a section's groove, fill, percussion and the sweep into the next section."""
    bars = chords.length // _BAR
    last = at + chords.length - _BAR
    groove = _GROOVES["chorus" if section == "outro" else section]
    band["kit"].play(drums(groove, bar=_BAR, bars=bars - 1), at)
    if index == len(_FORM) - 1:
        band["kit"].play(drums("crash X\nkick X", bar=_BAR, length=24), last)
        return
    band["kit"].play(drums(_FILL, bar=_BAR), last)
    if section in {"chorus", "bridge"}:
        band["kit"].play(drums("crash X", bar=_BAR, length=24), at)
    if section == "verse":
        strokes = drums(_CONGAS, bar=_BAR, bars=bars)
        # A ghost note is over in a 48th of a beat or two, 10 to 20 ms.
        shaken = [row._replace(length=2) if row.velocity < 60 else row for row in strokes]
        band["percussion"].play(shaken, at)
    rise = chart(_CHORDS[section].split("|")[-1], _BAR)
    band["effect"].play(comp(rise, "1234567812345678", low=67, level=50), last)
