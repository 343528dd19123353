"""Songs in a known key, made by chance in several styles, and notes in no key.

A song has a form of sections with chords of its mode, a bass, an accompaniment and a melody that
keeps to chord and scale; it ends on its tonic. It is made in C and then transposed. ``atonal``
makes what has no key: tone rows, chromatic and whole-tone runs, pitches and chords at random. The
same seed gives the same song. Neither knows anything of `midikit.tonality`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.model.key import Key
from midikit.model.notes import as_notes, transpose
from midikit.model.song import Song, Track
from tests.bench.synthetic import seed_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from midikit.model.key import Mode

__all__ = ["ATONAL", "STYLES", "KeyCase", "atonal", "made_song", "made_songs", "transposed"]

_CHORDS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "o": (0, 3, 6),
    "o7": (0, 3, 6, 10),
    "sus": (0, 5, 7),
    "5": (0, 7),
}
_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "blues": (0, 2, 3, 4, 5, 7, 9, 10),
    "penta": (0, 2, 4, 7, 9),
    "minor penta": (0, 3, 5, 7, 10),
}


@dataclass(frozen=True, slots=True)
class _Style:
    """A style: the scale of its melody, its progressions of a bar a chord, and how it is played."""

    mode: Mode
    scale: str
    bpm: tuple[int, int]
    beats: int
    comp: str
    bass: str
    drums: bool
    progressions: tuple[str, ...]


STYLES = {
    "pop": _Style("major", "major", (80, 128), 4, "block", "eighths", True, (
        "I V VIm IV", "I VIm IV V", "IV V IIIm VIm IIm V I I", "I IIIm IV V", "VIm IV I V",
        "I IV VIm V", "IIm IV I V",
    )),
    "pop minor": _Style("minor", "minor", (80, 128), 4, "block", "eighths", True, (
        "Im bVI bIII bVII", "Im bVII bVI bVII", "Im IVm bVI V", "Im Vm bVI IVm", "bVI bVII Im Im",
        "Im bIII bVII IVm",
    )),
    "hymn": _Style("major", "major", (60, 90), 4, "block", "roots", False, (
        "I IV V I", "I VIm IIm V", "I V VIm IIIm IV I IIm V", "IV I V I", "I II7 V I",
    )),
    "chorale minor": _Style("minor", "minor", (60, 90), 4, "block", "roots", False, (
        "Im IVm V Im", "Im bVI IIo V", "Im V7 Im IVm Im V7 Im Im", "bIII bVII Im V",
    )),
    "waltz": _Style("major", "major", (120, 180), 3, "offbeat", "roots", False, (
        "I I V7 V7 V7 V7 I I", "I VI7 IIm V7", "IV IV I I V7 V7 I I", "I I IV IVm I V7 I I",
    )),
    "waltz minor": _Style("minor", "minor", (120, 180), 3, "offbeat", "roots", False, (
        "Im Im IVm IVm V7 V7 Im Im", "Im V7 Im I7 IVm Im V7 Im", "bVI bIII V7 Im",
    )),
    "jazz": _Style("major", "major", (90, 180), 4, "offbeat", "walk", True, (
        "IIm7 V7 Imaj7 VIm7", "Imaj7 VI7 IIm7 V7", "Imaj7 IV7 IIIm7 VIm7 IIm7 V7 Imaj7 Imaj7",
    )),
    "jazz minor": _Style("minor", "minor", (90, 180), 4, "offbeat", "walk", True, (
        "IIo7 V7 Im7 Im7", "Im7 IVm7 IIo7 V7", "IVm7 bVII7 bIIImaj7 bVImaj7 IIo7 V7 Im7 Im7",
    )),
    "blues": _Style("major", "blues", (80, 140), 4, "offbeat", "walk", True, (
        "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 VI7 IIm7 V7 I7 V7",
    )),
    "blues minor": _Style("minor", "minor penta", (80, 140), 4, "offbeat", "walk", True, (
        "Im7 Im7 Im7 Im7 IVm7 IVm7 Im7 Im7 bVI7 V7 Im7 V7",
    )),
    "rock": _Style("major", "penta", (100, 150), 4, "block", "eighths", True, (
        "I bVII IV I", "I IV V IV", "I5 IV5 V5 I5", "I bVII IV IV",
    )),
    "rock minor": _Style("minor", "minor penta", (100, 150), 4, "block", "eighths", True, (
        "Im bVII bVI bVI", "I5 bIII5 IV5 I5", "Im IV Im bVII", "Im bVI bVII Im",
    )),
    "piano": _Style("major", "major", (66, 110), 4, "broken", "roots", False, (
        "I V VIm IIIm IV I IV V", "Imaj7 IVmaj7 IIm7 V7", "I Isus IV IVm",
    )),
    "piano minor": _Style("minor", "minor", (66, 110), 4, "broken", "roots", False, (
        "Im bVII bVI V", "Im IVm bVII bIII bVI IIo V Im", "Im Vm bVI bIII IVm Im IIo7 V7",
    )),
    "tune": _Style("major", "major", (90, 140), 4, "none", "none", False, (
        "I IV V I", "I I V V V V I I", "I VIm IIm V",
    )),
    "tune minor": _Style("minor", "minor", (90, 140), 4, "none", "none", False, (
        "Im IVm V Im", "Im Im bVII bVII bVI bVII Im Im", "Im bIII V Im",
    )),
}  # fmt: skip
"""Styles by name; each has a mode."""

ATONAL = ("row", "random", "chromatic", "whole tone", "clusters")
"""Kinds of notes in no key."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyCase:
    """A song and its key; None for no key."""

    name: str
    song: Song
    key: Key | None


