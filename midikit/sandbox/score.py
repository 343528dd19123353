"""Score notation for the demo songs: tunes in ABC, chord charts, riffs and drum grids as text.

Everything is counted in whole pulses, `PULSES` to the felt beat, so that a score is exact: a
sixteenth is 12 pulses, a triplet eighth 16, the eighth of a 6/8 bar 16.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["PULSES", "Chart", "Chord", "Row", "chart", "comp", "drums", "pad", "riff", "tune"]

PULSES = 48
"""Pulses a felt beat."""


class Row(NamedTuple):
    """One written note: pulse, length in pulses, MIDI pitch and velocity 1..127."""

    pulse: int
    length: int
    pitch: int
    velocity: int
    take: int = 0


class Chord(NamedTuple):
    """A chord: pitch class of its bass note, and its pitch classes from the root upwards."""

    bass: int
    tones: tuple[int, ...]


class Span(NamedTuple):
    """A chord with the pulse it begins at and the pulses it lasts."""

    pulse: int
    length: int
    chord: Chord


@dataclass(frozen=True, slots=True)
class Chart:
    """Chords of a section, `bar` pulses a bar, `length` pulses in all."""

    spans: tuple[Span, ...]
    bar: int
    length: int

    def at(self, pulse: int) -> Chord:
        """Give the chord that sounds at a pulse; past the end the first again."""
        pulse %= self.length
        return next(s.chord for s in reversed(self.spans) if s.pulse <= pulse)


_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ALTER = {"#": 1, "b": -1, "": 0}
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "sus4": (0, 5, 7),
    "7sus4": (0, 5, 7, 10),
}
_CHORD = re.compile(r"([A-G])([#b]?)([^/]*)(?:/([A-G])([#b]?))?")


def _chord(symbol: str) -> Chord:
    """Read a chord symbol such as ``F#m7`` or ``A/C#``."""
    match = _CHORD.fullmatch(symbol)
    if match is None or match[3] not in _QUALITIES:
        raise ValueError(f"chord {symbol!r}; expected such as Am7 or A/C#")
    root = (_LETTERS[match[1]] + _ALTER[match[2]]) % 12
    bass = (_LETTERS[match[4]] + _ALTER[match[5]]) % 12 if match[4] else root
    return Chord(bass, tuple((root + step) % 12 for step in _QUALITIES[match[3]]))


def chart(text: str, bar: int) -> Chart:
    """Read a chord chart: bars between ``|``, the chords of a bar share it evenly."""
    spans = []
    bars = [symbols.split() for symbols in text.split("|")]
    for index, symbols in enumerate(bars):
        length = bar // len(symbols)
        spans += [Span(index * bar + i * length, length, _chord(s)) for i, s in enumerate(symbols)]
    return Chart(tuple(spans), bar, len(bars) * bar)


_NOTE = re.compile(r"(\(3)|([_^=]?)([A-Ga-gz])([,']*)(\d*)|(\|)")
_SHARPS = "FCGDAEB"


def tune(abc: str, *, unit: int, bar: int, sharps: int = 0, level: int = 88) -> list[Row]:
    """Read a melody in ABC notation and shade it: accents on the beat, higher is louder.

    Supported are notes, rests, whole-number lengths, accidentals to the bar line, ``(3`` triplets
    and bars; `unit` is the length of a plain letter in pulses, `sharps` the key (minus: flats).
    """
    key = dict.fromkeys(_SHARPS[:sharps] if sharps > 0 else _SHARPS[sharps:] if sharps else "", 1)
    if sharps < 0:
        key = dict.fromkeys(key, -1)
    notes: list[tuple[int, int, int]] = []
    now = triplet = 0
    accidentals: dict[tuple[str, str], int] = {}
    text = "".join(abc.split()) + "|"
    place = 0
    while place < len(text):
        match = _NOTE.match(text, place)
        if match is None:
            raise ValueError(f"tune: {text[place : place + 8]!r} is no note")
        place = match.end()
        if match[1]:
            triplet = 3
        elif match[6]:
            if now % bar:
                raise ValueError(f"tune: bar {now // bar} is {now % bar} of {bar} pulses long")
            accidentals.clear()
        else:
            length = unit * int(match[5] or 1)
            if triplet:
                length, triplet = length * 2 // 3, triplet - 1
            if match[3] != "z":
                letter, octave = match[3].upper(), match[3] + match[4]
                if match[2]:
                    accidentals[letter, octave] = {"^": 1, "_": -1, "=": 0}[match[2]]
                alter = accidentals.get((letter, octave), key.get(letter, 0))
                high = match[4].count("'") - match[4].count(",") + match[3].islower()
                notes.append((now, length, 60 + _LETTERS[letter] + alter + 12 * high))
            now += length
    return _shaded(notes, bar, level)


