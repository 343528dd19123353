"""Text on its way out: terminals, file names and CSV cells, each with what it must not carry.

Names come from a third party and are kept exactly as they are inside the model, the .mid and JSON.
Whatever is printed, used as a file name or opened in a spreadsheet goes through this room first.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["csv_cell", "each_stem", "file_stem", "printable", "quoted", "unique_stems"]

_SHOWN = 80
_STEM_BYTES = 120
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³"]
)
_UNSAFE_IN_STEM = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*]+')
_FORMULA = tuple("=+-@|%\uff1d\uff0b\uff0d\uff20")
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")


def _is_hidden(char: str) -> bool:
    """Whether a terminal would obey, hide or misplace this character instead of showing it."""
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
        Control, C1, format, bidi, surrogate and unassigned characters as escapes, cut at `limit`.

    Examples
    --------
    >>> print(printable("Lead\x1b[2J"))
    Lead\x1b[2J
    """
    whole = str(text)
    shown = whole[:limit]
    if not _PLAIN.match(shown):
        shown = "".join(
            char.encode("unicode_escape").decode("ascii") if _is_hidden(char) else char
            for char in shown
        )
    return shown + "…" if len(whole) > limit else shown


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


def file_stem(name: str, fallback: str = "untitled") -> str:
    r"""Turn any name into one safe component of a file name.

    Parameters
    ----------
    name : str
        A name from the input, such as an instrument's.
    fallback : str, optional
        What to use when nothing of the name is left.

    Returns
    -------
    str
        Without separators, control characters, reserved characters, leading or trailing dots and
        spaces or a leading dash; no device name of Windows; at most 120 bytes of UTF-8. A name that
        had to be cut ends in a digest of the whole.

    Examples
    --------
    >>> file_stem("../etc/passwd"), file_stem("NUL"), file_stem("Synth Voice")
    ('etc_passwd', 'NUL_', 'Synth Voice')
    """
    clean = "".join("_" if _is_hidden(char) else char for char in name[: 4 * _STEM_BYTES])
    clean = _UNSAFE_IN_STEM.sub("_", unicodedata.normalize("NFC", clean))
    clean = clean.strip(" ._-").lstrip("~")
    if len(name) > 4 * _STEM_BYTES or len(clean.encode()) > _STEM_BYTES:
        import hashlib  # noqa: PLC0415 - loads OpenSSL, and few names are that long

        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        cut = clean.encode()[: _STEM_BYTES - 9].decode("utf-8", "ignore").rstrip(" ._-")
        clean = f"{cut}-{digest}"
    if clean.split(".")[0].rstrip(" ").lower() in _DEVICES:
        clean += "_"
    return clean or fallback


def unique_stems(names: list[str], fallback: str = "untitled") -> list[str]:
    """Turn names into safe file names that no file system confuses.

    Parameters
    ----------
    names : list of str
        Names from the input, in order.
    fallback : str, optional
        What to use for a name of which nothing is left.

    Returns
    -------
    list of str
        One stem a name; a later one that is the same but for case gets ``(2)`` and so on.

    Examples
    --------
    >>> unique_stems(["Bass", "bass", "a/b", "a:b"])
    ['Bass', 'bass (2)', 'a_b', 'a_b (2)']
    """
    return list(each_stem(names, fallback))


def each_stem(names: Iterable[str], fallback: str = "untitled") -> Iterator[str]:
    """Do the same with a stream of names.

    Parameters
    ----------
    names : iterable of str
        Names from the input, in order.
    fallback : str, optional
        What to use for a name of which nothing is left.

    Yields
    ------
    str
        One stem a name. Some 100 bytes are kept of each.
    """
    taken: set[str] = set()
    used: dict[str, int] = {}
    for name in names:
        candidate = stem = file_stem(name, fallback)
        while (folded := _folded(candidate)) in taken:
            used[_folded(stem)] = number = used.get(_folded(stem), 1) + 1
            candidate = f"{stem} ({number})"
        taken.add(folded)
        yield candidate


def _folded(stem: str) -> str:
    """Return what two names have in common where a file system takes them for one."""
    return unicodedata.normalize("NFKC", stem).casefold()


def csv_cell(text: str) -> str:
    """Make text safe to open in a spreadsheet.

    Parameters
    ----------
    text : str
        The text of one cell.

    Returns
    -------
    str
        Control characters escaped; a leading ``= + - @``, tab or return gets an apostrophe in
        front, so that no program takes it for a formula.

    Examples
    --------
    >>> csv_cell("=1+1"), csv_cell("Koto")
    ("'=1+1", 'Koto')
    """
    shown = printable(text, limit=len(text))
    return "'" + shown if shown.lstrip()[:1] in _FORMULA else shown
