"""Hypothesis strategies for .mid files and answers, sound and broken, shared by several tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from tests.smf_bytes import END, chunk, header, meta, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "Made",
    "broken_answers",
    "broken_files",
    "claims",
    "events",
    "instruments",
    "json_values",
    "write",
]

# ---------------------------------------------------------------- .mid files

_delta_times = st.one_of(
    st.integers(0, 300), st.sampled_from([127, 128, 16383, 16384, 2097151, 2097152, (1 << 28) - 1])
)
_low = st.integers(0, 127)
_texts = st.binary(max_size=9)


class Made(NamedTuple):
    """An event to write: its delta-time, status or None for running status, and what follows."""

    delta: int
    status: int
    rest: bytes
    may_run: bool


_two = st.builds(
    Made,
    _delta_times,
    st.one_of(st.integers(0x80, 0xBF), st.integers(0xE0, 0xEF)),
    st.tuples(_low, _low).map(bytes),
    st.booleans(),
)
_one = st.builds(
    Made, _delta_times, st.integers(0xC0, 0xDF), _low.map(lambda b: bytes([b])), st.booleans()
)
_payloads = st.one_of(
    st.tuples(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9, 0x7F]), _texts),
    st.tuples(st.just(0x51), st.integers(1, 0xFFFFFF).map(lambda us: us.to_bytes(3, "big"))),
    st.tuples(
        st.just(0x58),
        st.builds(lambda n, d: bytes([n, d, 24, 8]), st.integers(1, 255), st.integers(0, 7)),
    ),
    st.tuples(
        st.just(0x59),
        st.builds(lambda s, m: bytes([s & 255, m]), st.integers(-7, 7), st.integers(0, 1)),
    ),
    st.tuples(st.just(0x54), st.just(bytes([0x61, 59, 59, 24, 99]))),
    st.tuples(st.just(0x20), st.integers(0, 15).map(lambda c: bytes([c]))),
    st.tuples(st.just(0x21), _low.map(lambda p: bytes([p]))),
    st.tuples(st.just(0x00), st.just(b"\x01\x02")),
)
_metas = st.builds(lambda d, p: Made(d, 0xFF, meta(*p), may_run=False), _delta_times, _payloads)
_sysex = st.builds(
    lambda d, body: Made(d, 0xF0, number(len(body) + 1) + bytes(body) + b"\xf7", may_run=False),
    _delta_times,
    st.lists(_low, max_size=200),
)
events = st.lists(st.one_of(_two, _two, _two, _one, _metas, _sysex), max_size=30)
"""Events of a sound track: channel messages, metas and sysex."""


def write(made: Iterable[Made], *, across: bool = False) -> bytes:
    """Write a track, with running status where an event may use it.

    `across` lets it run on over metas and sysex, which no file may do and many do.
    """
    out, running = bytearray(), 0
    for event in made:
        out += number(event.delta)
        if not (event.may_run and event.status == running):
            out.append(event.status)
        out += event.rest
        if event.status < 0xF0:
            running = event.status
        elif not across:
            running = 0
    return bytes(out) + END


_divisions = st.one_of(st.integers(1, 0x7FFF), st.sampled_from([0xE728, 0xE250, 0xE804, 0xE364]))


@st.composite
def broken_files(draw: st.DrawFn) -> bytes:
    """Draw a file with faults of all sorts: in events, lengths, chunks and single bytes."""
    tracks = []
    for made in draw(st.lists(events, min_size=1, max_size=4)):
        body = write(made, across=draw(st.booleans()))
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, len(body)))
            body = body[:at] + draw(_intruders) + body[at + draw(st.sampled_from([0, 0, 1, 4])) :]
        tracks.append(body)
    if len(tracks) > 1 and draw(st.booleans()):
        # One track runs on into another that is also there.
        at = draw(st.integers(0, len(tracks[0])))
        tracks[0] = tracks[0][:at] + draw(st.sampled_from([tracks[1], chunk(tracks[1])]))
    sizes = draw(st.lists(claims, min_size=len(tracks), max_size=len(tracks)))
    chunks = [chunk(body, claim(len(body))) for body, claim in zip(tracks, sizes, strict=True)]
    head = header(form=draw(st.integers(0, 3)), tracks=len(tracks), division=draw(_divisions))
    data = bytearray(draw(st.sampled_from([b"", b"", b"\0junk"])) + head + b"".join(chunks))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.one_of(st.just(len(data)), st.integers(0, len(data))))])


_intruders = st.one_of(
    st.binary(max_size=4),
    _delta_times.map(number),
    st.sampled_from([
        b"\xff\xff\xff\xff\x7f",  # a number of five bytes
        b"\x81\x80\x80\x80\0",
        b"\0\xff\x51\2\1\1",  # metas of the wrong size or value
        b"\0\xff\x59\2\x0b\xff",
        b"\0\xff\x90\1a",
        b"\0\xff\x2f\1\0",
        b"\0\xf0\xff\xff\xff\x7f",  # sysex of 256 MiB
        b"\0\xf4",
        b"\0\xfe",
        END,
        b"MTrk",
    ]),
)  # fmt: skip
claims: st.SearchStrategy[Callable[[int], int]] = st.one_of(
    st.just(lambda size: size),
    st.just(lambda size: size),
    st.integers(-8, 40).map(lambda more: lambda size: max(0, size + more)),
    st.sampled_from([0, 1 << 31, (1 << 32) - 1]).map(lambda claim: lambda _: claim),
)
"""What a chunk says its length is, given what it is."""

# ---------------------------------------------------------------- answers

_times = st.integers(0, 192 * 600).map(lambda step: step / 192) | st.floats(0, 80000)
_note_rows = st.tuples(_times, _times, st.integers(0, 127), st.integers(1, 127)).map(
    lambda row: {
        "start": min(row[:2]),
        "end": max(row[:2]),
        "pitch": row[2],
        "velocity": row[3] / 127,
    }
)
instruments = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(max_size=8), "notes": st.lists(_note_rows, max_size=12)}
    ),
    max_size=4,
)
"""Instruments of a sound answer."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["complete", "running", "200", "https://h/x", 200, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "code data state success instruments midi_url error message "
                "name notes start end pitch velocity x".split()
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)
"""Any JSON, NaN and infinities included, with the keys of answers."""


