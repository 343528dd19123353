"""Move the starts of notes onto a grid.

Where the lines lie is told by `midikit.rhythm.lines`, which of them a bar was played on by
`midikit.rhythm.divisions`, and which notes are struck together by `midikit.rhythm.strokes`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import printable, quoted
from midikit.model.meter import meter_text
from midikit.model.notes import NOTE, notes_by_track
from midikit.model.report import Change
from midikit.rhythm.given import check_grid
from midikit.rhythm.lines import DIVISIONS, STRAIGHT, can_swing
from midikit.rhythm.places import Places

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["DIVISIONS", "Ends", "quantize"]

Ends: TypeAlias = Literal["keep", "snap"]

_AUTO = ("1/8", "1/16", "1/8t", "1/16t", "1/32")
_TRIPLET_OF = {"1/4": "1/8t", "1/8": "1/8t", "1/16": "1/16t", "1/32": "1/16t"}
_MOVED = 1e-9
"""Seconds from which on a note counts as moved."""

_SWINGS = (STRAIGHT, 0.75)


def quantize(
    song: Song,
    grid: BeatGrid,
    *,
    division: str = "1/16",
    strength: float = 1.0,
    swing: float | None = None,
    triplets: bool | Literal["auto"] = "auto",
    window: float | None = None,
    ends: Ends = "keep",
) -> Song:
    """Move every note's start to, or towards, the nearest line of a grid.

    Parameters
    ----------
    song : Song
        What to quantize.
    grid : BeatGrid
        Where beats and bars are, such as ``BeatGrid.constant(110.06, offset=0.2)``. It goes on
        before its first and after its last beat.
    division : {"1/4", "1/8", "1/16", "1/32", "1/8t", "1/16t", "auto"}, optional
        Distance of the lines as a note value; ``t`` is a triplet, two thirds of the plain value.
        ``"auto"`` chooses one from eighths to thirty-seconds for each bar of each track, the
        coarsest that the notes allow (`midikit.rhythm.divisions`).
    strength : float, optional
        How much of the way to go, from 0 (nothing moves) to 1 (onto the line).
    swing : float or None, optional
        Where the second eighth of each quarter lies, from 0.5 (straight) over 2/3 (triplet swing)
        to 0.75; sixteenths are stretched to fit, triplets stay. None estimates it from the song
        with ``division="auto"`` and is straight otherwise.
    triplets : {"auto", True, False}, optional
        Whether bars may choose triplet lines: ``"auto"`` as the division says, True also for a
        named plain division (which then competes with its triplet, bar by bar), False never.
    window : float or None, optional
        Move only what is at most so many seconds from its line; None moves everything.
    ends : {"keep", "snap"}, optional
        Keep each note's length, or move its end as well: to the nearest line, but at least one
        line after its start. Notes of no length keep none.

    Returns
    -------
    Song
        The same notes, moved: none is lost or added and none changes its pitch or velocity.
        Notes of a track that are struck within 20 ms go together, to the line nearest to the
        middle of their starts; where lines are less than 40 ms apart, only those within half of
        that. Within a track no start passes another; starts that become equal are ordered by
        pitch. Lines before second 0 are not used: what is nearest to one goes to the first line at
        or after second 0. What is halfway between two lines goes to the later one. Quantizing once
        more at strength 1 changes nothing, to the last bit. Tempo, controls and texts stay as they
        are. `changes` gets a row for each track in which notes moved.

    Raises
    ------
    ConversionError
        If an option is none of those above or out of range, ``triplets=False`` contradicts the
        division, or the meter has no quarters that could swing (such as 6/8).

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
    check_grid(grid)
    names = _names(division, grid, triplets)
    _check(grid, strength, swing, window, ends)
    if strength == 0.0 or song.note_count == 0:
        return song
    counts = [len(track.notes) for track in song.tracks]
    columns = {
        name: np.concatenate([track.notes[name] for track in song.tracks])
        for name in NOTE.names or ()
    }
    start, end = columns["start"], columns["end"]
    places = Places(grid, start, end, counts, window=window, snaps_ends=ends == "snap")
    if swing is None and division != "auto":
        swing = STRAIGHT
    if len(names) == 1:
        lines = places.lines(DIVISIONS[names[0]], DIVISIONS[names[0]], swing or STRAIGHT)
    else:
        lines = places.chosen_lines(names, swing)
    moved = _towards(start, lines[0], strength)
    if ends == "snap":
        released = np.maximum(_towards(end, lines[1], strength), moved)
    else:
        released = np.where(moved == start, end, moved + (end - start))
    columns["start"], columns["end"] = moved, released
    tracks = tuple(
        replace(track, notes=notes)
        for track, notes in zip(song.tracks, notes_by_track(columns, counts), strict=True)
    )
    distance = np.abs(moved - start)
    if ends == "snap":
        distance = np.maximum(distance, np.abs(released - end))
    return song.with_tracks(tracks, *_changes(song, distance, counts))


def _names(division: str, grid: BeatGrid, triplets: bool | Literal["auto"]) -> tuple[str, ...]:
    """Return the divisions that a bar may choose from."""
    if division != "auto" and division not in DIVISIONS:
        raise ConversionError(
            f"division {quoted(division)}: expected one of {', '.join(DIVISIONS)} or auto"
        )
    if triplets not in {"auto", True, False}:
        raise ConversionError(f"triplets {quoted(triplets)}: expected auto, True or False")
    if division == "auto":
        plain = triplets is False or (triplets == "auto" and not can_swing(grid.meter))
        return tuple(name for name in _AUTO if not (plain and name.endswith("t")))
    if triplets is False and division.endswith("t"):
        raise ConversionError(f"division {quoted(division)}: is a triplet, and triplets is False")
    if triplets is True and division in _TRIPLET_OF:
        return (division, _TRIPLET_OF[division])
    return (division,)


def _check(
    grid: BeatGrid, strength: float, swing: float | None, window: float | None, ends: str
) -> None:
    """Refuse options that are out of range."""
    if not 0.0 <= strength <= 1.0:
        raise ConversionError(f"strength {quoted(strength)}: expected a number from 0 to 1")
    if swing is not None:
        least, most = _SWINGS
        if not least <= swing <= most:
            raise ConversionError(
                f"swing {quoted(swing)}: expected a number from {least} to {most}"
            )
        if swing != STRAIGHT and not can_swing(grid.meter):
            raise ConversionError(
                f"swing {quoted(swing)}: the quarters of {meter_text(grid.meter)} have no second "
                "eighth to move; expected 0.5 or None"
            )
    if window is not None and not 0.0 <= window < np.inf:
        raise ConversionError(f"window {quoted(window)}: expected seconds, 0 or more, or None")
    if ends not in {"keep", "snap"}:
        raise ConversionError(f"ends {quoted(ends)}: expected keep or snap")


def _towards(
    seconds: npt.NDArray[np.float64], line: npt.NDArray[np.float64], strength: float
) -> npt.NDArray[np.float64]:
    """Go part of the way, or all of it to the last bit."""
    return line if strength == 1.0 else seconds + strength * (line - seconds)


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
