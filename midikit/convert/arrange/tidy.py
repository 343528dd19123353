"""What a sequencer shows of a file that holds nothing to hear: empty tracks, and clips' ends.

Every track of a file becomes a lane, also one without notes; and a track's end becomes the end of
its clip. So tracks that hold nothing are left out, and all others end together, on a bar line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from midikit.convert.arrange.naming import shown
from midikit.model.events import END_OF_TRACK, TIME_SIGNATURE
from midikit.model.report import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from midikit.convert.arrange.chunks import TempoTicks
    from midikit.model.song import Song, Track

__all__ = ["Tracks", "bar_line", "common_end", "without_empty"]

Tracks: TypeAlias = Literal["tidy", "source"]

_NAMING = frozenset([0x03, 0x04, 0x20, 0x21, END_OF_TRACK])
"""Names of tracks and instruments, channel and port: they say nothing without anything to play."""


def without_empty(tracks: Sequence[Track]) -> tuple[tuple[Track, ...], list[Change]]:
    """Leave out the tracks that hold neither notes nor controls nor texts.

    Parameters
    ----------
    tracks : sequence of Track
        The tracks.

    Returns
    -------
    kept : tuple of Track
        The others.
    changes : list of Change
        One a track that was left out.

    Examples
    --------
    >>> from midikit.model.song import Track
    >>> kept, changes = without_empty([Track("Koto")])
    >>> print(len(kept), *changes)
    0 Koto: an empty track, left out
    """
    if all(len(track.notes) for track in tracks):
        return tuple(tracks), []
    kept, changes = [], []
    for track in tracks:
        if len(track.notes) or len(track.controls) or not _is_naming(track):
            kept.append(track)
        else:
            changes.append(Change("track", shown(track), "an empty track, left out"))
    return tuple(kept), changes


def _is_naming(track: Track) -> bool:
    return all(event.kind in _NAMING for event in track.events)


def common_end(
    song: Song, tracks: Sequence[Track], rows: npt.NDArray[np.void], tempo: TempoTicks
) -> int:
    """Find the bar line at which all tracks can end together.

    Parameters
    ----------
    song : Song
        The song, with what concerns all of it.
    tracks : sequence of Track
        The tracks that are written.
    rows : ndarray of `NOTE`, shape (n,)
        All their notes.
    tempo : TempoTicks
        The tempo as it is written.

    Returns
    -------
    int
        Tick of the first bar line at or after everything, a tick for each note included.

    Examples
    --------
    >>> from midikit.convert.arrange.chunks import TempoTicks
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> from midikit.model.tempo import TempoMap
    >>> koto = Track("Koto", notes=as_notes([(0.0, 2.1, 60, 80)]))
    >>> tempo = TempoTicks.of(TempoMap.constant(120.0), 480)
    >>> common_end(Song((koto,)), (koto,), koto.notes, tempo)
    3840
    """
    seconds = [event.seconds for event in song.events]
    seconds += [event.seconds for track in tracks for event in track.events]
    seconds += [float(track.controls["seconds"][-1]) for track in tracks if len(track.controls)]
    end, start = float(rows["end"].max(initial=0.0)), float(rows["start"].max(initial=0.0))
    last, begun = tempo.at([max(end, *seconds) if seconds else end, start]).tolist()
    last = max(last, int(tempo.ticks[-1]), begun + 1 if len(rows) else 0)
    return bar_line(song, tempo, last)


def bar_line(song: Song, tempo: TempoTicks, tick: int) -> int:
    """Find the first bar line at or after a tick.

    Parameters
    ----------
    song : Song
        The song, whose time signatures count; 4/4 without any.
    tempo : TempoTicks
        Its tempo as it is written.
    tick : int
        The tick.

    Returns
    -------
    int
        Tick of the bar line; `tick` where bars are shorter than one.

    Examples
    --------
    >>> from midikit.convert.arrange.chunks import TempoTicks
    >>> from midikit.model.song import Song
    >>> from midikit.model.tempo import TempoMap
    >>> bar_line(Song(()), TempoTicks.of(TempoMap.constant(120.0), 480), 1921)
    3840
    """
    begin, numerator, power = 0, 4, 2
    signatures = [
        event for event in song.events if event.kind == TIME_SIGNATURE and len(event.data) >= 2
    ]
    if signatures:
        ticks = tempo.at([event.seconds for event in signatures]).tolist()
        before = [pair for pair in zip(ticks, signatures, strict=True) if pair[0] <= tick]
        if before:
            begin, last = before[-1]
            numerator, power = last.data[0], last.data[1]
    bar = (4 * tempo.ticks_per_quarter * numerator) >> power
    if bar < 1:
        return tick
    return begin + -(-(tick - begin) // bar) * bar
