"""Standard MIDI File bytes to flat event tables.

`decode` knows the format and nothing else: no notes, no seconds, no instruments. Regular tracks are
read whole (`midikit.smf.scan`), tracks with a fault event by event (`midikit.smf.walk`); both give
the same where both apply. Nothing is allocated from a claim in the file, only from bytes that are
there, and time and memory are linear in them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    from midikit.smf.header import Header
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
    bounds : ndarray of int64, shape (tracks + 1,)
        Track i has the messages ``bounds[i]:bounds[i + 1]``.
    meta_tick, meta_offset, meta_before : ndarray of int64, shape (m,)
        Tick of each meta or sysex event, byte offset of its status, channel messages of its track
        before it.
    meta_kind : ndarray of int16, shape (m,)
        Meta type 0x00 to 0x7F, or 0xF0 or 0xF7 for system exclusive; never an end of track.
    meta_data : list of bytes
        Payloads.
    meta_bounds : ndarray of int64, shape (tracks + 1,)
        Track i has the events ``meta_bounds[i]:meta_bounds[i + 1]``.
    last_tick : ndarray of int64, shape (tracks,)
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
    bounds: npt.NDArray[np.int64]
    meta_tick: npt.NDArray[np.int64]
    meta_offset: npt.NDArray[np.int64]
    meta_before: npt.NDArray[np.int64]
    meta_kind: npt.NDArray[np.int16]
    meta_data: list[bytes]
    meta_bounds: npt.NDArray[np.int64]
    last_tick: npt.NDArray[np.int64]
    locator: Locator
    repairs: tuple[Repair, ...]

    def __len__(self) -> int:
        """Count the tracks."""
        return len(self.last_tick)

    def __getitem__(self, index: int) -> MidiTrack:
        """Take one track."""
        index = range(len(self))[index]
        part = slice(*self.bounds[index : index + 2].tolist())
        first, last = self.meta_bounds[index : index + 2].tolist()
        metas = zip(
            self.meta_tick[first:last].tolist(),
            self.meta_kind[first:last].tolist(),
            self.meta_data[first:last],
            self.meta_before[first:last].tolist(),
            self.meta_offset[first:last].tolist(),
            strict=True,
        )
        return MidiTrack(
            self.tick[part],
            self.status[part],
            self.data1[part],
            self.data2[part],
            tuple(MetaEvent(*row) for row in metas),
            int(self.last_tick[index]),
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
    regular = scan(data, spans)
    for track, offset, count in regular.crossings:
        report_crossings(faults, track, offset, count)
    locator = Locator(
        data, spans, frozenset(regular.irregular), regular.places, _bounds(regular.counts)
    )
    if regular.irregular:
        found = Walk()
        for track in regular.irregular:
            walk(data, *spans[track], track=track, found=found, faults=faults)
        table, last_tick = _merged(regular, found)
    else:
        table = regular
        last_tick = regular.meta_tick[np.cumsum(regular.meta_counts) - 1]
    file = _file(table, header, locator, last_tick, faults)
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


def _bounds(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where each track's rows begin and the last one's end."""
    bounds = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=bounds[1:])
    return bounds


def _file(
    table: Scan,
    header: Header,
    locator: Locator,
    last_tick: npt.NDArray[np.int64],
    faults: Faults,
) -> MidiFile:
    """Check the meta events and put the file together."""
    tracks = np.repeat(np.arange(len(last_tick)), table.meta_counts)
    keep = check_metas(table.meta_kind, table.meta_data, table.meta_offset, tracks, faults)
    # A format 0 file of several tracks is reported, and is what format 1 describes.
    return MidiFile(
        1 if header.format == 0 and len(last_tick) > 1 else header.format,
        header.ticks_per_quarter,
        header.frames_per_second,
        header.ticks_per_frame,
        table.tick,
        table.status,
        table.data1,
        table.data2,
        _bounds(table.counts),
        table.meta_tick[keep],
        table.meta_offset[keep],
        table.meta_before[keep],
        table.meta_kind[keep],
        [table.meta_data[i] for i in np.flatnonzero(keep).tolist()],
        _bounds(np.bincount(tracks[keep], minlength=len(last_tick))),
        last_tick,
        locator,
        faults.repairs(),
    )


def _merged(regular: Scan, found: Walk) -> tuple[Scan, npt.NDArray[np.int64]]:
    """Put tracks of both readings together in file order: the events, and each last tick."""
    walked = np.array(found.tracks)
    counts, meta_counts = regular.counts.copy(), regular.meta_counts.copy()
    last_tick = np.zeros(len(counts), np.int64)
    read = meta_counts > 0
    last_tick[read] = regular.meta_tick[np.cumsum(meta_counts)[read] - 1]
    last_tick[walked] = found.last_tick

    def order(counts: npt.NDArray[np.int64], others: list[int]) -> npt.NDArray[np.intp]:
        """Return the order by track of the rows of both readings."""
        track = np.repeat(np.arange(len(counts)), counts)
        return np.argsort(np.append(track, np.repeat(walked, others)), kind="stable")

    def join(name: str, rows: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """Join one column of both readings."""
        column = getattr(regular, name)
        return np.append(column, np.frombuffer(getattr(found, name), column.dtype))[rows]

    rows = order(counts, found.counts)
    meta_rows = order(meta_counts, found.meta_counts)
    payloads = regular.meta_data + found.meta_data
    counts[walked], meta_counts[walked] = found.counts, found.meta_counts
    table = replace(
        regular,
        tick=join("tick", rows),
        status=join("status", rows),
        data1=join("data1", rows),
        data2=join("data2", rows),
        counts=counts,
        meta_tick=join("meta_tick", meta_rows),
        meta_offset=join("meta_offset", meta_rows),
        meta_before=join("meta_before", meta_rows),
        meta_kind=join("meta_kind", meta_rows),
        meta_data=[payloads[row] for row in meta_rows.tolist()],
        meta_counts=meta_counts,
    )
    return table, last_tick
