"""Move everything in a song in time by one rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.model.events import CONTROL, Event, as_controls
from midikit.model.notes import NO_NOTES, notes_by_track

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from midikit.model.song import Song, Track

    Rule = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]

__all__ = ["move_song", "move_track"]


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


def _moved(events: tuple[Event, ...], rule: Rule) -> tuple[Event, ...]:
    if not events:
        return ()
    seconds = rule(np.array([event.seconds for event in events])).tolist()
    return tuple(
        Event(second, event.kind, event.data) for second, event in zip(seconds, events, strict=True)
    )
