"""A second bookkeeping beside the database: which clips it must know, in a file that only grows.

A lost row looks like a clip that was never paid for. So each grant, each delivery and each first
.mid is also one line here, written after its commit and before anybody hears of it: every line has
its row, unless something is damaged. A clip with a line and without a row is never bought.

::

    R5b243bffe11b53e800016b4080eb     granted for the first time
    D5b243bffe11b53e80001d69997c1     delivered
    M5b243bffe11b53e800016cb11d29     delivered with its .mid
    -5b243bffe11b53e800010f987500     removed, written before its row is

A line is the event, 16 digits of the SHA-256 of the clip id, four of how often it was granted, and
a CRC-32 of all that. Each batch of lines begins with an empty one, so that a torn end of the file
spoils no line after it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from midikit.errors import InputError
from midikit.escape import printable

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.fetch.archive import Record

__all__ = ["STAGES", "Claims", "IntentLog", "key_of", "line_of", "stage_of"]

STAGES = "RDM"
"""How far a clip has come: granted, delivered, delivered with its .mid."""

_HEAD = 21
_MOST_GRANTS = 0xFFFF
_FILE_MODE = 0o600
_REMOVAL = "-"


def key_of(clip_id: str) -> int:
    """Return what stands for a clip in the log.

    Parameters
    ----------
    clip_id : str
        The clip.

    Returns
    -------
    int
        64 bits of its SHA-256.

    Examples
    --------
    >>> f"{key_of('29fc9d9e'):016x}"
    '5b243bffe11b53e8'
    """
    digest = hashlib.sha256(clip_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def stage_of(record: Record) -> int:
    """Tell how far a clip has come.

    Parameters
    ----------
    record : Record
        Its row.

    Returns
    -------
    int
        Index into `STAGES`.
    """
    if record.state != "delivered":
        return 0
    return 2 if record.midi_sha256 else 1


def line_of(event: str, clip_id: str, grants: int) -> bytes:
    """Write a line.

    Parameters
    ----------
    event : {"R", "D", "M", "-"}
        One of `STAGES`, or that it was removed.
    clip_id : str
        The clip.
    grants : int
        How often it was granted.

    Returns
    -------
    bytes
        The line with its end.

    Examples
    --------
    >>> line_of("R", "29fc9d9e", 1)[:21]
    b'R5b243bffe11b53e80001'
    """
    head = b"%b%016x%04x" % (event.encode(), key_of(clip_id), min(grants, _MOST_GRANTS))
    return b"%b%08x\n" % (head, zlib.crc32(head))


@dataclass(slots=True)
class Claims:
    """What the log says, all lines taken together.

    Parameters
    ----------
    grants : dict of int to int
        How often each clip was granted, by the key of the clip.
    stages : dict of int to int
        How far those came that were delivered: see `STAGES`.
    lines : int
        Lines that were read.
    damaged : int
        Lines that are none.
    """

    grants: dict[int, int] = field(default_factory=dict)
    stages: dict[int, int] = field(default_factory=dict)
    lines: int = 0
    damaged: int = 0


class IntentLog:
    """The file.

    Parameters
    ----------
    path : Path
        Where it is; it is made when something is appended.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = IntentLog(pathlib.Path(folder, "intents.log"))
    ...     log.append([line_of("R", "29fc9d9e", 1)])
    ...     list(log.read().grants.values())
    [1]
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, lines: list[bytes]) -> None:
        """Add lines; when this returns they survive a power cut.

        Parameters
        ----------
        lines : list of bytes
            Lines of `line_of`.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags, _FILE_MODE)
        try:
            if os.name != "nt":
                os.fchmod(descriptor, _FILE_MODE)
            # One write: lines of two processes do not mix.
            data = b"\n" + b"".join(lines) if lines else b""
            if os.write(descriptor, data) != len(data):
                raise OSError(None, "the file takes only a part of it")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Claims:
        """Read every line.

        Returns
        -------
        Claims
            What they say; empty if there is no file.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        claims = Claims()
        try:
            with contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
                for line in file:
                    if line != b"\n":
                        _count(claims, line)
        except OSError as error:
            shown = printable(self.path, 300)
            raise InputError(shown, "", f"cannot be read: {error.strerror}") from None
        return claims


def _count(claims: Claims, line: bytes) -> None:
    """Add what a line says."""
    claims.lines += 1
    head = line[:_HEAD]
    # As it is written and no other way: int() would take capitals and more for the same number.
    if line[_HEAD:] != b"%08x\n" % zlib.crc32(head) or len(head) != _HEAD:
        claims.damaged += 1
        return
    event, key, number = chr(head[0]), int(head[1:17], 16), int(head[17:], 16)
    if event == _REMOVAL:
        claims.grants.pop(key, None)
        claims.stages.pop(key, None)
        return
    claims.grants[key] = max(number, claims.grants.get(key, 0))
    # A delivery after a .mid is a clip that was restored from a copy without one.
    if (stage := STAGES.find(event)) > 0:
        claims.stages[key] = stage
