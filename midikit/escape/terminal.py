"""Text that is printed: nothing in it acts, hides or piles up."""

from __future__ import annotations

import json
import unicodedata

__all__ = ["SHOWN", "escaped", "is_hidden", "json_text", "printable", "quoted"]

SHOWN = 80
"""Most characters of a name that are shown."""

_MARKS_AT_MOST = 4
"""Combining marks on one letter that are shown as such: no script writes more."""

_HIDDEN_THOUGH_ASSIGNED = frozenset(
    chr(code)
    for first, last in (
        (0x34F, 0x34F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)
"""Letters and marks that Unicode has nothing shown for: fillers, joiners, variation selectors."""


def is_hidden(char: str) -> bool:
    """Tell whether a terminal would obey, hide or misplace a character instead of showing it.

    Parameters
    ----------
    char : str
        One character.

    Returns
    -------
    bool
        True also for what other software hides, such as fillers and variation selectors.
    """
    if char in _HIDDEN_THOUGH_ASSIGNED:
        return True
    # Control, format, surrogate, private, unassigned, separators of lines; a space is none.
    return not char.isprintable() and unicodedata.category(char) != "Zs"


_REMEMBERED = 4096


class _Escapes(dict[int, str]):
    """What `str.translate` puts in the place of a character, by its code point."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        shown = char.encode("unicode_escape").decode("ascii") if is_hidden(char) else char
        if len(self) < _REMEMBERED:
            self[code] = shown
        return shown


_ESCAPES = _Escapes()


def escaped(text: str) -> str:
    """Write characters that do not show as escapes.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        The text, whole.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPES)


def _thinned(text: str) -> str:
    """Write marks as escapes that would pile up on a letter and over the lines around it."""
    shown, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        few = marks <= _MARKS_AT_MOST
        shown.append(char if few else char.encode("unicode_escape").decode("ascii"))
    return "".join(shown)


def printable(text: object, limit: int = SHOWN) -> str:
    r"""Show text on a terminal without letting it act.

    Parameters
    ----------
    text : object
        What to show; its ``str`` is taken.
    limit : int, optional
        Most characters of the original to show.

    Returns
    -------
    str
        Control, C1, format, bidi, surrogate, unassigned and invisible characters as escapes, and
        so the fifth and further marks on one letter; cut at `limit`.

    Examples
    --------
    >>> print(printable("Lead\x1b[2J"))
    Lead\x1b[2J
    """
    whole = str(text)
    shown = escaped(whole[:limit])
    if not shown.isascii():
        shown = _thinned(shown)
    return shown + "…" if len(whole) > limit else shown


def json_text(text: str) -> str:
    r"""Show a JSON document on a terminal without letting it act; in its text nothing changes.

    Parameters
    ----------
    text : str
        The document.

    Returns
    -------
    str
        The same, what does not show but tabs and line ends as JSON escapes.

    Examples
    --------
    >>> print(json_text('["\x9b2J"]'))
    ["\u009b2J"]
    """
    return "".join(
        json.dumps(char)[1:-1] if char not in "\n\t" and is_hidden(char) else char for char in text
    )


def quoted(value: object, limit: int = SHOWN) -> str:
    """Show a value of the input inside a message: text in quotes, the rest as JSON writes it.

    Parameters
    ----------
    value : object
        A value from a decoded answer or file.
    limit : int, optional
        Most characters to show.

    Returns
    -------
    str
        One line without control characters.

    Examples
    --------
    >>> quoted("NaN"), quoted(None), quoted(True), quoted([1, 2])
    ("'NaN'", 'null', 'true', 'a list')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, str):
        return f"'{printable(value, limit)}'"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a huge number"
    return printable(value, limit)
