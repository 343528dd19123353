"""Where a song puts weight: accents of several kinds on every line of its pulse.

The kinds are those of the metrical preference rules (Lerdahl and Jackendoff 1983; Temperley 2001):
onsets, long notes, loud notes, low notes, changes of harmony, strokes of the kit, parts that enter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.onsets import Onsets
    from midikit.rhythm.estimation.pulses import Pulse

__all__ = ["KINDS", "Accents", "accents_of"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"
IntArray: TypeAlias = "npt.NDArray[np.int64]"

KINDS = (
    "onset", "parts", "kick", "snare", "hat", "crash", "tom", "bass", "bass change", "chord",
    "novelty", "wide novelty", "gap", "length", "loudness", "notes", "entry",
)  # fmt: skip
"""Kinds of accent, in the order of the rows."""

_AT = {kind: row for row, kind in enumerate(KINDS)}
_KICK, _SNARE = (35, 36), (37, 38, 39, 40)
_CRASH, _TOM = (49, 52, 55, 57), (41, 43, 45, 47, 48, 50)
_LOW = 50
_SILENCE = 1.5
_MOST = 3.0
_RARE = {"crash": 2, "entry": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Accents:
    """Accents of a song, line by line.

    Parameters
    ----------
    first : int
        Number of the first line.
    level : ndarray of float64, shape (kinds, lines)
        Accent of each kind in `KINDS` on each line, 0 to 3.
    used : ndarray of bool, shape (kinds,)
        Whether a kind occurs often enough to speak.
    chroma : ndarray of float64, shape (12, lines)
        Pitch classes that are struck, by length.
    strokes : ndarray of float64, shape (lines,)
        Number of strokes on each line.
    stress : ndarray of float64, shape (3, lines)
        Sums of how much louder, further from the next stroke, and longer the notes on each line are
        than their fellows (of the same part; of the same drum), in standard deviations.
    notes : ndarray of float64, shape (lines,)
        Number of notes on each line.
    openings : dict of str to int
        Line of the first onset, and of the first of some kinds, where there is one.
    closing : int
        Line at which the last note ends.
    """

    first: int
    level: FloatArray
    used: npt.NDArray[np.bool_]
    chroma: FloatArray
    strokes: FloatArray
    stress: FloatArray
    notes: FloatArray
    openings: dict[str, int]
    closing: int


def accents_of(onsets: Onsets, pulse: Pulse) -> Accents:
    """Collect the accents of a song.

    Parameters
    ----------
    onsets : Onsets
        Its notes, lags taken off.
    pulse : Pulse
        Its pulse.

    Returns
    -------
    Accents
        Its accents.
    """
    line, _ = pulse.nearest(onsets.start)
    first = int(line.min())
    at = line - first
    size = int(at.max()) + 1
    level = np.zeros((len(KINDS), size))
    pitched = ~onsets.is_drum
    _percussion(level, onsets, at)
    stroke_at = pulse.nearest(onsets.time)[0] - first
    stroke_at = np.clip(stroke_at, 0, size - 1)
    strokes = np.bincount(stroke_at, minlength=size).astype(np.float64)
    level[_AT["onset"]] = strokes > 0
    level[_AT["parts"]] = np.log1p(strokes)
    level[_AT["notes"]] = np.log1p(np.bincount(at[pitched], minlength=size))
    np.maximum.at(level[_AT["loudness"]], at, onsets.velocity / 100.0)
    before, after = _gaps(onsets)
    np.maximum.at(level[_AT["gap"]], stroke_at, np.log1p(4.0 * np.minimum(after, 3.0)))
    level[_AT["entry"]] += np.bincount(stroke_at, before > _SILENCE, size)
    lasting = np.log1p(4.0 * np.clip(onsets.end - onsets.start, 0.0, 3.0))
    np.maximum.at(level[_AT["length"]], at[pitched], lasting[pitched])
    chroma = np.zeros((12, size))
    if pitched.any():
        _harmony(level, chroma, onsets, at, pulse.period)
    level = np.minimum(level, _MOST)
    count = (level > 0).sum(axis=1)
    used = np.array([count[row] > _RARE.get(kind, 8) for row, kind in enumerate(KINDS)])
    openings = {"onset": 0}
    for kind in ("bass", "kick", "chord", "crash"):
        there = np.flatnonzero(level[_AT[kind]])
        if len(there):
            openings[kind] = int(there[0])
    closing = int(pulse.nearest(onsets.end.max(keepdims=True))[0][0]) - first
    return Accents(
        first=first,
        level=level,
        used=used,
        chroma=chroma,
        strokes=strokes,
        stress=_stress(onsets, at, after, size),
        notes=np.bincount(at, minlength=size).astype(np.float64),
        openings=openings,
        closing=closing,
    )


def _stress(onsets: Onsets, at: IntArray, after: FloatArray, size: int) -> FloatArray:
    """Sum up how notes differ from their fellows, line by line."""
    fellows = onsets.part * 128 + np.where(onsets.is_drum, onsets.pitch, 0)
    _, group = np.unique(fellows, return_inverse=True)
    count = np.maximum(np.bincount(group), 1)
    stress = np.zeros((3, size))
    values = (
        onsets.velocity.astype(np.float64),
        np.log(np.clip(after[onsets.stroke], 0.02, 3.0)),
        np.log(np.clip(onsets.end - onsets.start, 0.02, 3.0)),
    )
    for row, value in enumerate(values):
        mean = np.bincount(group, value) / count
        off = value - mean[group]
        spread = np.sqrt(np.bincount(group, off**2) / count)
        heard = spread[group] > 0.01
        share = np.clip(off[heard] / spread[group][heard], -3.0, 3.0)
        stress[row] = np.bincount(at[heard], share, size)
    return stress


def _percussion(level: FloatArray, onsets: Onsets, at: IntArray) -> None:
    """Enter the strokes of the kit."""
    size = level.shape[1]
    drum, pitch = onsets.is_drum, onsets.pitch
    others = drum.copy()
    for kind, pitches in (("kick", _KICK), ("snare", _SNARE), ("crash", _CRASH), ("tom", _TOM)):
        mine = drum & np.isin(pitch, pitches)
        others &= ~mine
        level[_AT[kind]] += np.bincount(at[mine], minlength=size)
    level[_AT["hat"]] += np.bincount(at[others], onsets.velocity[others] / 100.0, size)


def _gaps(onsets: Onsets) -> tuple[FloatArray, FloatArray]:
    """Seconds from each stroke to its part's stroke before and after."""
    step = np.diff(onsets.time)
    step = np.where(np.diff(onsets.stroke_part) == 0, step, 3.0)
    return np.concatenate([[3.0], step]), np.concatenate([step, [1.0]])


