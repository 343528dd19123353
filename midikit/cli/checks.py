"""What ``convert`` makes sure of: its own bytes, its own quantizing, and the hosted file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.cli.exits import BrokenPromiseError
from midikit.escape import quoted
from midikit.parse.midi import read_midi
from midikit.rhythm.moving import moved_starts
from midikit.units import qpm_from_microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.convert.arrange.overlap import NoteTable
    from midikit.convert.arrange.plan import MidiPlan
    from midikit.model.notes import Notes
    from midikit.model.song import Song, Track

__all__ = ["Moves", "check_bytes", "check_parts", "check_quantized"]

_OVERLAP = "overlapping-notes"
"""What ``overlap="keep"`` writes on purpose."""

_MOVED = 1e-9
"""Seconds from which on a note counts as moved."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What quantizing did to the notes, none of which was lost, added or reordered.

    Parameters
    ----------
    notes : int
        Notes in all.
    moved : int
        Notes whose start is another.
    largest : float
        Farthest move in seconds.
    """

    notes: int
    moved: int
    largest: float


def check_bytes(plan: MidiPlan, data: bytes) -> None:
    """Read the bytes of a .mid back and compare them with what was meant.

    Ends of notes that lie inside longer ones of their pitch are compared as a set: a reader cannot
    tell which end belongs to which.

    Parameters
    ----------
    plan : MidiPlan
        What was meant.
    data : bytes
        What is to be written.

    Raises
    ------
    BrokenPromiseError
        If a track's notes, name, channel or program are not the same, or the tempo.
    """
    meant = [track for track in plan.to_song().tracks if len(track.notes)]
    found_song = read_midi(data)
    found = [track for track in found_song.tracks if len(track.notes)]
    faults = [repair for repair in found_song.repairs if repair.kind != _OVERLAP]
    if faults:
        raise BrokenPromiseError(f"the .mid we wrote reads with faults: {faults[0]}")
    if len(meant) != len(found):
        raise BrokenPromiseError(f"{len(meant)} tracks were meant, {len(found)} are in the .mid")
    for one, other in zip(meant, found, strict=True):
        _check_track(one, other)
    tempo = plan.tempo
    qpm = qpm_from_microseconds(tempo.micro)
    if len(qpm) != len(found_song.tempo.qpm) or not np.allclose(qpm, found_song.tempo.qpm, 1e-12):
        raise BrokenPromiseError("another tempo was meant than the .mid holds")


def _check_track(meant: Track, found: Track) -> None:
    name = meant.name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for what, one, other in (
        ("name", name, found.name),
        ("channel", meant.channel, found.channel),
        ("program", meant.program, found.program),
    ):
        if one is not None and one != other:
            raise BrokenPromiseError(
                f"{what} {quoted(one)} was meant, the .mid holds {quoted(other)}"
            )
    # Nearly always the notes come back as they were, which is a hundredth of the work to see.
    same = meant.notes.tobytes() == found.notes.tobytes() or (
        len(meant.notes) == len(found.notes)
        and all(
            np.array_equal(_sorted(meant.notes, time), _sorted(found.notes, time))
            for time in ("start", "end")
        )
    )
    if not same:
        raise BrokenPromiseError(
            f"a track of {len(meant.notes):,} notes was meant, the .mid holds others"
        )


def _sorted(notes: Notes, time: str) -> npt.NDArray[np.float64]:
    """Return the notes' pitches at their starts or ends, in an order of their own."""
    pairs = np.stack([notes[time], notes["pitch"].astype(np.float64)], axis=1)
    if time == "start":
        pairs = np.column_stack([pairs, notes["velocity"]])
    return pairs[np.lexsort(pairs.T[::-1])]


def check_parts(whole: MidiPlan, parts: Sequence[MidiPlan]) -> None:
    """Make sure that the parts of a song are together the whole.

    Parameters
    ----------
    whole : MidiPlan
        The whole.
    parts : sequence of MidiPlan
        Its parts.

    Raises
    ------
    BrokenPromiseError
        If a note, or the tempo, is not the same.
    """
    meant = _events([whole])
    found = _events(parts)
    same = meant.shape == found.shape and bool((meant == found).all())
    if not (same and all(part.tempo is whole.tempo for part in parts)):
        raise BrokenPromiseError(
            f"the whole has {meant.shape[1]:,} notes, its parts together have others"
        )


def _events(plans: Sequence[MidiPlan]) -> npt.NDArray[np.int64]:
    """Put the notes of plans in one order: a row each for channel, tick, pitch …."""
    columns = [_columns(plan.notes, [part.channel for part in plan.parts]) for plan in plans]
    table = np.concatenate(columns, axis=1)
    return table[:, np.lexsort(table)]


def _columns(notes: NoteTable, channels: Sequence[int]) -> npt.NDArray[np.int64]:
    channel = np.array(channels, np.int64)[notes.part]
    return np.stack([channel, notes.start, notes.end, notes.pitch, notes.velocity])


def check_quantized(before: Song, after: Song) -> Moves:
    """Make sure that quantizing only moved notes.

    Parameters
    ----------
    before : Song
        The song as it was.
    after : Song
        The song on the grid.

    Returns
    -------
    Moves
        How far the notes moved.

    Raises
    ------
    BrokenPromiseError
        If a note was lost, added or reordered.
    """
    moved, largest = 0, 0.0
    for old, new in zip(before.tracks, after.tracks, strict=True):
        distance = np.abs(_moves(old.notes, new.notes))
        moved += int(np.count_nonzero(distance > _MOVED))
        largest = max(largest, float(distance.max(initial=0.0)))
    return Moves(before.note_count, moved, largest)


def _moves(old: Notes, new: Notes) -> npt.NDArray[np.float64]:
    """Return how far each note moved."""
    target = moved_starts(old, new)
    if target is None:
        raise BrokenPromiseError("quantizing lost or added a note")
    if (np.diff(target) < 0).any():
        raise BrokenPromiseError("quantizing turned the order of two notes round")
    moves: npt.NDArray[np.float64] = target - old["start"]
    return moves
