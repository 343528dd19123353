"""Move the starts of notes onto a grid that is given.

A line lies at every multiple of the division counted from each bar line; the last step of a bar is
shorter where the bar is no whole number of divisions (quarters in 7/8). Positions are in quarters,
so a sixteenth is the same length in 4/4 and in 6/8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import printable, quoted
from midikit.model.beats import quarters_per_beat
from midikit.model.notes import NOTE, notes_by_track
from midikit.model.report import Change

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["DIVISIONS", "quantize"]

DIVISIONS = {"1/4": 1, "1/8": 2, "1/16": 4, "1/32": 8, "1/8t": 3, "1/16t": 6}
"""Divisions by name and how many of each make a quarter; ``t`` is a triplet, two thirds long."""

_TIE = 1e-9
"""Quarters by which a note may miss the middle of two lines and still count as there."""

_ZERO = 1e-9
"""Seconds by which a line may lie before second 0 and still count as there."""

_MOVED = 1e-9
"""Seconds from which on a note counts as moved."""

_FARTHEST_BEAT = float(1 << 40)
"""Beats from the grid's first after which notes stay where they are: 17,000 years at 120 bpm, and a
float of seconds soon tells no line from the next."""


def quantize(song: Song, grid: BeatGrid, *, division: str = "1/16", strength: float = 1.0) -> Song:
    """Move every note's start to, or towards, the nearest line of a grid.

    Parameters
    ----------
    song : Song
        What to quantize.
    grid : BeatGrid
        Where beats and bars are, such as ``BeatGrid.constant(110.06, offset=0.2)``. It goes on
        before its first and after its last beat.
    division : {"1/4", "1/8", "1/16", "1/32", "1/8t", "1/16t"}, optional
        Distance of the lines as a note value; ``t`` is a triplet, two thirds of the plain value.
    strength : float, optional
        How much of the way to go, from 0 (nothing moves) to 1 (onto the line).

    Returns
    -------
    Song
        The same notes, moved: none is lost or added and none keeps anything but its length,
        pitch and velocity. Within a track no start passes another; starts that become equal are
        ordered by pitch. Lines before second 0 are not used: what is nearest to one goes to the
        first line at or after second 0. A note halfway between two lines goes to the later one.
        Ends move with their starts, to the length the note had. Quantizing once more at strength
        1 changes nothing, to the last bit. Tempo, controls and texts stay as they are. `changes`
        gets a row for each track in which notes moved.

    Raises
    ------
    ConversionError
        If `division` is none of those above or `strength` is not from 0 to 1.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Track("Koto", notes=as_notes([(0.01, 0.25, 60, 80), (0.49, 1.0, 62, 80)]))
    >>> snapped = quantize(Song((koto,)), BeatGrid.constant(120.0))
    >>> snapped[0].notes["start"].tolist()
    [0.0, 0.5]
    >>> print(snapped.changes[0])
    Koto: moved 2 of 2 notes, the farthest by 10.0 ms
    """
    per_quarter = DIVISIONS.get(division)
    if per_quarter is None:
        raise ConversionError(
            f"division {quoted(division)}: expected one of {', '.join(DIVISIONS)}"
        )
    if not 0.0 <= strength <= 1.0:
        raise ConversionError(f"strength {quoted(strength)}: expected a number from 0 to 1")
    if strength == 0.0 or song.note_count == 0:
        return song
    counts = [len(track.notes) for track in song.tracks]
    columns = {
        name: np.concatenate([track.notes[name] for track in song.tracks])
        for name in NOTE.names or ()
    }
    start = columns["start"]
    line = _nearest_lines(start, grid, per_quarter)
    moved = line if strength == 1.0 else start + strength * (line - start)
    _keep_order(moved, counts)
    columns["end"] = np.where(moved == start, columns["end"], moved + (columns["end"] - start))
    columns["start"] = moved
    tracks = tuple(
        replace(track, notes=notes)
        for track, notes in zip(song.tracks, notes_by_track(columns, counts), strict=True)
    )
    return song.with_tracks(tracks, *_changes(song, np.abs(moved - start), counts))


def _nearest_lines(
    start: npt.NDArray[np.float64], grid: BeatGrid, per_quarter: int
) -> npt.NDArray[np.float64]:
    """Return the second of the line nearest to each start, none before second 0."""
    with np.errstate(over="ignore"):
        near = np.abs(grid.beat_at(start)) < _FARTHEST_BEAT
    before, after, takes_before = _lines_around(np.where(near, start, 0.0), grid, per_quarter)
    line = np.where(takes_before, before, after)
    (last_before,), (first_after,), _ = _lines_around(np.zeros(1), grid, per_quarter)
    first = last_before if last_before >= -_ZERO else first_after
    line = np.maximum(np.where(line < -_ZERO, first, line), 0.0)
    return np.where(near, line, start)


def _lines_around(
    seconds: npt.NDArray[np.float64], grid: BeatGrid, per_quarter: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the seconds of the lines before and after, and whether the one before is nearer.

    The second of a line follows from its whole number within its bar alone, whatever led to it: so
    a line is its own nearest line to the last bit.
    """
    beats_per_bar, a_beat = grid.beats_per_bar, quarters_per_beat(grid.meter)
    phase = grid.first_downbeat % beats_per_bar
    beat = grid.beat_at(seconds) - phase
    bar_line = np.floor(beat / beats_per_bar) * beats_per_bar
    quarter = (beat - bar_line) * a_beat
    count = np.floor(quarter * per_quarter)
    before = np.minimum(count / per_quarter, beats_per_bar * a_beat)
    after = np.minimum((count + 1.0) / per_quarter, beats_per_bar * a_beat)
    return (
        grid.time_at(bar_line + before / a_beat + phase),
        grid.time_at(bar_line + after / a_beat + phase),
        quarter - before < after - quarter - _TIE,
    )


def _keep_order(start: npt.NDArray[np.float64], counts: list[int]) -> None:
    """Undo, in place, what rounding may have turned round among the starts of each track."""
    row = 0
    for count in counts:
        part = start[row : row + count]
        np.maximum.accumulate(part, out=part)
        row += count


def _changes(song: Song, distance: npt.NDArray[np.float64], counts: list[int]) -> list[Change]:
    """Say for each track how many notes moved and how far."""
    changes, row = [], 0
    for index, (track, count) in enumerate(zip(song.tracks, counts, strict=True)):
        part = distance[row : row + count]
        row += count
        moved = int(np.count_nonzero(part > _MOVED))
        if moved:
            where = printable(track.name) or f"track {index}"
            plural = "" if count == 1 else "s"
            far = f"{1000.0 * float(part.max()):.1f} ms"
            what = f"moved {moved:,} of {count:,} note{plural}, the farthest by {far}"
            changes.append(Change("quantize", where, what, moved))
    return changes
