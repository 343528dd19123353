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
from midikit.smf.metas import check_metas
from midikit.smf.scan import scan
from midikit.smf.walk import report_crossings, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from midikit.model.report import Repair
    from midikit.smf.header import Header
    from midikit.smf.scan import Scan
    from midikit.smf.walk import Walk

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
    spans : list of (int, int)
        Byte offsets of the events of each track.
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
    spans: list[tuple[int, int]]
    repairs: tuple[Repair, ...]

    def __len__(self) -> int:
        """Count the tracks."""
        return len(self.spans)

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
        report_crossings(faults, track, [offset], count)
    if regular.irregular:
        walks = {track: walk(data, *spans[track], track, faults) for track in regular.irregular}
        file = _merged(regular, walks, header, spans, faults)
    else:
        last_tick = regular.meta_tick[np.cumsum(regular.meta_counts) - 1]
        file = _file(regular, header, spans, last_tick, faults)
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
    spans: list[tuple[int, int]],
    last_tick: npt.NDArray[np.int64],
    faults: Faults,
) -> MidiFile:
    """Check the meta events and put the file together."""
    tracks = np.repeat(np.arange(len(spans)), table.meta_counts)
    keep = check_metas(table.meta_kind, table.meta_data, table.meta_offset, tracks, faults)
    # A format 0 file of several tracks is reported, and is what format 1 describes.
    return MidiFile(
        1 if header.format == 0 and len(spans) > 1 else header.format,
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
        _bounds(np.bincount(tracks[keep], minlength=len(spans))),
        last_tick,
        spans,
        faults.repairs(),
    )


def _merged(
    regular: Scan,
    walks: dict[int, Walk],
    header: Header,
    spans: list[tuple[int, int]],
    faults: Faults,
) -> MidiFile:
    """Put tracks of both readings together in file order."""
    at, meta_at = _bounds(regular.counts), _bounds(regular.meta_counts)
    last_tick = np.zeros(len(spans), np.int64)
    ends = regular.meta_counts > 0
    last_tick[ends] = regular.meta_tick[meta_at[1:][ends] - 1]
    counts, meta_counts = regular.counts.copy(), regular.meta_counts.copy()
    for track, found in walks.items():
        last_tick[track] = found.last_tick
        counts[track], meta_counts[track] = len(found.status), len(found.meta_data)

    def join(name: str, bounds: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Join one column: runs of regular tracks, and each walked one between them."""
        column = getattr(regular, name)
        parts, done = [], 0
        for track, found in walks.items():
            parts.append(column[bounds[done] : bounds[track]])
            parts.append(np.frombuffer(getattr(found, name), column.dtype))
            done = track
        parts.append(column[bounds[done] :])
        return np.concatenate(parts)

    names = ("tick", "status", "data1", "data2")
    meta_names = ("meta_tick", "meta_offset", "meta_before", "meta_kind")
    columns = {name: join(name, at) for name in names}
    columns |= {name: join(name, meta_at) for name in meta_names}
    payloads: list[bytes] = []
    done = 0
    for track, found in walks.items():
        payloads += regular.meta_data[meta_at[done] : meta_at[track]]
        payloads += found.meta_data
        done = track
    payloads += regular.meta_data[meta_at[done] :]
    table = replace(
        regular, counts=counts, meta_counts=meta_counts, meta_data=payloads, **columns
    )
    return _file(table, header, spans, last_tick, faults)
