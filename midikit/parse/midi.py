"""Standard MIDI File bytes to a song: any bytes, damaged or not.

`read_midi` gives every note that can be read and a list of what was wrong, or one `MidiError`. The
kinds of faults are listed in one table in `midikit.smf.faults`.

How a file becomes a song:

- Seconds follow the tempo events of all tracks; 120 BPM before the first.
- One `Track` for each MTrk chunk and channel that has notes. Controls, bends, pressure and program
  changes are its `controls`; those of a channel without notes get a track of their own. An MTrk
  without notes is kept if it has a name, a control or a text.
- Track 0 of a format 1 file, if it has no notes, is the conductor: its name is the title of the
  song, its events are those of the song. From any other track 0 the events that concern its
  instrument stay with its first track, the rest goes to the song. Time signatures and SMPTE offsets
  of any track go to the song. Tempo events and track names are not repeated as events.
- A note ends at the first note-off of its channel and pitch that no earlier note took.
- The program of a track is the one its port and channel have at its first note, whichever MTrk set
  it; else the first that this channel is given at all.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from midikit import files
from midikit.errors import LimitError
from midikit.escape import printable
from midikit.model.song import Song
from midikit.parse.clock import Clock
from midikit.parse.pairing import read_notes
from midikit.parse.parts import assemble
from midikit.smf.decode import decode, raise_first
from midikit.smf.faults import Faults

if TYPE_CHECKING:
    from midikit.model.report import Repair
    from midikit.parse.pairing import NoteTable
    from midikit.smf.decode import MidiFile

__all__ = ["read_midi"]

_LAST = 1 << 62


def read_midi(
    source: str | os.PathLike[str] | bytes,
    *,
    strict: bool = False,
    max_bytes: int = files.DEFAULT_MAX_BYTES,
) -> Song:
    """Read a .mid file, damaged or not.

    Parameters
    ----------
    source : str, PathLike or bytes
        The file, or what is in it.
    strict : bool, optional
        Refuse the first fault instead of repairing it.
    max_bytes : int, optional
        Largest file to read.

    Returns
    -------
    Song
        All notes and other events in seconds; `repairs` lists what was wrong and what was done.

    Raises
    ------
    MidiError
        If the bytes are no Standard MIDI File, or with `strict` at any fault; `.offset` says where.
    InputError
        If the file cannot be opened.
    LimitError
        If it is larger than `max_bytes`.

    Examples
    --------
    >>> header = bytes.fromhex("4d546864 00000006 0000 0001 01e0 4d54726b 00000009")
    >>> song = read_midi(header + bytes.fromhex("00903c64 8360ff2f00"))
    >>> song[0].notes.tolist()
    [(0.0, 0.5, 60, 100)]
    >>> print(song.repairs[0])
    byte 23, track 0: pitch 60 on channel 1 has no note-off; repaired, ends with its track
    """
    data, name = _load(source, max_bytes)
    file = decode(data, source=name)
    clock = Clock.of(file)
    notes = read_notes(file)
    repairs = _repairs(file, notes)
    if strict:
        raise_first(repairs, name)
    tracks, events, title = assemble(file, notes, clock)
    return Song(
        tracks,
        clock.tempo,
        events,
        title,
        clock.ticks_per_quarter,
        name,
        repairs=repairs,
    )


def _load(source: str | os.PathLike[str] | bytes, max_bytes: int) -> tuple[bytes, str]:
    """Return the bytes to read and the name to tell the user."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        if len(source) > max_bytes:
            raise LimitError(
                f"{len(source):,} bytes, more than {max_bytes:,}; pass max_bytes= to read them all "
                "the same"
            )
        return bytes(source), ""
    data = files.read_bytes(source, max_bytes=max_bytes)
    return data, printable(os.fspath(source), 200)


def _repairs(file: MidiFile, notes: NoteTable) -> tuple[Repair, ...]:
    """List what is wrong with the file and, one row a track, with its notes."""
    kinds = (
        ("hanging-note", notes.hanging, "has no note-off", "repaired, ends with its track"),
        ("lone-note-off", notes.lone, "has a note-off but no note", "ignored"),
        (
            "overlapping-notes",
            notes.overlaps,
            "is struck again while it sounds",
            "repaired, ended first in, first out",
        ),
    )
    faults = Faults()
    for kind, faulty, what, action in kinds:
        if len(faulty) == 0:
            continue
        messages = sorted(faulty.tolist())
        row = 0
        while row < len(messages):
            message, offset, text = messages[row], 0, ""
            track = bisect_right(file.bounds, message) - 1
            end = bisect_left(messages, file.bounds[track + 1], row)
            if not faults.is_full(kind):
                offset = file.locator.offset(track, message - file.bounds[track])
                channel = (int(file.status[message]) & 0x0F) + 1
                text = f"pitch {file.data1[message]} on channel {channel} {what}"
            faults.add(kind, offset, track, text, action, count=end - row)
            row = end
    found_here = faults.repairs()
    if not (found_here and file.repairs):
        return found_here or file.repairs
    both = (*file.repairs, *found_here)
    return tuple(sorted(both, key=lambda row: _LAST if row.offset is None else row.offset))