class _Raw(str):
    """Text that is written into JSON as it is."""

    __slots__ = ()


_raws = st.sampled_from([
    *("NaN", "-Infinity", "1e400", "-0.0", "0x10", "1_0", "00", "9" * 5000, "1" + "0" * 400),
    *('"NaN"', '"1_0"', '"0,5"', '" 1 "', '"\\u0661"', '"\\ud800"', '"\udcff\udc80"', '"\x01"'),
    *("[" * 250 + "]" * 250, '{"pitch":' * 250 + "1" + "}" * 250, "", "}"),
]).map(_Raw)  # fmt: skip
_envelopes: st.SearchStrategy[Callable[[Any], Any]] = st.sampled_from([
    lambda parts: {"code": 200, "data": {"midi_url": "https://h/x", "instruments": parts}},
    lambda parts: {"code": "200", "message": "ok", "data": [{"instruments": parts}]},
    lambda parts: {"state": "complete", "success": True, "instruments": parts},
    lambda parts: {
        "data": {"instruments": {part["name"]: part["notes"] for part in parts}, "state": "done"}
    },
])  # fmt: skip


@st.composite
def broken_answers(draw: st.DrawFn) -> bytes:
    """Draw an answer some of whose values are anything else, and whose bytes may be damaged."""
    root = [draw(_envelopes)(draw(instruments))]
    twice: list[tuple[dict[str, Any], str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        holder, key = draw(st.sampled_from(list(_slots(root))))
        value = holder[key]
        deed = draw(st.sampled_from("replace replace raw text list object twice remove".split()))
        if deed == "remove" and isinstance(holder, dict):
            del holder[key]
        elif deed == "twice" and isinstance(holder, dict):
            twice.append((holder, key, draw(json_values)))
        elif deed == "text":
            holder[key] = str(value)
        elif deed == "list":
            holder[key] = [value]
        elif deed == "object":
            holder[key] = {"notes": value}
        else:
            holder[key] = draw(_raws if deed == "raw" else json_values)
    text = _json(root[0], {id(holder): (key, value) for holder, key, value in twice})
    data = bytearray(text.encode("utf-8", "surrogateescape"))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(
            st.sampled_from([b"", b'"', b"{", b"]", b"\\", b"e9", b"\xff", b"\0", b"null", b","])
        )
    return bytes(data)


def _slots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Find every value in a document: what holds it, and under which key."""
    rows = enumerate(value) if isinstance(value, list) else value.items()
    for key, inner in list(rows):
        yield value, key
        if isinstance(inner, (list, dict)):
            yield from _slots(inner)


def _json(value: Any, twice: dict[int, tuple[str, Any]]) -> str:
    """Write JSON, with what is no JSON and with keys that are given twice."""
    if isinstance(value, _Raw):
        return value
    if isinstance(value, list):
        return "[" + ",".join(_json(inner, twice) for inner in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    rows = list(value.items())
    if id(value) in twice:
        rows.append(twice[id(value)])
    return "{" + ",".join(f"{json.dumps(key)}:{_json(inner, twice)}" for key, inner in rows) + "}"
