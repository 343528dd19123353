"""Names of files, out of names from anywhere."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from midikit.escape.terminal import is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["each_stem", "file_stem", "folded", "unique_stems"]

_STEM_BYTES = 120
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
    + [f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"]
)
_UNSAFE_IN_STEM = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*]+')


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
    clean = "".join(" " if char.isspace() else "_" if is_hidden(char) else char for char in head)
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
