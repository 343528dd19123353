"""The ledger's rows as bytes, and its tables: what is written, and how damage to it is seen.

A row is the clip id, how often it was granted, the record as JSON and a SHA-256 over the three, so
that no bit of a row, its key included, can change unseen. Each piece of bytes carries a SHA-256
over its clip, its kind and itself. Nothing here opens, begins or commits anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from midikit.fetch.archive import Record, damaged

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = [
    "ANSWER",
    "MIDI",
    "Row",
    "add_fragment",
    "clip_ids",
    "decode",
    "encode",
    "fragments",
    "read_bytes_of",
    "read_fragments",
    "read_row",
    "rows",
    "sha256",
    "write_bytes_of",
    "write_row",
]

ANSWER, MIDI = "answer", "midi"
_FRAGMENT = "fragment-"
_DEFAULTS = {item.name: item.default for item in fields(Record)}
_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


class Row(NamedTuple):
    """A row that was found as it was written.

    Parameters
    ----------
    grants : int
        How often a paid call was granted; never falls, whatever the record says.
    record : Record
        What it says.
    """

    grants: int
    record: Record


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes.

    Parameters
    ----------
    data : bytes
        The bytes.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> sha256(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()


def encode(record: Record) -> bytes:
    """Write a record as JSON: its fields in order, but those that have their default.

    Parameters
    ----------
    record : Record
        The record.

    Returns
    -------
    bytes
        The same bytes for the same record.

    Examples
    --------
    >>> encode(Record("29fc9d9e", "running", calls=2))
    b'{"clip_id":"29fc9d9e","state":"running","calls":2}'
    """
    values = ((name, getattr(record, name), default) for name, default in _DEFAULTS.items())
    # NaN, which JSON has not, is the default of the times; it differs from itself.
    kept = {name: value for name, value, default in values if value not in (default, None)}
    return msgspec.json.encode({name: v for name, v in kept.items() if v == v})  # noqa: PLR0124


def decode(data: bytes) -> Record:
    """Read what `encode` wrote.

    Parameters
    ----------
    data : bytes
        The JSON.

    Returns
    -------
    Record
        The record.

    Raises
    ------
    ValueError
        If it is no record.

    Examples
    --------
    >>> decode(b'{"clip_id":"29fc9d9e","state":"running","calls":2}').calls
    2
    """
    return _DECODER.decode(data)


def read_row(connection: sqlite3.Connection, clip_id: str) -> Row | None:
    """Look a clip up.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.
    clip_id : str
        The clip.

    Returns
    -------
    Row or None
        Its row, None if there is none.

    Raises
    ------
    InputError
        If it is damaged.
    """
    query = "SELECT clip_id, grants, record, digest FROM clips WHERE clip_id = ?"
    found = connection.execute(query, (clip_id,)).fetchone()
    if found is None:
        return None
    row = _checked(*found)
    if row is None or found[0] != clip_id:
        raise damaged(f"clip {clip_id}", "its row is not that of its SHA-256")
    return row


def clip_ids(connection: sqlite3.Connection) -> list[str]:
    """Name every clip.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.

    Returns
    -------
    list of str
        The keys of the ledger, in their order.
    """
    query = "SELECT clip_id FROM clips ORDER BY clip_id"
    return [str(clip_id) for (clip_id,) in connection.execute(query)]


def rows(connection: sqlite3.Connection) -> Iterator[tuple[object, Row | None, object]]:
    """Go through the ledger in one look, which writers do not wait for.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.

    Yields
    ------
    key : object
        The key of the row, which is the clip id unless it is damaged.
    row : Row or None
        The row, None if it is damaged.
    record : object
        The record as it is stored; bytes, unless it is damaged.
    """
    for found in connection.execute("SELECT clip_id, grants, record, digest FROM clips"):
        yield found[0], _checked(*found), found[2]


def write_row(connection: sqlite3.Connection, row: Row) -> None:
    """Replace the row of a clip.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive, in a transaction.
    row : Row
        The row.
    """
    clip_id, record = row.record.clip_id, encode(row.record)
    values = (clip_id, row.grants, record, _digest(clip_id, row.grants, record))
    connection.execute("INSERT OR REPLACE INTO clips VALUES (?, ?, ?, ?)", values)


def read_bytes_of(connection: sqlite3.Connection, clip_id: str, kind: str) -> bytes | None:
    """Read one piece of bytes of a clip.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.
    clip_id : str
        The clip.
    kind : str
        ``answer``, ``midi`` or that of a fragment.

    Returns
    -------
    bytes or None
        The bytes, None if there are none.

    Raises
    ------
    InputError
        If they are damaged.
    """
    query = "SELECT clip_id, kind, data, sha256 FROM bytes WHERE clip_id = ? AND kind = ?"
    found = connection.execute(query, (clip_id, kind)).fetchone()
    if found is None:
        return None
    data, digest = found[2:]
    same = found[:2] == (clip_id, kind) and isinstance(data, bytes)
    if not same or digest != _seal(clip_id, kind, data):
        raise damaged(f"clip {clip_id}", f"the bytes of its {kind} are not those of their SHA-256")
    return bytes(data)


def write_bytes_of(connection: sqlite3.Connection, clip_id: str, kind: str, data: bytes) -> None:
    """Replace one piece of bytes of a clip.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive, in a transaction.
    clip_id : str
        The clip.
    kind : str
        ``answer``, ``midi`` or that of a fragment.
    data : bytes
        The bytes.
    """
    values = (clip_id, kind, data, _seal(clip_id, kind, data))
    connection.execute("INSERT OR REPLACE INTO bytes VALUES (?, ?, ?, ?)", values)


def fragments(connection: sqlite3.Connection, clip_id: str) -> list[str]:
    """Name the fragments of a clip.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.
    clip_id : str
        The clip.

    Returns
    -------
    list of str
        Their kinds, the oldest first.
    """
    query = "SELECT kind FROM bytes WHERE clip_id = ? AND kind NOT IN (?, ?)"
    found = connection.execute(query, (clip_id, ANSWER, MIDI)).fetchall()
    return sorted((str(kind) for (kind,) in found), key=lambda kind: (len(kind), kind))


def read_fragments(connection: sqlite3.Connection, clip_id: str) -> tuple[bytes, ...]:
    """Read the fragments of a clip.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.
    clip_id : str
        The clip.

    Returns
    -------
    tuple of bytes
        The oldest first.

    Raises
    ------
    InputError
        If one is damaged.
    """
    pieces = (read_bytes_of(connection, clip_id, kind) for kind in fragments(connection, clip_id))
    return tuple(data for data in pieces if data is not None)


def add_fragment(connection: sqlite3.Connection, clip_id: str, data: bytes) -> None:
    """Keep a fragment beside those before it; one that is there already is not kept twice.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive, in a transaction.
    clip_id : str
        The clip.
    data : bytes
        The fragment.
    """
    kept = fragments(connection, clip_id)
    query = "SELECT 1 FROM bytes WHERE clip_id = ? AND kind = ? AND data = ?"
    if any(connection.execute(query, (clip_id, kind, data)).fetchone() for kind in kept):
        return
    number = 1
    while f"{_FRAGMENT}{number}" in kept:
        number += 1
    write_bytes_of(connection, clip_id, f"{_FRAGMENT}{number}", data)


def _checked(clip_id: object, grants: object, record: object, digest: object) -> Row | None:
    """Return a row if it is the one that was written."""
    if not (isinstance(clip_id, str) and isinstance(grants, int) and isinstance(record, bytes)):
        return None
    if digest != _digest(clip_id, grants, record):
        return None
    try:
        return Row(grants, decode(record))
    except ValueError:
        return None


def _digest(clip_id: str, grants: int, record: bytes) -> bytes:
    head = f"{clip_id}\0{grants}\0".encode("utf-8", "surrogatepass")
    return hashlib.sha256(head + record).digest()


def _seal(clip_id: str, kind: str, data: bytes) -> bytes:
    """Return the digest of a piece of bytes and where it belongs."""
    head = f"{clip_id}\0{kind}\0".encode("utf-8", "surrogatepass")
    return hashlib.sha256(head + hashlib.sha256(data).digest()).digest()
