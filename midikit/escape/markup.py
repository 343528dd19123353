"""Text that a browser or a spreadsheet is given: it stays text."""

from __future__ import annotations

import json
import re

from midikit.escape.terminal import SHOWN, escaped, printable

__all__ = ["csv_cell", "html_text", "script_json"]

_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;"))
_FORMULA = (
    r"[=+\-@|%\u2212\u207a\u207c\u208a\u208c\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6a\ufe6b"
    r"\uff05\uff0b\uff0d\uff1d\uff20\uff5c]"
)
"""What may make a formula of a cell, wide and small forms included."""

# Each run of separators, quotes and spaces is looked at once, however long it is.
_CELL_BEGIN = re.compile(rf"""(?<![,;|"'\s])[\s']*+[,;|"][,;|"'\s]*+(?={_FORMULA})""")
_FORMULA_BEGIN = re.compile(rf"\s*+{_FORMULA}")


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
    shown = escaped(text)
    cell = _CELL_BEGIN.sub(lambda begin: f"{begin[0]}'", shown)
    return f"'{cell}" if _FORMULA_BEGIN.match(cell) else cell


def html_text(text: object, limit: int = SHOWN) -> str:
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
