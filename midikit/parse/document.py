"""Bytes of an answer to plain Python values, without believing any of them.

`unwrap` takes off what lies around the JSON: gzip, a byte order mark, UTF-16. `decode` reads JSON
that a strict parser refuses but whose other notes are sound: literals that are no JSON numbers,
numbers of thousands of digits, bytes that are no UTF-8, raw control characters, nesting without
end. What cannot be a value becomes a `Literal`; an object that gives a key twice becomes a
`RepeatedKeys`; both are for the reader to report where it meets them.
"""

from __future__ import annotations

import codecs
import json
import math
import re
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.errors import AnswerError, LimitError
from midikit.escape import printable, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from midikit.parse.faults import Faults

__all__ = ["MAX_DEPTH", "Literal", "RepeatedKeys", "decode", "shallow", "shown", "unwrap"]

MAX_DEPTH = 200
"""Nesting that is read; a note lies at most seven deep."""

_MAX_DIGITS = 4000
_INFLATED = 1 << 20
_TIMES_INFLATED = 100
"""How many times its size a gzip inflates to at most, but for a mebibyte: a metronome to 38."""
_CHUNK = 1 << 20
_NO_STRUCTURE = bytes(code for code in range(256) if code not in b'"[]{}')
_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{0,200})", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_FORMATS = (
    (b"\x1f\x8b", "gzip inside gzip"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstandard data"),
    (b"MThd", "a Standard MIDI File, which read_midi reads"),
    (b"RIFF", "a RIFF file"),
    (b"%PDF", "a PDF"),
)


class Literal:
    """Something in the place of a number that is none: ``NaN``, ``1e400``, 5,000 digits.

    Parameters
    ----------
    text : str
        As it was written.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text if len(self.text) <= 40 else f"a number of {len(self.text):,} characters"


class RepeatedKeys(dict[str, Any]):
    """An object that gives a key more than once: as a dict the last counts, `pairs` has them all.

    Parameters
    ----------
    pairs : list of (str, object)
        Every key with its value, in order.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def unwrap(data: bytes, *, source: str, max_bytes: int) -> bytes:
    """Take off what lies around the JSON text.

    Parameters
    ----------
    data : bytes
        An answer as it was saved.
    source : str
        The file or clip it came from, for the errors.
    max_bytes : int
        Most bytes of text.

    Returns
    -------
    bytes
        The text, in UTF-8 unless it is damaged.

    Raises
    ------
    AnswerError
        If it is empty, damaged gzip or UTF-16, or visibly something else.
    LimitError
        If it inflates to more than `max_bytes`, or to more than a hundred times its size.
    """
    if data.startswith(b"\x1f\x8b"):
        data = _inflate(data, source, max_bytes)
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            data = data[len(mark) :] if encoding == "utf-8" else _transcode(data, encoding, source)
            break
    else:
        if b"\0" in data[:4]:
            wide = json.detect_encoding(data)
            data = data if wide == "utf-8" else _transcode(data, wide, source)
    text = data[:256].lstrip()
    if not text and not data.strip():
        raise AnswerError(source, "", "empty; expected a JSON answer")
    if text.startswith((b"{", b"[")):
        return data
    problem = _what_else(data, text)
    if problem:
        raise AnswerError(source, "", f"{problem}; expected a JSON answer")
    return data


def _inflate(data: bytes, source: str, max_bytes: int) -> bytes:
    """Inflate one gzip member, never further than the limit, nor out of all proportion."""
    stream = zlib.decompressobj(wbits=31)
    most = max(_INFLATED, _TIMES_INFLATED * len(data))
    try:
        inflated = stream.decompress(data, min(most, max_bytes) + 1)
    except zlib.error:
        raise AnswerError(source, "", "damaged gzip; expected a JSON answer") from None
    if len(inflated) > max_bytes:
        raise LimitError(
            f"{source or 'gzip'}: inflates to more than {max_bytes:,} bytes; "
            "pass max_bytes= to read it all the same"
        )
    if len(inflated) > most:
        raise LimitError(
            f"{source or 'gzip'}: {len(data):,} bytes that inflate to more than "
            f"{_TIMES_INFLATED} times as many; unpack it to read it all the same"
        )
    if not stream.eof:
        raise AnswerError(source, "", "gzip that is cut short; expected a JSON answer")
    if stream.unused_data.strip(b"\0"):
        raise AnswerError(source, "", "more bytes after the end of the gzip data; expected none")
    return inflated


def _transcode(data: bytes, encoding: str, source: str) -> bytes:
    """Turn UTF-16 or UTF-32 into UTF-8."""
    try:
        return data.decode(encoding).encode()
    except UnicodeDecodeError as error:
        problem = f"damaged {encoding.upper()} at byte {error.start}; expected a JSON answer"
        raise AnswerError(source, "", problem) from None


def _what_else(data: bytes, text: bytes) -> str:
    """Say what text that begins like no JSON answer is, if that can be told."""
    for magic, name in _OTHER_FORMATS:
        if data.startswith(magic):
            return f"this is {name}"
    if text.startswith(b"<"):
        title = _TITLE.search(data[:_CHUNK])
        words = " ".join(title.group(1).decode("utf-8", "replace").split()) if title else ""
        return f"this is HTML, titled {quoted(words)}" if words else "this is HTML or XML"
    if text.startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        return "this is an event stream, not one document"
    if text.startswith(b"\0"):
        return "this begins with NUL bytes"
    return ""


