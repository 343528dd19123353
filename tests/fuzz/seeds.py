"""Where fuzzing begins: fixtures, small inputs with one of everything, the words of a format."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.smf_bytes import END, chunk, header, meta, rmid, whole

if TYPE_CHECKING:
    import random

__all__ = ["SEEDS", "WORDS", "answer_seeds", "midi_seeds", "mutated"]

_FIXTURES = Path(__file__).parents[2] / "fixtures"
_LARGEST = 4096
_NOTE = bytes.fromhex("00 903c64 60 803c40")
_EVENTS = (
    "00 c005 00 b00740 00 b04000 10 e00040 00 d020 00 a03c10",
    "00 903c64 00 4050 60 3c00 00 4000",  # running status, velocity 0
    "00 903c64 10 903c50 10 803c40 10 803c40",  # struck again
    "00 903c64 00 ff010178 60 3c00",  # running status across a text
    "00 993640 8100 893640 ffffff7f 993640",
    "00 f0057e7f0901f7 00 f7024300 00 f0020143 10 f7022af7",
)
_METAS = (
    *((kind, b"Koto") for kind in range(1, 10)),
    (0x00, b"\0\1"),
    (0x20, b"\5"),
    (0x21, b"\1"),
    (0x51, b"\x07\xa1\x20"),
    (0x51, b"\0\0\0"),
    (0x54, b"\x61\x3b\x3b\x18\x63"),
    (0x58, b"\x06\x03\x18\x08"),
    (0x59, b"\xfd\x01"),
    (0x59, b"\x0b\xff"),
    (0x7F, b"\0\1\2"),
    (0x03, "ピアノ".encode("shift_jis")),
)
_FIRST = {"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}
_BODIES: tuple[object, ...] = (
    {"code": 200, "message": "ok", "data": {"midi_url": "https://h/x.mid", "instruments": [
        {"name": "Koto", "notes": [_FIRST, {**_FIRST, "start": "0.25", "pitch": 61.0}]},
        {"name": "Drums", "notes": []},
    ]}},
    {"data": [{"state": "complete", "instruments": {"Koto": [_FIRST], "Bass": []}}]},
    {"success": True, "task_id": "t", "instruments": [{"name": None, "notes": [_FIRST] * 3}]},
    {"code": 200, "data": {"state": "running", "instruments": None}},
    {"code": 403, "msg": "no credits", "data": None},
    {"success": False, "error": {"message": "failed", "code": "E1"}},
    {"instruments": [{"name": "\ud83c\udfb9\ud800", "notes": [{**_FIRST, "velocity": 100}]}]},
    {"instruments": [{"notes": [{**_FIRST, "pitch": "60", "end": " 1", "velocity": 0}, 7]}, 3]},
)  # fmt: skip
_TEXTS = (
    b'{"instruments":[{"name":"A","notes":[{"start":NaN,"end":1e400,"pitch":-1,"velocity":1}]}]}',
    b'{"instruments":[{"name":"A","notes":[{"start":0,"start":1,"end":2,"pitch":3}]}]}',
    b'{"instruments":[{"name":"A\xff\x01","notes":[]}],"x":' + b"[" * 210 + b"]" * 210 + b"}",
    b'{"instruments":[{"name":"A","notes":[' + 1100 * b"null," + b"1]}]}",
    b"<html><title>504</title></html>",
)


def midi_seeds() -> list[bytes]:
    """Return files, sound and damaged."""
    seeds = _small("midi/*.mid") + _small("bad/midi/*.mid")
    seeds += [whole(body) for body in _EVENTS]
    seeds += [whole(b"\0\xff" + meta(*row) + _NOTE) for row in _METAS]
    everything = b"".join(b"\0\xff" + meta(*row) for row in _METAS)
    seeds.append(whole(everything, *_EVENTS, _NOTE))
    one = whole(_NOTE, form=0)
    seeds += [one, rmid(one), bytes(128) + one, header(form=2, tracks=2) + 2 * chunk(_NOTE + END)]
    seeds += [whole(_NOTE, division=division) for division in (1, 0x7FFF, 0xE728, 0xE364, 0)]
    slow, fast, pause = "00 ff5103 ffffff", "00 ff5103 000001", "ffffff7f ff0100"
    far = bytes.fromhex(slow + 12 * pause + fast + "01 ff5103 000002 01 ff5103 000003") + _NOTE
    seeds += [whole(far, division=0x7FFF), whole(*40 * [_NOTE]), whole(250 * "00 903cff")]
    seeds.append(header() + b"XFIH\0\0\0\2hi" + chunk(_NOTE, 1 << 31))
    return seeds


def answer_seeds() -> list[bytes]:
    """Return answers, sound and damaged."""
    seeds = _small("answers/*.json") + _small("bad/answers/*.json") + list(_TEXTS)
    bodies = [json.dumps(body).encode() for body in _BODIES]
    first = bodies[0]
    wide = codecs.BOM_UTF16_LE + first.decode().encode("utf-16-le")
    return [*seeds, *bodies, gzip.compress(first, mtime=0), codecs.BOM_UTF8 + first, wide]


def _small(pattern: str) -> list[bytes]:
    files = sorted(_FIXTURES.glob(pattern))
    return [data for data in (path.read_bytes() for path in files) if len(data) <= _LARGEST]


SEEDS = {"midi": midi_seeds, "answers": answer_seeds}

WORDS: dict[str, tuple[bytes, ...]] = {
    "midi": (
        *(b"MThd", b"MTrk", b"RIFF", b"RMID", b"data", b"MThd\0\0\0\6", END, b"\xff\x2f\0"),
        *(b"\xff" + meta(*row) for row in _METAS),
        *(bytes([0xFF, kind]) for kind in (0, 1, 3, 5, 6, 0x20, 0x21, 0x51, 0x54, 0x58, 0x59)),
        *(bytes([status]) for status in range(0x80, 0x100, 0x10)),
        *(b"\xff\xff\xff\x7f", b"\x81\0", b"\x80\x80\x80\x80\0", b"\xff\xff\xff\xff"),
        *(b"\xf0\x02\x43\xf7", b"\xf7\1\xf8", b"\xe7\x28", b"\xe3\x64"),
        *(b"\x90\x3c\x64", b"\x80\x3c\x40", b"\x3c\0"),
    ),
    "answers": tuple(
        word.encode()
        for word in (
            *'"code" "data" "message" "msg" "state" "status" "success" "error" "detail"'.split(),
            *'"instruments" "name" "notes" "start" "end" "pitch" "velocity" "midi_url"'.split(),
            *'"complete" "running" "pending" "failed" "task_id" "https://h/x" "Koto" ""'.split(),
            *"true false null NaN Infinity -Infinity 1e400 1e-400 -0.0 200 0.5 127 128".split(),
            *'[ ] { } : , [] {} "1_0" "0,5" "0x1" " 1" 1e9 86400 86400.1 -1 60.0'.split(),
            *("\\ud800", "\\u0000"),
            *('{"start":0,"end":1,"pitch":60,"velocity":0.5}', '"start":', ',"end":', "\ufeff"),
        )
    ),
}  # fmt: skip
"""What libFuzzer may insert anywhere; it would take long to find these by chance."""


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change, remove or insert a few bytes, or copy or cut a piece."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(broken) + 1)
        deed = chance.random()
        if deed < 0.8:
            new = chance.randbytes(chance.choice([0, 1, 1, 2]))
            broken[at : at + chance.choice([0, 1, 1, 1, 3])] = new
        elif deed < 0.9:
            start = chance.randrange(len(broken) + 1)
            broken[at:at] = broken[start : start + chance.randrange(40)]
        else:
            del broken[at : at + chance.randrange(1, 40)]
    return bytes(broken)
