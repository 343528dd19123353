"""Compare two songs note by note: what matches, what is missing, what is extra, and how far off.

Tracks are paired first (`midikit.verify.pairing`), then the notes of each pair of tracks. A note
matches one of equal pitch whose onset lies within the tolerance; `midikit.verify.match` finds the
most such pairs there are. Ends and velocities do not decide whether a note matches (ends choose
between equally near ones); how much they differ is reported (`midikit.verify.matches`).
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midikit.model.joined import end_to_end
from midikit.verify.comparison import Comparison
from midikit.verify.match import Onsets, match_onsets
from midikit.verify.matches import NOTE_INDEX, PAIR, TrackComparison
from midikit.verify.pairing import pair_tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.song import Song
    from midikit.verify.pairing import TrackPair

__all__ = ["DEFAULT_TOLERANCE", "Comparison", "TrackComparison", "compare"]

DEFAULT_TOLERANCE = 0.003
"""Seconds two onsets may differ and still be one note: the lattice of 1/192 s rounds by 2.6 ms."""

_PITCHES = 128


def compare(reference: Song, estimate: Song, *, tolerance: float = DEFAULT_TOLERANCE) -> Comparison:
    """Compare two songs note by note.

    A note matches one of equal pitch in the paired track whose onset differs by at most the
    tolerance (`midikit.verify.match.GUARD` more is let through, against rounding of floats). No
    other pairing of notes has more matches. Tracks pair by name, tracks of one name by order, and
    what is left by order, drums with drums first; if one song has more tracks of a name than the
    other, all tracks of this name are compared as one. Notes of a track without a counterpart are
    missing or extra.

    Parameters
    ----------
    reference : Song
        What should be there.
    estimate : Song
        What is there.
    tolerance : float, optional
        Largest difference of onsets in seconds.

    Returns
    -------
    Comparison
        Counts, index pairs, errors, and words for them.

    Raises
    ------
    ValueError
        If the tolerance is negative or not finite.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)])),))
    >>> compare(song, song)
    <Comparison 1 of 1 notes match>
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise ValueError(
            f"tolerance: {tolerance} is no length of time; expected seconds, 0 or more"
        )
    couples = pair_tracks(reference, estimate)
    left = _flatten(reference, [couple.reference for couple in couples])
    right = _flatten(estimate, [couple.estimate for couple in couples])
    left_rows, right_rows = match_onsets(_onsets(left), _onsets(right), tolerance=tolerance)
    pairs = np.empty(len(left_rows), PAIR)
    for name, side, rows in (("reference", left, left_rows), ("estimate", right, right_rows)):
        pairs[f"{name}_track"] = side.track[rows]
        pairs[f"{name}_note"] = side.note[rows]
    lost, found = _unmatched(left, left_rows), _unmatched(right, right_rows)
    matches = (
        pairs,
        _note_index(left, lost),
        _note_index(right, found),
        right.start[right_rows] - left.start[left_rows],
        right.end[right_rows] - left.end[left_rows],
        right.velocity[right_rows] - left.velocity[left_rows],
    )
    for column in matches:
        column.flags.writeable = False
    cuts = [
        np.searchsorted(rows, side.bounds).tolist()
        for rows, side in ((left_rows, left), (lost, left), (found, right))
    ]
    tracks = tuple(
        TrackComparison(
            matches[0][a:b],
            matches[1][c:d],
            matches[2][e:f],
            matches[3][a:b],
            matches[4][a:b],
            matches[5][a:b],
            _name(couple, reference, estimate),
            couple.reference,
            couple.estimate,
        )
        for couple, (a, b), (c, d), (e, f) in zip(couples, *map(pairwise, cuts), strict=True)
    )
    return Comparison(*matches, tracks, float(tolerance), reference, estimate)


class _Side(NamedTuple):
    """All notes of one song, one pair of tracks after the other; within a pair by time."""

    start: npt.NDArray[np.float64]
    end: npt.NDArray[np.float64]
    pitch: npt.NDArray[np.int32]
    velocity: npt.NDArray[np.int32]
    couple: npt.NDArray[np.int64]  # index of the pair of tracks
    track: npt.NDArray[np.int64]  # index of the track in the song
    note: npt.NDArray[np.int64]  # index of the note in the track
    bounds: npt.NDArray[np.int64]  # first row of each pair, and the number of rows


def _flatten(song: Song, parts: list[tuple[int, ...]]) -> _Side:
    """Put the notes of a song in one table."""
    order = [index for part in parts for index in part]
    tracks = [song.tracks[index].notes for index in order]
    counts = np.array([len(notes) for notes in tracks], np.int64)
    rows = end_to_end(tracks)
    joined = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    couple = np.repeat(joined, counts)
    track = np.repeat(np.array(order, np.int64), counts)
    note = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    bounds = np.searchsorted(couple, np.arange(len(parts) + 1))
    if any(len(part) > 1 for part in parts):
        by_time = np.lexsort((rows["end"], rows["start"], couple))
        rows, track, note = rows[by_time], track[by_time], note[by_time]
    return _Side(
        rows["start"], rows["end"], rows["pitch"], rows["velocity"], couple, track, note, bounds
    )


def _onsets(side: _Side) -> Onsets:
    """Let notes of one pitch in one pair of tracks match."""
    return Onsets(side.couple * _PITCHES + side.pitch, side.start, side.end)


def _unmatched(side: _Side, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Give the rows that are not among the matched ones."""
    alone = np.ones(len(side.start), np.bool_)
    alone[rows] = False
    return np.flatnonzero(alone)


def _note_index(side: _Side, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.void]:
    """Say of which track and which note each row is."""
    index = np.empty(len(rows), NOTE_INDEX)
    index["track"] = side.track[rows]
    index["note"] = side.note[rows]
    return index


def _name(couple: TrackPair, reference: Song, estimate: Song) -> str:
    """Name a pair of tracks after the reference if it has one."""
    if couple.reference:
        return reference.tracks[couple.reference[0]].name
    return estimate.tracks[couple.estimate[0]].name
