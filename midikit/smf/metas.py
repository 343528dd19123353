"""Meta and system exclusive events that cannot be: which are left out of a file that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.model.report import counted
from midikit.smf.walk import END_OF_TRACK, ILLEGAL_META

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt

    from midikit.smf.faults import Faults

__all__ = ["check_metas"]

_SIZES = {0x00: 2, 0x20: 1, 0x21: 1, END_OF_TRACK: 0, 0x51: 3, 0x54: 5, 0x58: 4, 0x59: 2}
_NAMES = {
    0x00: "sequence number",
    0x20: "channel prefix",
    0x21: "port",
    END_OF_TRACK: "end of track",
    0x51: "tempo",
    0x54: "SMPTE offset",
    0x58: "time signature",
    0x59: "key signature",
}
_TEMPO = 0x51
_SYSEX = 0xF0
_ESCAPE = 0xF7
_DEFAULT_TEMPO = bytes.fromhex("07A120")
_LONGEST_DENOMINATOR = 8


def check_metas(
    kinds: Iterable[int],
    payloads: list[bytes],
    offsets: Sequence[int] | npt.NDArray[np.int64],
    tracks: Sequence[int] | npt.NDArray[np.int64],
    faults: Faults,
) -> list[bool]:
    """Check every meta and sysex event of a file.

    Parameters
    ----------
    kinds : iterable of int
        Meta types, 0xF0 and 0xF7, or `ILLEGAL_META` and a type over 0x7F.
    payloads : list of bytes
        Their payloads; a tempo of 0 is replaced by 120 BPM in place.
    offsets, tracks : sequence of int, ndarray of int64, shape (n,)
        Byte offset of the status and index of the MTrk chunk.
    faults : Faults
        Where to list what is wrong.

    Returns
    -------
    list of bool
        Which events to keep: neither faulty nor an end of track.
    """
    keep = []
    for i, kind in enumerate(kinds):
        payload = payloads[i]
        keep.append(kind != END_OF_TRACK)
        if kind not in _SIZES and kind < _SYSEX:
            continue
        if kind == _TEMPO and len(payload) == 3 and any(payload):
            continue  # by far the most frequent
        fault = _fault(int(kind), payload)
        if fault is None:
            continue
        name, found = fault
        action = "dropped"
        if name == "tempo-zero":
            payloads[i], action = _DEFAULT_TEMPO, "repaired, read as 120 BPM"
        elif kind == END_OF_TRACK:
            action = "its bytes are ignored"
        else:
            keep[i] = False
        faults.add(name, int(offsets[i]), int(tracks[i]), found, action)
    return keep


def _fault(kind: int, payload: bytes) -> tuple[str, str] | None:
    """Return what is wrong with one event: kind of fault and words; None for a good one."""
    if kind >= ILLEGAL_META:
        return "meta-type", f"meta type 0x{kind - ILLEGAL_META:02X}, expected 0x00 to 0x7F"
    if kind in {_SYSEX, _ESCAPE}:
        if not payload:
            return "sysex-empty", "a system exclusive event without any byte"
        inner = payload[:-1] if payload[-1] == _ESCAPE else payload
        if kind == _SYSEX and not inner.isascii():
            return "sysex-byte", "status bytes inside a system exclusive event"
        return None
    size = _SIZES[kind]
    if len(payload) != size:
        return "meta-size", f"{_NAMES[kind]} of {counted(len(payload), 'byte')}, expected {size}"
    if kind == _TEMPO and payload == b"\0\0\0":
        return "tempo-zero", "tempo of 0 microseconds a quarter"
    found = _impossible_value(kind, payload)
    return None if found is None else ("meta-value", f"{_NAMES[kind]} {found}")


def _impossible_value(kind: int, payload: bytes) -> str | None:
    """Return in words what a payload of the right size cannot be; None if it can be."""
    if kind == 0x59:
        sharps, mode = int.from_bytes(payload[:1], signed=True), payload[1]
        if not -7 <= sharps <= 7 or mode > 1:
            return f"of {sharps} sharps and mode {mode}, expected -7 to 7 and mode 0 or 1"
    elif kind == 0x58:
        if not payload[0] or payload[1] > _LONGEST_DENOMINATOR:
            return f"of {payload[0]} beats of 1/2^{payload[1]}, expected such as 4 beats of 1/2^2"
    elif kind == 0x54:
        hour, minute, second, frame, part = payload
        if hour & 0x80 or hour & 0x1F > 23 or max(minute, second) > 59 or frame > 29 or part > 99:
            return f"of bytes {payload.hex(' ')}, expected a time of day"
    elif (kind == 0x20 and payload[0] > 15) or (kind == 0x21 and payload[0] > 127):
        return f"{payload[0]}, expected 0 to {15 if kind == 0x20 else 127}"
    return None
