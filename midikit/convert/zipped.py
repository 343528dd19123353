"""Several files as one .zip: the same bytes on every machine."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from midikit.errors import ConversionError
from midikit.escape import file_stem, folded, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["plain_entry", "to_zip"]

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The first that the format has: when files were written is nobody's business."""

_UNIX = 3
_RIGHTS = 0o644 << 16


def plain_entry(name: str, compress_type: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    """Describe a member of a .zip by constants alone.

    Parameters
    ----------
    name : str
        Its name.
    compress_type : int, optional
        How it is compressed, as `zipfile` numbers it.

    Returns
    -------
    ZipInfo
        Of one fixed date, with the rights of a plain file on Unix.

    Examples
    --------
    >>> plain_entry("a.mid").date_time
    (1980, 1, 1, 0, 0, 0)
    """
    entry = zipfile.ZipInfo(name, _MOMENT)
    entry.compress_type = compress_type
    entry.create_system = _UNIX
    entry.external_attr = _RIGHTS
    return entry


def to_zip(files: Mapping[str, bytes]) -> bytes:
    """Put files into a .zip.

    Parameters
    ----------
    files : mapping of str to bytes
        Content of each by its name; a plain name that stays in the folder it is unpacked in.

    Returns
    -------
    bytes
        The archive: members by name, of one fixed date, stored as they are, since what compresses
        them differs from machine to machine.

    Raises
    ------
    ConversionError
        If a name is no safe file name, or two would be one file on some system.

    Examples
    --------
    >>> import io, zipfile
    >>> data = to_zip({"b.mid": b"MThd", "a.mid": b""})
    >>> zipfile.ZipFile(io.BytesIO(data)).namelist()
    ['a.mid', 'b.mid']
    """
    seen = set()
    for name in files:
        if not name or file_stem(name, "") != name:
            raise ConversionError(f"{quoted(name)} is no safe name for a member of a .zip")
        if folded(name) in seen:
            raise ConversionError(f"{quoted(name)} is in the .zip twice but for case")
        seen.add(folded(name))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(plain_entry(name), files[name])
    return buffer.getvalue()
