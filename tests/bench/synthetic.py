"""Songs on a grid that is known exactly, made by chance from a seed.

A song has a meter (4/4, 3/4 or 6/8), a feel (straight, swung, in triplets), sections of 4 or 8 bars
with drums, bass, chords and a melody coming and going, syncopation and sometimes a pickup. It is
then performed in one of the `GROUPS`: at a constant tempo (``const``), with scattered onsets, notes
missing and strays (``jitter``), with a tempo that drifts or steps, without drums and bass
(``sparse``), or with its onsets at random distances, so that no grid is left (``negative``). Times
lie on the lattice of the endpoint. The same seed gives the same song.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["GROUPS", "STEADY", "Made", "make_song", "seed_of"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

STEADY = ("const", "jitter", "drift", "step", "sparse")
GROUPS = (*STEADY, "negative")

_LATTICE = 192.0
_KICK, _SNARE, _HAT, _CRASH, _TOM = 36, 38, 42, 49, 45
_DRUMS, _BASS, _CHORDS, _MELODY = 9, 1, 2, 3
_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_BEATS = {"4/4": 4, "3/4": 3, "6/8": 2}
_STEP = {"straight8": 0.5, "straight16": 0.25, "swing8": 0.5, "triplet": 1 / 3, "compound": 1 / 3}
_FINE = 16


class _Note(NamedTuple):
    """Beat from bar 1, length in beats, pitch, velocity, part."""

    beat: float
    length: float
    pitch: int
    velocity: int
    part: int


@dataclass(frozen=True, slots=True)
class _Style:
    """What a song is made of, drawn once."""

    meter: str
    beats: int
    feel: str
    bpm: float
    bars: int
    step: float
    key: int
    scale: tuple[int, ...]
    chords: list[list[int]]
    bars_a_chord: float
    syncopation: float
    has_drums: bool
    has_bass: bool
    comp: str

    def chord_at(self, beat: float) -> list[int]:
        """Give the pitches of the chord that sounds at a beat."""
        number = int(np.floor(max(beat, 0) / (self.beats * self.bars_a_chord) + 1e-9))
        return self.chords[number % len(self.chords)]

    def steps(self) -> FloatArray:
        """List the beats of a bar's steps."""
        return np.arange(0, self.beats - 1e-6, self.step)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Rhythms of a song, in beats of a bar."""

    kicks: list[float]
    snares: list[float]
    hat_step: float
    bass: str
    cells: list[npt.NDArray[np.floating[Any]]]
    lead: int


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A song and its truth.

    Parameters
    ----------
    notes : dict of str to ndarray, shape (n,) each
        ``onset``, ``offset`` (s, multiples of 1/192 s), ``pitch``, ``velocity``, ``instrument``,
        ``program`` and ``is_drum``, by onset and pitch.
    beats, downbeats : ndarray of float64
        True felt beats and bar lines in seconds, up to the last onset.
    beats_per_bar : int
        Felt beats a bar.
    position : ndarray of float64, shape (n,)
        Beat of every note from bar 1, not a number for strays.
    notated : ndarray of float64, shape (n,)
        The same as it may be written: swung notes on the last third of a beat.
    steady : bool
        Whether it keeps to a grid at all.
    """

    notes: dict[str, npt.NDArray[Any]]
    beats: FloatArray
    downbeats: FloatArray
    beats_per_bar: int
    position: FloatArray
    notated: FloatArray
    steady: bool


def seed_of(salt: str, group: str, number: int) -> int:
    """Make a seed of a salt, so that songs nobody has looked at are one new word away."""
    return int(hashlib.sha256(f"{salt}/{group}/{number}".encode()).hexdigest()[:12], 16)


