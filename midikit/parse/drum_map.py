"""Drum maps: a line a drum, as an editor or a spreadsheet writes them.

    # what the kit of my sampler plays elsewhere
    35 -> 36
    Electric Snare = 38
    closed hi-hat, 44

A line names a drum and the key it goes to, each a MIDI pitch or a General MIDI name, with ``=``,
``->``, a comma, a semicolon or a tab between them. Empty lines, what follows a ``#``, and a first
line ``from,to`` count for nothing. So a .csv of two columns is a drum map.
"""

from __future__ import annotations

import os
import re

from midikit.errors import InputError
from midikit.escape import printable, quoted
from midikit.files import check_plain, read_bytes
from midikit.gm import DRUM_NAMES

__all__ = ["read_drum_map"]

_MAX_BYTES = 1 << 16
_MARK = re.compile(r"\s*(?:->|=>|\N{RIGHTWARDS ARROW}|[=,;\t])\s*")
_LINE_END = re.compile("\r\n?|\n")
_WORD = re.compile(r"[^\W_]+")
_HEADS = frozenset([("from", "to"), ("pitch", "to"), ("drum", "key"), ("drum", "pitch")])
_EVERYDAY = {"kick": ("bass", "drum"), "bassdrum": ("bass", "drum"), "hat": ("hi", "hat")}
_SHOWN = 40
_MOST_NAMES = 6


def read_drum_map(source: str | os.PathLike[str] | bytes) -> dict[int, int]:
    r"""Read a drum map.

    Parameters
    ----------
    source : str, PathLike or bytes
        The file, or what is in it: text in UTF-8.

    Returns
    -------
    dict of int to int
        MIDI pitches and where they go, in the order of the lines; for `midikit.map_drums`.

    Raises
    ------
    InputError
        If it cannot be read, or a line says no such thing; `place` says which line.
    LimitError
        If it is larger than 64 KiB.

    Examples
    --------
    >>> read_drum_map(b"35 -> 36\nElectric Snare = acoustic snare\nclosed hi-hat, 44\n")
    {35: 36, 40: 38, 42: 44}
    >>> read_drum_map(b"snare = 38")
    Traceback (most recent call last):
    midikit.errors.InputError: line 1: 'snare' may be Acoustic Snare (38) or ...
    """
    if isinstance(source, bytes):
        name, data = "", source
    else:
        check_plain(source)
        name, data = printable(os.fspath(source), 200), read_bytes(source, max_bytes=_MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = "is no text in UTF-8; expected lines such as 'Electric Snare = 38'"
        raise InputError(name, f"byte {error.start}", problem) from None
    mapping: dict[int, int] = {}
    lines: dict[int, int] = {}
    for number, line in enumerate(_LINE_END.split(text), 1):
        pair = _pair(name, number, line)
        if pair is None or (not lines and tuple(map(str.casefold, pair)) in _HEADS):
            continue
        drum, key = (_pitch(name, number, cell) for cell in pair)
        if mapping.setdefault(drum, key) != key:
            problem = f"{_said(drum)} goes to {key}, but to {mapping[drum]} by line {lines[drum]}"
            raise InputError(name, f"line {number}", f"{problem}; expected one key a drum")
        lines.setdefault(drum, number)
    return mapping


def _pair(name: str, number: int, line: str) -> tuple[str, str] | None:
    """Split a line into its two cells; None if it says nothing."""
    line = line.partition("#")[0].strip()
    cells = [cell.strip().strip('"').strip() for cell in _MARK.split(line)]
    while cells and not cells[-1]:
        cells.pop()  # empty columns of a spreadsheet
    if not cells:
        return None
    if len(cells) != 2 or not cells[0]:
        problem = f"{quoted(line, _SHOWN)}; expected a drum and its key, such as '35 -> 36'"
        raise InputError(name, f"line {number}", problem)
    return cells[0], cells[1]


def _pitch(name: str, number: int, cell: str) -> int:
    """Turn a number or the name of a drum into a MIDI pitch."""
    if cell.isascii() and cell.lstrip("+-").isdigit():
        if len(cell) <= 3 and 0 <= int(cell) <= 127:
            return int(cell)
        problem = f"{quoted(cell, _SHOWN)} is no MIDI pitch; expected 0 to 127"
        raise InputError(name, f"line {number}", problem)
    found = _named(cell)
    if len(found) == 1:
        return found[0]
    shown = quoted(cell, _SHOWN)
    if found:
        names = [_said(pitch) for pitch in found[:_MOST_NAMES]]
        more = f", {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
        problem = f"{shown} may be {', '.join(names[:-1])}{more} or {names[-1]}"
        raise InputError(name, f"line {number}", f"{problem}; expected one of them or its number")
    problem = f"{shown} is no drum of General MIDI; expected a name such as Acoustic Snare, or 0 "
    raise InputError(name, f"line {number}", f"{problem}to 127")


def _named(text: str) -> list[int]:
    """List the drums that a name may mean: the one of this name, else all whose names hold it."""
    words = [word for part in _words(text) for word in _EVERYDAY.get(part, (part,))]
    joined = "".join(words)
    names = {pitch: "".join(_words(drum)) for pitch, drum in DRUM_NAMES.items()}
    exact = [pitch for pitch, drum in names.items() if drum == joined]
    if exact or not words:
        return exact
    return [pitch for pitch, drum in names.items() if all(word in drum for word in words)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:200].casefold())


def _said(pitch: int) -> str:
    return f"{DRUM_NAMES[pitch]} ({pitch})" if pitch in DRUM_NAMES else str(pitch)
