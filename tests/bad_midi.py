"""The damaged and odd .mid files of ``fixtures/bad/midi``: how each is made, and what is expected.

    python -m tests.bad_midi

writes them, and their rows in ``fixtures/README.md``.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

from tests.smf_bytes import END, chunk, header, meta, number, rmid, whole

__all__ = ["CASES", "FOLDER", "README", "Case", "row_of", "write_rows"]

README = Path(__file__).parent.parent / "fixtures" / "README.md"
HEADING = "## Damaged and odd .mid files"
FOLDER = README.parent / "bad" / "midi"


@dataclass(frozen=True)
class Case:
    """A file, what is wrong with it, and what reading it must give.

    `notes` is how many there are, or None where it is refused with words that hold `error`;
    `kinds` are those of the repairs, in alphabetical order; `offset` is the byte of the first one,
    which strict mode names, or of the error.
    """

    name: str
    wrong: str
    data: bytes
    notes: int | None
    kinds: tuple[str, ...] = ()
    offset: int | None = None
    error: str = ""


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def _event(body: bytes | str, delta: int = 0) -> bytes:
    """Put a delta-time before an event."""
    return number(delta) + (_hex(body) if isinstance(body, str) else body)


def _meta(kind: int, payload: bytes | str, delta: int = 0) -> bytes:
    payload = _hex(payload) if isinstance(payload, str) else payload
    return number(delta) + b"\xff" + meta(kind, payload)


THREE = _hex("00903c64 8360803c40 00904064 8360804040 00904364 8360804340")
"""Three quarters, C, E and G; a file's first event is at byte 22."""
_AFTER = 22 + len(THREE)


def _part(name: str, pitch: int, *, channel: int = 0, program: int = 0, notes: int = 4) -> bytes:
    """Make a track of quarters as exports have it: name, program, notes of one velocity."""
    play = bytes([0, 0x90 | channel, pitch, 91, 0x83, 0x60, 0x80 | channel, pitch, 0])
    return _meta(3, name.encode()) + bytes([0, 0xC0 | channel, program]) + play * notes


def _beats(*bpm: float) -> bytes:
    """Make a tempo event a beat."""
    micro = [round(60e6 / one) for one in bpm]
    return b"".join(
        _meta(0x51, one.to_bytes(3, "big"), 480 * bool(i)) for i, one in enumerate(micro)
    )


_KEYS = b"".join(_meta(0x59, value) for value in ("0b00", "1000", "13ff"))
"""Signatures of 11, 16 and 19 sharps, the last in mode 255."""

_CLAIMED = _meta(3, b"Night Drive") + _meta(0x51, "07a120") + _meta(0x58, "04021808")

EXPORTS = {
    # Program 1 of 1 to 128 on every track, all of them on channel 1.
    "export": whole(
        _CLAIMED + _KEYS,
        _part("Drums", 36),
        _part("Electric Bass (finger)", 28),
        _part("Koto", 72),
    ),
    # Drums on channel 10 under a melodic program; the signatures inside the tracks; a lone CC7.
    "export-drum-program": whole(
        _CLAIMED,
        _KEYS + _part("Drums", 38, channel=9, program=117) + _event("b90764"),
        _part("Orchestral Harp", 67) + _meta(0x59, "00ff"),
    ),
    # Stems named after the song, a tempo event a beat of which one beat is missed.
    "export-stems": whole(
        _meta(3, b"Night Drive") + _KEYS[:6] + _beats(87.2, 87.3, 43.6, 87.3),
        _part("Night Drive (Drums)", 42),
        _part("Night Drive (Bass)", 31),
        _part("Synth Voice", 60) + _part("Synth Voice", 64)[15:],
    ),
}
"""Files as the service exports them: each has impossible key signatures and wrong sounds."""


GOOD = whole(THREE)
TWO = header(tracks=2) + chunk(THREE + END) + chunk(THREE + END)


def _bad(
    name: str, wrong: str, data: bytes, notes: int, *kinds: str, at: int | None = None
) -> Case:
    return Case(name, wrong, data, notes, tuple(sorted(kinds)), at)


def _odd(name: str, wrong: str, data: bytes, notes: int) -> Case:
    return Case(name, wrong, data, notes)


