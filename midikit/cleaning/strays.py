"""Single notes far from their part's range and rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midikit.cleaning.sheet import Sheet, medians_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Far", "Loneliness", "find_strays", "loneliness"]

_AROUND = 16
_NEAREST = 3
_FAR = 127
_LEAST_ALIKE = 2.0
_FEWEST = 16
"""Notes of a part below which its range is not known: sparse music is music."""

_TOGETHER = 0.015
_MOST_ALONE = 0.5
_CHORD = 0.03
_HASTY = 0.7
_BRIEF = 0.6
_SOFT = 0.8
_LEAPS = 3.0
_LONG = 2.0
_LONG_SECONDS = 0.5


class Far(NamedTuple):
    """How far a note must be from its part, and what else must speak against it.

    `steps` half tones from the third nearest pitch around, `outside` half tones outside the usual
    range, so many `signs`, and no more than this share of the part's notes `alike`.
    """

    steps: int
    outside: int
    signs: int
    alike: float


@dataclass(frozen=True, slots=True, eq=False)
class Loneliness:
    """How alone each note is in its part.

    Parameters
    ----------
    steps : ndarray of int64, shape (n,)
        Half tones to the third nearest pitch among the sixteen notes before and after; 0 where that
        is not three times what three quarters of the part's notes have, as in parts that leap.
    outside : ndarray of int64, shape (n,)
        Half tones outside the range in which nine tenths of the part's notes lie; 0 in a part of
        fewer than 16.
    alike : ndarray of float64, shape (n,)
        Share of the part's notes within a half tone of this one, without the first two.
    signs : ndarray of int64, shape (n,)
        How many of these speak against it: nothing else in the song begins with it, though most of
        its part has company; it comes closer before or after another note than its part ever
        plays; it is shorter; it is softer. One less for a long note, two for one that is the last.
    """

    steps: npt.NDArray[np.int64]
    outside: npt.NDArray[np.int64]
    alike: npt.NDArray[np.float64]
    signs: npt.NDArray[np.int64]


def loneliness(sheet: Sheet) -> Loneliness:
    """Measure how alone each note is in its part.

    Distance to a near neighbour of an order above the first, as outliers of any distribution are
    found (Ramaswamy, Rastogi and Shim 2000): two strays that happen to lie together do not vouch
    for each other, while a phrase in another register does.

    Parameters
    ----------
    sheet : Sheet
        The notes.

    Returns
    -------
    Loneliness
        Of each note.
    """
    total, pitch = len(sheet), sheet.pitch.astype(np.int16)
    nearest = np.full((_NEAREST, total), _FAR, np.int16)
    for step in range(1, min(_AROUND, total - 1) + 1):
        away = np.abs(pitch[step:] - pitch[:-step])
        away[sheet.track[step:] != sheet.track[:-step]] = _FAR
        for rows in (slice(step, None), slice(None, -step)):
            _insert(nearest[:, rows], away)
    pitches = sheet.pitch.astype(np.float64)
    low = medians_of(pitches, sheet.track, sheet.tracks, 0.05)[sheet.track]
    high = medians_of(pitches, sheet.track, sheet.tracks, 0.95)[sheet.track]
    outside = np.maximum(np.maximum(low - pitches, pitches - high), 0.0)
    outside[sheet.counts[sheet.track] < _FEWEST] = 0.0
    few = np.maximum(_alike(sheet) - _LEAST_ALIKE, 0.0) / np.maximum(sheet.counts, 1)[sheet.track]
    steps = nearest[-1].astype(np.int64)
    usual = medians_of(steps.astype(np.float64), sheet.track, sheet.tracks, 0.75)[sheet.track]
    steps[steps < _LEAPS * usual] = 0
    return Loneliness(steps, outside.astype(np.int64), few, _signs(sheet))


def _insert(nearest: npt.NDArray[np.int16], away: npt.NDArray[np.int16]) -> None:
    """Put distances into the rows of the nearest ones, which ascend."""
    for row in nearest:
        larger = np.maximum(row, away)
        np.minimum(row, away, out=row)
        away = larger


def _alike(sheet: Sheet) -> npt.NDArray[np.int64]:
    """Count the notes of the part within a half tone of each."""
    order, _ = sheet.by_pitch()
    key = (sheet.track * 256 + sheet.pitch)[order]
    low = np.searchsorted(key, key - 1, side="left")
    high = np.searchsorted(key, key + 1, side="right")
    found = np.empty(len(sheet), np.int64)
    found[order] = high - low
    return found


def find_strays(lonely: Loneliness, levels: Sequence[Far]) -> npt.NDArray[np.bool_]:
    """Find single notes far from their part's range, for which nothing else speaks.

    The reason: an overtone or another instrument that was heard in the wrong part lies octaves off
    the line, once, and at a time of its own. A note must be far from those before and after it,
    outside the usual range, and rare: a pedal note returns, and a phrase in another register has
    notes of its own around it. The nearer it is, the more signs must speak against it; how long
    the part is silent around it is none, since sparse music is music.

    Parameters
    ----------
    lonely : Loneliness
        What `loneliness` measured.
    levels : sequence of Far
        Any of these is enough.

    Returns
    -------
    ndarray of bool, shape (n,)
        The notes.
    """
    found = np.zeros(len(lonely.steps), np.bool_)
    for far in levels:
        found |= (
            (lonely.steps >= far.steps)
            & (lonely.outside >= far.outside)
            & (lonely.signs >= far.signs)
            & (lonely.alike <= far.alike)
        )
    return found


def _signs(sheet: Sheet) -> npt.NDArray[np.int64]:
    """Count what speaks against each note, beside its pitch."""
    track, tracks = sheet.track, sheet.tracks
    alone = _company(sheet) > _TOGETHER
    lonely_share = np.bincount(track, alone, tracks) / np.maximum(sheet.counts, 1)
    alone &= (lonely_share < _MOST_ALONE)[track]
    gap = np.full(len(sheet) + 1, np.inf)
    inner = track[1:] == track[:-1]
    gap[1:-1][inner] = (sheet.start[1:] - sheet.start[:-1])[inner]
    apart = np.isfinite(gap[1:]) & (gap[1:] > _CHORD)
    shortest = medians_of(gap[1:][apart], track[apart], tracks, 0.1)[track]
    nearest = np.minimum(gap[:-1], gap[1:])
    hasty = (nearest > _CHORD) & (nearest < _HASTY * shortest)
    length = sheet.length
    middle = medians_of(length, track, tracks)[track]
    loud = sheet.velocity.astype(np.float64)
    soft = loud < _SOFT * medians_of(loud, track, tracks)[track]
    is_long = (length >= _LONG * middle) & (length >= _LONG_SECONDS)
    shown: npt.NDArray[np.int64] = (
        alone.astype(np.int64) + hasty + (length < _BRIEF * middle) + soft
    )
    last = medians_of(sheet.start, track, tracks, 1.0)[track]
    is_last = is_long & (sheet.start >= last - _CHORD)
    return shown - is_long - is_last


def _company(sheet: Sheet) -> npt.NDArray[np.float64]:
    """Seconds from each start to the nearest other one in the song."""
    order = np.argsort(sheet.start, kind="stable")
    gap = np.full(len(order) + 1, np.inf)
    gap[1:-1] = np.diff(sheet.start[order])
    found = np.empty(len(order))
    found[order] = np.minimum(gap[:-1], gap[1:])
    return found