@dataclass(frozen=True, slots=True)
class _Bar:
    """A bar: its second, beats, seconds a beat and the pitch classes of its chord from the root."""

    start: float
    beats: int
    beat: float
    chord: tuple[int, ...]


def _chord(symbol: str) -> tuple[int, ...]:
    flat = symbol.startswith("b")
    body = symbol[flat:]
    numeral = max((name for name in _DEGREES if body.startswith(name)), key=len)
    root = _DEGREES[numeral] - flat
    return tuple((root + step) % 12 for step in _CHORDS[body[len(numeral) :]])


def made_song(seed: int, style: str) -> KeyCase:
    """Make a song in C of a style."""
    rng, how = np.random.default_rng(seed), STYLES[style]
    beat = 60.0 / rng.uniform(*how.bpm)
    picked = rng.choice(len(how.progressions), 2)
    verse, chorus = (how.progressions[number].split() for number in picked)
    symbols: list[str] = []
    for section in rng.permutation(["v", "v", "c", "c"]).tolist():
        symbols += (verse if section == "v" else chorus) * int(rng.integers(1, 3))
    minor = how.mode == "minor"
    symbols += ["V7" if rng.random() < 0.5 else "bVII" if minor else "IV"]
    symbols += [{"jazz": "Imaj7", "blues": "I7"}.get(style, "Im" if minor else "I")]
    bars = [
        _Bar(0.5 + number * how.beats * beat, how.beats, beat, _chord(symbol))
        for number, symbol in enumerate(symbols)
    ]
    tracks = [_track("Lead", _melody(rng, bars, how), 80)]
    if how.comp != "none":
        tracks.append(_track("Piano", _comp(rng, bars, how.comp), 0))
    if how.bass != "none":
        tracks.append(_track("Bass", _bass(rng, bars, how.bass), 33))
    if how.drums:
        tracks.append(_kit(rng, bars))
    return KeyCase(f"{style} {seed}", Song(tuple(tracks)), Key.of(0, how.mode))


def _track(name: str, rows: Sequence[tuple[float, float, int]], program: int) -> Track:
    notes = [(start, start + length, pitch, 80) for start, length, pitch in rows]
    return Track(name, program=program, notes=as_notes(notes))


def _melody(
    rng: np.random.Generator, bars: Sequence[_Bar], how: _Style
) -> list[tuple[float, float, int]]:
    """Walk over the scale, on strong beats to a tone of the chord, at the end to the tonic."""
    rhythms = [[1.0] * 2 + [2.0], [1.5, 0.5, 1, 1], [0.5] * 4 + [2.0], [1.0, 1.0, 0.5, 0.5, 1.0]]
    if how.beats == 3:
        rhythms = [[1.0, 1.0, 1.0], [2.0, 1.0], [1.5, 0.5, 1.0], [3.0]]
    scale = np.array([12 * octave + step for octave in (5, 6) for step in _SCALES[how.scale]])
    at, rows = int(rng.integers(3, 9)), []
    for bar in bars[:-1]:
        tones, now = set(bar.chord), 0.0
        leads = how.mode == "minor" and 11 in tones
        for length in rhythms[int(rng.integers(len(rhythms)))]:
            at = int(np.clip(at + rng.integers(-2, 3), 0, len(scale) - 1))
            if now == int(now) and rng.random() < 0.8:
                near = [i for i in range(len(scale)) if scale[i] % 12 in tones] or [at]
                at = min(near, key=lambda i: (abs(i - at), i))
            pitch = int(scale[at])
            pitch += int(leads and pitch % 12 == 10)
            if rng.random() < 0.9:
                rows.append((bar.start + now * bar.beat, 0.95 * length * bar.beat, pitch))
            now += length
    last = bars[-1]
    rows.append((last.start, last.beats * last.beat, 72))
    return rows


