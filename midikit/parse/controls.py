"""Controls of a file, part after part, and the programs that they choose.

A part is one channel of one MTrk chunk, as in `midikit.parse.pairing`. Everything is in columns: a
file may have a part for every four of its bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midikit.model.events import CONTROL, PROGRAM_CHANGE
from midikit.parse.pairing import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from midikit.parse.pairing import NoteTable
    from midikit.smf.decode import MidiFile

__all__ = ["Controls", "read_controls"]

_NO_PROGRAM = -1


@dataclass(frozen=True, slots=True, eq=False)
class Controls:
    """What all parts of a file have besides notes.

    Parameters
    ----------
    parts : ndarray of int32, shape (p,)
        Parts with notes or controls, ascending: 16 times the MTrk plus the channel.
    table : ndarray of `CONTROL`, shape (n,)
        The controls, by part, then in file order; read-only.
    bounds : ndarray of int64, shape (p + 1,)
        Part i has the rows ``bounds[i]:bounds[i + 1]``.
    programs : ndarray of int16, shape (p,)
        The program of each part, -1 where nothing chooses one.
    """

    parts: npt.NDArray[np.int32]
    table: npt.NDArray[np.void]
    bounds: npt.NDArray[np.int64]
    programs: npt.NDArray[np.int16]

    def rows(self) -> Iterator[tuple[int, tuple[int, int], int | None]]:
        """Go through the parts.

        Yields
        ------
        part : int
            The part.
        bounds : tuple of (int, int)
            Where its controls lie in the table.
        program : int or None
            Its program.
        """
        bounds = pairwise(self.bounds.data)
        for part, places, program in zip(self.parts.data, bounds, self.programs.data, strict=True):
            yield part, places, None if program == _NO_PROGRAM else program


def read_controls(
    file: MidiFile, notes: NoteTable, ports: dict[int, int], seconds: npt.NDArray[np.float64]
) -> Controls:
    """Sort the controls of a file by part, and find the program of each part.

    That of a part with notes is the one in force at its first note: what its own MTrk says up to
    there counts. Where that says nothing, the whole file does: all tracks play at once, so a
    program change counts for its port and channel in every MTrk, by tick, then in file order; one
    that comes too late is better than none. A part without notes has the first that it chooses.

    Parameters
    ----------
    file : MidiFile
        A decoded file.
    notes : NoteTable
        Its notes.
    ports : dict of int to int
        Port of each MTrk that names one.
    seconds : ndarray of float64, shape (messages,)
        When its channel messages are.

    Returns
    -------
    Controls
        The parts, with their controls and programs.
    """
    message = notes.others
    part = notes.part_of[message]
    if (part[1:] < part[:-1]).any():
        order = part.argsort(kind="stable")
        message, part = message[order], part[order]
    table = np.empty(len(message), CONTROL)
    table["seconds"] = seconds[message]
    table["status"] = file.status[message] & 0xF0
    table["data1"] = file.data1[message]
    table["data2"] = file.data2[message]
    table.flags.writeable = False
    parts = np.array(notes.parts, np.int32)
    if len(part):
        parts = np.union1d(parts, part[np.append(True, part[1:] != part[:-1])])
    programs = np.full(len(parts), _NO_PROGRAM, np.int16)
    rows = (table["status"] == PROGRAM_CHANGE).nonzero()[0]
    if len(rows):
        of = message[rows]
        changes = _Changes(part[rows], of, file.tick[of], table["data1"][rows])
        if len(parts) > len(notes.parts):
            _choose_first(parts, programs, changes)
        played = np.array(notes.parts, np.int32)
        programs[parts.searchsorted(played)] = _in_force(file, notes, ports, changes)
    bounds = part.searchsorted(parts)
    return Controls(parts, table, np.append(bounds, len(part)), programs)


class _Changes(NamedTuple):
    """Program changes by part, then in file order: of which part, which message, when, to what."""

    part: npt.NDArray[np.int32]
    message: npt.NDArray[np.int64]
    tick: npt.NDArray[np.int64]
    program: npt.NDArray[np.uint8]


def _choose_first(
    parts: npt.NDArray[np.int32], programs: npt.NDArray[np.int16], changes: _Changes
) -> None:
    """Put in the first program that each part chooses, the last one of those at that time."""
    first = changes.part.searchsorted(changes.part)
    is_first = changes.tick == changes.tick[first]
    programs[parts.searchsorted(changes.part[is_first])] = changes.program[is_first]


def _in_force(
    file: MidiFile, notes: NoteTable, ports: dict[int, int], changes: _Changes
) -> npt.NDArray[np.int16]:
    """Return the program of each part with notes."""
    part, first = np.array(notes.parts, np.int32), np.array(notes.first, np.int64)
    row = _of_own_track(part, first, changes, len(file.tick))
    found = changes.program[row].astype(np.int16)
    is_foreign = (row < 0) | (changes.part[row] != part)
    if is_foreign.any():
        port = np.zeros(len(file), np.int32)
        port[[*ports]] = [*ports.values()]
        part, first = part[is_foreign], first[is_foreign]
        row = _of_any_track(
            _Places(_shared_channel(part, port), file.tick[first], first),
            _Places(_shared_channel(changes.part, port), changes.tick, changes.message),
        )
        found[is_foreign] = np.where(row < 0, _NO_PROGRAM, changes.program[row])
    return found


def _of_own_track(
    part: npt.NDArray[np.int32], message: npt.NDArray[np.int64], changes: _Changes, size: int
) -> npt.NDArray[np.intp]:
    """Return for each message of `size` the last change of its part, or of another, before it."""
    # One number for part and message, ascending, so that one search finds both.
    key = changes.part * np.int64(size) + changes.message
    return key.searchsorted(part * np.int64(size) + message) - 1


def _shared_channel(
    part: npt.NDArray[np.int32], port: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Give the channels of all ports a number each: parts of any MTrk play on them."""
    return port[part // CHANNELS] * np.int32(CHANNELS) + part % CHANNELS


class _Places(NamedTuple):
    """Where messages are: which channel of all ports, tick, and place in the file."""

    channel: npt.NDArray[np.int32]
    tick: npt.NDArray[np.int64]
    message: npt.NDArray[np.int64]


def _of_any_track(asked: _Places, changes: _Places) -> npt.NDArray[np.int64]:
    """Return for each place the last change of its channel before it, else the first; -1 for none.

    Both go by tick, then by place in the file.
    """
    size = len(changes.tick)
    order = np.lexsort(
        (
            np.append(changes.message, asked.message),
            np.append(changes.tick, asked.tick),
            np.append(changes.channel, asked.channel),
        )
    )
    by_place = order[order < size]
    before = np.empty(len(order), np.int64)
    before[order] = (order < size).cumsum() - 1
    row = before[size:]
    is_later = (row < 0) | (changes.channel[by_place[row]] != asked.channel)
    # With none before it, the first of its channel comes next in this order.
    found: npt.NDArray[np.int64] = by_place[np.minimum(row + is_later, size - 1)]
    found[changes.channel[found] != asked.channel] = -1
    return found