def _refused(name: str, wrong: str, data: bytes, at: int, error: str) -> Case:
    return Case(name, wrong, data, None, (), at, error)


def _ends(name: str, wrong: str, event: str, *kinds: str) -> Case:
    """Put an event at which a track ends between two bars."""
    data = header() + chunk(THREE + _event(event) + THREE + END)
    return _bad(name, wrong, data, 3, *kinds, at=_AFTER + 1)


def _inside(name: str, wrong: str, event: bytes, *kinds: str, notes: int = 6, at: int = 1) -> Case:
    """Put an event that costs nothing else between two bars."""
    data = header() + chunk(THREE + event + THREE + END)
    return _bad(name, wrong, data, notes, *kinds, at=_AFTER + at)


_AROUND = [
    _refused("empty", "no byte", b"", 0, "empty"),
    _refused("text", "a text", b"not a MIDI file at all\n", 0, "no Standard MIDI File"),
    _refused("gzipped", "a gzip of a sound file", gzip.compress(GOOD, mtime=0), 0, "gzip"),
    _refused("zipped", "the head of a zip", b"PK\x03\x04" + bytes(60), 0, "zip"),
    _refused("riff-wave", "a RIFF file that is a WAVE", b"RIFF\x24\0\0\0WAVEfmt ", 8, "RIFF"),
    _refused("junk-129", "129 bytes before MThd", bytes(129) + GOOD, 0, "no Standard MIDI File"),
    _bad("junk-128", "128 bytes before MThd, as MacBinary has", bytes(128) + GOOD, 3, "junk", at=0),
    _bad(
        "junk-text",
        "the head of an HTTP answer before MThd",
        b"{}\r\nContent-Type: audio/midi\r\n\r\n" + GOOD,
        3,
        "junk",
        at=0,
    ),
    _refused("json", "an answer of the service", b'{"code":200,"data":{}}', 0, "JSON"),
    _refused("header-half", "a header of 9 bytes", GOOD[:9], 0, "cut short"),
    _odd("rmid", "a RIFF/RMID: legal", rmid(GOOD), 3),
    _refused("riff-cut", "a RIFF header of 9 bytes", rmid(GOOD)[:9], 0, "cut short"),
    _bad(
        "rmid-lies",
        "a RIFF/RMID that claims more than is there",
        rmid(GOOD)[:4] + struct.pack("<I", 9_999) + rmid(GOOD)[8:],
        3,
        "riff-length",
        at=4,
    ),
    _bad(
        "header-cut",
        "a header of 4 bytes",
        b"MThd" + _hex("00000004 0001 0001") + GOOD[14:],
        3,
        "header-length",
        at=4,
    ),
    _odd(
        "header-longer",
        "a header of 10 bytes: legal",
        b"MThd" + _hex("0000000a 0001 0001 01e0") + b"more" + GOOD[14:],
        3,
    ),
    _bad("format-9", "format 9", header(form=9) + GOOD[14:], 3, "header-format", at=8),
    _bad(
        "format-0-of-two",
        "format 0 with two tracks",
        TWO[:8] + b"\0\0" + TWO[10:],
        6,
        "header-format",
        at=8,
    ),
    _bad(
        "tracks-claimed",
        "65,535 tracks claimed, one there",
        header(tracks=65_535) + GOOD[14:],
        3,
        "header-tracks",
        at=10,
    ),
    _bad(
        "tracks-unclaimed",
        "one track claimed, two there",
        TWO[:10] + b"\0\1" + TWO[12:],
        6,
        "header-tracks",
        at=10,
    ),
    _bad(
        "division-0",
        "0 ticks a quarter",
        header(division=0) + GOOD[14:],
        3,
        "header-division",
        at=12,
    ),
    _bad(
        "division-13-fps",
        "13 frames a second",
        header(division=0xF300 | 80) + GOOD[14:],
        3,
        "header-division",
        at=12,
    ),
    _odd(
        "division-30-fps",
        "30 frames a second of 80 ticks: legal",
        header(division=0xE200 | 80) + GOOD[14:],
        3,
    ),
    _odd(
        "strange-chunk",
        "a chunk of an unknown type between two tracks: legal",
        TWO[:14] + chunk(THREE + END) + b"XFIH\0\0\0\4abcd" + chunk(THREE + END),
        6,
    ),
    _bad(
        "length-4-gb",
        "a track that claims 4 GiB",
        header() + chunk(THREE + END, 0xFFFFFFFF),
        3,
        "chunk-length",
        at=18,
    ),
    _bad(
        "length-over-next",
        "a first track whose length reaches into the second",
        header(tracks=2) + chunk(THREE + END, len(THREE) + 24) + chunk(THREE + END),
        6,
        "chunk-length",
        at=18,
    ),
    _bad(
        "length-short",
        "a track that claims half of its bytes",
        header() + chunk(THREE + END, 20),
        3,
        "chunk-length",
        at=18,
    ),
    _bad(
        "length-over-all",
        "a first track whose length reaches to the end of the file, over the second",
        TWO[:14] + chunk(THREE + END, 2 * len(THREE + END) + 8) + chunk(THREE + END),
        6,
        "chunk-length",
        at=18,
    ),
    _bad(
        "length-in-letters",
        "a length that ends where the notes could be letters",
        header() + chunk(_hex("00903c40") + b"<@>" * 8 + END, 13),
        9,
        "chunk-length",
        "overlapping-notes",
        "hanging-note",
        at=18,
    ),
    _bad(
        "trailing",
        "a text after the last track",
        GOOD + b"\r\nmade by nobody",
        3,
        "trailing-bytes",
        at=len(GOOD),
    ),
    _bad(
        "two-files",
        "two files, one after the other",
        GOOD + GOOD,
        3,
        "trailing-bytes",
        at=len(GOOD),
    ),
]

