"""Songs in the styles of everyday music, with their grid, to learn from beside `synthetic`.

`synthetic` draws rhythms freely; bands do not. Here bass, chords and kit play the figures that a
style is known by (a waltz's bass on the first beat and chords on the others, a shuffle's ride), in
sections that come and go, under a tune that repeats itself. Figures are in the notation of
`midikit.sandbox.score`; none is one of the demo songs'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.sandbox.score import PULSES, Chart, Row, chart, comp, drums, pad, riff
from tests.bench.synthetic import Made

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["STYLES", "Style", "make_band"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_LATTICE = 192.0
_KIT, _BASS, _KEYS, _TUNE, _PAD = range(5)
_PROGRESSIONS = (
    "C | G | Am | F", "Am | F | C | G", "C | Am | F | G", "C | C | F | G7", "Am | Am | Dm | E7",
    "Dm7 | G7 | Cmaj7 | Cmaj7", "C | Em | F | G", "F | G | Em | Am", "C | F | C | G7",
    "Am | G | F | E7", "C G/B | Am | F C | G", "C | C7 | F | Fm | C | G7 | C | G7",
    "Am | Am | Dm | Dm | E7 | E7 | Am | E7", "C | C | C | C | F | F | C | C | G7 | F | C | G7",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """A style: felt beats a bar, tempo range, steps a beat, and figures to choose from.

    Chords and bass are bars of `riff` and `comp`; a kit is a drum grid, `None` where a song may do
    without one. `swing` is the range of where the second of two steps falls.
    """

    beats: int
    tempo: tuple[float, float]
    steps: int
    bass: tuple[str, ...]
    keys: tuple[str, ...]
    kits: tuple[str | None, ...]
    swing: tuple[float, float] = (0.5, 0.5)


STYLES = {
    "waltz": Style(
        3, (84, 205), 2,
        ("R-----", "R-5---", "R----- 5-----", "R--", "R-5-3-"),
        ("..*-*-", "..*.*.", "..*-..", "..1234", "*-----", "..*-*- ..*-..", ".*.", "..**.."),
        (None, None, "kick X.....\nhat ..x.x.", "kick X.....\nsnare ..o.o.\nhat x.x.x.",
         "kick X.....\nsnare ....x.\nride x.xxx.", "kick X.....\nstick ..x.x."),
    ),
    "slow three": Style(
        3, (66, 116), 2,
        ("R-----", "R---5-", "R-5-8-"),
        ("123432", "*-*-*-", "*-----", "12*-*-", "*.*.*."),
        (None, "kick X.....\nsnare ....x.\nhat xxxxxx", "kick X..x..\nsnare ..x...\nhat x.x.x.",
         "kick X.....\nsnare ..x.x.\nhat xoxoxo"),
    ),
    "six-eight ballad": Style(
        2, (42, 84), 3,
        ("R-----", "R--5--", "R--R-5", "R-R5--"),
        ("123432", "*--*--", "*-----", "1-3-2-", "*.*.*.", "123123"),
        (None, "kick X.....\nsnare ...X..\nhat xooxoo", "kick X....x\nsnare ...X..\nhat x.xx.x",
         "kick X..x..\nsnare ...X..\nride x..x.x"),
    ),
    "jig": Style(
        2, (84, 140), 3,
        ("R--R--", "R--5--", "R-RR-R"),
        ("*--*--", "..*..*", "*.**.*", ".**.**", "*-----"),
        (None, None, "kick X..x..\nhat x.xx.x", "kick X.....\nsnare ...x.x\ntamb x..x.."),
    ),
    "twelve-eight": Style(
        4, (44, 88), 3,
        ("R-----R-----", "R--5--8--5--", "R-RR-RR-RR-R", "R-----5-----"),
        ("*--*--*--*--", "***" * 4, "123" * 4, "...*-----*--", "*-----------"),
        ("kick X.....x.....\nsnare ...X.....X..\nhat xooxooxooxoo",
         "kick X....xx.....\nsnare ...X.....X..\nride x.xx.xx.xx.x", None),
    ),
    "rock": Style(
        4, (84, 184), 2,
        ("RRRRRRRR", "R-R-R-R-", "R--RR--R", "R-------", "R---5---"),
        ("*-*-*-*-", "*-------", "********", "*--*--*-", "*---*---", "12341234"),
        ("kick X...X...\nsnare ..X...X.\nhat xoxoxoxo",
         "kick X..xX...\nsnare ..X...X.\nhat xxxxxxxx",
         "kick X.x.X...\nsnare ..X...X.\nride x.x.x.x.",
         "kick X...X.x.\nsnare ..X...X.\nopen x.x.x.x."),
    ),
    "four on the floor": Style(
        4, (104, 140), 4,
        ("..R-..R-..R-..R-", "R-----R---R-----", "..R...R...R...R.", "R---R---R---R---"),
        ("..*-..*-..*-..*-", "*--*--*---*--*--", "*---------------", "1232123212321232"),
        ("kick X...X...X...X...\nsnare ....x.......x...\nopen ..x...x...x...x.",
         "kick X...X...X...X...\nclap ....X.......X...\nhat xoxoxoxoxoxoxoxo",
         "kick X...X...X...X...\nhat ..x...x...x...x."),
    ),
    "ballad": Style(
        4, (52, 90), 4,
        ("R---------------", "R-------R-------", "R-----R-R-------", "R-------5-------"),
        ("*---------------", "*---*---*---*---", "1-2-3-4-3-2-3-2-", "1234343212343432",
         "*-------*-------", "1-3-2-3-1-3-2-3-", "*---..*-..*-*---"),
        (None, None, "kick X.......X.......\nsnare ....X.......X...\nhat x.x.x.x.x.x.x.x.",
         "kick X.....x.X.......\nsnare ....X.......X...\nhat xoxoxoxoxoxoxoxo"),
    ),
    "funk": Style(
        4, (84, 118), 4,
        ("R--R..R-..R-..R.", "R.R...R...RR..R.", "R-..R-R...R-..8."),
        ("..*...*...*...*.", "*..*..*...*..*..", "....*.......*...", "*--*-.*-..*-*-.."),
        ("kick X..x..x...x..x..\nsnare ....X..g.g..X..g\nhat xoxoxoxoxoxoxoxo",
         "kick X.x.......x.....\nsnare ....X.......X...\nhat xxxxxxxxxxxxxxxx"),
    ),
    "one drop": Style(
        4, (66, 96), 2,
        ("R-5-R-..", "R--R5-..", "..R-R-5-", "R-----5-"),
        (".*.*.*.*", ".*.*.*.*", "..*...*.", ".**..**."),
        ("kick ....X...\nstick ....X...\nhat x.x.x.x.",
         "kick X...X...\nsnare ....X...\nhat xoxoxoxo"),
    ),
    "breakbeat": Style(
        4, (156, 180), 2,
        ("R-------", "R---R---", "R--R----"),
        ("*-------", "*---*---", "..*-..*-"),
        ("kick X....X..\nsnare ..X...X.\nhat xxxxxxxx",
         "kick X..x.X..\nsnare ..X...X.\nride x.x.x.x."),
    ),
    "shuffle": Style(
        4, (84, 152), 2,
        ("R-R-5-5-", "R-3-5-8-", "R---5---", "RRRR5555"),
        ("*-*-*-*-", "..*...*.", "*------*", "*--*----"),
        ("kick X...X...\nsnare ..X...X.\nhat xxxxxxxx",
         "kick X..xX...\nsnare ..X...X.\nride x.xxx.xx", None),
        (0.58, 0.7),
    ),
    "walking": Style(
        4, (104, 224), 2,
        ("R-3-5-3-", "R-3-5-a-", "R-5-3-a-"),
        ("*--*----", "...*...*", "*------*", "..*-..*-"),
        ("kick o.......\nride x.xxx.xx\npedal ..x...x.", "ride x.xxx.xx\npedal ..x...x.", None),
        (0.58, 0.7),
    ),
}  # fmt: skip


def _tune(rng: np.random.Generator, chords: Chart, style: Style, bars: int) -> list[Row]:
    """Make a tune of few rhythms that return, with the chord's tones on the beats."""
    steps = style.beats * style.steps
    step = PULSES // style.steps
    chance = np.full(steps, rng.uniform(0.1, 0.45))
    chance[:: style.steps] = rng.uniform(0.4, 0.9)
    motifs = [rng.random(steps) < chance for _ in range(3)]
    form = rng.choice([0, 0, 1, 2], size=4)
    anticipates = rng.random() < 0.3
    rows, pitch = [], 72
    for bar in range(bars):
        places = np.flatnonzero(motifs[form[bar % 4]]).tolist() or [0]
        for number, place in enumerate(places):
            pulse = bar * steps * step + place * step
            chord = chords.at(pulse)
            if place % style.steps == 0:
                near = [72 + (tone - 72) % 12 for tone in chord.tones]
                cost = np.abs(np.array(near) - pitch) + rng.uniform(0, 4, len(near))
                pitch = near[int(cost.argmin())]
            else:
                pitch += int(rng.choice([-2, -1, 1, 2]))
            after = places[number + 1] if number + 1 < len(places) else steps
            early = step if anticipates and place == 0 and bar and rng.random() < 0.4 else 0
            length = int((after - place) * step * rng.uniform(0.6, 1.0))
            level = 88 + (7 if place == 0 else 0) + int(rng.integers(-8, 8))
            rows.append(Row(pulse - early, max(length, step // 2), pitch, level))
    return rows


def _parts(rng: np.random.Generator, style: Style, bars: int) -> list[tuple[int, Row]]:
    """Write the parts, a section of eight or sixteen bars after the other."""
    bar = style.beats * PULSES
    chords = chart(str(rng.choice(_PROGRESSIONS)), bar)
    kit = style.kits[int(rng.integers(len(style.kits)))]
    figures = [
        str(rng.choice(style.bass)),
        str(rng.choice(style.keys)),
        str(rng.choice(style.keys)),
    ]
    plays = rng.random(5) < (1.0, 0.8, 0.85, 0.8, 0.35)
    plays[_KIT] &= kit is not None
    plays[_KEYS] |= not plays[[_BASS, _TUNE]].any()
    section = int(rng.choice([8, 8, 16]))
    rows: list[tuple[int, Row]] = []
    for first in range(0, bars, section):
        count = min(section, bars - first)
        here = Chart(chords.spans, bar, chords.length)
        long = Chart(
            tuple(
                span._replace(pulse=span.pulse + turn * here.length)
                for turn in range(-(-count * bar // here.length))
                for span in here.spans
                if span.pulse + turn * here.length < count * bar
            ),
            bar,
            count * bar,
        )
        sounding = plays & (rng.random(5) < (0.6 if first == 0 else 0.9))
        if not sounding.any():
            sounding = plays
        played: dict[int, list[Row]] = {}
        if kit and sounding[_KIT]:
            played[_KIT] = drums(kit, bar=bar, bars=count)
            if rng.random() < 0.5:
                played[_KIT].append(Row(0, 12, 49, 110))
        if sounding[_BASS]:
            played[_BASS] = riff(long, figures[0], low=36)
        if sounding[_KEYS]:
            played[_KEYS] = comp(long, figures[1 + (first // section) % 2], low=52)
        if sounding[_PAD]:
            played[_PAD] = pad(long, low=55)
        if sounding[_TUNE]:
            played[_TUNE] = _tune(rng, long, style, count)
        for part, notes in played.items():
            rows += [(part, row._replace(pulse=row.pulse + first * bar)) for row in notes]
    return rows


def make_band(seed: int) -> Made:
    """Make a song in one of `STYLES`.

    Parameters
    ----------
    seed : int
        See `tests.bench.synthetic.seed_of`.

    Returns
    -------
    Made
        Notes and truth.
    """
    rng = np.random.default_rng(seed)
    style = STYLES[str(rng.choice(list(STYLES)))]
    bpm = float(np.exp(rng.uniform(*np.log(style.tempo))))
    bars = int(np.clip(rng.uniform(40, 150) * bpm / 60 / style.beats, 12, 80))
    rows = _parts(rng, style, bars)
    part = np.array([which for which, _ in rows])
    table = np.array([row[:4] for _, row in rows], np.int64)
    beat = table[:, 0] / PULSES
    if style.swing[0] > 0.5:
        ratio = rng.uniform(*style.swing)
        whole = np.floor(beat)
        half = beat - whole
        played = whole + np.where(
            half < 0.5, half * 2 * ratio, ratio + (half - 0.5) * 2 * (1 - ratio)
        )
    else:
        played = beat
    end = bars * style.beats
    fine = np.arange(-8, end + 9, 1 / 16)
    drift = rng.choice([0.0, 0.003, 0.01]) * np.sin(
        2 * np.pi * (rng.uniform(0.5, 3) * fine / end + rng.uniform())
    )
    time = np.concatenate([[0], np.cumsum((60 / bpm / 16) * (1 + drift[:-1]))])
    first = min(float(beat.min()), 0.0)
    time += rng.uniform(0.05, 2.0) - np.interp(first, fine, time)
    scatter = float(rng.choice([0.0, 0.003, 0.006, 0.012]))
    lag = rng.normal(0, float(rng.choice([0.0, 0.008])), 5)
    onset = np.interp(played, fine, time) + rng.normal(0, 1, len(beat)) * scatter + lag[part]
    long = np.interp(played + table[:, 1] / PULSES, fine, time)
    onset = np.round(np.maximum(onset, 0) * _LATTICE) / _LATTICE
    offset = np.maximum(np.round(long * _LATTICE) / _LATTICE, onset + 4 / _LATTICE)
    flat = rng.random() < 0.4
    kept = rng.random(len(onset)) > rng.choice([0.0, 0.03, 0.1])
    kept |= np.arange(len(onset)) < 2
    order = np.flatnonzero(kept)
    order = order[np.lexsort((table[order, 2], onset[order]))]
    velocity = np.full(len(onset), 80) if flat else np.clip(table[:, 3], 1, 127)
    last = float(onset[order].max()) + 0.05
    number = np.arange(int(np.floor(first)), end + 1)
    beats = np.interp(number, fine, time)
    heard = (beats >= 0) & (beats <= last)
    columns = {
        "onset": onset,
        "offset": offset,
        "pitch": table[:, 2],
        "velocity": velocity,
        "instrument": part,
        "program": np.zeros(len(part), np.int64),
        "is_drum": part == _KIT,
    }
    return Made(
        notes={name: values[order] for name, values in columns.items()},
        beats=beats[heard],
        downbeats=beats[heard & (number % style.beats == 0)],
        beats_per_bar=style.beats,
        position=beat[order],
        notated=beat[order],
        steady=True,
    )
