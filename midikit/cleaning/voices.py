"""More voices at once than a part can play, and the weakest of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.cleaning.sheet import Sheet, medians_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Crowds", "find_crowds", "find_superfluous"]

_SLUR = 0.2
_SLUR_SHARE = 0.5
_USUAL = 0.9
_MOSTLY = 0.95
_PASSAGE = 4.0
_NOTES = 8.0
_LEAST = 1.0
_TOGETHER = 0.05
_AWAY = 24
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Crowds:
    """Where a part plays more voices than it can.

    Parameters
    ----------
    member : ndarray of bool, shape (n,)
        Notes that sound in such a moment.
    usual : ndarray of int64, shape (tracks,)
        Voices that nine tenths of the other onsets of each track have at most, at least one.
    """

    member: npt.NDArray[np.bool_]
    usual: npt.NDArray[np.int64]


def _ends(sheet: Sheet) -> npt.NDArray[np.float64]:
    """Tell until when notes count as sounding: a note may be slurred into the next."""
    return sheet.end - np.minimum(_SLUR, _SLUR_SHARE * sheet.length)


def find_crowds(
    sheet: Sheet,
    limits: npt.NDArray[np.int64],
    times: npt.NDArray[np.float64],
    passage: npt.NDArray[np.float64],
) -> Crowds:
    """Find the moments at which a part plays more voices than it can.

    Two tenths of a second that a note reaches into the next (at most half of it) are legato, no
    second voice. Where a part goes on like that for seconds it plays chords, whatever it is called:
    there the limit is wrong, and nothing is found.

    Parameters
    ----------
    sheet : Sheet
        The notes.
    limits : ndarray of int64, shape (tracks,)
        Voices that each part can play.
    times : ndarray of float64, shape (tracks,)
        It has too many as well where it has so many times the voices that it plays at nineteen of
        twenty onsets, and more than two above them: a guitar that plays single strings does not
        play six at once. 128 for `limits` alone.
    passage : ndarray of float64, shape (tracks,)
        Share of the time that is played within four seconds (eight notes, if that is longer) before
        or after a moment, from which on it belongs to a passage of chords; above 1 for never.

    Returns
    -------
    Crowds
        What was found.
    """
    voices = _voices(sheet)
    played = medians_of(voices.astype(np.float64), sheet.track, sheet.tracks, _MOSTLY)
    limits = np.fmin(limits, np.maximum(times * played, played + 2.0)).astype(np.int64)
    over = voices > limits[sheet.track]
    usual = _usual(sheet, voices, over, limits)
    member = np.zeros(len(sheet), np.bool_)
    crowded = np.bincount(sheet.track[over], minlength=sheet.tracks) > 0
    rows = np.flatnonzero(crowded[sheet.track])  # the others need no closer look
    if len(rows):
        member[rows] = _members(sheet, rows, limits, passage)
    return Crowds(member, usual)


def _voices(sheet: Sheet) -> npt.NDArray[np.int64]:
    """Count the voices of its part that sound when each note begins, its own included."""
    ends = _ends(sheet)
    found = np.arange(1, len(sheet) + 1)
    count = sheet.counts
    first = np.cumsum(count) - count
    for track in np.flatnonzero(count).tolist():
        here = slice(first[track], first[track] + count[track])
        over = np.searchsorted(np.sort(ends[here]), sheet.start[here], side="right")
        found[here] -= first[track] + over
    return np.maximum(found, 1)  # a note of no length ends no earlier than it begins


def _members(
    sheet: Sheet,
    rows: npt.NDArray[np.int64],
    limits: npt.NDArray[np.int64],
    passage: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Tell which notes of whole tracks sound while there are too many, outside passages."""
    total = len(rows)
    track = np.concatenate([sheet.track[rows], sheet.track[rows]])
    time = np.concatenate([sheet.start[rows], _ends(sheet)[rows]])
    step = np.repeat(np.array([1, -1]), total)
    order = np.lexsort((step, time, track))  # ends before starts
    track, time = track[order], time[order]
    voices = np.cumsum(step[order])
    over = voices > limits[track]
    place = np.empty(2 * total, np.int64)
    place[order] = np.arange(2 * total)
    starts, ends = place[:total], place[total:]
    kept = ~_in_passages(sheet, track, time, voices, over, passage)
    begins, finishes = (edges[kept] for edges in _runs(over))
    # A note is in a run of events if it begins before the run's end and ends after its beginning.
    run = np.searchsorted(finishes, starts, side="right")
    member = run < len(finishes)
    member[member] &= begins[run[member]] < ends[member]
    return member