_EARLY = [
    _ends("system-f4", "system message F4 between two bars", "f4", "system-message"),
    _ends("system-clock", "a timing clock of a cable", "f8", "system-message"),
    _bad(
        "varint-long",
        "a delta-time of five bytes",
        header() + chunk(THREE + _hex("8181818100") + THREE + END),
        3,
        "varint-length",
        at=_AFTER,
    ),
    _bad(
        "no-status",
        "a data byte where no status is in force",
        header() + chunk(_hex("003c64") + THREE + END),
        0,
        "no-status",
        at=23,
    ),
    _bad(
        "cut-in-note",
        "cut in the middle of the third note",
        GOOD[: _AFTER - 3],
        3,
        "cut-short",
        "chunk-length",
        "hanging-note",
    ),
    _bad(
        "cut-in-text",
        "cut inside a text",
        header() + chunk(THREE + _hex("00ff0140") + b"abc", 99),
        3,
        "cut-short",
        "chunk-length",
    ),
    _bad("no-end", "no end of track", header() + chunk(THREE), 3, "no-end-of-track"),
    _bad(
        "after-end",
        "notes after the end of track",
        header() + chunk(THREE + END + THREE + END),
        3,
        "after-end-of-track",
        at=_AFTER + 4,
    ),
]

_EVENTS = [
    _bad(
        "running-across-meta",
        "running status goes on after a marker",
        whole(_hex("00903c64") + _meta(6, b"A") + _hex("8360 3c00 00 4064 8360 4000")),
        2,
        "running-status",
    ),
    _bad(
        "running-across-sysex",
        "running status goes on after a sysex",
        whole(_hex("00903c64 00f0027ef7 8360 3c00 00 4064 8360 4000")),
        2,
        "running-status",
    ),
    _inside(
        "data-byte-velocity",
        "a note-on of velocity 200",
        _hex("00903cc8 8360803c40"),
        "data-byte",
        notes=7,
        at=3,
    ),
    _inside("data-byte-control", "a control of 255", _hex("00b007ff"), "data-byte", at=3),
    _inside("meta-type-80", "a meta event of type 0x80", _meta(0x80, b"x"), "meta-type"),
    _inside("tempo-empty", "a tempo of 0 bytes", _meta(0x51, b""), "meta-size"),
    _inside("tempo-2-bytes", "a tempo of 2 bytes", _meta(0x51, bytes(2)), "meta-size"),
    _inside("tempo-4-bytes", "a tempo of 4 bytes", _meta(0x51, bytes(4)), "meta-size"),
    _inside("tempo-0", "a tempo of 0 microseconds", _meta(0x51, bytes(3)), "tempo-zero"),
    _inside("meter-3-bytes", "a time signature of 3 bytes", _meta(0x58, "040218"), "meta-size"),
    _inside(
        "meter-denominator", "a time signature in 2^60ths", _meta(0x58, "043c1808"), "meta-value"
    ),
    _inside("key-11-sharps", "a key signature of 11 sharps", _meta(0x59, "0b00"), "meta-value"),
    _inside("key-mode-255", "a key signature of mode 255", _meta(0x59, "00ff"), "meta-value"),
    _inside("key-1-byte", "a key signature of 1 byte", _meta(0x59, "00"), "meta-size"),
    _inside("offset-25-h", "an SMPTE offset of 31 hours", _meta(0x54, "1f00000000"), "meta-value"),
    _inside("channel-prefix-16", "a prefix for channel 17", _meta(0x20, "10"), "meta-value"),
    _inside("sysex-empty", "a sysex of no byte", _hex("00f000"), "sysex-empty"),
    _inside("sysex-status", "a sysex that holds a note-on", _hex("00f004903c64f7"), "sysex-byte"),
    _odd(
        "sysex-split",
        "a sysex in two packets: legal",
        whole(_hex("00f0027e09 0af7020af7") + THREE),
        3,
    ),
]