def decode(data: bytes, faults: Faults) -> Any:
    """Decode JSON that a strict parser refused.

    Parameters
    ----------
    data : bytes
        What `unwrap` returned.
    faults : Faults
        Where faults of the text as a whole are noted.

    Returns
    -------
    object
        Plain values, with `Literal` and `RepeatedKeys` where something is wrong, and lone
        surrogates in text that was no UTF-8. Nothing is nested deeper than `MAX_DEPTH`.

    Raises
    ------
    AnswerError
        If it is no JSON document even so.
    """
    try:
        text = shallow(data).decode("utf-8", "surrogateescape")
        try:
            return _Decoder().decode(text)
        except json.JSONDecodeError as error:
            if not error.msg.startswith("Invalid control character"):
                raise
            byte = len(text[: error.pos].encode("utf-8", "surrogateescape"))
            value = _Decoder(strict=False).decode(text)
            faults.add(
                "control-character",
                f"byte {byte}",
                f"raw control character {quoted(text[error.pos])} inside a text",
                "kept as it is",
            )
            return value
    except json.JSONDecodeError as error:
        faults.refuse("", _syntax(error))
    except RecursionError:
        faults.refuse("", "nested deeper than there is room for; expected a flat answer")


class _Decoder(json.JSONDecoder):
    """The standard decoder with every hook that keeps it from failing on a single value."""

    def __init__(self, *, strict: bool = True) -> None:
        super().__init__(
            strict=strict,
            parse_float=_read_float,
            parse_int=_read_int,
            parse_constant=Literal,
            object_pairs_hook=_read_object,
        )


def _read_float(text: str) -> float | Literal:
    value = float(text)
    return value if math.isfinite(value) else Literal(text)


def _read_int(text: str) -> int | Literal:
    return int(text) if len(text) <= _MAX_DIGITS else Literal(text)


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else RepeatedKeys(pairs)


def _syntax(error: json.JSONDecodeError) -> str:
    """Say in one line where a text stops being JSON, the same on every version of Python."""
    text, position = error.doc, error.pos
    byte = len(text[:position].encode("utf-8", "surrogateescape"))
    where = f"byte {byte} (line {error.lineno}, column {error.colno})"
    if error.msg.startswith("Unterminated") or not text[position:].strip():
        return f"not JSON: cut short, it ends inside the value at {where}"
    if error.msg == "Extra data":
        rest = text[position:].lstrip()
        if rest.startswith(("{", "[")):
            return f"two documents: the second begins at {where}; expected one"
        return f"not JSON: {quoted(rest, 20)} after the end at {where}"
    before = text[:position].rstrip()
    if before.endswith(",") and text[position : position + 1] in {"}", "]"}:
        return f"not JSON: a comma before '{text[position]}' at {where}"
    return f"not JSON: {quoted(text[position : position + 21], 20)} at {where}"


def shallow(data: bytes) -> bytes:
    """Cut out what is nested deeper than `MAX_DEPTH`.

    Nothing that deep belongs to an answer, and no recursive parser may see it.

    Parameters
    ----------
    data : bytes
        JSON text.

    Returns
    -------
    bytes
        The same text, byte for byte in the same place, with an empty list and spaces instead of
        each value that lies too deep.

    Examples
    --------
    >>> shallow(b"[1, [2, [3]]]") == b"[1, [2, [3]]]"
    True
    >>> shallow(b"[" * 203 + b"]" * 203) == b"[" * 200 + b"[]    " + b"]" * 200
    True
    """
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return data
    plain = data
    if b"\\" in data:
        # Escapes replaced by as many bytes, so that every quote left over opens or closes a text.
        plain = data.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    structure = plain.translate(None, _NO_STRUCTURE)
    if all((levels <= MAX_DEPTH).all() for _, levels in _levels(structure)):
        return data
    kept: list[bytes] = []
    begin, was_deep = 0, False
    for offset, levels in _levels(plain):
        deep = levels > MAX_DEPTH
        edges = np.flatnonzero(deep != np.concatenate([[was_deep], deep[:-1]]))
        for edge in (edges + offset).tolist():
            if deep[edge - offset]:
                kept.append(data[begin:edge])
                begin = edge
            else:
                kept.append(b"[]".ljust(edge + 1 - begin))
                begin = edge + 1
        was_deep = bool(deep[-1])
    if not was_deep:
        kept.append(data[begin:])
    return b"".join(kept)


def _levels(text: bytes) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Go through a text in pieces: where each begins, and the nesting after each of its bytes."""
    level, in_text = 0, False
    for offset in range(0, len(text), _CHUNK):
        codes = np.frombuffer(text[offset : offset + _CHUNK], np.uint8)
        inside = np.logical_xor.accumulate(codes == 0x22) ^ in_text
        steps = ((codes == 0x5B) | (codes == 0x7B)).astype(np.int8)
        steps -= (codes == 0x5D) | (codes == 0x7D)
        steps[inside] = 0
        levels = level + np.cumsum(steps, dtype=np.int64)
        yield offset, levels
        level, in_text = int(levels[-1]), bool(inside[-1])


def shown(value: object) -> str:
    """Show a decoded value inside a message.

    Parameters
    ----------
    value : object
        Any value of a decoded answer.

    Returns
    -------
    str
        One short line without control characters.

    Examples
    --------
    >>> shown(float("nan")), shown(None), shown("0,5")
    ('NaN', 'null', "'0,5'")
    """
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return printable(value) if isinstance(value, Literal) else quoted(value, 40)