def _comp(
    rng: np.random.Generator, bars: Sequence[_Bar], how: str
) -> list[tuple[float, float, int]]:
    """Play the chords, in close position around middle C."""
    rows, low = [], int(rng.integers(50, 58))
    for bar in bars:
        voices = sorted(low + (tone - low) % 12 for tone in bar.chord)
        if how == "broken":
            steps = 2 * bar.beats
            rows += [
                (bar.start + i * bar.beat / 2, bar.beat / 2, voices[i % len(voices)])
                for i in range(steps)
            ]
            continue
        beats = range(0, bar.beats, 2) if how == "block" else range(1, bar.beats)
        for beat in beats:
            length = bar.beat * (1.9 if how == "block" else 0.8)
            rows += [(bar.start + beat * bar.beat, length, voice) for voice in voices]
    return rows


def _bass(
    rng: np.random.Generator, bars: Sequence[_Bar], how: str
) -> list[tuple[float, float, int]]:
    """Play roots, roots in eighths, or a line through the chord."""
    rows: list[tuple[float, float, int]] = []
    for bar in bars:
        root = 36 + bar.chord[0] % 12
        if how == "roots":
            low = 36 + int(rng.choice(bar.chord)) % 12 if rng.random() < 0.15 else root
            rows.append((bar.start, bar.beats * bar.beat * 0.95, low))
        elif how == "eighths":
            rows += [
                (bar.start + i * bar.beat / 2, bar.beat * 0.45, root) for i in range(2 * bar.beats)
            ]
        else:
            tones = [root, *(36 + int(rng.choice(bar.chord)) % 12 for _ in range(bar.beats - 1))]
            if rng.random() < 0.4:
                tones[-1] += int(rng.choice([-1, 1]))
            rows += [
                (bar.start + i * bar.beat, bar.beat * 0.9, tone) for i, tone in enumerate(tones)
            ]
    return rows


def _kit(rng: np.random.Generator, bars: Sequence[_Bar]) -> Track:
    """Play a drum kit, whose pitches are no pitches."""
    rows = []
    for bar in bars:
        rows += [(bar.start + i * bar.beat / 2, 0.05, 42) for i in range(2 * bar.beats)]
        rows += [(bar.start + i * bar.beat, 0.05, 36 if i % 2 == 0 else 38) for i in range(4)]
        rows += [(bar.start + 3.5 * bar.beat, 0.05, int(rng.choice([45, 47, 50])))]
    track = _track("Drums", rows, 0)
    return replace(track, is_drum=True, program=None)


def transposed(case: KeyCase, semitones: int) -> KeyCase:
    """Move a song, up by less than an octave, or down from a tritone on."""
    by = semitones if semitones < 6 else semitones - 12
    tracks = tuple(
        track if track.is_drum else replace(track, notes=transpose(track.notes, by))
        for track in case.song.tracks
    )
    key = case.key
    if key is not None:
        key = Key.of((key.pitch_class + semitones) % 12, key.mode)
    return KeyCase(f"{case.name} +{semitones}", case.song.with_tracks(tracks), key)


def made_songs(salt: str, count: int) -> Iterator[KeyCase]:
    """Make songs of every style, each in another key than the one before: all 24 from 12 on."""
    for style in STYLES:
        for number in range(count):
            yield transposed(made_song(seed_of(salt, style, number), style), 7 * number % 12)


def atonal(seed: int, kind: str) -> KeyCase:
    """Make notes in no key."""
    rng = np.random.default_rng(seed)
    count = int(np.exp(rng.uniform(np.log(48), np.log(1500))))
    if kind == "row":
        rows = [rng.permutation(12) for _ in range(int(rng.integers(1, 4)))]
        pitch = np.resize(np.concatenate(rows), count) + 60
    elif kind == "random":
        pitch = rng.integers(36, 90, count)
    elif kind == "chromatic":
        pitch = 48 + np.cumsum(rng.choice([-1, 1, 1, 2], count)) % 36
    elif kind == "whole tone":
        pitch = 48 + int(rng.integers(2)) + 2 * rng.integers(0, 18, count)
    else:
        base = np.repeat(rng.integers(40, 80, count // 4 + 1), 4)[:count]
        pitch = base + np.tile(np.array([0, 1, 6, 11]), count // 4 + 1)[:count]
    start = np.arange(count) * 0.25
    if kind == "clusters":
        start = np.arange(count) // 4 * 0.5
    length = rng.choice([0.2, 0.4, 0.9], count)
    columns = {"start": start, "end": start + length, "pitch": pitch}
    notes = as_notes(columns | {"velocity": np.full(count, 80)})
    return KeyCase(f"{kind} {seed}", Song((Track("Any", notes=notes),)), None)
