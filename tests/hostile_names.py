"""Names as an enemy writes them, and what no output may let through."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

__all__ = ["NAMES", "acting", "answer", "as_instruments", "longest"]

NAMES = {
    "up": "../../etc/passwd",
    "up, of Windows": "..\\..\\system32",
    "absolute": "/etc/passwd",
    "drive": "C:\\autoexec.bat",
    "share": "\\\\host\\share",
    "stream": "song.mid:hidden",
    "parent": "..",
    "folder": ".",
    "nothing": "",
    "spaces": "   ",
    "wide spaces": "\u00a0\u3000\u2003",
    "dots": "...",
    "dots and spaces": ". . .",
    "NUL": "a\0b",
    "line ends": "x\r\ny\nz\rw",
    "separators of lines": "x\u2028y\u2029z\x85w\x0bv\x0cu",
    "backspaces": "good\x08\x08\x08\x08evil",
    "bell": "ding\x07",
    "delete": "\x7f",
    "clear": "\x1b[2J\x1b[H",
    "colour": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "keys": "\x1b[6n\x1b[c\x1bP+q544e\x1b\\",
    "C1": "\x9b31m\x9d0;t\x9c\x90q\x9c",
    "bidi": "\u202etxt.exe\u202c",
    "isolates": "\u2066a\u2067b\u2068c\u2069",
    "marks of direction": "a\u200eb\u200fc\u061cd",
    "nothing shown": "a\u200bb\u200cc\u200dd\u2060e\ufeff",
    "fillers": "\u3164\u115f\u1160\uffa0",
    "variations": "a\ufe0fb\U000e0100c\u034fd",
    "tags": "x\U000e0001\U000e0041\U000e007f",
    "lone surrogate": "\ud800x\udfff",
    "private": "\ue000\U0010ffff",
    "pile": "Z" + "\u0301\u0323" * 40,
    "emoji": "\U0001f3b9\U0001f468\u200d\U0001f469\u200d\U0001f467 Keys",
    "300": "n" * 300,
    "300 wide": "\u6f22" * 300,
    "device": "CON",
    "device, lower": "nul",
    "device with ending": "nul.mid",
    "device with endings": "Aux.tar.gz",
    "device and space": "prn .txt",
    "device, raised": "COM\u00b9",
    "device, dots": "lpt1...",
    "trailing": "tail. . ",
    "leading dash": "-rf",
    "leading tilde": "~-root",
    "hidden": ".bashrc",
    "lower": "bass",
    "upper": "BASS",
    "taken": "bass (2)",
    "composed": "\u00e9tude",
    "decomposed": "e\u0301tude",
    "wide": "\uff42\uff41\uff53\uff53",
    "sharp s": "gro\u00df",
    "two s": "gross",
    "dotted I": "\u0130",
    "dotless i": "\u0131",
    "i": "i",
    "long s": "ba\u017f\u017f",
    "ligature": "\ufb01n",
    "fin": "fin",
    "sum": '=HYPERLINK("http://evil.example","x")',
    "plus": "+1+1",
    "minus": "-1",
    "at": "@SUM(A1)",
    "tab": "\t=1",
    "return": "\r=1",
    "wide sum": "\uff1d1",
    "small plus": "\ufe621",
    "true minus": "\u22121",
    "spaced sum": "  =1",
    "quoted sum": '"=1"',
    "cell in cell": 'a";=1;"',
    "cell after comma": "a, =1",
    "DDE": "|cmd",
    "markup": "[red]x[/red][link=http://evil.example]y",
    "markup, open": "[/",
    "HTML": "</script><script>alert(1)</script>",
    "shell": "$(touch owned)`touch owned`;touch owned",
    "format": "%s%n{0}{name!r}",
    "escaped": "\\x1b[31m",
}
"""Hostile and unlucky names by what they try."""

_ESCAPED_BY_JSON = {"lone surrogate"}
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_MARKS = 4


def acting(output: str | bytes, *, piles: bool = True) -> list[str]:
    """Find what a terminal would obey or hide, and marks that pile up.

    Parameters
    ----------
    output : str or bytes
        What was printed; bytes are UTF-8.
    piles : bool, optional
        Whether marks that pile up count: on a terminal, not in a table.

    Returns
    -------
    list of str
        Each with what is around it; empty if there is none.
    """
    text = output.decode() if isinstance(output, bytes) else output
    found, marks = [], 0
    for at, char in enumerate(text):
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        hides = char in _INVISIBLE or 0xFE00 <= ord(char) <= 0xFE0F or ord(char) >= 0xE0100
        if (piles and marks > _MARKS) or hides or (category[0] in "CZ" and char not in " \n"):
            if category == "Zs":
                continue
            found.append(ascii(text[max(0, at - 20) : at + 10]))
    return found


def as_instruments(names: list[str]) -> list[dict[str, Any]]:
    """Make an instrument of one note of each name."""
    return [
        {
            "name": name,
            "notes": [
                {"start": i * 0.5, "end": i * 0.5 + 0.4, "pitch": 36 + i % 60, "velocity": 0.5}
            ],
        }
        for i, name in enumerate(names)
    ]


def answer(names: list[str], **data: Any) -> bytes:
    """Make the bytes of an answer whose instruments have these names."""
    whole = {"instruments": as_instruments(names)} | data
    return json.dumps({"code": 200, "message": "success", "data": whole}).encode()


def longest() -> str:
    """Make a name of ten megabytes."""
    return "\x1b\u202e=,;n" * (10_000_000 // 6)