def _harmony(
    level: FloatArray, chroma: FloatArray, onsets: Onsets, at: IntArray, period: float
) -> None:
    """Enter bass notes and changes of harmony."""
    size = level.shape[1]
    pitched = ~onsets.is_drum
    bass = _bass(onsets, pitched)
    level[_AT["bass"]] += np.bincount(at[bass], minlength=size)
    low = np.flatnonzero(bass)
    low = low[np.lexsort((onsets.pitch[low], onsets.start[low]))]
    fresh = np.ones(len(low), bool)
    fresh[1:] = np.diff(onsets.pitch[low] % 12) != 0
    level[_AT["bass change"]] += np.bincount(at[low[fresh]], minlength=size)
    level[_AT["chord"]] += np.bincount(at[_new_chords(onsets)], minlength=size)
    share = np.clip(onsets.end - onsets.start, 0.0, 1.0) + 0.1
    flat = (onsets.pitch % 12) * size + at
    chroma += np.bincount(flat[pitched], share[pitched], 12 * size).reshape(12, size)
    total = np.concatenate([np.zeros((12, 1)), np.cumsum(chroma, axis=1)], axis=1)
    here = np.bincount(at[pitched], minlength=size) > 0
    for kind, seconds in (("novelty", 0.7), ("wide novelty", 2.2)):
        reach = max(1, round(seconds / period))
        i = np.arange(size)
        after = total[:, np.minimum(i + reach, size)] - total[:, i]
        before = total[:, i] - total[:, np.maximum(i - reach, 0)]
        norm = np.linalg.norm(after, axis=0) * np.linalg.norm(before, axis=0)
        alike = (after * before).sum(axis=0) / np.maximum(norm, 1e-9)
        level[_AT[kind]] = np.where((norm > 0) & here, 1.0 - alike, 0.0)


def _bass(onsets: Onsets, pitched: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Find the notes of the bass: the lowest part if it is low, else all low notes."""
    middle = {
        int(part): float(np.median(onsets.pitch[onsets.part == part]))
        for part in np.unique(onsets.part[pitched])
    }
    lowest = min(middle, key=lambda part: middle[part])
    if len(middle) > 1 and middle[lowest] < _LOW:
        pitched = pitched & (onsets.part == lowest)
    else:
        pitched = pitched & (onsets.pitch < _LOW)
    return pitched


def _new_chords(onsets: Onsets) -> IntArray:
    """First note of every stroke of three pitch classes or more that its part did not play last."""
    bits = np.zeros(len(onsets.time), np.int64)
    pitched = ~onsets.is_drum
    np.bitwise_or.at(bits, onsets.stroke[pitched], 1 << (onsets.pitch[pitched] % 12))
    counts = sum(((bits >> k) & 1) for k in range(12))
    chords = np.flatnonzero(counts >= 3)
    fresh = np.ones(len(chords), bool)
    same_part = np.diff(onsets.stroke_part[chords]) == 0
    fresh[1:] = ~same_part | (np.diff(bits[chords]) != 0)
    opens = np.searchsorted(onsets.stroke, chords[fresh])
    return opens.astype(np.int64)
