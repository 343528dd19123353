"""Bytes of Standard MIDI Files written by hand, for the tests of every room that reads them."""

from __future__ import annotations

import struct

__all__ = ["END", "chunk", "header", "meta", "number", "rmid", "whole"]

END = bytes.fromhex("00 ff2f00")
"""The event that ends a track, with its delta-time."""


def header(*, form: int = 1, tracks: int = 1, division: int = 480) -> bytes:
    """Make a header chunk."""
    return b"MThd" + struct.pack(">IHHH", 6, form, tracks, division)


def chunk(body: bytes | str, size: int | None = None) -> bytes:
    """Make an MTrk chunk of hex or bytes, with its true length or another one."""
    body = bytes.fromhex(body) if isinstance(body, str) else body
    return b"MTrk" + struct.pack(">I", len(body) if size is None else size) + body


def whole(*bodies: bytes | str, form: int = 1, division: int = 480) -> bytes:
    """Make a file of some tracks, each of which gets its end."""
    chunks = [chunk((bytes.fromhex(b) if isinstance(b, str) else b) + END) for b in bodies]
    return header(form=form, tracks=len(bodies), division=division) + b"".join(chunks)


def number(value: int) -> bytes:
    """Write a variable-length number."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.insert(0, value & 0x7F | 0x80)
    return bytes(out)


def meta(kind: int, payload: bytes) -> bytes:
    """Write what follows the 0xFF of a meta event."""
    return bytes([kind]) + number(len(payload)) + payload


def rmid(data: bytes) -> bytes:
    """Put a file into a RIFF/RMID wrapper."""
    body = b"RMIDdata" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body
