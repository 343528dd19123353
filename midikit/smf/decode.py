"""Standard MIDI File bytes to flat event tables.

`decode` knows the format and nothing else: no notes, no seconds, no instruments. Regular tracks are
read whole (`midikit.smf.scan`), tracks with a fault event by event (`midikit.smf.walk`); both give
the same where both apply. Nothing is allocated from a claim in the file, only from bytes that are
there, and time and memory are linear in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, compress
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.errors import MidiError
from midikit.smf.faults import Faults
from midikit.smf.header import find_tracks, read_header
from midikit.smf.locate import Locator
from midikit.smf.metas import check_metas
from midikit.smf.scan import scan
from midikit.smf.walk import Walk, report_crossings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from midikit.model.report import Repair
    from midikit.smf.scan import Scan

__all__ = ["MAX_TRACKS", "MetaEvent", "MidiFile", "MidiTrack", "decode", "raise_first"]

MAX_TRACKS = 65_535
"""Most tracks that are read unless a limit is given: what the header of a file can count."""


@dataclass(frozen=True, slots=True)
class MetaEvent:
    """A meta or system exclusive event.

    Parameters
    ----------
    tick : int
        When, in ticks from the beginning of its track.
    kind : int
        Meta type 0x00 to 0x7F, or 0xF0 or 0xF7 for system exclusive.
    data : bytes
        The payload behind the length.
    before : int
        Channel messages of its track before it: its place in the order of the file.
    offset : int
        Byte offset of its status in the file.
    """

    tick: int
    kind: int
    data: bytes
    before: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False)
class MidiTrack:
    """One MTrk chunk.

    Parameters
    ----------
    tick : ndarray of int64, shape (n,)
        Tick of each channel message, in file order.
    status, data1, data2 : ndarray of uint8, shape (n,)
        Status with channel and data bytes; `data2` is 0 where the message has one data byte.
    metas : tuple of MetaEvent
        Meta and sysex events in file order, without the end of track.
    last_tick : int
        Tick of the last event, the end of track included.
    """

    tick: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    data1: npt.NDArray[np.uint8]
    data2: npt.NDArray[np.uint8]
    metas: tuple[MetaEvent, ...]
    last_tick: int


@dataclass(frozen=True, slots=True, eq=False)
class MidiFile:
    """A Standard MIDI File as flat tables, track after track in file order.

    Parameters
    ----------
    format : int
        0 one track, 1 simultaneous tracks, 2 independent tracks.
    ticks_per_quarter : int or None
        Resolution, None if time is divided by frames (SMPTE).
    frames_per_second : int or None
        24, 25, 29 (drop-frame, 29.97 a second) or 30; None if time is divided by quarters.
    ticks_per_frame : int or None
        Resolution of a frame.
    tick : ndarray of int64, shape (n,)
        Tick of each channel message from the beginning of its track.
    status, data1, data2 : ndarray of uint8, shape (n,)
        Status with channel and data bytes; `data2` is 0 where the message has one data byte.
    bounds : list of int, tracks + 1
        Track i has the messages ``bounds[i]:bounds[i + 1]``.
    meta_tick, meta_offset, meta_before : list of int
        Tick of each meta or sysex event, byte offset of its status, channel messages of its track
        before it.
    meta_kind : list of int
        Meta type 0x00 to 0x7F, or 0xF0 or 0xF7 for system exclusive; never an end of track.
    meta_data : list of bytes
        Payloads.
    meta_bounds : list of int, tracks + 1
        Track i has the events ``meta_bounds[i]:meta_bounds[i + 1]``.
    last_tick : list of int, one a track
        Tick of the last event of each track, its end included.
    locator : Locator
        Finds the byte offset of any channel message.
    repairs : tuple of Repair
        Faults by byte offset; their kinds are listed in `midikit.smf.faults`.

    Examples
    --------
    >>> data = bytes.fromhex("4d546864 00000006 0000 0001 01e0 4d54726b 0000000d")
    >>> file = decode(data + bytes.fromhex("00903c64 8360803c40 00ff2f00"))
    >>> file.ticks_per_quarter, file.tick.tolist(), file.status.tolist(), file.repairs
    (480, [0, 480], [144, 128], ())
    """

    format: int
    ticks_per_quarter: int | None
    frames_per_second: int | None
    ticks_per_frame: int | None
    tick: npt.NDArray[np.int64]
    status: npt.NDArray[np.uint8]
    data1: npt.NDArray[np.uint8]
    data2: npt.NDArray[np.uint8]
    bounds: list[int]
    meta_tick: list[int]
    meta_offset: list[int]
    meta_before: list[int]
    meta_kind: list[int]
    meta_data: list[bytes]
    meta_bounds: list[int]
    last_tick: list[int]
    locator: Locator
    repairs: tuple[Repair, ...]

    def __len__(self) -> int:
        """Count the tracks."""
        return len(self.last_tick)

    def __getitem__(self, index: int) -> MidiTrack:
        """Take one track."""
        index = range(len(self))[index]
        part = slice(*self.bounds[index : index + 2])
        rows = slice(*self.meta_bounds[index : index + 2])
        metas = zip(
            self.meta_tick[rows],
            self.meta_kind[rows],
            self.meta_data[rows],
            self.meta_before[rows],
            self.meta_offset[rows],
            strict=True,
        )
        return MidiTrack(
            self.tick[part],
            self.status[part],
            self.data1[part],
            self.data2[part],
            tuple(MetaEvent(*row) for row in metas),
            self.last_tick[index],
        )

    def __iter__(self) -> Iterator[MidiTrack]:
        """Go through the tracks."""
        return (self[i] for i in range(len(self)))


def decode(
    data: bytes, *, source: str = "", strict: bool = False, max_tracks: int = MAX_TRACKS
) -> MidiFile:
    """Read a Standard MIDI File, damaged or not.

    Parameters
    ----------
    data : bytes
        The whole file.
    source : str, optional
        Its name, for the error; fit for a terminal.
    strict : bool, optional
        Refuse the first fault instead of repairing it.
    max_tracks : int, optional
        Most tracks to read; further ones are ignored and reported.

    Returns
    -------
    MidiFile
        Everything that can be read, and what was wrong.

    Raises
    ------
    MidiError
        If there is no header, the bytes are of another format, or with `strict` at any fault.

    Examples
    --------
    >>> decode(b"hello")
    Traceback (most recent call last):
    midikit.errors.MidiError: byte 0: no Standard MIDI File: begins with 'hello', expected MThd ...
    """
    faults = Faults()
    header = read_header(data, source, faults)
    spans = find_tracks(data, header, faults, max_tracks=max_tracks)
    table = scan(data, spans)
    for track, offset, count in table.crossings:
        report_crossings(faults, track, offset, count)
    bounds = [0, *accumulate(table.counts)]
    locator = Locator(data, spans, frozenset(table.irregular), table.places, bounds)
    if table.irregular:
        found = Walk()
        for track in table.irregular:
            walk(data, *spans[track], track=track, found=found, faults=faults)
        table = _merged(table, found)
        bounds = [0, *accumulate(table.counts)]
    _drop_metas(table, faults)
    file = MidiFile(
        # A format 0 file of several tracks is reported, and is what format 1 describes.
        1 if header.format == 0 and len(spans) > 1 else header.format,
        header.ticks_per_quarter,
        header.frames_per_second,
        header.ticks_per_frame,
        table.tick,
        table.status,
        table.data1,
        table.data2,
        bounds,
        table.meta_tick,
        table.meta_offset,
        table.meta_before,
        table.meta_kind,
        table.meta_data,
        [0, *accumulate(table.meta_counts)],
        table.last_tick,
        locator,
        faults.repairs(),
    )
    if strict:
        raise_first(file.repairs, source)
    return file


def raise_first(repairs: tuple[Repair, ...], source: str) -> None:
    """Refuse a file that needs repairs.

    Parameters
    ----------
    repairs : tuple of Repair
        Faults of a .mid.
    source : str
        Its name.

    Raises
    ------
    MidiError
        For the fault with the lowest byte offset, if there is any.
    """
    if repairs:
        first = min(repairs, key=lambda row: row.offset if row.offset is not None else 1 << 62)
        problem = f"{first.found}; strict reading repairs nothing"
        raise MidiError(source, problem, first.offset or 0, first.track)


def _drop_metas(table: Scan, faults: Faults) -> None:
    """Check the meta and sysex events and take those out that cannot be."""
    tracks = [track for track, count in enumerate(table.meta_counts) for _ in range(count)]
    keep = check_metas(table.meta_kind, table.meta_data, table.meta_offset, tracks, faults)
    if all(keep):
        return
    for track, is_kept in zip(tracks, keep, strict=True):
        table.meta_counts[track] -= not is_kept
    for column in (table.meta_tick, table.meta_offset, table.meta_before, table.meta_kind):
        column[:] = compress(column, keep)
    table.meta_data[:] = compress(table.meta_data, keep)


def _merged(regular: Scan, found: Walk) -> Scan:
    """Put the events of both readings together in file order."""
    counts, meta_counts = list(regular.counts), list(regular.meta_counts)
    last_tick = list(regular.last_tick)

    def order(counts: list[int], others: list[int]) -> npt.NDArray[np.intp]:
        """Return the order by track of the rows of both readings."""
        track = np.repeat([*range(len(counts)), *found.tracks], [*counts, *others])
        return np.argsort(track, kind="stable")

    rows = order(counts, found.counts)
    meta_rows = order(meta_counts, found.meta_counts).tolist()

    def join(name: str) -> npt.NDArray[Any]:
        """Join one column of the messages."""
        column = getattr(regular, name)
        return np.append(column, np.frombuffer(getattr(found, name), column.dtype))[rows]

    def join_metas(name: str) -> list[Any]:
        """Join one column of the meta and sysex events."""
        column = [*getattr(regular, name), *getattr(found, name)]
        return [column[row] for row in meta_rows]

    for i, track in enumerate(found.tracks):
        counts[track], meta_counts[track] = found.counts[i], found.meta_counts[i]
        last_tick[track] = found.last_tick[i]
    return replace(
        regular,
        tick=join("tick"),
        status=join("status"),
        data1=join("data1"),
        data2=join("data2"),
        counts=counts,
        meta_tick=join_metas("meta_tick"),
        meta_offset=join_metas("meta_offset"),
        meta_before=join_metas("meta_before"),
        meta_kind=join_metas("meta_kind"),
        meta_data=join_metas("meta_data"),
        meta_counts=meta_counts,
        last_tick=last_tick,
    )
