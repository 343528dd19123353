"""What the notes of a song say about its key: which pitch classes sound, and which are the bass.

Everything is counted in steps of the song, so that the evidence of a stretch is the sum over its
steps. Drums are left out; velocities say nothing here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.song import Song

__all__ = ["BLOCKS", "Evidence", "features", "features_of", "gather", "rotations"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"
IntArray: TypeAlias = "npt.NDArray[np.int64]"

BLOCKS = 4
"""Rows of evidence: all notes; the bass under a major third, under a minor one, under neither."""

_STEP = 2.0
_FRAMES_A_STEP = 20
_MOST_STEPS = 600
_SHORTEST, _LONGEST = 0.01, 1.0
"""Seconds of a note that count; the rest of a pad or a held bass tells nothing new."""

_AROUND = 5
"""Frames before and after one in which a third counts as sounding with its bass."""

_EDGE = 2
"""Steps that are the beginning, and the end, of a stretch."""

_PITCHES, _CLASSES = 128, 12
_MAJOR_THIRD, _MINOR_THIRD = 4, 3
_EARLY = 0.25
"""Share of a frame by which an onset may come early and still belong to it whole."""


class Evidence(NamedTuple):
    """The evidence of each step of a song.

    Parameters
    ----------
    origin : float
        Second of the first step.
    step : float
        Seconds a step: 2, more in songs of hours.
    counts : ndarray of float64, shape (steps, 4, 12)
        By `BLOCKS` and pitch class: notes by the root of their length, the bass in frames.
    notes : ndarray of int64, shape (steps,)
        Notes that begin in each.
    """

    origin: float
    step: float
    counts: FloatArray
    notes: IntArray


def gather(song: Song, *, start: float | None = None, end: float | None = None) -> Evidence | None:
    """Collect the evidence of a song.

    Parameters
    ----------
    song : Song
        The song.
    start, end : float or None, optional
        Only notes that begin from this second on, and before that one.

    Returns
    -------
    Evidence or None
        None where nothing but drums plays there.
    """
    parts = [track.notes for track in song.tracks if len(track.notes) and not track.is_drum]
    if not parts:
        return None
    notes: Notes = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if start is not None or end is not None:
        first = -np.inf if start is None else start
        notes = notes[
            (notes["start"] >= first) & (notes["start"] < (np.inf if end is None else end))
        ]
        if not len(notes):
            return None
    origin = float(notes["start"].min())
    span = float(notes["end"].max()) - origin
    step = max(_STEP, span / _MOST_STEPS)
    steps = int(span / step) + 1
    at = ((notes["start"] - origin) / step).astype(np.int64)
    length = (notes["end"] - notes["start"]).clip(_SHORTEST, _LONGEST)
    counts = np.zeros((steps, BLOCKS, _CLASSES))
    counts[:, 0] = _binned(at, notes["pitch"], np.sqrt(length), steps)
    counts[:, 1:] = _bass(notes, origin, step / _FRAMES_A_STEP, steps)
    return Evidence(origin, step, counts, np.bincount(at, minlength=steps))


def _binned(
    at: IntArray, pitch: npt.NDArray[np.int32], weight: FloatArray, rows: int
) -> FloatArray:
    """Add weights up by row and pitch class."""
    cells = at * _CLASSES + pitch % _CLASSES
    binned = np.bincount(cells, weight, minlength=rows * _CLASSES).astype(np.float64)
    return binned.reshape(rows, _CLASSES)


def _bass(notes: Notes, origin: float, frame: float, steps: int) -> FloatArray:
    """Count the lowest pitch of each frame by pitch class and by the third that sounds with it."""
    frames = steps * _FRAMES_A_STEP
    begin = ((notes["start"] - origin) / frame + _EARLY).astype(np.int64).clip(0, frames - 1)
    end = ((notes["end"] - origin) / frame + _EARLY).astype(np.int64).clip(begin + 1, frames)
    cells = (frames + 1) * _PITCHES
    change = np.bincount(begin * _PITCHES + notes["pitch"], minlength=cells)
    change -= np.bincount(end * _PITCHES + notes["pitch"], minlength=cells)
    sounding = change.reshape(frames + 1, _PITCHES).cumsum(axis=0)[:-1] > 0
    heard = np.flatnonzero(sounding.any(axis=1))
    lowest = sounding[heard].argmax(axis=1) % _CLASSES
    near = _near(sounding)[heard]
    row = np.arange(len(heard))
    major = near[row, (lowest + _MAJOR_THIRD) % _CLASSES]
    minor = near[row, (lowest + _MINOR_THIRD) % _CLASSES]
    third = np.where(major > minor, 0, np.where(minor > major, 1, 2))
    place = (heard // _FRAMES_A_STEP * (BLOCKS - 1) + third) * _CLASSES + lowest
    size = steps * (BLOCKS - 1) * _CLASSES
    return np.bincount(place, minlength=size).reshape(steps, BLOCKS - 1, _CLASSES).astype(float)


def _near(sounding: npt.NDArray[np.bool_]) -> IntArray:
    """Count for each frame in how many of those around it each pitch class sounds."""
    frames = len(sounding)
    classes = np.zeros((frames, _CLASSES), bool)
    for low in range(0, _PITCHES, _CLASSES):
        octave = sounding[:, low : low + _CLASSES]
        classes[:, : octave.shape[1]] |= octave
    total = np.zeros((frames + 1, _CLASSES), np.int64)
    total[1:] = classes.cumsum(axis=0)
    at = np.arange(frames)
    return total[np.minimum(at + _AROUND + 1, frames)] - total[np.maximum(at - _AROUND, 0)]


def features(
    counts: FloatArray, first: FloatArray | None = None, last: FloatArray | None = None
) -> FloatArray:
    """Turn counts into shares: of all notes, of all frames with a bass, of the first and last bass.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, 4, 12)
        Evidence of stretches.
    first, last : ndarray of float64, shape (n, 12), or None, optional
        Frames of each pitch class as the bass at the beginning and at the end; None where neither
        is to count.

    Returns
    -------
    ndarray of float64, shape (n, 6, 12)
        Rows 0, 1 to 3, 4 and 5 sum to 1, or to 0 where nothing sounds.
    """
    notes, bass = counts[:, :1], counts[:, 1:]
    edges = np.zeros((len(counts), 2, _CLASSES))
    for row, edge in enumerate((first, last)):
        if edge is not None:
            edges[:, row] = edge / np.maximum(edge.sum(axis=1, keepdims=True), 1.0)
    return np.concatenate(
        [
            notes / np.maximum(notes.sum(axis=(1, 2), keepdims=True), 1e-9),
            bass / np.maximum(bass.sum(axis=(1, 2), keepdims=True), 1.0),
            edges,
        ],
        axis=1,
    )


def features_of(counts: FloatArray) -> FloatArray:
    """Turn the steps of one stretch into shares.

    Parameters
    ----------
    counts : ndarray of float64, shape (steps, 4, 12)
        Its evidence, step by step.

    Returns
    -------
    ndarray of float64, shape (1, 6, 12)
        As `features`, with its first and last bass: that of the first and last two steps.
    """
    bass = counts[:, 1:].sum(axis=1)
    heard = bass[bass.any(axis=1)]
    first, last = heard[:_EDGE].sum(axis=0)[None], heard[-_EDGE:].sum(axis=0)[None]
    return features(counts.sum(axis=0)[None], first, last)


def rotations(shared: FloatArray) -> FloatArray:
    """Look at shares from each tonic.

    Parameters
    ----------
    shared : ndarray of float64, shape (n, rows, 12)
        As `features` gives them.

    Returns
    -------
    ndarray of float64, shape (n, 12, 12 rows)
        For each of twelve tonics the shares by semitones above it, row after row.
    """
    turn = (np.arange(_CLASSES)[:, None] + np.arange(_CLASSES)) % _CLASSES
    turned = np.moveaxis(shared[:, :, turn], 2, 1)
    return np.ascontiguousarray(turned).reshape(len(shared), _CLASSES, -1)