def _shaded(notes: list[tuple[int, int, int]], bar: int, level: int) -> list[Row]:
    """Give each note of a melody its velocity."""
    mean = sum(pitch for _, _, pitch in notes) // max(1, len(notes))
    rows = []
    for pulse, length, pitch in notes:
        accent = 7 if pulse % bar == 0 else 3 if pulse % PULSES == 0 else -2
        rows.append(
            Row(pulse, length, pitch, level + accent + max(-8, min(8, (pitch - mean) // 2)))
        )
    return rows


def _figures(text: str, step: int) -> list[tuple[int, int, str]]:
    """Split a pattern into (pulse, length, sign): ``-`` holds the sign before it, ``.`` rests."""
    found: list[tuple[int, int, str]] = []
    for index, sign in enumerate(text):
        if sign == "-" and found:
            pulse, length, held = found[-1]
            found[-1] = (pulse, length + step, held)
        elif sign not in ".-":
            found.append((index * step, step, sign))
    return found


_DEGREES = {"3": 1, "5": 2, "7": 3}


def riff(chords: Chart, pattern: str, *, low: int, level: int = 92) -> list[Row]:
    """Play a bass pattern over a chart.

    Each bar repeats the next of the patterns, which are separated by spaces: ``R`` the bass note,
    ``3 5 7`` that tone of the chord above it, ``8`` the octave, ``a`` the half tone below the next
    bar's bass note. Bass notes lie in the octave above `low`.
    """
    rows = []
    patterns = pattern.split()
    for index, start in enumerate(range(0, chords.length, chords.bar)):
        bar = patterns[index % len(patterns)]
        for pulse, length, sign in _figures(bar, chords.bar // len(bar)):
            chord = chords.at(start + pulse)
            bass = low + (chord.bass - low) % 12
            if sign in _DEGREES:
                tone = chord.tones[min(_DEGREES[sign], len(chord.tones) - 1)]
                pitch = bass + (tone - bass) % 12
            elif sign == "a":
                pitch = low - 1 + (chords.at(start + chords.bar).bass - low) % 12
            else:
                pitch = bass + (12 if sign == "8" else 0)
            accent = 6 if pulse == 0 else 0 if pulse % PULSES == 0 else -6
            rows.append(Row(start + pulse, length, pitch, level + accent))
    return rows


def _voicings(chords: Chart, low: int) -> list[tuple[int, ...]]:
    """Voice each chord in close position, moving as little as it can."""
    found: list[tuple[int, ...]] = []
    before: tuple[int, ...] = ()
    for span in chords.spans:
        best: tuple[int, tuple[int, ...]] | None = None
        for bottom in range(low, low + 12):
            if bottom % 12 not in span.chord.tones:
                continue
            voicing = tuple(sorted(bottom + (tone - bottom) % 12 for tone in span.chord.tones))
            target = before or (low + 5,) * len(voicing)
            moved = sum(min(abs(pitch - other) for other in target) for pitch in voicing)
            if best is None or (moved, voicing) < best:
                best = (moved, voicing)
        assert best is not None
        before = best[1]
        found.append(before)
    return found


def comp(chords: Chart, pattern: str, *, low: int, level: int = 80) -> list[Row]:
    """Accompany a chart with voice-led chords.

    Each bar repeats the next of the patterns, which are separated by spaces: ``*`` strikes the
    whole chord, a digit plays that tone of it from the bottom (past the top an octave higher).
    """
    rows = []
    patterns = pattern.split()
    voicings = dict(zip((s.pulse for s in chords.spans), _voicings(chords, low), strict=True))
    for index, start in enumerate(range(0, chords.length, chords.bar)):
        bar = patterns[index % len(patterns)]
        for pulse, length, sign in _figures(bar, chords.bar // len(bar)):
            voicing = voicings[max(p for p in voicings if p <= start + pulse)]
            if sign == "*":
                pitches = list(voicing)
            else:
                octave, tone = divmod(int(sign) - 1, len(voicing))
                pitches = [voicing[tone] + 12 * octave]
            accent = 5 if pulse == 0 else 0 if pulse % PULSES == 0 else -5
            for voice, pitch in enumerate(pitches):
                top = 4 if voice == len(pitches) - 1 else 0
                rows.append(Row(start + pulse, length, pitch, level + accent + top))
    return rows


def pad(chords: Chart, *, low: int, level: int = 64) -> list[Row]:
    """Hold each chord of a chart for as long as it lasts."""
    return [
        Row(span.pulse, span.length, pitch, level)
        for span, voicing in zip(chords.spans, _voicings(chords, low), strict=True)
        for pitch in voicing
    ]


_KIT = {
    "kick": 36,
    "stick": 37,
    "snare": 38,
    "clap": 39,
    "floor": 43,
    "low": 45,
    "mid": 47,
    "high": 50,
    "hat": 42,
    "pedal": 44,
    "open": 46,
    "crash": 49,
    "ride": 51,
    "bell": 56,
    "tamb": 54,
    "conga": 63,
    "tumba": 64,
    "shaker": 70,
}
_STRENGTH = {"X": 114, "x": 96, "o": 76, "g": 44}


def drums(text: str, *, bar: int, bars: int = 1, length: int = 6) -> list[Row]:
    """Read a drum grid, a line an instrument, and repeat it for a number of bars.

    ``X`` is an accent, ``x`` a stroke, ``o`` a soft one, ``g`` a ghost note, ``.`` nothing; spaces
    within a line are for the eye. A line may span several bars of the grid, which then repeats.
    """
    rows = []
    for line in text.strip().splitlines():
        name, *groups = line.split()
        bar_signs = "".join(groups).split("|")
        for index in range(bars):
            signs = bar_signs[index % len(bar_signs)]
            step = bar // len(signs)
            rows += [
                Row(index * bar + i * step, length, _KIT[name], _STRENGTH[sign])
                for i, sign in enumerate(signs)
                if sign != "."
            ]
    return sorted(rows)
