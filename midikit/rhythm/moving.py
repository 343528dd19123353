"""Move everything in a song in time by one rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.model.events import CONTROL, Event, as_controls
from midikit.model.notes import NO_NOTES, notes_by_track
from midikit.model.report import Change
from midikit.model.tempo import TempoMap

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.notes import Notes
    from midikit.model.song import Song, Track

    Rule = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]

__all__ = ["held_back", "move_grid", "move_song", "move_track", "moved_starts", "shift_song"]

_AT_ZERO = 1e-9

_SCATTER = 0.05
"""Seconds by which notes may come before second 0 and still be put there."""


def move_song(song: Song, rule: Rule) -> Song:
    """Move notes, controls and events of all tracks, and the events of the song.

    Parameters
    ----------
    song : Song
        What to move.
    rule : callable
        Takes seconds, shape (n,), and returns where they go: 0 or later, in the same order.

    Returns
    -------
    Song
        The moved song; its tempo stays.

    Examples
    --------
    >>> from midikit.model.song import Song, Track
    >>> move_song(Song((), events=(Event(1.0, 6, b"Chorus"),)), lambda time: 2 * time).markers
    ((2.0, 'Chorus'),)
    """
    tracks = tuple(move_track(track, rule) for track in song.tracks)
    return replace(song, tracks=tracks, events=_moved(song.events, rule))


def move_track(track: Track, rule: Rule) -> Track:
    """Move notes, controls and events of a track.

    Parameters
    ----------
    track : Track
        What to move.
    rule : callable
        As for `move_song`.

    Returns
    -------
    Track
        The moved track.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Track
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)]))
    >>> move_track(koto, lambda time: time + 1.0).notes["end"].tolist()
    [1.5]
    """
    notes = NO_NOTES
    if len(track.notes):
        columns = {name: track.notes[name] for name in ("pitch", "velocity")}
        columns |= {name: rule(track.notes[name]) for name in ("start", "end")}
        (notes,) = notes_by_track(columns, [len(track.notes)])
    controls = np.array(track.controls, CONTROL)
    if len(controls):
        controls["seconds"] = rule(controls["seconds"])
    return replace(
        track, notes=notes, controls=as_controls(controls), events=_moved(track.events, rule)
    )


def moved_starts(before: Notes, after: Notes) -> npt.NDArray[np.float64] | None:
    """Tell where each note of a track starts after it was moved; the first of a pitch stays so.

    Parameters
    ----------
    before, after : ndarray of `NOTE`, shape (n,)
        The notes of the track.

    Returns
    -------
    ndarray of float64, shape (n,), or None
        Seconds, in the order of `before`; None where `after` has not as many notes of each pitch.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> before = as_notes([(0.0, 1.0, 64, 80), (0.01, 1.0, 60, 80)])
    >>> moved_starts(before, as_notes([(0.5, 1.0, 60, 80), (0.5, 1.0, 64, 80)])).tolist()
    [0.5, 0.5]
    """
    by_pitch = [np.lexsort((notes["start"], notes["pitch"])) for notes in (before, after)]
    if (
        len(before) != len(after)
        or (before["pitch"][by_pitch[0]] != after["pitch"][by_pitch[1]]).any()
    ):
        return None
    starts = np.empty(len(before))
    starts[by_pitch[0]] = after["start"][by_pitch[1]]
    return starts


def _moved(events: tuple[Event, ...], rule: Rule) -> tuple[Event, ...]:
    if not events:
        return ()
    seconds = rule(np.array([event.seconds for event in events])).tolist()
    return tuple(
        Event(second, event.kind, event.data) for second, event in zip(seconds, events, strict=True)
    )


def shift_song(song: Song, seconds: float) -> Song:
    """Move a whole song in time, such as into sync with its audio.

    Parameters
    ----------
    song : Song
        What to move: notes, controls, events and changes of tempo.
    seconds : float
        How far, later if positive. What would come up to 50 ms before second 0 goes there.

    Returns
    -------
    Song
        The moved song; `changes` says how far.

    Raises
    ------
    ConversionError
        If notes would come more than 50 ms before second 0.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.5, 1.0, 60, 80)])),))
    >>> moved = shift_song(song, 0.25)
    >>> moved[0].notes["start"].tolist(), str(moved.changes[0])
    ([0.75], 'moved 0.250 s later')
    """
    if not seconds:
        return song
    _check_room(song, seconds)
    what = f"moved {abs(seconds):.3f} s {'earlier' if seconds < 0 else 'later'}"
    what += held_back(song, -seconds)
    change = Change("offset", "", what, song.note_count)
    song = move_song(song, lambda time: np.maximum(time + seconds, 0.0))
    starts = song.tempo.seconds + seconds
    starts[0] = -np.inf
    kept = slice(int(np.searchsorted(starts, 0.0, side="right")) - 1, None)
    starts, qpm = starts[kept], song.tempo.qpm[kept]
    starts[0] = 0.0
    return replace(song, tempo=TempoMap(starts, qpm), changes=(*song.changes, change))


def _check_room(song: Song, seconds: float) -> None:
    """Refuse a move that leaves notes before second 0."""
    starts = np.concatenate([np.zeros(0), *(track.notes["start"] for track in song)])
    lost = np.count_nonzero(starts + seconds < -_SCATTER)
    if lost:
        raise ConversionError(
            f"offset {seconds:.3f} s: {lost:,} of {song.note_count:,} notes would start before "
            f"second 0; expected {-float(starts.min()):.3f} or more"
        )


def move_grid(grid: BeatGrid, seconds: float) -> BeatGrid:
    """Move a grid and its alternatives in time.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.
    seconds : float
        How far, later if positive.

    Returns
    -------
    BeatGrid
        The same grid, moved.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> move_grid(BeatGrid.constant(120.0), 0.25).beats.tolist()
    [0.25, 0.75]
    """
    others = tuple(move_grid(other, seconds) for other in grid.alternatives)
    return replace(grid, beats=grid.beats + seconds, alternatives=others)


def held_back(song: Song, zero: float) -> str:
    """Say which notes start before what becomes second 0, where they go to.

    Parameters
    ----------
    song : Song
        The song before it is moved.
    zero : float
        What becomes second 0.

    Returns
    -------
    str
        The rest of a sentence; empty where there are none.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> held_back(Song((Track("Koto", notes=as_notes([(0.5, 1.0, 60, 80)])),)), 0.51)
    '; 1 note up to 10.0 ms before second 0 starts there'
    """
    starts = np.concatenate([np.zeros(0), *(track.notes["start"] for track in song)])
    early = zero - starts[starts < zero - _AT_ZERO]
    if not len(early):
        return ""
    notes, start = ("1 note", "starts") if len(early) == 1 else (f"{len(early):,} notes", "start")
    return f"; {notes} up to {1000.0 * float(early.max()):.1f} ms before second 0 {start} there"
