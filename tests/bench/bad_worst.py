"""The worst inputs that can be thought of, by name: a function of the bytes that it may have.

Each repeats something small that costs more than its bytes: empty tracks, notes that never end,
faults that each need a line, numbers that are long, names that are all different.
"""

from __future__ import annotations

import json
import random
import struct
from typing import TYPE_CHECKING

from tests.smf_bytes import END, chunk, header, meta, number, rmid

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ANSWERS", "BOMBS", "FILES", "answer_of"]

Make = "Callable[[int], bytes]"


def _fill(unit: bytes | str, size: int) -> bytes:
    """Repeat something whole up to a size."""
    unit = bytes.fromhex(unit) if isinstance(unit, str) else unit
    return unit * max(1, size // len(unit))


def _one(unit: bytes | str) -> Callable[[int], bytes]:
    """One track of something repeated."""
    return lambda size: header() + chunk(_fill(unit, size) + END)


def _chunks(unit: bytes) -> Callable[[int], bytes]:
    """A header and something repeated, which are tracks or pretend to be."""
    return lambda size: header(tracks=65_535) + _fill(unit, size)


def _each(write: Callable[[int], bytes], length: int) -> Callable[[int], bytes]:
    """One track of events that differ."""
    return lambda size: header() + chunk(b"".join(map(write, range(size // length))) + END)


def _tracks(write: Callable[[int], bytes], length: int) -> Callable[[int], bytes]:
    """Tracks that differ."""
    return lambda size: (
        header(tracks=65_535)
        + b"".join(chunk(write(i) + END) for i in range(size // (length + 12)))
    )


def _running(before: str) -> Callable[[int], bytes]:
    """One track of messages of one data byte under running status: two bytes each."""
    head = bytes.fromhex(before)
    return lambda size: header() + chunk(head + _fill(b"\0\1", size) + b"\0\1" + END)


def _channels(status: int, *data: int) -> bytes:
    """Say the same on all channels."""
    return b"".join(bytes([0, status | channel, *data]) for channel in range(16))


def _tempo(i: int) -> bytes:
    """Write a tempo a tick after what comes before."""
    return b"\1\xff\x51" + struct.pack(">I", 0x03000000 | 300_000 + i % 99_999)


def _named(unit: bytes) -> Callable[[int], bytes]:
    """A note of a track whose name repeats something."""

    def make(size: int) -> bytes:
        name = _fill(unit, size)
        return header() + chunk(b"\0\xff" + meta(3, name) + _NOTE + END)

    return make


def _chord(i: int) -> bytes:
    """Write a note at once, under running status."""
    return bytes([i % 128, 64, 0])


def _claiming(body: bytes) -> Callable[[int], bytes]:
    """Tracks each of which claims everything behind it."""
    step = len(body) + 8
    return lambda size: (
        header(tracks=65_535) + b"".join(chunk(body, size - i) for i in range(0, size, step))
    )


def _programs_elsewhere(size: int) -> bytes:
    """Tracks of notes whose programs are in other tracks, the latest first."""
    changes = (chunk(number(i) + b"\xc0\1" + END) for i in range(size // 30, 0, -1))
    return header(tracks=65_535) + b"".join(changes) + _fill(chunk(_NOTE + END), size // 2)


_NOTE = bytes.fromhex("00903c40 01803c40")
_FAULTS = bytes.fromhex(
    "00803c40 00903c40 00903c40 003dff 00ff510161 00ff900161 00f000 00ff59020bff 00ff580400000000"
)
"""A note-off too many, notes without end, a byte over 127, five events that cannot be."""

FILES: dict[str, Callable[[int], bytes]] = {
    "notes": _one(_NOTE),
    "notes, running status, none ends": lambda size: (
        header() + chunk(bytes.fromhex("0090") + _fill("3c4000", size)[:-1] + END)
    ),
    "notes of one pitch, none ends": _one("00903c40"),
    "notes of one pitch, ended at last": lambda size: (
        header() + chunk(_fill("00903c40", size // 2) + _fill("01803c40", size // 2) + END)
    ),
    "notes of 16 channels, none ends": _each(
        lambda i: bytes([0, 0x90 + i % 16, i // 16 % 128, 64]), 4
    ),
    "note-offs without notes": _one("00803c40"),
    "notes 77 hours apart": _one("ffffff7f903c40"),
    "data bytes over 127": _one("00903cff 01803cff"),
    "empty tracks": _chunks(chunk(b"")),
    "tracks of one note": _chunks(chunk(_NOTE + END)),
    "tracks of one note, none ends": _chunks(chunk("00903c40")),
    "tracks, each with its name": lambda size: (
        header(tracks=65_535)
        + b"".join(
            chunk(b"\0\xff\3\6%06d" % i + _NOTE + END) for i in range(size // (len(_NOTE) + 22))
        )
    ),
    "tracks of chance": lambda size: (
        header(tracks=999)
        + b"".join(chunk(random.Random(i).randbytes(24)) for i in range(size // 32))
    ),
    "tracks that claim 4 GiB": _chunks(b"MTrk\xff\xff\xff\xff"),
    "tracks that end in F1": _chunks(chunk(b"\xf1")),
    "chunks of another type": _chunks(b"XFIH\0\0\0\0"),
    "headers": lambda size: _fill(header(tracks=0), size),
    "a RIFF of empty lists": lambda size: rmid(b"")[:12] + _fill(b"LIST\0\0\0\0", size),
    "empty texts": _one("00ff0100"),
    "lyrics": _each(lambda i: b"\1\xff\5\4%04d" % (i % 9_999), 8),
    "tempi": _each(_tempo, 7),
    "tempi of two bytes": _one("00ff51020000"),
    "key signatures of 11 sharps": _one("00ff59020b00"),
    "time signatures": _one("01ff580403021808"),
    "sysex": _one("00f001f7"),
    "sysex, empty": _one("00f700"),
    "controls": _one("00b00740"),
    "bends": _one("01e00740"),
    "programs": _each(lambda i: bytes([0, 0xC0 + i % 16, i % 128]), 3),
    "a program for each note": _each(
        lambda i: bytes([0, 0xC0 + i % 16, i * 7 % 128, 0, 0x90 + i % 16, 60, 64]), 7
    ),
    "running status across metas": _one("00903c40 00ff010161 003e40 00f001f7 004040 00803c00"),
    "one chord": lambda size: (
        header() + chunk(b"\0\x90" + b"".join(map(_chord, range(size // 3))) + b"\x3c\0" + END)
    ),
    "note-offs, then notes": lambda size: (
        header() + chunk(_fill("00803c40", size // 2) + _fill("00903c40", size // 2) + END)
    ),
    "pressure, running status": _running("00d0 01"),
    "programs, running status": _running("00c0 01"),
    "programs, running status, a note": _running("00903c40 01803c40 00c0 01"),
    "programs in other tracks": _programs_elsewhere,
    "tracks of 16 controls": _chunks(chunk(_channels(0xB0, 7, 64) + END)),
    "tracks of 16 programs": _chunks(chunk(_channels(0xC0, 7) + END)),
    "tracks of 16 programs and a note": _chunks(chunk(_channels(0xC0, 7) + _NOTE + END)),
    "tracks of 16 notes, none ends": _chunks(chunk(_channels(0x90, 60, 64) + END)),
    "tracks of a tempo": _tracks(_tempo, 7),
    "tracks of a Japanese name": _chunks(
        chunk(b"\0\xff" + meta(3, "ピアノ".encode("shift_jis")) + _NOTE + END)
    ),
    "tracks of drums by name": _tracks(lambda i: b"\0\xff\3\x10drum kick %6d" % i + _NOTE, 28),
    "tracks of a number without end": _chunks(chunk("8181818181")),
    "tracks of every fault": _chunks(chunk(_FAULTS + b"\0\xf4")),
    "every fault": _one(_FAULTS),
    "a fault at the end": lambda size: header() + chunk(_fill(_NOTE, size) + b"\0\xf4"),
    "tempi and notes": _each(lambda i: _tempo(i) + _NOTE, 15),
    "texts and notes": _one("00903c40 00ff0100"),
    "key signatures": _one("01ff59020000"),
    "ports": _one(b"\0\xff\x21\1\3" + _NOTE),
    "names": _each(lambda i: b"\0\xff\3\6%06d" % i, 10),
    "ends of track": _one(END),
    "tracks that claim the rest": _claiming(_NOTE + END),
    "tracks that claim the rest, no end": _claiming(_NOTE),
    "tracks that claim nothing": lambda size: header() + _fill(chunk(_NOTE, 0), size),
    "tracks inside a track": lambda size: header() + chunk(_fill(_NOTE[:4] + b"MTrk", size)),
    "tracks inside a sysex": lambda size: (
        header() + chunk(b"\0\xf0" + number(size // 8 * 8) + _fill(b"MTrk\0\0\0\4", size) + END)
    ),
    "chance between tracks": lambda size: (
        header() + b"".join(chunk(END) + random.Random(i).randbytes(12) for i in range(size // 24))
    ),
    "a number without end": lambda size: header() + chunk(b"\x80" * size),
    "a name of accents": _named(b"\xe9a"),
    "a name that is nearly Shift-JIS": lambda size: _named(_fill(b"\x81\x40", size) + b"\x81\xff")(
        1
    ),
    "a name of brackets": _named(b"("),
    "a name of drums": _named(b"drum "),
    "chance below 0x80": lambda size: (
        header() + chunk(bytes(byte & 0x7F for byte in random.Random(1).randbytes(size)))
    ),
    "chance": lambda size: header() + chunk(random.Random(1).randbytes(size)),
}


def answer_of(notes: list[dict[str, object]], name: str = "Piano") -> bytes:
    """Make an answer of one instrument."""
    data = {"state": "complete", "instruments": [{"name": name, "notes": notes}]}
    return json.dumps({"code": 200, "data": data}).encode()


def _notes(note: str) -> Callable[[int], bytes]:
    """An answer whose notes are all alike."""
    before, after = answer_of([]).split(b"[]")
    return lambda size: (
        before
        + b"["
        + (note.encode() + b",") * (size // (len(note) + 1))
        + (note.encode() + b"]" + after)
    )


def _instruments(make: Callable[[int], str], length: int) -> Callable[[int], bytes]:
    """An answer of many instruments."""
    head = b'{"code":200,"data":{"state":"complete","instruments":['
    return lambda size: head + ",".join(map(make, range(max(1, size // length)))).encode() + b"]}}"


_GOOD = '{"start":0.5,"end":1.0,"pitch":60,"velocity":0.5}'

ANSWERS: dict[str, Callable[[int], bytes]] = {
    "notes": _notes(_GOOD),
    "notes as text": _notes('{"start":"0.5","end":"1.0","pitch":"60","velocity":"0.5"}'),
    "notes that are none": _notes("7"),
    "notes without pitch": _notes('{"start":0.5,"end":1.0}'),
    "notes of pitch 500": _notes('{"start":0.5,"end":1.0,"pitch":500,"velocity":0.5}'),
    "notes that end first": _notes('{"start":1.5,"end":1.0,"pitch":60,"velocity":0.5}'),
    "notes at 1e400": _notes('{"start":1e400,"end":1.0,"pitch":60,"velocity":0.5}'),
    "notes of long numbers": _notes(f'{{"start":0.{"1" * 900},"end":1,"pitch":60,"velocity":1}}'),
    "notes with a key twice": _notes('{"start":0.5,"start":0.5,"end":1.0,"pitch":60}'),
    "instruments of one note": _instruments(
        lambda i: f'{{"name":"Part {i}","notes":[{_GOOD}]}}', 82
    ),
    "instruments that are none": _instruments(lambda _: "null", 5),
    "instruments without notes": _instruments(lambda i: f'{{"name":"{i}"}}', 16),
    "a deep unknown value": lambda size: (
        b'{"code":200,"data":{"x":' + b"[" * (size // 2) + b"]" * (size // 2) + b"}}"
    ),
    "a long name": lambda size: answer_of(
        [{"start": 0, "end": 1, "pitch": 60, "velocity": 1}], "x" * size
    ),
    "a name of escapes": lambda size: answer_of(
        [{"start": 0, "end": 1, "pitch": 60, "velocity": 1}], "\u202e" * (size // 6)
    ),
    "a number of digits": lambda size: b'{"code":200,"data":' + b"7" * size + b"}",
    "unknown keys": lambda size: (
        b'{"code":200,' + b",".join(b'"%07d":0' % i for i in range(size // 12)) + b"}"
    ),
    "white space": lambda size: b" " * size,
    "no JSON": lambda size: b"<html>" + b"<p>" * (size // 3),
}


def _late(delta: int, division: int, tempo: int) -> bytes:
    """Make a file of one note that lasts `delta` ticks."""
    number = bytes([delta >> 21 & 0x7F | 0x80, delta >> 14 & 0x7F | 0x80, delta >> 7 & 0x7F | 0x80])
    event = bytes.fromhex("00903c40") + number + bytes([delta & 0x7F]) + b"\x80\x3c\0"
    tempo_event = b"\0\xff\x51" + struct.pack(">I", 0x03000000 | tempo)
    return header(form=0, division=division) + chunk(tempo_event + event + END)


BOMBS: dict[str, bytes] = {
    "9 million ticks, slowest.mid": _late(9_000_000, 1, 0xFFFFFF),
    "a note of 268 million ticks.mid": _late(0x0FFFFFFF, 480, 500_000),
    "268 million ticks, slowest.mid": _late(0x0FFFFFFF, 1, 0xFFFFFF),
    "a note a month.json": answer_of(
        [
            {"start": 2_600_000 * i, "end": 2_600_000 * i + 1, "pitch": 60, "velocity": 0.5}
            for i in range(100)
        ]
    ),
    "a note at a billion seconds.json": answer_of(
        [{"start": 1e9, "end": 1e9 + 1, "pitch": 60, "velocity": 0.5}]
    ),
}
"""Small inputs that ask for more than there is, by file name."""
