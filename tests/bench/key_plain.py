"""Plain songs in all 24 keys, to measure on: a progression, a bass or none, a melody or none.

Nothing was learnt from these, and no choice was made by them: they were written after the weights.
Melodies alone, and loops that do not come home, are often in two keys at a time; they show how an
estimator takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midikit.model.key import MODES, Key
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from tests.bench.key_songs import KeyCase
from tests.bench.synthetic import seed_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.model.key import Mode

__all__ = ["plain_songs"]

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PROGRESSIONS = {
    "major": ("0 3 4 0", "0 5 3 4", "5 3 0 4", "1 4 0 0", "0 4 5 3", "0 3 0 4"),
    "minor": ("0 3 4h 0", "0 5 2 6", "0 3 4 0", "0 6 5 6", "0 5 3 4h", "0 6 5 4h"),
}
"""Degrees from 0, a bar each; with an h the third is a major one."""

_Rows = list[tuple[float, float, int, int]]


class _Kind(NamedTuple):
    """What plays, and whether the song ends on its tonic."""

    chords: bool
    bass: bool
    melody: bool
    ends: bool


_KINDS = (
    _Kind(chords=True, bass=True, melody=True, ends=True),
    _Kind(chords=True, bass=True, melody=True, ends=False),
    _Kind(chords=True, bass=True, melody=False, ends=False),
    _Kind(chords=True, bass=False, melody=True, ends=True),
    _Kind(chords=True, bass=False, melody=True, ends=False),
    _Kind(chords=True, bass=False, melody=False, ends=True),
    _Kind(chords=False, bass=False, melody=True, ends=True),
    _Kind(chords=False, bass=False, melody=True, ends=False),
)


def plain_songs(salt: str) -> Iterator[KeyCase]:
    """Make a song of every kind, progression and key."""
    for number, kind in enumerate(_KINDS):
        for mode in MODES:
            for index, progression in enumerate(_PROGRESSIONS[mode]):
                for tonic in range(12):
                    rng = np.random.default_rng(
                        [seed_of(salt, f"plain {mode}", number), index, tonic]
                    )
                    song = _song(rng, tonic, mode, progression, kind)
                    name = f"plain {number} {mode} {progression} {tonic}"
                    yield KeyCase(name, song, Key.of(tonic, mode))


def _song(rng: np.random.Generator, tonic: int, mode: Mode, progression: str, kind: _Kind) -> Song:
    scale, beat = _SCALES[mode], 60.0 / float(rng.integers(70, 150))
    low = 60 + tonic - (12 if tonic > 6 else 0)
    chords: _Rows = []
    bass: _Rows = []
    melody: _Rows = []
    degrees = progression.split() * int(rng.integers(2, 6)) + ["0"] * kind.ends
    place = 7
    for bar, degree in enumerate(degrees):
        start, root, raised = 4 * bar * beat, int(degree[0]), degree.endswith("h")
        steps = [root, root + 2, root + 4]
        triad = [scale[step % 7] + 12 * (step // 7) for step in steps]
        if raised:
            triad[1] = triad[0] + 4
        chords += [(start, start + 3.8 * beat, low + tone, 80) for tone in triad]
        deep = 36 + (tonic + triad[0]) % 12
        bass += [(start + i * beat, start + (i + 1.9) * beat, deep, 80) for i in (0, 2)]
        for eighth in range(8):
            if rng.random() < 0.3:
                continue
            place = int(np.clip(place + rng.integers(-2, 3), 0, 14))
            pitch = scale[place % 7] + 12 * (place // 7)
            if eighth % 4 == 0:
                near = [tone + octave for tone in triad for octave in (0, 12)]
                pitch = min(near, key=lambda tone: abs(tone - pitch))
            pitch += int(raised and pitch % 12 == 10)
            at = start + eighth * beat / 2
            melody.append((at, at + 0.45 * beat, 60 + tonic + pitch, 90))
    parts = (
        ("Piano", chords, kind.chords),
        ("Bass", bass, kind.bass),
        ("Lead", melody, kind.melody),
    )
    return Song(tuple(Track(name, notes=as_notes(rows)) for name, rows, plays in parts if plays))
