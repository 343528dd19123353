"""A part as one line: one note at a time, octave slips mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from midikit.cleaning.cleaning import edited
from midikit.cleaning.limits import is_vocal, voice_limits
from midikit.cleaning.rules import MELODY_RULES
from midikit.cleaning.sheet import Sheet
from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.model.choice import chosen_tracks

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.cleaning.report import CleanReport
    from midikit.model.choice import Choice
    from midikit.model.song import Song

__all__ = ["Pick", "melodies", "melody"]

Pick: TypeAlias = Literal["top", "strongest"]

_TOGETHER = 0.05
_SLUR = 0.2
_SLUR_SHARE = 0.5
_NEIGHBOURS = np.array([*range(-8, 0), *range(1, 9)])
_NO_PITCH = 1000
_OCTAVE = 12
_LEAP = 8
_STEP = 4


def melody(song: Song, *, tracks: Choice = None, pick: Pick = "top") -> tuple[Song, CleanReport]:
    """Make vocal parts one line each: one note at a time, octave slips mended.

    The skyline algorithm (Uitdenbogerd and Zobel 1999): of notes that begin together the highest is
    the melody's, or the strongest; one that comes in later ends the one before if it is higher
    (stronger) or the two are slurred, and else is left out. A note an octave or two from the line,
    alone there and close to both its neighbours in another octave, is moved to that.

    Parameters
    ----------
    song : Song
        The song; other parts stay as they are.
    tracks : int, str, iterable of int or str, or None, optional
        Parts to make lines of, by index or name. None for those that sing by their name, or if
        there are none for those that can play one voice only, such as leads and flutes.
    pick : {"top", "strongest"}, optional
        Which of several notes is the melody's: the highest, or the loudest, of equally loud ones
        the longest.

    Returns
    -------
    song : Song
        The song with these parts as lines; the same object if they are.
    report : CleanReport
        Every note that is gone, ends earlier or is in another octave.

    Raises
    ------
    ConversionError
        If `pick` is none of these, or `tracks` is None and no part is known to be a melody.
    KeyError
        If no track has a name that is asked for.
    IndexError
        If there is no track of an index.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> notes = [(0.0, 0.5, 64, 80), (0.0, 0.5, 60, 80), (0.5, 1.0, 65, 80)]
    >>> line, report = melody(Song((Track("Vocals", notes=as_notes(notes)),)))
    >>> line["Vocals"].notes["pitch"].tolist(), report.counts
    ([64, 65], {'line': 1})
    """
    if pick not in {"top", "strongest"}:
        raise ConversionError(f"pick {quoted(pick)}: expected top or strongest")
    chosen = np.zeros(len(song.tracks), np.bool_)
    parts = melodies(song) if tracks is None else chosen_tracks(song, tracks)
    if not parts and tracks is None:
        raise ConversionError(
            "no part is known to be a melody by its name; expected tracks=, the parts to make "
            "lines of"
        )
    chosen[parts] = True
    sheet = Sheet.of(song.tracks)
    why = np.full(len(sheet), -1, np.int8)
    ends, pitch = sheet.end.copy(), sheet.pitch.copy()
    rows = np.flatnonzero(chosen[sheet.track])
    _draw_line(sheet, rows, _order(sheet, rows, pick), ends)
    why[np.isnan(ends) | (ends < sheet.end)] = MELODY_RULES.index("line")
    rows = rows[~np.isnan(ends[rows])]
    _mend_octaves(sheet.track[rows], rows, pitch)
    why[pitch != sheet.pitch] = MELODY_RULES.index("octave")
    strong = np.zeros(len(song.tracks), np.bool_)
    return edited(song, sheet, why, ends, pitch, MELODY_RULES, pick, strong)


def melodies(song: Song) -> list[int]:
    """Find the parts that are a melody by their name.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    list of int
        Indices of those that sing, else of those that can play one voice only; maybe none.
    """
    vocal = [i for i, track in enumerate(song.tracks) if is_vocal(track)]
    return vocal or np.flatnonzero(voice_limits(song.tracks) == 1).tolist()


def _order(sheet: Sheet, rows: npt.NDArray[np.int64], pick: str) -> npt.NDArray[np.int64]:
    """Rank notes: the greater the more a note is the melody's."""
    pitch, loud, length = sheet.pitch[rows], sheet.velocity[rows], sheet.length[rows]
    keys = (length, loud, pitch) if pick == "top" else (pitch, length, loud)
    rank = np.empty(len(rows), np.int64)
    rank[np.lexsort((-rows, *keys))] = np.arange(len(rows))
    return rank


def _draw_line(
    sheet: Sheet,
    rows: npt.NDArray[np.int64],
    ranks: npt.NDArray[np.int64],
    ends: npt.NDArray[np.float64],
) -> None:
    """Leave out or end notes, in `ends`, so that one sounds at a time."""
    held, held_track, held_rank = -1, -1, -1
    begun = until = 0.0
    columns = (rows, sheet.track[rows], sheet.start[rows], sheet.end[rows], ranks)
    for row, track, start, end, rank in zip(*(c.tolist() for c in columns), strict=True):
        if track == held_track and (start < until or start == begun):  # maybe of no length
            together = start - begun < _TOGETHER
            slurred = until - start <= min(_SLUR, _SLUR_SHARE * (end - start))
            if rank < held_rank and (together or not slurred):
                ends[row] = np.nan
                continue
            ends[held] = np.nan if together else start
        held, held_track, held_rank, begun, until = row, track, rank, start, end


def _mend_octaves(
    track: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], pitch: npt.NDArray[np.int64]
) -> None:
    """Move single notes of lines by octaves, in `pitch`, to where the lines are.

    Each move makes the steps of a line smaller in all, so that there is an end.
    """
    inner = np.zeros(len(rows), np.bool_)
    inner[1:-1] = (track[1:-1] == track[:-2]) & (track[1:-1] == track[2:])
    near = np.arange(len(rows))[:, None] + _NEIGHBOURS
    there = (near >= 0) & (near < len(rows))
    near[~there] = 0
    there &= track[near] == track[:, None]
    while True:
        line = pitch[rows]
        up, down = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        up[1:], down[:-1] = line[1:] - line[:-1], line[:-1] - line[1:]
        octaves = -_OCTAVE * np.rint((up + down) / (2 * _OCTAVE)).astype(np.int64)
        slips = inner & (octaves != 0)
        slips &= np.minimum(np.abs(up), np.abs(down)) >= _LEAP
        slips &= np.maximum(np.abs(up + octaves), np.abs(down + octaves)) <= _STEP
        slips &= (line + octaves >= 0) & (line + octaves <= 127)
        away = np.where(there, np.abs(line[near] - line[:, None]), _NO_PITCH).min(
            axis=1, initial=_NO_PITCH
        )
        slips &= away > _STEP
        # Not two neighbours at once, or they would only change places.
        slips[1:] &= ~slips[:-1]
        if not slips.any():
            return
        pitch[rows[slips]] += octaves[slips]
