"""Text on its way out: terminals, files' names, CSV and HTML, each with what it must not carry.

Names come from a third party and are kept exactly as they are inside the model, the .mid and JSON.
Whatever is printed, used as a file name or opened in a spreadsheet goes through this room first.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "csv_cell",
    "each_stem",
    "file_stem",
    "folded",
    "html_text",
    "json_text",
    "printable",
    "quoted",
    "script_json",
    "unique_stems",
]

_SHOWN = 80
_STEM_BYTES = 120
_MARKS_AT_MOST = 4
"""Combining marks on one letter that are shown as such: no script writes more."""

_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"]
)
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;"))
_UNSAFE_IN_STEM = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*]+')
_FORMULA = (
    r"[=+\-@|%\u2212\u207a\u207c\u208a\u208c\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6a\ufe6b"
    r"\uff05\uff0b\uff0d\uff1d\uff20\uff5c]"
)
"""What may make a formula of a cell, wide and small forms included."""

# Each run of separators, quotes and spaces is looked at once, however long it is.
_CELL_BEGIN = re.compile(rf"""(?<![,;|"'\s])[\s']*+[,;|"][,;|"'\s]*+(?={_FORMULA})""")
_FORMULA_BEGIN = re.compile(rf"\s*+{_FORMULA}")
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


def _is_hidden(char: str) -> bool:
    """Whether a terminal would obey, hide or misplace this character instead of showing it."""
    if char in _HIDDEN_THOUGH_ASSIGNED:
        return True
    # Control, format, surrogate, private, unassigned, separators of lines; a space is none.
    return not char.isprintable() and unicodedata.category(char) != "Zs"


_REMEMBERED = 4096


class _Escapes(dict[int, str]):
    """What `str.translate` puts in the place of a character, by its code point."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        shown = char.encode("unicode_escape").decode("ascii") if _is_hidden(char) else char
        if len(self) < _REMEMBERED:
            self[code] = shown
        return shown


_ESCAPES = _Escapes()


def _escaped(text: str) -> str:
    """Write characters that do not show as escapes."""
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPES)


def _thinned(text: str) -> str:
    """Write marks as escapes that would pile up on a letter and over the lines around it."""
    shown, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        few = marks <= _MARKS_AT_MOST
        shown.append(char if few else char.encode("unicode_escape").decode("ascii"))
    return "".join(shown)


def printable(text: object, limit: int = _SHOWN) -> str:
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
    shown = _escaped(whole[:limit])
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
        json.dumps(char)[1:-1] if char not in "\n\t" and _is_hidden(char) else char for char in text
    )


def quoted(value: object, limit: int = _SHOWN) -> str:
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


def file_stem(name: str, fallback: str = "untitled", *, most_bytes: int = _STEM_BYTES) -> str:
    r"""Turn any name into one safe component of a file name.

    Parameters
    ----------
    name : str
        A name from the input, such as an instrument's.
    fallback : str, optional
        What to use when nothing of the name is left; a stem.
    most_bytes : int, optional
        Bytes of UTF-8 that it may have, 120 at most.

    Returns
    -------
    str
        Without separators, control and invisible characters, reserved characters, leading or
        trailing dots and spaces or a leading dash; no device name of Windows, whatever follows;
        at most `most_bytes` of UTF-8. A name that had to be cut ends in a digest of the whole. A
        stem is its own stem.

    Examples
    --------
    >>> file_stem("../etc/passwd"), file_stem("NUL"), file_stem("Synth Voice")
    ('etc_passwd', 'NUL_', 'Synth Voice')
    """
    head = name[: 4 * _STEM_BYTES]
    clean = "".join(" " if char.isspace() else "_" if _is_hidden(char) else char for char in head)
    clean = _UNSAFE_IN_STEM.sub("_", unicodedata.normalize("NFC", clean))
    clean = _trimmed(clean)
    base, dot, rest = clean.partition(".")
    if base.rstrip(" ").lower() in _DEVICES:
        clean = f"{base.rstrip(' ')}_{dot}{rest}"
    if len(name) > len(head) or len(clean.encode()) > most_bytes:
        import hashlib  # noqa: PLC0415 - loads OpenSSL, and few names are that long

        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        clean = f"{_cut(clean or fallback, most_bytes - 9)}-{digest}"
    return clean or fallback


def _trimmed(stem: str) -> str:
    """Take off what hides a file, makes an option of it, or gets lost on the way."""
    return stem.lstrip(" ._-~").rstrip(" ._-")


def _cut(stem: str, most_bytes: int) -> str:
    """Cut a stem to so many bytes, at a whole character."""
    return _trimmed(stem.encode()[:most_bytes].decode("utf-8", "ignore"))


def unique_stems(
    names: Iterable[str], fallback: str = "untitled", *, reserved: str = ""
) -> list[str]:
    """Turn names into safe file names that no file system confuses.

    Parameters
    ----------
    names : iterable of str
        Names from the input, in order.
    fallback : str, optional
        What to use for a name of which nothing is left.
    reserved : str, optional
        As for `each_stem`.

    Returns
    -------
    list of str
        One stem a name; a later one that is the same but for case gets ``(2)`` and so on.

    Examples
    --------
    >>> unique_stems(["Bass", "bass", "a/b", "a:b"])
    ['Bass', 'bass (2)', 'a_b', 'a_b (2)']
    """
    return list(each_stem(names, fallback, reserved=reserved))


def each_stem(
    names: Iterable[str], fallback: str = "untitled", *, reserved: str = ""
) -> Iterator[str]:
    """Do the same with a stream of names.

    Parameters
    ----------
    names : iterable of str
        Names from the input, in order. A name's stem depends on those before it alone.
    fallback : str, optional
        What to use for a name of which nothing is left.
    reserved : str, optional
        An ending, such as ``.notes``, that no stem may have because another kind of file of a stem
        has it (``song.notes.npz``); its dot becomes ``_``.

    Yields
    ------
    str
        One stem a name, each its own `file_stem`. Some 100 bytes are kept of each.
    """
    taken: set[str] = set()
    used: dict[str, int] = {}
    for name in names:
        stem = file_stem(name, fallback)
        if reserved and stem.lower().endswith(reserved):
            stem = f"{stem[: -len(reserved)]}_{stem[1 - len(reserved) :]}"
        candidate, kept = stem, folded(stem)
        key = kept
        while key in taken:
            used[kept] = number = used.get(kept, 1) + 1
            tail = f" ({number})"
            candidate = f"{_cut(stem, _STEM_BYTES - len(tail))}{tail}"
            key = folded(candidate)
        taken.add(key)
        yield candidate


def folded(name: str) -> str:
    r"""Return what two names have in common where a file system may take them for one.

    Parameters
    ----------
    name : str
        A file name.

    Returns
    -------
    str
        The name without differences of case, of normal form or of width.

    Examples
    --------
    >>> folded("\uff22ass") == folded("BASS"), folded("\u00e9") == folded("e\u0301")
    (True, True)
    """
    if name.isascii():
        return name.lower()
    text = unicodedata.normalize("NFKD", name)
    # Upper case first: it takes a dotless i for an I, as some file systems do.
    return unicodedata.normalize("NFKD", text.upper().casefold())


def csv_cell(text: str) -> str:
    """Make text safe to open in a spreadsheet.

    Parameters
    ----------
    text : str
        The text of one cell.

    Returns
    -------
    str
        Control and invisible characters escaped; ``= + - @``, their wide forms and the like get an
        apostrophe in front where a cell begins with them, also if it is a comma, a semicolon or a
        quote in the text that begins one for a program set to another separator.

    Examples
    --------
    >>> csv_cell("=1+1"), csv_cell("a;=1+1"), csv_cell("Koto")
    ("'=1+1", "a;'=1+1", 'Koto')
    """
    shown = _escaped(text)
    cell = _CELL_BEGIN.sub(lambda begin: f"{begin[0]}'", shown)
    return f"'{cell}" if _FORMULA_BEGIN.match(cell) else cell


def html_text(text: object, limit: int = _SHOWN) -> str:
    """Show text in HTML or SVG, between tags or in a quoted attribute, without letting it act.

    Parameters
    ----------
    text : object
        What to show; its ``str`` is taken.
    limit : int, optional
        Most characters of the original to show.

    Returns
    -------
    str
        As `printable` shows it, with ``& < > " '`` as entities: also well-formed XML.

    Examples
    --------
    >>> html_text("</b><img src=x onerror='alert(1)'>")
    '&lt;/b&gt;&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt;'
    """
    shown = printable(text, limit)
    for char, entity in _ENTITIES:
        shown = shown.replace(char, entity)
    return shown


def script_json(values: object) -> str:
    r"""Write a value as JSON that no text in it can end or open a ``<script>`` with.

    Parameters
    ----------
    values : object
        What `json.dumps` takes, without NaN and infinities.

    Returns
    -------
    str
        JSON in ASCII without spaces; ``<``, ``>`` and ``&`` are written as escapes, from which the
        text comes back exactly.

    Examples
    --------
    >>> print(script_json({"name": "</script><!--"}))
    {"name":"\u003c/script\u003e\u003c!--"}
    """
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
