"""The likeliest path through the keys of a song, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.tonality.evidence import features
from midikit.tonality.model import KEYS, probabilities

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.tonality.evidence import Evidence
    from midikit.tonality.model import Weights

__all__ = ["key_path"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"
IntArray: TypeAlias = "npt.NDArray[np.int64]"

_AROUND = 3
"""Steps before and after one whose notes tell its key as well."""

_CHANGE = 1e-4
"""Probability of another key from one step to the next."""

_LEAST = 12.0
"""Seconds of a key, at least, to be told."""


def key_path(found: Evidence, learnt: Weights) -> IntArray:
    """Find the likeliest sequence of keys.

    Parameters
    ----------
    found : Evidence
        The evidence of a song.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of int64, shape (steps,)
        Key of each step, 0 to 23; none holds for less than twelve seconds, unless the song is
        shorter.
    """
    return _without_glances(_likeliest(_by_step(found, learnt)), found.step)


def _by_step(found: Evidence, learnt: Weights) -> FloatArray:
    """Log probability of each key at each step, by the notes around it; shape (steps, 24)."""
    size = len(found.notes)
    total = np.concatenate([np.zeros((1, *found.counts.shape[1:])), found.counts.cumsum(axis=0)])
    notes = np.concatenate([[0], found.notes.cumsum()])
    at = np.arange(size)
    low, high = np.maximum(at - _AROUND, 0), np.minimum(at + _AROUND + 1, size)
    share = probabilities(features(total[high] - total[low]), notes[high] - notes[low], learnt)
    # Neighbours look at the same notes: each says its part of what these tell.
    log: FloatArray = np.log(np.maximum(share, 1e-12)) / (high - low)[:, None]
    return log


def _likeliest(log: FloatArray) -> IntArray:
    """Find the path of greatest probability (Viterbi 1967)."""
    leave, stay = np.log(_CHANGE / (KEYS - 1)), np.log1p(-_CHANGE)
    best, came = log[0], []
    for row in log[1:]:
        source = int(best.argmax())
        moved, kept = best[source] + leave, best + stay
        came.append(np.where(kept >= moved, np.arange(KEYS), source))
        best = np.maximum(kept, moved) + row
    path = [int(best.argmax())]
    for row in reversed(came):
        path.append(int(row[path[-1]]))
    return np.array(path[::-1])


def _without_glances(path: IntArray, step: float) -> IntArray:
    """Give stretches that are too short to the longer of their neighbours, the shortest first."""
    path = path.copy()
    while True:
        edges = np.concatenate([[0], np.flatnonzero(np.diff(path)) + 1, [len(path)]])
        lengths = np.diff(edges)
        shortest = int(lengths.argmin())
        if len(lengths) == 1 or lengths[shortest] * step >= _LEAST:
            return path
        before = lengths[shortest - 1] if shortest else -1
        after = lengths[shortest + 1] if shortest + 1 < len(lengths) else -1
        other = edges[shortest] - 1 if before >= after else edges[shortest + 1]
        path[edges[shortest] : edges[shortest + 1]] = path[other]
