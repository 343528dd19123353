"""Container, header and chunks: where in the bytes the tracks lie, whatever the lengths claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from midikit.errors import MidiError
from midikit.escape import printable
from midikit.model.report import counted
from midikit.smf.walk import end_of_track

if TYPE_CHECKING:
    from midikit.smf.faults import Faults

__all__ = ["Header", "find_tracks", "read_header"]

_JUNK_BYTES = 128
_HEADER_BYTES = 14
_CHUNK_BYTES = 8
_RIFF_BYTES = 12
_END_OF_TRACK = b"\xff\x2f\0"
_DEFAULT_DIVISION = 480
_FRAME_RATES = {24, 25, 29, 30}
_PACKED = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
)
_OTHER_FORMATS = (
    (b"ID3", "MP3 audio"),
    (b"fLaC", "FLAC audio"),
    (b"OggS", "Ogg audio"),
    (b"%PDF", "a PDF document"),
    (b"<", "a web page or XML document"),
    (b"{", "JSON"),
    (b"[", "JSON"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says, made usable.

    Parameters
    ----------
    format : int
        0 one track, 1 simultaneous tracks, 2 independent tracks.
    ticks_per_quarter : int or None
        Resolution, None if time is divided by frames.
    frames_per_second : int or None
        24, 25, 29 (30 drop-frame, 29.97 a second) or 30; None if time is divided by quarters.
    ticks_per_frame : int or None
        Resolution of a frame.
    claimed_tracks : int or None
        Number of tracks claimed, None if the header ends before it.
    offset : int
        Byte offset of ``MThd``.
    start, end : int
        Byte offsets between which the chunks lie.
    """

    format: int
    ticks_per_quarter: int | None
    frames_per_second: int | None
    ticks_per_frame: int | None
    claimed_tracks: int | None
    offset: int
    start: int
    end: int


def read_header(data: bytes, source: str, faults: Faults) -> Header:
    """Find and read the header chunk.

    Parameters
    ----------
    data : bytes
        The whole file.
    source : str
        Its name, for the error.
    faults : Faults
        Where to list what is wrong.

    Returns
    -------
    Header
        Usable values.

    Raises
    ------
    MidiError
        If there is no header, or these bytes are of another format.
    """
    offset, end = _find_header(data, source, faults)
    if end - offset < _HEADER_BYTES:
        raise MidiError(
            source,
            f"the header is cut short, got {end - offset} of {_HEADER_BYTES} bytes",
            offset,
        )
    number = int.from_bytes
    size = number(data[offset + 4 : offset + 8], "big")
    start = offset + _CHUNK_BYTES + size
    usual = offset + _HEADER_BYTES
    leads_on = data[start : start + 4] == b"MTrk"
    lost = not leads_on and data[usual : usual + 4] == b"MTrk"
    text = f"a header of {counted(size, 'byte')}, expected 6"
    if size < 6 and leads_on:
        action = f"repaired, read as format 1 of {_DEFAULT_DIVISION} ticks a quarter"
        faults.add("header-length", offset + 4, None, text, action)
        return Header(1, _DEFAULT_DIVISION, None, None, None, offset, start, end)
    if size < 6 or start > end or lost:
        faults.add("header-length", offset + 4, None, text, "repaired, read as 6")
        start = usual
    form = number(data[offset + 8 : offset + 10], "big")
    if form > 2:
        text = f"format {form}, expected 0, 1 or 2"
        faults.add("header-format", offset + 8, None, text, "repaired, read as format 1")
        form = 1
    quarter, frames, frame = _read_division(data, offset + 12, faults)
    tracks = number(data[offset + 10 : offset + 12], "big")
    return Header(form, quarter, frames, frame, tracks, offset, start, end)


def _read_division(
    data: bytes, offset: int, faults: Faults
) -> tuple[int | None, int | None, int | None]:
    """Read the two bytes that say what a tick is."""
    high, low = data[offset], data[offset + 1]
    action = f"repaired, read as {_DEFAULT_DIVISION} ticks a quarter"
    if high < 0x80:
        if high or low:
            return high << 8 | low, None, None
        text = "a division of 0 ticks a quarter"
    else:
        frames = 256 - high
        if frames in _FRAME_RATES and low:
            return None, frames, low
        text = f"a division of {frames} frames a second and {low} ticks a frame"
    faults.add("header-division", offset, None, text, action)
    return _DEFAULT_DIVISION, None, None


def _find_header(data: bytes, source: str, faults: Faults) -> tuple[int, int]:
    """Return the offset of MThd and the offset where its file ends."""
    if data.startswith(b"RIFF"):
        offset, end = _unwrap_riff(data, source, faults)
        if data[offset : offset + 4] != b"MThd":
            raise MidiError(source, "the RIFF/RMID wrapper holds no MThd header", offset)
        return offset, end
    if data.startswith(b"MThd"):
        return 0, len(data)
    if not data:
        raise MidiError(source, "empty, expected a Standard MIDI File", 0)
    for magic, what in _PACKED:
        if data.startswith(magic):
            raise MidiError(source, f"{what}, expected a Standard MIDI File; unpack it first", 0)
    offset = data.find(b"MThd", 0, _JUNK_BYTES + 4)
    if offset >= 0:
        faults.add("junk", 0, None, f"{counted(offset, 'byte')} before the MThd header", "ignored")
        return offset, len(data)
    for magic, what in _OTHER_FORMATS:
        if data.startswith(magic):
            raise MidiError(source, f"{what}, expected a Standard MIDI File", 0)
    shown = printable(data[:8].decode("latin-1"))
    text = f"begins with '{shown}', expected MThd within the first {_JUNK_BYTES} bytes"
    raise MidiError(source, f"no Standard MIDI File: {text}", 0)