def _style(rng: np.random.Generator, *, sparse: bool) -> _Style:
    """Draw what a song is made of."""
    meter = str(rng.choice(["4/4", "4/4", "4/4", "3/4", "6/8"]))
    beats = _BEATS[meter]
    if meter == "6/8":
        feel = "compound"
        bpm = float(np.exp(rng.uniform(np.log(45), np.log(120))))
    else:
        feels = ["straight8", "straight8", "straight16", "straight16", "swing8", "triplet"]
        feel = str(rng.choice(feels))
        fastest = 140 if feel == "straight16" else 200
        bpm = float(np.exp(rng.uniform(np.log(60), np.log(fastest))))
    bars = int(np.clip(rng.uniform(60, 180) * bpm / 60 / beats, 16, 96))
    bars -= bars % 4
    scale = _MAJOR if rng.random() < 0.6 else _MINOR
    key = int(rng.integers(0, 12))
    count = int(rng.choice([2, 4, 4, 4, 8]))
    degrees = [int(degree) for degree in rng.choice([0, 3, 4, 5, 1, 2], size=count, replace=True)]
    degrees[0] = 0 if rng.random() < 0.7 else 5
    chords = [
        [key + scale[(degree + third) % 7] + 12 * ((degree + third) // 7) for third in (0, 2, 4)]
        for degree in degrees
    ]
    return _Style(
        meter=meter,
        beats=beats,
        feel=feel,
        bpm=bpm,
        bars=bars,
        step=_STEP[feel],
        key=key,
        scale=scale,
        chords=chords,
        bars_a_chord=float(rng.choice([1, 1, 1, 2, 0.5] if beats == 4 else [1, 1, 2])),
        syncopation=float(rng.choice([0, 0.1, 0.25, 0.4])),
        has_drums=(not sparse) and rng.random() < 0.8,
        has_bass=(not sparse) and rng.random() < 0.9,
        comp=str(rng.choice(["pad", "block", "arp", "offbeat"])),
    )


def _sections(rng: np.random.Generator, style: _Style) -> tuple[int, list[set[str]]]:
    """Draw which parts play in each section of so many bars."""
    length = 8 if style.bars >= 32 else 4
    playing = []
    for start in range(0, style.bars, length):
        parts = set()
        if style.has_drums and rng.random() < (0.5 if start == 0 else 0.92):
            parts.add("drums")
        if style.has_bass and rng.random() < (0.6 if start == 0 else 0.95):
            parts.add("bass")
        if rng.random() < 0.9:
            parts.add("chords")
        if rng.random() < 0.75:
            parts.add("melody")
        playing.append(parts or {"chords"})
    return length, playing


def _patterns(rng: np.random.Generator, style: _Style) -> _Patterns:
    """Draw the rhythms of a song."""
    step, steps = style.step, round(style.beats / style.step)
    kicks: list[float] = [0]
    if style.meter == "4/4":
        kind = str(rng.choice(["rock", "four", "half", "synco"]))
        if kind == "synco":
            kicks = [0, 1.5 if step == 0.5 else 1 + 2 * step, 2.5 if step == 0.5 else 2 + step]
        else:
            kicks = {"rock": [0.0, 2.0], "four": [0.0, 1.0, 2.0, 3.0], "half": [0.0]}[kind]
        snares: list[float] = [2] if kind == "half" else [1, 3]
    elif style.meter == "3/4":
        snares = [1, 2] if rng.random() < 0.6 else [2]
    else:
        snares = [1]
    if rng.random() < 0.5 * style.syncopation * 4 and step < 1:
        kicks = [*kicks, float(rng.integers(1, steps)) * step]
    hat_step = step if (style.bpm * (1 / step) / 60 < 9) else step * 2
    hat_step = hat_step if rng.random() < 0.8 else 1.0
    bass = str(rng.choice(["root", "eighths", "rootfifth", "synco"]))
    cells = []
    for _ in range(3):
        chance = np.full(steps, 0.35)
        per_beat = round(1 / step)
        chance[::per_beat] = 0.8 - 0.5 * style.syncopation
        if per_beat % 2 == 0:
            chance[per_beat // 2 :: per_beat] = 0.5 + 0.4 * style.syncopation
        struck = rng.random(steps) < chance
        if not struck.any():
            struck[0] = True
        cells.append(np.flatnonzero(struck) * step)
    return _Patterns(kicks, snares, hat_step, bass, cells, int(rng.integers(0, 2)))


def _drum_bar(
    rng: np.random.Generator,
    style: _Style,
    patterns: _Patterns,
    start: int,
    section: tuple[int, int],
) -> list[_Note]:
    """Play a bar of the kit; `section` is the bar's place in its section and that one's length."""
    notes = [
        _Note(start + beat, 0.2, _KICK, 100 + int(rng.integers(-10, 10)), _DRUMS)
        for beat in patterns.kicks
    ]
    notes += [
        _Note(start + beat, 0.2, _SNARE, 95 + int(rng.integers(-10, 10)), _DRUMS)
        for beat in patterns.snares
    ]
    for beat in np.arange(0, style.beats - 1e-6, patterns.hat_step).tolist():
        if rng.random() < 0.97:
            level = (80 if abs(beat - round(beat)) < 1e-6 else 62) + int(rng.integers(-8, 8))
            notes.append(_Note(start + beat, 0.1, _HAT, level, _DRUMS))
    place, length = section
    if place == 0 and rng.random() < 0.7:
        notes.append(_Note(start, 1, _CRASH, 105, _DRUMS))
    if place == length - 1 and rng.random() < 0.6:
        fill = np.arange(style.beats - 1, style.beats - 1e-6, style.step).tolist()
        notes += [_Note(start + beat, 0.2, _TOM, 90, _DRUMS) for beat in fill]
    return notes


def _bass_bar(
    rng: np.random.Generator, style: _Style, patterns: _Patterns, bar: int
) -> list[_Note]:
    """Play a bar of the bass."""
    beats, step = style.beats, style.step
    if patterns.bass == "root":
        pattern: list[float] = [0] if style.bars_a_chord >= 1 else [0, beats / 2]
    elif patterns.bass == "rootfifth":
        pattern = [0, beats / 2] if beats != 3 else [0, 2]
    elif patterns.bass == "eighths":
        even = 0.5 if step in {0.5, 0.25} else (step if style.meter == "6/8" else 1.0)
        pattern = np.arange(0, beats - 1e-6, even).tolist()
    else:
        pattern = sorted({0.0, *patterns.cells[0][:4].tolist()})
    notes = []
    for number, beat in enumerate(pattern):
        at = bar * beats + beat
        if number == 0 and bar and rng.random() < 0.4 * style.syncopation:
            at -= step
        pitch = 36 + style.chord_at(at + step)[0] % 12
        pitch += 7 if patterns.bass == "rootfifth" and number else 0
        notes.append(_Note(at, 0.9 * step, pitch, 90 + int(rng.integers(-10, 10)), _BASS))
    return notes


def _chord_bar(  # noqa: C901, PLR0912 - four ways to play chords
    rng: np.random.Generator, style: _Style, patterns: _Patterns, bar: int
) -> list[_Note]:
    """Play a bar of chords."""
    beats, step, start = style.beats, style.step, bar * style.beats
    notes = []
    if style.comp == "pad":
        changes: list[float] = [0] if style.bars_a_chord >= 1 else [0, beats / 2]
        if style.bars_a_chord == 2 and bar % 2:
            changes = []
        for beat in changes:
            early = -step if (bar and rng.random() < style.syncopation * 0.6) else 0
            for tone in style.chord_at(start + beat):
                level = 70 + int(rng.integers(-6, 6))
                notes.append(
                    _Note(start + beat + early, beats * 0.9, 60 + tone % 12, level, _CHORDS)
                )
    elif style.comp == "block":
        for beat in patterns.cells[1].tolist():
            for tone in style.chord_at(start + beat):
                level = 72 + int(rng.integers(-8, 8))
                notes.append(_Note(start + beat, step * 0.8, 60 + tone % 12, level, _CHORDS))
    elif style.comp == "offbeat":
        late = 0.5 if step in {0.5, 0.25} else 2 / 3
        for beat in range(beats):
            for tone in style.chord_at(start + beat):
                level = 72 + int(rng.integers(-8, 8))
                notes.append(_Note(start + beat + late, step * 0.8, 60 + tone % 12, level, _CHORDS))
        if rng.random() < 0.7:
            notes += [
                _Note(start, step, 48 + tone % 12, 75, _CHORDS) for tone in style.chord_at(start)
            ]
    else:
        pace = step if style.bpm / step < 420 else 2 * step
        for number, beat in enumerate(np.arange(0, beats - 1e-6, pace).tolist()):
            tone = style.chord_at(start + beat)[number % 3]
            pitch = 55 + tone % 12 + 12 * ((number // 3) % 2)
            level = 70 + (12 if number == 0 else 0) + int(rng.integers(-6, 6))
            notes.append(_Note(start + beat, pace, pitch, level, _CHORDS))
    return notes


def _melody_bar(
    rng: np.random.Generator, style: _Style, patterns: _Patterns, bar: int
) -> list[_Note]:
    """Play a bar of the melody."""
    step, start = style.step, bar * style.beats
    cell = patterns.cells[patterns.lead if bar % 2 == 0 else 2]
    if rng.random() < 0.12:
        cell = np.flatnonzero(rng.random(round(style.beats / step)) < 0.4) * step
    notes = []
    for number, beat in enumerate(cell.tolist()):
        at = start + beat
        if number == 0 and beat == 0 and bar and rng.random() < style.syncopation:
            at -= step
        chord = style.chord_at(at)
        if rng.random() < 0.6:
            tone = chord[int(rng.integers(0, 3))]
        else:
            tone = style.key + int(rng.choice(style.scale))
        after = cell[number + 1] if number + 1 < len(cell) else style.beats
        length = max(step * 0.5, float(after - beat) * rng.uniform(0.5, 1))
        level = 85 + (8 if beat % 1 == 0 else 0) + int(rng.integers(-10, 10))
        notes.append(_Note(at, length, 72 + tone % 12, level, _MELODY))
    return notes


def _written(rng: np.random.Generator, style: _Style) -> list[_Note]:
    """Write a song, sometimes with a pickup."""
    length, playing = _sections(rng, style)
    patterns = _patterns(rng, style)
    notes: list[_Note] = []
    for bar in range(style.bars):
        parts = playing[bar // length]
        if "drums" in parts:
            section = (bar % length, length)
            notes += _drum_bar(rng, style, patterns, bar * style.beats, section)
        if "bass" in parts:
            notes += _bass_bar(rng, style, patterns, bar)
        if "chords" in parts:
            notes += _chord_bar(rng, style, patterns, bar)
        if "melody" in parts:
            notes += _melody_bar(rng, style, patterns, bar)
    step = style.step
    if rng.random() < 0.4:
        pickup = int(rng.integers(1, max(2, round(style.beats / step) // 2)))
        for number in range(pickup):
            pitch = 72 + int(rng.choice(style.scale))
            notes.append(_Note(-(number + 1) * step, step * 0.8, pitch, 85, _MELODY))
    return notes


def make_song(seed: int, group: str) -> Made:  # noqa: PLR0915 - drawn in one order
    """Make a song.

    Parameters
    ----------
    seed : int
        See `seed_of`.
    group : str
        One of `GROUPS`.

    Returns
    -------
    Made
        Notes and truth.
    """
    rng = np.random.default_rng(seed)
    style = _style(rng, sparse=group == "sparse")
    notes = _written(rng, style)
    position = np.array([note.beat for note in notes], np.float64)
    length = np.array([note.length for note in notes], np.float64)
    pitch = np.array([note.pitch for note in notes], np.int64)
    velocity = np.clip(np.array([note.velocity for note in notes], np.int64), 1, 127)
    part = np.array([note.part for note in notes], np.int64)
    end = style.bars * style.beats
    halves = np.abs(position - np.floor(position) - 0.5) < 1e-6
    played = position.copy()
    if style.feel == "swing8":
        ratio = float(rng.uniform(0.58, 0.68))
        played = np.where(halves, np.floor(position) + ratio, position)
    fine = np.arange(-8, end + 9, 1 / _FINE)
    period = _periods(rng, style, group, fine)
    first = min(float(position.min()), 0.0)
    time = np.concatenate([[0], np.cumsum(period[:-1] / _FINE)])
    opens = rng.uniform(0.05, 3.0)
    time = time - np.interp(first, fine, time) + opens
    onset = np.interp(played, fine, time)
    offset = np.interp(played + np.maximum(length, 0.05), fine, time)
    scatter = 0.0
    if group == "jitter":
        scatter = float(rng.choice([5, 10, 20])) / 1000
    elif group in {"drift", "step", "sparse"}:
        scatter = float(rng.choice([0, 5, 10])) / 1000
    noise = rng.normal(0, 1, len(onset)) * scatter
    lag = rng.normal(0, scatter / 3, 16)[np.minimum(part, 15)]
    onset = onset + noise + lag
    notated = position.copy()
    if style.feel == "swing8":
        notated = np.where(halves, np.floor(position) + 2 / 3, position)
    kept = np.ones(len(onset), bool)
    if group in {"jitter", "drift", "step"} and rng.random() < (1 if group == "jitter" else 0.5):
        kept = rng.random(len(onset)) > 0.05
        count = int(0.05 * len(onset))
        alike = rng.integers(0, len(onset), count)
        stray = rng.uniform(onset.min(), onset.max(), count)
        onset, offset = np.append(onset, stray), np.append(offset, stray + 0.2)
        pitch, velocity, part = (np.append(a, a[alike]) for a in (pitch, velocity, part))
        nowhere = np.full(count, np.nan)
        position, notated = np.append(position, nowhere), np.append(notated, nowhere)
        kept = np.append(kept, np.ones(count, bool))
    if group == "negative":
        onset, offset = _unmeasured(rng, onset, offset)
        position = np.full(len(onset), np.nan)
        notated = position.copy()
    offset = np.maximum(offset, onset + 0.03)
    onset = np.round(np.maximum(onset, 0) * _LATTICE) / _LATTICE
    offset = np.maximum(np.round(offset * _LATTICE) / _LATTICE, onset + 1 / _LATTICE)
    rows = np.flatnonzero(kept)
    rows = rows[np.lexsort((pitch[rows], onset[rows]))]
    last = float(onset[rows].max()) + 0.05
    number = np.arange(int(np.floor(first)), end + 1)
    beats = np.interp(number, fine, time)
    heard = (beats >= -1e-9) & (beats <= last)
    beats, number = beats[heard], number[heard]
    programs = [(part == _BASS, 33), (part == _MELODY, 80)]
    program = np.select([mine for mine, _ in programs], [value for _, value in programs], 0)
    columns = {
        "onset": onset,
        "offset": offset,
        "pitch": pitch,
        "velocity": velocity,
        "instrument": part,
        "program": program,
        "is_drum": part == _DRUMS,
    }
    return Made(
        notes={name: values[rows] for name, values in columns.items()},
        beats=beats,
        downbeats=beats[number % style.beats == 0],
        beats_per_bar=style.beats,
        position=position[rows],
        notated=notated[rows],
        steady=group != "negative",
    )


def _periods(rng: np.random.Generator, style: _Style, group: str, fine: FloatArray) -> FloatArray:
    """Draw the seconds a beat along the song."""
    end = style.bars * style.beats
    period = np.full(fine.shape, 60 / style.bpm)
    if group == "drift":
        size, cycles = rng.uniform(0.004, 0.02), rng.uniform(0.5, 3)
        turn = rng.uniform(0, 2 * np.pi)
        slow = np.sin(2 * np.pi * cycles * fine / end + turn)
        quick = np.sin(4.4 * np.pi * cycles * fine / end + 2 * turn)
        period *= 1 + size * (0.7 * slow + 0.3 * quick)
    if group == "step":
        at = int(style.bars * rng.uniform(0.3, 0.7)) * style.beats
        factor = np.exp(rng.choice([-1, 1]) * rng.uniform(np.log(1.03), np.log(1.25)))
        period[fine >= at] /= float(factor)
    return period


def _unmeasured(
    rng: np.random.Generator, onset: FloatArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Keep what is struck together together, and draw the gaps between strokes anew."""
    unique, row = np.unique(np.round(onset, 4), return_inverse=True)
    gap = float(np.mean(np.diff(unique)))
    drawn = np.maximum(0.02, rng.gamma(1.6, gap / 1.6, len(unique) - 1))
    late = np.concatenate([[0], np.cumsum(drawn)])
    moved = unique[0] + late[row]
    return moved, moved + (offset - onset)
