"""Follow the key through a song that changes it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from midikit.model.key import KeySpan
from midikit.tonality.estimate import REFUSED_BELOW, has_key, stretch_key
from midikit.tonality.evidence import gather
from midikit.tonality.model import weights
from midikit.tonality.path import key_path

if TYPE_CHECKING:
    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["estimate_keys"]


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
        where `estimate_key` finds none, and where no note has a length.

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
    path = key_path(found, weights())
    chance = has_key(found, path)
    if chance < REFUSED_BELOW:
        return ()
    changes = (np.flatnonzero(np.diff(path)) + 1).tolist()
    at, spans, start = np.arange(len(path)), [], found.origin
    for low, high in pairwise([0, *changes, len(path)]):
        key = stretch_key(found, (at >= low) & (at < high), chance, int(path[low]))
        end = _end(song) if high == len(path) else _on_bar(found.origin + high * found.step, grid)
        if end > start:
            spans.append(KeySpan(start, end, key))
            start = end
    return tuple(spans)


def _end(song: Song) -> float:
    """Second at which the last note that is no drum ends."""
    return max(track.end for track in song.tracks if len(track.notes) and not track.is_drum)


def _on_bar(seconds: float, grid: BeatGrid | None) -> float:
    """Move a change of key to the nearest bar line."""
    if grid is None or not len(grid.downbeats):
        return seconds
    return float(grid.downbeats[np.abs(grid.downbeats - seconds).argmin()])
