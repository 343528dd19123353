"""Follow the key through a song that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.model.key import KeySpan
from midikit.tonality.estimate import key_of
from midikit.tonality.evidence import gather
from midikit.tonality.model import KEYS, probabilities, tonality, weights

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.tonality.evidence import Evidence

__all__ = ["estimate_keys"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_AROUND = 3
"""Steps before and after one whose notes tell its key as well."""

_CHANGE = 1e-4
"""Probability of another key from one step to the next."""

_LEAST = 12.0
"""Seconds of a key, at least, to be told."""

_REFUSED_BELOW = 0.5


def estimate_keys(song: Song, *, grid: BeatGrid | None = None) -> tuple[KeySpan, ...]:
    """Estimate the keys of a song, stretch by stretch.

    The likeliest path through the 24 keys, whose evidence comes from the notes around each two
    seconds, where each change must be worth it: the hidden Markov model of Raphael and Stoddard
    (2004) and Temperley (2007), with the key profiles of `estimate_key`. A glance at another key of
    less than twelve seconds is none.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid or None, optional
        Beats and bars; keys then change at the bar lines that are nearest.

    Returns
    -------
    tuple of KeySpan
        From the first note to the last end without a gap, two neighbours in different keys. The
        confidence of each is the probability of that key by the notes of its stretch alone. Empty
        where `estimate_key` finds none.

    Examples
    --------
    >>> from midikit.model.notes import as_notes, transpose
    >>> from midikit.model.song import Song, Track
    >>> bar = [60, 64, 67, 64, 65, 69, 72, 69, 67, 71, 74, 71, 72, 67, 64, 60]
    >>> rows = [(0.5 * i, 0.5 * i + 0.5, bar[i % 16] + 3 * (i >= 96), 80) for i in range(192)]
    >>> for span in estimate_keys(Song((Track("Harp", notes=as_notes(rows)),))):
    ...     print(span)
    0.0 to 48.0 s: C major
    48.0 to 96.0 s: Eb major
    """
    found = gather(song)
    if found is None:
        return ()
    total, notes = found.counts.sum(axis=0)[None], np.array([found.notes.sum()])
    tonal = float(tonality(total, notes, weights())[0])
    if tonal < _REFUSED_BELOW:
        return ()
    path = _without_glances(_likeliest_path(_by_step(found)), found.step)
    changes = np.flatnonzero(np.diff(path)) + 1
    first = [0, *changes.tolist()]
    last = [*changes.tolist(), len(path)]
    start = found.origin
    spans = []
    for low, high in zip(first, last, strict=True):
        counts = found.counts[low:high].sum(axis=0)[None]
        share = probabilities(counts, found.notes[low:high].sum()[None], weights())[0]
        key = key_of(share * tonal, int(path[low]))
        end = song_end(song) if high == len(path) else found.origin + high * found.step
        end = _on_bar(end, grid) if high < len(path) else end
        if end > start:
            spans.append(KeySpan(start, end, key))
            start = end
    return tuple(spans)


def song_end(song: Song) -> float:
    """Second at which the last note that is no drum ends."""
    return max(track.end for track in song.tracks if len(track.notes) and not track.is_drum)


def _by_step(found: Evidence) -> FloatArray:
    """Log probability of each key at each step, by the notes around it; shape (steps, 24)."""
    size = len(found.notes)
    total = np.concatenate([np.zeros((1, *found.counts.shape[1:])), found.counts.cumsum(axis=0)])
    notes = np.concatenate([[0], found.notes.cumsum()])
    at = np.arange(size)
    low, high = np.maximum(at - _AROUND, 0), np.minimum(at + _AROUND + 1, size)
    share = probabilities(total[high] - total[low], notes[high] - notes[low], weights())
    # The windows of neighbours share their notes: each step may say its part of them only.
    log: FloatArray = np.log(np.maximum(share, 1e-12)) / (high - low)[:, None]
    return log


def _likeliest_path(log: FloatArray) -> npt.NDArray[np.int64]:
    """Find the likeliest sequence of keys (Viterbi 1967)."""
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


def _without_glances(path: npt.NDArray[np.int64], step: float) -> npt.NDArray[np.int64]:
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


def _on_bar(seconds: float, grid: BeatGrid | None) -> float:
    """Move a change of key to the nearest bar line."""
    if grid is None or not len(grid.downbeats):
        return seconds
    return float(grid.downbeats[np.abs(grid.downbeats - seconds).argmin()])