def _runs(over: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where runs of true values begin, and where they are over."""
    edges = np.diff(np.concatenate([[False], over, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _usual(
    sheet: Sheet,
    voices: npt.NDArray[np.int64],
    over: npt.NDArray[np.bool_],
    limits: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Tell how many voices each track has where it keeps to its limit."""
    fine = ~over
    usual = medians_of(voices[fine].astype(np.float64), sheet.track[fine], sheet.tracks, _USUAL)
    usual = np.where(np.isnan(usual), limits, usual)
    return np.clip(usual, 1, limits).astype(np.int64)


def _in_passages(
    sheet: Sheet,
    track: npt.NDArray[np.int64],
    time: npt.NDArray[np.float64],
    voices: npt.NDArray[np.int64],
    over: npt.NDArray[np.bool_],
    passage: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Tell which runs go on for long, or have as many voices nearly all the time before or after.

    One side is enough: the edges of a passage belong to it, or it would be eaten up from there.
    """
    begins, finishes = _runs(over)
    found = np.zeros(len(begins), np.bool_)
    if not len(begins):
        return found
    length = np.append(np.diff(time), 0.0)
    length[np.flatnonzero(track[1:] != track[:-1])] = 0.0
    played = np.concatenate([[0.0], np.cumsum(np.where(voices > 0, length, 0.0))])
    crowded = np.concatenate([[0.0], np.cumsum(np.where(over, length, 0.0))])
    bounds = np.searchsorted(track, np.arange(len(passage) + 1))
    notes = _NOTES * medians_of(sheet.length, sheet.track, sheet.tracks)
    reach, lasting = np.maximum(_PASSAGE, notes), np.maximum(_PASSAGE, notes / 2.0)
    for part in np.unique(track[begins]).tolist():
        mine = np.flatnonzero(track[begins] == part)
        begin, finish = begins[mine], finishes[mine]
        first, here = bounds[part], time[bounds[part] : bounds[part + 1]]
        low = first + np.searchsorted(here, time[begin] - reach[part])
        high = first + np.searchsorted(here, time[finish] + reach[part], side="right") - 1
        for one, other in ((low, begin), (finish, high)):
            span = played[other] - played[one]
            share = (crowded[other] - crowded[one]) / np.maximum(span, _LEAST)
            found[mine] |= (span >= _LEAST) & (share >= passage[part])
        goes_on = time[finish] - time[begin] >= lasting[part]
        found[mine] |= goes_on & (passage[part] <= 1.0)
    return found


def find_superfluous(
    sheet: Sheet,
    crowds: Crowds,
    is_drum: npt.NDArray[np.bool_],
    bearable: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Find the notes that are too many where a part plays more voices than it can.

    The reason: one throat has one note, a bass two strings at once, a guitar six. A transcription
    hears overtones and other instruments there as well. In such a moment so many voices are kept as
    the part usually has, since what made it a crowd rarely stopped at the limit. The weakest go:
    those for which the rest of the song speaks least, see `_weakness`; and those that are very
    weak go even where the usual number is kept.

    Parameters
    ----------
    sheet : Sheet
        The notes.
    crowds : Crowds
        What `find_crowds` found.
    is_drum : ndarray of bool, shape (tracks,)
        Which tracks are drums, whose pitches are none.
    bearable : ndarray of float64, shape (tracks,)
        Weakness from which on a note of a crowd goes in any case, beside a stronger one.

    Returns
    -------
    ndarray of bool, shape (n,)
        The notes.
    """
    gone = np.zeros(len(sheet), np.bool_)
    rows = np.flatnonzero(crowds.member)
    if len(rows):
        weak = _weakness(sheet, crowds.member, rows, is_drum)
        gone[_sweep(sheet, rows, weak, crowds.usual, bearable)] = True
    return gone


def _sweep(
    sheet: Sheet,
    rows: npt.NDArray[np.int64],
    weak: npt.NDArray[np.float64],
    most: npt.NDArray[np.int64],
    bearable: npt.NDArray[np.float64],
) -> list[int]:
    """Go through notes by start and give up the weakest wherever too many sound."""
    track = sheet.track[rows]
    columns = (rows, track, sheet.start[rows], _ends(sheet)[rows], weak)
    caps, bounds = most.tolist(), bearable.tolist()
    gone: list[int] = []
    sounding: list[tuple[float, int, float]] = []
    before = -1
    for row, part, start, end, weakness in zip(*(c.tolist() for c in columns), strict=True):
        if part != before:
            sounding, before = [], part
        sounding = [one for one in sounding if one[2] > start]
        sounding.append((weakness, row, end))
        while len(sounding) > 1:
            weakest = max(sounding)
            if len(sounding) <= caps[part] and weakest[0] <= bounds[part]:
                break
            sounding.remove(weakest)
            gone.append(weakest[1])
    return gone


def _weakness(
    sheet: Sheet,
    member: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    is_drum: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """Weigh what speaks against each note of a crowd; one unit is one clear sign.

    Everything is judged by the notes of no crowd: it is shorter or softer than the part's (half as
    long, a fifth softer); its pitch is off the part's line, or one that the part seldom plays, or
    that it does not play before or after those beside it; its pitch class is rare in the song, or
    does not sound there; it comes in late, or with no other part. The weights were rounded from a
    logistic regression on ghosts in made songs and in POP909.
    """
    solid = np.flatnonzero(~member)
    track = sheet.track[rows]
    length, loud = sheet.length, sheet.velocity.astype(np.float64)
    lengths = medians_of(length[solid], sheet.track[solid], sheet.tracks)[track]
    louds = medians_of(loud[solid], sheet.track[solid], sheet.tracks)[track]
    weak = -0.7 * np.clip(_doublings(length[rows], lengths), -3.0, 1.0)
    weak -= 3.0 * np.clip(_doublings(loud[rows], louds), -1.5, 0.5)
    weak += _off_the_line(sheet, solid, rows)
    weak -= np.log(_common(sheet, solid, rows) + 0.005)
    weak -= 0.5 * np.log(_turns(sheet, solid, rows) + 0.3).sum(axis=0)
    weak += _off_the_chord(sheet, solid[~is_drum[sheet.track[solid]]], rows)
    weak += np.minimum(_late(sheet, rows), 0.08) / 0.06
    weak += np.minimum(_unaccompanied(sheet)[rows], 0.04) / 0.04
    return weak


def _off_the_chord(
    sheet: Sheet, solid: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Weigh how little the pitch class of notes is that of the song, and of what sounds there."""
    classes = sheet.pitch % 12
    times = np.bincount(classes[solid], minlength=12)
    weak: npt.NDArray[np.float64] = -0.5 * np.log(
        (times / max(len(solid), 1))[classes[rows]] + 0.01
    )
    for one in range(12):
        mine, others = rows[classes[rows] == one], solid[classes[solid] == one]
        at = sheet.start[mine] + _TOGETHER
        begun = np.searchsorted(np.sort(sheet.start[others]), at, side="right")
        over = np.searchsorted(np.sort(sheet.end[others]), at, side="right")
        weak[classes[rows] == one] += begun == over
    return weak


def _doublings(
    values: npt.NDArray[np.float64], usual: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Tell how many times each value is twice the usual one; 0 where nothing is usual."""
    known = (usual > 0) & (values > 0)
    found = np.zeros(len(values))
    found[known] = np.log2(values[known] / usual[known])
    return found


def _off_the_line(
    sheet: Sheet, solid: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Weigh how far notes are from the nearest of sixteen around, and from those beside them."""
    off = np.zeros(len(rows))
    for first in range(0, len(rows) if len(solid) else 0, _BLOCK):
        some = rows[first : first + _BLOCK]
        # Both are by track and start, so that a row's place among the solid ones is one search.
        near = np.searchsorted(solid, some)[:, None] + np.arange(-8, 8)
        there = (near >= 0) & (near < len(solid))
        other = solid[np.clip(near, 0, len(solid) - 1)]
        there &= sheet.track[other] == sheet.track[some][:, None]
        away = np.where(there, np.abs(sheet.pitch[other] - sheet.pitch[some][:, None]), _AWAY)
        beside = away[:, 6:10].sum(axis=1) / 4.0
        off[first : first + _BLOCK] = away.min(axis=1) / 5.0 + beside / 8.0
    return off


def _common(
    sheet: Sheet, solid: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Tell which share of the part's other notes has each note's pitch."""
    key = np.sort(sheet.track[solid] * 128 + sheet.pitch[solid])
    wanted = sheet.track[rows] * 128 + sheet.pitch[rows]
    same = np.searchsorted(key, wanted, side="right") - np.searchsorted(key, wanted)
    count = np.bincount(sheet.track[solid], minlength=sheet.tracks)[sheet.track[rows]]
    return np.asarray(same / np.maximum(count, 1), np.float64)


def _turns(
    sheet: Sheet, solid: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Count how often the part goes from the pitch before to each note's, and on to the next."""
    found = np.zeros((2, len(rows)), np.int64)
    if not len(solid):
        return found
    track, pitch = sheet.track, sheet.pitch

    def turn(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        key = (track[one] * 128 + pitch[one]) * 128 + pitch[other]
        return np.where(track[one] == track[other], key, -1)

    known = np.sort(turn(solid[:-1], solid[1:]))
    after = np.searchsorted(solid, rows)
    before = solid[np.maximum(after - 1, 0)]
    following = solid[np.minimum(after, len(solid) - 1)]
    for row, wanted in enumerate((turn(before, rows), turn(rows, following))):
        times = np.searchsorted(known, wanted, side="right") - np.searchsorted(known, wanted)
        found[row] = np.where(wanted >= 0, times, 0)
    return found


def _late(sheet: Sheet, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Tell how long after the first of those that it sounds with each note comes in."""
    start, end, track = sheet.start[rows], _ends(sheet)[rows], sheet.track[rows]
    # A crowd begins where nothing of the one before sounds any more.
    opens = np.ones(len(rows), np.bool_)
    for part in np.unique(track).tolist():
        mine = np.flatnonzero(track == part)
        reach = np.maximum.accumulate(end[mine])
        opens[mine[1:]] = start[mine[1:]] >= reach[:-1]
    first = np.maximum.accumulate(np.where(opens, np.arange(len(rows)), 0))
    return np.asarray(start - start[first], np.float64)


def _unaccompanied(sheet: Sheet) -> npt.NDArray[np.float64]:
    """Seconds from each start to the nearest start in another track; 0 if there is none."""
    order = np.argsort(sheet.start, kind="stable")
    start, track = sheet.start[order], sheet.track[order]
    opens = np.concatenate([[True], track[1:] != track[:-1]])
    begins = np.flatnonzero(opens)
    if len(begins) < 2:
        return np.zeros(len(sheet))
    run = np.cumsum(opens) - 1
    before = np.where(run > 0, start - start[np.maximum(begins[run] - 1, 0)], np.inf)
    following = np.append(begins[1:], len(start) - 1)[run]
    after = np.where(run < len(begins) - 1, start[following] - start, np.inf)
    found = np.empty(len(sheet))
    found[order] = np.minimum(before, after)
    return found
