"""Every way to read beats and bars into a pulse, and what speaks for each.

A reading takes every `lines` lines as a beat and every `beats` beats as a bar, from `phase` on. Its
features are accents folded onto the bar, repetition at its lengths (autocorrelation), its tempo,
and where the song opens and closes. `midikit.rhythm.estimation.network` makes probabilities of
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from midikit.rhythm.estimation.accents import KINDS

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.accents import Accents

__all__ = ["Reading", "readings_of"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

LINES_PER_BEAT = (1, 2, 3, 4, 6, 8, 12)
SWUNG_LINES_PER_BEAT = (2, 4)
_RHYTHM = ("onset", "parts", "kick", "snare", "hat", "notes")
_HARMONY = ("bass change", "chord", "wide novelty")
_LAGS = (1, 2, 3, 4, 6, 8, 12, 16)
_BARS = (1, 2, 4)
_MIDDLE_BPM = 105.0
_HYPER = tuple(KINDS.index(kind) for kind in ("crash", "entry", "chord", "bass change", "tom"))
_DENSE = tuple(
    KINDS.index(kind) for kind in ("onset", "kick", "snare", "hat", "bass", "bass change", "chord")
)
_RAW = tuple(KINDS.index(kind) for kind in ("kick", "snare", "bass", "chord", "crash", "entry"))


class Reading(NamedTuple):
    """Beats and bars read into a pulse."""

    lines: int
    beats: int
    phase: int


def readings_of(
    accents: Accents,
    *,
    period: float,
    swung: bool,
    beat_range: tuple[float, float],
    beats_per_bar: int | None = None,
) -> tuple[list[Reading], FloatArray]:
    """List the readings of a pulse and their features.

    Parameters
    ----------
    accents : Accents
        Accents on its lines.
    period : float
        Seconds between lines.
    swung : bool
        Whether the lines are pairs of a swung beat.
    beat_range : tuple of float
        Shortest and longest beat in seconds.
    beats_per_bar : int or None, optional
        Only bars of so many beats.

    Returns
    -------
    readings : list of Reading
        Phases count from the line numbered 0.
    features : ndarray of float64, shape (readings, features)
        One row each.
    """
    level = accents.level
    mean, spread = level.mean(axis=1, keepdims=True), level.std(axis=1, keepdims=True)
    score = np.where(accents.used[:, None] & (spread > 1e-5), (level - mean) / (spread + 1e-6), 0.0)
    repeats = _repeats(score, accents.chroma)
    found: list[Reading] = []
    rows: list[FloatArray] = []
    for lines in SWUNG_LINES_PER_BEAT if swung else LINES_PER_BEAT:
        if not beat_range[0] <= period * lines <= beat_range[1]:
            continue
        for beats in _bars(lines, beats_per_bar, swung=swung):
            size = lines * beats
            phases = np.arange(0, size, 2) if swung else np.arange(size)
            # Folds count lines from the first; phases from line 0.
            offset = (phases - accents.first) % size
            rows.append(
                np.concatenate(
                    [
                        _folded(accents, score, lines, beats, offset),
                        _repeated(repeats, lines, beats, len(phases)),
                        _openings(accents, lines, beats, offset),
                        _general(accents, lines, beats, len(phases), period=period, swung=swung),
                    ],
                    axis=1,
                )
            )
            found += [Reading(lines, beats, int(phase)) for phase in phases]
    return found, np.concatenate(rows) if rows else np.zeros((0, 0))


def _bars(lines: int, wanted: int | None, *, swung: bool) -> tuple[int, ...]:
    """Bar lengths to try: two beats only where a beat may have three parts, as in 6/8."""
    if wanted is not None:
        return (wanted,)
    return (2, 3, 4) if lines % 3 == 0 or swung else (3, 4)


def _fold(values: FloatArray, size: int) -> FloatArray:
    """Mean of each row at each position of a bar, shape (rows, size)."""
    rows, count = values.shape
    full = -(-count // size) * size
    padded = np.zeros((rows, full))
    padded[:, :count] = values
    seen = np.full(size, full // size, np.float64)
    seen[(count - 1) % size + 1 :] -= 1 if count % size else 0
    folded: FloatArray = padded.reshape(rows, -1, size).sum(axis=1) / np.maximum(seen, 1.0)
    return folded


def _folded(
    accents: Accents,
    score: FloatArray,
    lines: int,
    beats: int,
    offset: npt.NDArray[np.int64],
) -> FloatArray:
    """Accents on downbeats, beats and between them."""
    size = lines * beats
    turn = (offset[:, None] + np.arange(size)[None]) % size
    bar = _fold(score, size)[:, turn]
    beat = bar[:, :, ::lines]
    down, mean = beat[:, :, 0], beat.mean(axis=2)
    half = bar[:, :, lines // 2 :: lines].mean(axis=2) if lines % 2 == 0 else 0.0 * mean
    third = mean * 0.0
    if lines % 3 == 0:
        step = lines // 3
        third = 0.5 * (bar[:, :, step::lines] + bar[:, :, 2 * step :: lines]).mean(axis=2)
    back = 0.0 * mean
    if beats > 1:
        back = (beat[:, :, 1:] if beats == 3 else beat[:, :, 1::2]).mean(axis=2)
    middle = beat[:, :, 2] if beats == 4 else 0.0 * mean
    last = beat[:, :, -1]
    two = _fold(score, 2 * size)
    odd = np.abs(two[:, offset] - two[:, offset + size])
    four = _fold(score, 4 * size)[list(_HYPER)]
    hyper = np.stack([four[:, offset + i * size] for i in range(4)])
    parts = [down - mean, mean, half, third, back - mean, middle, last - mean, odd]
    parts.append(hyper.max(axis=0) - hyper.mean(axis=0))
    raw = _fold(accents.level[list(_RAW)], size)[:, turn][:, :, ::lines]
    parts.append(raw[:, :, 0] - raw.mean(axis=2))
    parts.append(_shares(accents, lines, size, turn))
    parts.append(_stresses(accents, lines, size, turn))
    return np.concatenate(parts).T


def _shares(accents: Accents, lines: int, size: int, turn: npt.NDArray[np.int64]) -> FloatArray:
    """Shares of strokes, and of lines with one, on downbeats, beats, halves, thirds, between."""
    both = np.stack([accents.level[KINDS.index("onset")], accents.strokes])
    bar = _fold(both, size)[:, turn]
    beat = bar[:, :, ::lines]
    half = bar[:, :, lines // 2 :: lines] if lines % 2 == 0 else 0.0 * beat
    third = 0.0 * beat
    if lines % 3 == 0:
        third = bar[:, :, lines // 3 :: lines] + bar[:, :, 2 * lines // 3 :: lines]
    total = np.maximum(bar[1].sum(axis=1), 1e-9)
    covered = [beat[0, :, 0], beat[0].mean(1), half[0].mean(1), third[0].mean(1), bar[0].mean(1)]
    shares = [part[1].sum(axis=1) / total for part in (beat, half, third)]
    return np.stack([*covered, beat[1, :, 0] / total, *shares])


def _stresses(accents: Accents, lines: int, size: int, turn: npt.NDArray[np.int64]) -> FloatArray:
    """How much the notes on downbeats, beats, halves and thirds stand out, and how surely."""
    bar = _fold(np.vstack([accents.stress, accents.notes]), size)[:, turn]
    bar = bar * (accents.stress.shape[1] / size)
    beat = bar[:, :, ::lines]
    half = bar[:, :, lines // 2 :: lines] if lines % 2 == 0 else 0.0 * beat
    third = 0.0 * beat
    if lines % 3 == 0:
        third = bar[:, :, lines // 3 :: lines] + bar[:, :, 2 * lines // 3 :: lines]
    rows = []
    for place in (beat[:, :, :1], beat, half, third):
        total = place.sum(axis=2)
        count = total[3] + 3.0
        rows += [total[:3] / count, np.tanh(total[:3] / np.sqrt(count) / 5.0)]
    return np.concatenate(rows)


def _repeats(score: FloatArray, chroma: FloatArray) -> FloatArray:
    """Autocorrelation of rhythm, harmony and pitch classes, shape (3, lags)."""
    centred = chroma - chroma.mean(axis=1, keepdims=True)
    rows = [
        score[[KINDS.index(kind) for kind in _RHYTHM]],
        score[[KINDS.index(kind) for kind in _HARMONY]],
        centred,
    ]
    size = score.shape[1]
    length = 1 << int(np.ceil(np.log2(2 * size)))
    out = np.zeros((len(rows), size))
    for i, row in enumerate(rows):
        power = (np.abs(np.fft.rfft(row, length, axis=1)) ** 2).sum(axis=0)
        alike = np.fft.irfft(power, length)[:size] / np.maximum(size - np.arange(size), 8)
        out[i] = alike / alike[0] if alike[0] > 1e-9 else 0.0
    return out


def _repeated(repeats: FloatArray, lines: int, beats: int, count: int) -> FloatArray:
    """Repetition after some beats and some bars, and after the bar against other lengths."""
    size = lines * beats

    def at(lags: list[int]) -> FloatArray:
        known = np.array(lags, np.int64)
        found = repeats[:, np.minimum(known, repeats.shape[1] - 1)]
        kept: FloatArray = np.where(known[None] < repeats.shape[1] - lines, found, 0.0)
        return kept

    by_beat = at([lines * lag for lag in _LAGS])
    by_bar = at([size * bars for bars in _BARS])
    others = at([lines * lag for lag in range(1, 9) if lag % beats])
    margin = by_bar[:, :1] - others.max(axis=1, keepdims=True, initial=-1.0)
    row = np.concatenate([by_beat.ravel(), by_bar.ravel(), margin.ravel()])
    return np.repeat(row[None], count, axis=0)


def _openings(
    accents: Accents, lines: int, beats: int, offset: npt.NDArray[np.int64]
) -> FloatArray:
    """Whether the song, and some kinds of accent, open on a downbeat or a beat; where it closes."""
    size = lines * beats
    columns = []
    for kind in ("onset", "bass", "kick", "chord", "crash"):
        line = accents.openings.get(kind)
        late = (line - offset) % size if line is not None else np.full(len(offset), -1)
        columns.append((late == 0).astype(np.float64))
        columns.append(((late % lines == 0) & (late >= 0)).astype(np.float64))
    late = (accents.openings["onset"] - offset) % size
    columns.append((late > size / 2).astype(np.float64))
    columns.append(((accents.closing - offset) % size == 0).astype(np.float64))
    columns.append(((accents.closing - offset) % lines == 0).astype(np.float64))
    return np.stack(columns, axis=1)


def _general(
    accents: Accents, lines: int, beats: int, count: int, *, period: float, swung: bool
) -> FloatArray:
    """Tempo, kind of meter, how much happens in a beat and a second: the same for all phases."""
    pace = np.log2(60.0 / (period * lines) / _MIDDLE_BPM)
    ternary = lines % 3 == 0
    bars = accents.level.shape[1] / (lines * beats)
    drums = bool(accents.used[[KINDS.index(kind) for kind in ("kick", "snare", "hat")]].any())
    row = [pace, pace**2, abs(pace) ** 3, beats == 2, beats == 3, ternary, swung, drums]
    row += [beats == 2 and ternary, beats == 3 and ternary, beats == 4 and ternary]
    row += [pace * ternary, pace**2 * ternary, pace * drums]
    row += [lines == n for n in (1, 2, 3, 4, 6, 8, 12)]
    row += [np.log2(max(bars, 1.0)) / 6.0, np.log2(period / 0.2)]
    mean = [accents.strokes.mean(), accents.notes.mean(), *accents.level[list(_DENSE)].mean(axis=1)]
    a_beat = np.log2(lines * np.array(mean) + 0.03)
    row += [*a_beat, *(a_beat - np.log2(period * lines))]
    return np.repeat(np.array(row, np.float64)[None], count, axis=0)
