"""Accents for parts that have none: louder where the meter is strong."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.arrange.naming import shown
from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.model.beats import quarters_per_beat
from midikit.model.notes import as_notes
from midikit.model.report import Change
from midikit.rhythm.given import check_grid

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.notes import Notes
    from midikit.model.song import Song, Track

__all__ = ["accent", "flat_velocity"]

_DOWNBEAT, _BEAT, _OFFBEAT, _SIXTEENTH = range(4)
_FEW = 2


def accent(
    song: Song,
    grid: BeatGrid,
    *,
    downbeat: int = 12,
    beat: int = 4,
    offbeat: int = -4,
    sixteenth: int = -12,
    only_flat: bool = True,
) -> Song:
    """Give notes accents by their place in the bar.

    A note is as strong as the nearest line of the grid: a bar line, a felt beat, the middle of a
    beat (its thirds in compound meters; where the grid swings, its swung second half), or the
    middle of those. The order is that of the metrical levels of Lerdahl and Jackendoff (*A
    Generative Theory of Tonal Music*, MIT Press 1983, ch. 4); the steps between them are equal, as
    are the weights 0, -1, -2 … of Longuet-Higgins and Lee ("The Rhythmic Interpretation of
    Monophonic Music", *Music Perception* 1(4), 1984, 424-441). Theirs tell half bars apart as well;
    these do not. What a player would do with melody, phrase or harmony is not imitated.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid
        Its beats and bars, in its seconds.
    downbeat, beat, offbeat, sixteenth : int, optional
        What is added to the velocity of notes on bar lines, beats, middles of beats and the rest,
        in MIDI steps, -126 to 126. Sums below 1 or above 127 become 1 or 127.
    only_flat : bool, optional
        Whether to leave alone parts that have more than one velocity, or a single note.

    Returns
    -------
    Song
        The song with other velocities: the same in each run; `changes` tell of each part how many
        notes have another velocity now.

    Raises
    ------
    ConversionError
        If an amount is no whole number of that range.
    NotesError
        If `grid` is no grid.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> notes = as_notes([(0.125 * i, 0.125 * i + 0.1, 60, 80) for i in range(6)])
    >>> accented = accent(Song((Track("Koto", notes=notes),)), BeatGrid.constant(120.0))
    >>> accented[0].notes["velocity"].tolist()
    [92, 68, 76, 68, 84, 68]
    >>> print(*accented.changes)
    Koto: 6 of 6 notes accented by their place in the bar: 80 became 68 to 92
    """
    check_grid(grid)
    amounts = {"downbeat": downbeat, "beat": beat, "offbeat": offbeat, "sixteenth": sixteenth}
    for name, amount in amounts.items():
        given: object = amount  # callers without a type checker pass anything
        if isinstance(given, bool) or not isinstance(given, int) or not -126 <= given <= 126:
            raise ConversionError(
                f"{name} {quoted(amount)}: expected a whole number of velocity steps, -126 to 126"
            )
    added = np.array([*amounts.values()], np.int64)
    tracks, changes = [], []
    for track in song.tracks:
        if len(track.notes) and not (only_flat and flat_velocity(track.notes) is None):
            track, change = _accented(track, grid, added)  # noqa: PLW2901 - the track as it is now
            changes += [change] if change.count else []
        tracks.append(track)
    return song.with_tracks(tuple(tracks), *changes)


def flat_velocity(notes: Notes) -> int | None:
    """Tell the velocity of notes that have only one.

    Parameters
    ----------
    notes : Notes
        Notes of one part.

    Returns
    -------
    int or None
        The velocity; None where there are several, or fewer than two notes.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> flat_velocity(as_notes([(0.0, 0.5, 60, 80), (0.5, 1.0, 62, 80)]))
    80
    """
    velocity = notes["velocity"]
    if len(velocity) < _FEW or (velocity != velocity[0]).any():
        return None
    return int(velocity[0])


def _accented(track: Track, grid: BeatGrid, added: npt.NDArray[np.int64]) -> tuple[Track, Change]:
    """Add to each velocity what its place in the bar is worth."""
    old = track.notes["velocity"]
    new = np.clip(old + added[_levels(track.notes["start"], grid)], 1, 127)
    count = int(np.count_nonzero(new != old))
    was = f"{old.min()} to {old.max()}" if np.ptp(old) else str(old[0])
    what = (
        f"{count:,} of {len(old):,} notes accented by their place in the bar: {was} became "
        f"{new.min()} to {new.max()}"
    )
    rows = track.notes.copy()
    rows["velocity"] = new
    return replace(track, notes=as_notes(rows)), Change("accent", shown(track), what, count)


def _levels(seconds: npt.NDArray[np.float64], grid: BeatGrid) -> npt.NDArray[np.int64]:
    """Tell the level of the line that is nearest to each second, earlier ones winning ties."""
    position = grid.beat_at(seconds)
    whole = np.floor(position)
    lines, levels = _lines_of_a_beat(grid)
    nearest = np.searchsorted(0.5 * (lines[1:] + lines[:-1]), position - whole)
    level = levels[nearest]
    on_beat = whole + (nearest == len(lines) - 1) - grid.pickup
    level[(level == _BEAT) & (on_beat % grid.beats_per_bar == 0)] = _DOWNBEAT
    return level


def _lines_of_a_beat(grid: BeatGrid) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """List the lines from one beat to the next as shares of it, and the level of each."""
    is_compound = grid.meter[1] * quarters_per_beat(grid.meter) == 12.0
    strong = [0.0, 1 / 3, 2 / 3, 1.0] if is_compound else [0.0, grid.swing_ratio, 1.0]
    lines, levels = [0.0], [_BEAT]
    for one, other in pairwise(strong):
        lines += [0.5 * (one + other), other]
        levels += [_SIXTEENTH, _BEAT if other == 1.0 else _OFFBEAT]
    return np.array(lines), np.array(levels)