def _unwrap_riff(data: bytes, source: str, faults: Faults) -> tuple[int, int]:
    """Find the data chunk of a RIFF/RMID file: its offset and end."""
    form = data[8:_RIFF_BYTES]
    if len(data) < _RIFF_BYTES:
        text = f"the RIFF header is cut short, got {len(data)} of {_RIFF_BYTES} bytes"
        raise MidiError(source, text, 0)
    if form != b"RMID":
        shown = printable(form.decode("latin-1"))
        raise MidiError(source, f"a RIFF file of type '{shown}', expected RMID or MThd", 8)
    claimed = int.from_bytes(data[4:8], "little")
    if claimed + 8 > len(data):
        text = f"RIFF claims {counted(claimed, 'byte')}, the file has {len(data) - 8:,}"
        faults.add("riff-length", 4, None, text, "ignored")
    i = _RIFF_BYTES
    while i + _CHUNK_BYTES <= len(data):
        size = int.from_bytes(data[i + 4 : i + 8], "little")
        start = i + _CHUNK_BYTES
        if data[i : i + 4] == b"data":
            if start + size > len(data):
                there = len(data) - start
                text = f"the data chunk claims {counted(size, 'byte')}, the file has {there:,}"
                faults.add("riff-length", i + 4, None, text, "ignored")
            return start, min(start + size, len(data))
        i = start + size + (size & 1)
    raise MidiError(source, "a RIFF/RMID file without a data chunk", _RIFF_BYTES)


def find_tracks(
    data: bytes, header: Header, faults: Faults, *, max_tracks: int
) -> list[tuple[int, int]]:
    """List the MTrk chunks.

    A claimed length is believed if it leads to another chunk or to the end of the file, and does
    not reach over a chunk that begins where the events end. Where it does not, the events
    themselves say where the track ends.

    Parameters
    ----------
    data : bytes
        The whole file.
    header : Header
        What `read_header` returned.
    faults : Faults
        Where to list what is wrong.
    max_tracks : int
        Most tracks to read.

    Returns
    -------
    list of (int, int)
        Byte offsets of the events of each track.
    """
    spans: list[tuple[int, int]] = []
    i, limit = header.start, header.end
    while i + _CHUNK_BYTES <= limit:
        tag = data[i : i + 4]
        size = int.from_bytes(data[i + 4 : i + 8], "big")
        end = i + _CHUNK_BYTES + size
        if tag == b"MTrk":
            if len(spans) == max_tracks:
                text = f"more than {max_tracks:,} tracks"
                faults.add("too-many-tracks", i, None, text, "ignored")
                break
            span, i = _track_span(data, i, limit, len(spans), faults)
            spans.append(span)
        elif tag == b"MThd" and (spans or end > limit):
            text = f"a second file of {counted(limit - i, 'byte')} behind the first"
            faults.add("trailing-bytes", i, None, text, "ignored")
            i = limit
        elif tag == b"MThd":
            faults.add("trailing-bytes", i, None, "a second header before any track", "ignored")
            i = end
        elif end <= limit and _is_tag(tag):
            i = end
        else:
            after = data.find(b"MTrk", i + 1, limit)
            after = limit if after < 0 else after
            text = f"{counted(after - i, 'byte')} outside any chunk"
            faults.add("trailing-bytes", i, None, text, "ignored")
            i = after
    if i < limit and len(spans) < max_tracks:
        text = f"{counted(limit - i, 'byte')} outside any chunk"
        faults.add("trailing-bytes", i, None, text, "ignored")
    _check_count(header, len(spans), faults)
    return spans


def _check_count(header: Header, count: int, faults: Faults) -> None:
    """Compare the tracks there are with what the header claims."""
    claimed = header.claimed_tracks
    if claimed is not None and claimed != count:
        text = f"the header claims {counted(claimed, 'track')}, the file has {count:,}"
        faults.add("header-tracks", header.offset + 10, None, text, "ignored")
    if header.format == 0 and count > 1:
        text = f"format 0 with {count:,} tracks, expected 1"
        faults.add("header-format", header.offset + 8, None, text, "repaired, read as format 1")


def _is_tag(tag: bytes) -> bool:
    """Whether four bytes may name a chunk."""
    return len(tag) == 4 and tag.isascii() and tag.decode("ascii").isprintable()


def _leads_on(data: bytes, end: int, limit: int) -> bool:
    """Whether a track that ends here leads to the end of the file or to another chunk."""
    tag = data[end : end + 4]
    is_last = data[end - len(_END_OF_TRACK) : end] == _END_OF_TRACK
    return end == limit or tag == b"MTrk" or (is_last and _is_tag(tag))


def _track_span(
    data: bytes, i: int, limit: int, track: int, faults: Faults
) -> tuple[tuple[int, int], int]:
    """Return where the events of the MTrk at `i` lie, and where to look for the next chunk."""
    size = int.from_bytes(data[i + 4 : i + 8], "big")
    start = i + _CHUNK_BYTES
    end = start + size
    after = data.find(b"MTrk", start, limit)
    leads_on = end <= limit and _leads_on(data, end, limit)
    if leads_on and not start <= after < end:
        return (start, end), end
    bound = limit if after < 0 else after
    stop = end_of_track(data, start, bound)
    if leads_on and stop != after:
        return (start, end), end
    if stop is None:
        if end <= limit:
            return (start, end), end
        text = f"the track claims {counted(size, 'byte')}, the file has {limit - start:,}"
        span = (start, bound)
    elif stop == end or (stop < end <= bound):
        return (start, end), end
    else:
        text = f"the track claims {counted(size, 'byte')}, its events take {stop - start:,}"
        span = (start, stop)
    faults.add("chunk-length", i + 4, track, text, f"repaired, read as {span[1] - start:,}")
    return span, span[1]
