"""How well the music behind a moment goes on with the pattern before it, by the number of lines.

Songs repeat: what was struck a beat, a bar or four bars ago is likely struck again. The repetition
within both sides (autocorrelation over lines) predicts each side from the other; lines lost or
gained at the moment show as a prediction that is right only a few lines off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.onsets import Onsets

__all__ = ["agreement", "kinds_of"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"
IntArray: TypeAlias = "npt.NDArray[np.int64]"

_MOST_KINDS = 10
_FEWEST_LINES = 12
_SHRUNK = 16.0


def kinds_of(onsets: Onsets) -> FloatArray:
    """Tell what each stroke strikes: kinds of percussion, parts, pitch classes.

    Parameters
    ----------
    onsets : Onsets
        A song's onsets.

    Returns
    -------
    ndarray of float64, shape (strokes, kinds)
        1 where a stroke holds a note of the kind; the most frequent 10 drums or parts, then the 12
        pitch classes.
    """
    kind = np.where(onsets.is_drum, onsets.pitch, 128 + onsets.part)
    often = np.argsort(-np.bincount(kind), kind="stable")[:_MOST_KINDS]
    struck = np.zeros((len(onsets.time), len(often) + 12))
    for column, value in enumerate(often.tolist()):
        struck[onsets.stroke[kind == value], column] = 1.0
    tuned = ~onsets.is_drum
    struck[onsets.stroke[tuned], len(often) + onsets.pitch[tuned] % 12] = 1.0
    return struck


def agreement(
    line: IntArray, struck: FloatArray, behind: npt.NDArray[np.bool_], most: int
) -> FloatArray:
    """Judge every number of lines that may be missing between two sides of a moment.

    Parameters
    ----------
    line : ndarray of int64, shape (n,)
        Line of each stroke.
    struck : ndarray of float64, shape (n, kinds)
        As `kinds_of` gives it.
    behind : ndarray of bool, shape (n,)
        Which strokes lie behind the moment.
    most : int
        Greatest number of lines to add to, or take from, those behind.

    Returns
    -------
    ndarray of float64, shape (2 * most + 1,)
        Log-likelihood gain of adding ``-most`` to ``most`` lines, over no repetition at all.
    """
    if not behind.any() or behind.all():
        return np.zeros(2 * most + 1)
    before, after = _table(line[~behind], struck[~behind]), _table(line[behind], struck[behind])
    power = (before**2).sum(axis=1) + (after**2).sum(axis=1)
    say = np.where(power > 0, 1.0 / np.sqrt(np.maximum(power, 1e-9)), 0.0)[:, None]
    before, after = before * say, after * say
    if min(before.shape[1], after.shape[1]) < _FEWEST_LINES:
        return np.zeros(2 * most + 1)
    apart = int(line[behind].min() - line[~behind].min())
    width = after.shape[1] + 2 * most
    size = before.shape[1] + width + apart
    alike = _autocorrelation([before, after], size)
    alike[0] = 0.0
    length = 1 << int(np.ceil(np.log2(2 * size)))
    spectrum = np.fft.rfft(before, length, axis=1) * np.fft.rfft(alike, length)
    since = apart - most
    expected = np.fft.irfft(spectrum, length, axis=1)[:, np.arange(since, since + width) % length]
    windows = sliding_window_view(expected, after.shape[1], axis=1)
    match = np.einsum("knj,kj->n", windows, after)
    energy = np.concatenate([[0.0], np.cumsum((expected**2).sum(axis=0))])
    length_seen = np.sqrt(np.maximum(energy[after.shape[1] :] - energy[: -after.shape[1]], 1e-12))
    norm = max(float(np.sqrt((after**2).sum())), 1e-9)
    rho = np.clip(match / (length_seen * norm), 0.0, 0.99)
    count = float((np.abs(after).max(axis=0) > 0).sum())
    gains: FloatArray = -0.5 * count * np.log1p(-(rho**2))
    return gains


def _table(line: IntArray, struck: FloatArray) -> FloatArray:
    """What is struck on each line, less its mean, shape (kinds, lines)."""
    at = line - line.min()
    table = np.zeros((int(at.max()) + 1, struck.shape[1]))
    np.maximum.at(table, at, struck)
    centred: FloatArray = (table - table.mean(axis=0)).T
    return centred


def _autocorrelation(tables: list[FloatArray], size: int) -> FloatArray:
    """Likeness of lines some lines apart, within both sides, those seldom seen shrunk to none."""
    total, seen = np.zeros(size), np.zeros(size)
    power, lines = 0.0, 0
    for table in tables:
        width = table.shape[1]
        length = 1 << int(np.ceil(np.log2(2 * width)))
        spectrum = (np.abs(np.fft.rfft(table, length, axis=1)) ** 2).sum(axis=0)
        alike = np.fft.irfft(spectrum, length)[: min(width, size)]
        total[: len(alike)] += alike
        seen[: len(alike)] += np.maximum(width - np.arange(len(alike)), 0)
        power += float(alike[0])
        lines += width
    each = power / max(lines, 1)
    if each <= 0:
        return np.zeros(size)
    # Cubed, so that the few distances that repeat outweigh the many that hardly do.
    likeness: FloatArray = (total / each / (seen + _SHRUNK)) ** 3
    return likeness