_NOTES = [
    _bad(
        "hanging",
        "a note that is never ended",
        whole(_hex("00903064") + THREE),
        4,
        "hanging-note",
        at=23,
    ),
    _bad(
        "lone-off",
        "a note-off without a note",
        whole(_hex("00803064") + THREE),
        3,
        "lone-note-off",
        at=23,
    ),
    _bad(
        "struck-again",
        "a pitch struck again while it sounds",
        whole(_hex("00903c64 8360903c50 8360803c40 8360803c40")),
        2,
        "overlapping-notes",
    ),
    _odd(
        "far-delta",
        "77 hours before the first note: legal",
        whole(_hex("ffffff7f903c64 8360803c40")),
        1,
    ),
    _odd(
        "tempo-in-track-2",
        "a tempo in the second track: legal",
        whole(THREE, _meta(0x51, "0f4240") + THREE),
        6,
    ),
    _odd(
        "controls-in-name",
        "a track name with escapes and line ends: legal",
        whole(_meta(3, b"\x1b]0;owned\x07\n\x9b31m") + THREE),
        3,
    ),
    _odd("no-track", "a header alone", header(tracks=0), 0),
    _bad(
        "export",
        "an export: impossible keys, one program and one channel for all, drums too",
        EXPORTS["export"],
        12,
        "meta-value",
    ),
    _bad(
        "export-drum-program",
        "an export: impossible keys in every track, drums under a melodic program",
        EXPORTS["export-drum-program"],
        8,
        "meta-value",
    ),
    _bad(
        "export-stems",
        "an export: an impossible key, a tempo event a beat with one beat missed",
        EXPORTS["export-stems"],
        16,
        "meta-value",
    ),
]

CASES = [*_AROUND, *_EARLY, *_EVENTS, *_NOTES]


def row_of(case: Case) -> str:
    """Give the row of a file in ``fixtures/README.md``."""
    if case.notes is None:
        expected = f"refused: … {case.error} …"
    else:
        kinds = ", ".join(f"`{kind}`" for kind in case.kinds) or "nothing to report"
        expected = f"{case.notes} note{'' if case.notes == 1 else 's'}; {kinds}"
    return f"| `bad/midi/{case.name}.mid` | {case.wrong} | {expected} |"


def write_rows(heading: str, start: str, rows: list[str]) -> None:
    """Replace the rows below a heading of ``fixtures/README.md``."""
    kept = [line for line in README.read_text("utf-8").splitlines() if not line.startswith(start)]
    begin = kept.index(heading)
    place = next(i for i in range(begin, len(kept)) if kept[i].startswith("| ---")) + 1
    kept[place:place] = rows
    README.write_text("\n".join(kept) + "\n", "utf-8")


def main() -> None:
    """Write the files and their rows."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        (FOLDER / f"{case.name}.mid").write_bytes(case.data)
    write_rows(HEADING, "| `bad/midi/", [row_of(case) for case in CASES])


if __name__ == "__main__":
    main()
