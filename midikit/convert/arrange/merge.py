"""Tracks of one name joined into one, and notes that were written to both counted once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from midikit.convert.arrange.naming import shown
from midikit.model.events import as_controls
from midikit.model.notes import NOTE, Notes, as_notes, concatenate
from midikit.model.report import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.model.song import Song, Track

__all__ = ["Duplicates", "merge_tracks"]

Duplicates: TypeAlias = Literal["collapse", "keep"]


def merge_tracks(song: Song, *, duplicates: Duplicates) -> tuple[tuple[Track, ...], list[Change]]:
    """Join the tracks of one name.

    Parameters
    ----------
    song : Song
        The song; its tempo says how long a sixteenth is.
    duplicates : {"collapse", "keep"}
        What to do with a note of one track that another track of the name holds as well: the same
        pitch, beginning less than a sixteenth apart, each note counted once; and with exact
        repeats.

    Returns
    -------
    tracks : tuple of Track
        One track a name, at the place of its first; unnamed tracks stay apart, and so does a drum
        kit from a melodic track of its name.
    changes : list of Change
        What was joined, and how many notes were collapsed.
    """
    groups: dict[tuple[object, ...], list[Track]] = {}
    for index, track in enumerate(song.tracks):
        key = (track.name, track.is_drum, track.port) if track.name.strip() else (index,)
        groups.setdefault(key, []).append(track)
    tracks, changes = [], []
    for group in groups.values():
        if len(group) == 1:
            tracks.append(group[0])
            continue
        joined, collapsed = _join(song, group, duplicates)
        tracks.append(joined)
        changes.append(
            Change("merge", shown(joined), f"{len(group)} tracks joined into one", len(group))
        )
        claims = {track.program for track in group if track.program is not None}
        if len(claims) > 1:
            what = f"the joined tracks claim different programs; {joined.program} is taken"
            changes.append(Change("program", shown(joined), what))
        if collapsed:
            what = f"{collapsed:,} notes that were written twice collapsed into one each"
            changes.append(Change("duplicate", shown(joined), what, collapsed))
    return tuple(tracks), changes


def _join(song: Song, group: Sequence[Track], duplicates: Duplicates) -> tuple[Track, int]:
    notes: Notes = group[0].notes
    collapsed = 0
    for track in group[1:]:
        new = track.notes
        if duplicates == "collapse":
            new = new[~_written_before(notes, new, song)]
            collapsed += len(track.notes) - len(new)
        notes = concatenate([notes, as_notes(new)])
    if duplicates == "collapse":
        notes, repeats = _without_repeats(notes)
        collapsed += repeats
    controls = as_controls(np.concatenate([track.controls for track in group]))
    joined = replace(
        group[0],
        program=next((track.program for track in group if track.program is not None), None),
        notes=notes,
        controls=as_controls(controls[_first_of_each(controls)]),
        events=tuple(sorted((e for track in group for e in track.events), key=lambda e: e.seconds)),
    )
    return joined, collapsed


def _first_of_each(controls: npt.NDArray[np.void]) -> npt.NDArray[np.intp]:
    """Return the rows that no earlier row repeats, in order."""
    rows = np.stack([controls[name].astype(np.float64) for name in controls.dtype.names or ()])
    return np.sort(np.unique(rows, axis=1, return_index=True)[1])


def _without_repeats(notes: Notes) -> tuple[Notes, int]:
    """Take out notes that repeat the one before in start, pitch and end."""
    if len(notes) < 2:
        return notes, 0
    repeat = np.zeros(len(notes), bool)
    repeat[1:] = True
    for name in ("start", "pitch", "end"):
        repeat[1:] &= notes[name][1:] == notes[name][:-1]
    return as_notes(notes[~repeat]), int(repeat.sum())


def _written_before(old: Notes, new: Notes, song: Song) -> npt.NDArray[np.bool_]:
    """Tell which new notes an old one already says, each old one answering for one new one."""
    assert old.dtype == NOTE
    quarters = song.tempo.to_quarters(new["start"])
    window = song.tempo.to_seconds(quarters + 0.25) - song.tempo.to_seconds(quarters)
    found = np.zeros(len(new), bool)
    by_pitch: dict[int, list[float]] = {}
    for start, pitch in zip(old["start"].tolist(), old["pitch"].tolist(), strict=True):
        by_pitch.setdefault(pitch, []).append(start)
    rows = zip(new["start"].tolist(), new["pitch"].tolist(), window.tolist(), strict=True)
    for row, (start, pitch, sixteenth) in enumerate(rows):
        starts = by_pitch.get(pitch)
        if not starts:
            continue
        left = bisect_right(starts, start - sixteenth)
        right = bisect_left(starts, start + sixteenth)
        if left < right:
            nearest = min(range(left, right), key=lambda i: (abs(starts[i] - start), i))
            del starts[nearest]
            found[row] = True
    return found
