"""The archive's database file: opened for writing or reading, kept private, its faults in words.

WAL with ``synchronous=FULL``: a commit survives a power cut, and readers never wait for writers.
The schema has a number; a database of an older one is brought forward step by step, each step in a
transaction, and one of a newer midikit is refused.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from midikit.errors import InputError, MidikitError, OutputError
from midikit.escape import printable
from midikit.fetch.home import HOME_VARIABLE, WRITABLE_HINT, make_private, network_file_system

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SCHEMA_VERSION", "is_busy", "open_to_read", "open_to_write", "refuse_network", "told"]

_APPLICATION = 0x6D696469
_STEPS = (
    f"""
    CREATE TABLE clips (
        clip_id TEXT PRIMARY KEY, grants INTEGER NOT NULL,
        record BLOB NOT NULL, digest BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE bytes (
        clip_id TEXT NOT NULL, kind TEXT NOT NULL,
        data BLOB NOT NULL, sha256 BLOB NOT NULL, PRIMARY KEY (clip_id, kind)
    );
    PRAGMA application_id = {_APPLICATION};
    """,
)
"""What each version of the schema adds to the one before."""

SCHEMA_VERSION = len(_STEPS)
"""The version of the schema that this midikit reads and writes."""

_FILE_MODE = 0o600
_CHECKPOINT_PAGES = 4000
_PATIENCE_SECONDS = 5.0
_DAMAGE = frozenset([sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR])
_BUSY = frozenset([sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED])


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the database, which is made if it is not there, with nothing begun.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    sqlite3.Connection
        In autocommit mode, usable from any thread; it never waits for a lock by itself.

    Raises
    ------
    InputError
        If it is damaged, or of a newer midikit.
    OutputError
        If it cannot be made or written.
    sqlite3.OperationalError
        If another connection is in the way, which passes: see `is_busy`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     connection = open_to_write(pathlib.Path(folder, "a.sqlite3"))
    ...     tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    ...     connection.close()
    >>> ("clips",) in tables
    True
    """
    refuse_network(path)
    make_private(path.parent)
    try:
        _make_private_file(path)
        connection = _connect(path, "rw", seconds=_PATIENCE_SECONDS)
    except (sqlite3.Error, OSError) as error:
        raise told(error, path, writing=True) from None
    try:
        if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
            raise sqlite3.OperationalError("the file system keeps no write-ahead log")  # noqa: TRY301
        connection.execute("PRAGMA synchronous = FULL")
        # Fewer, larger checkpoints: each syncs the database file, and 64 clips share one.
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        _migrate(connection, path)
        connection.execute("PRAGMA busy_timeout = 0")
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error) and not is_busy(error):
            raise told(error, path, writing=True) from None
        raise
    return connection


def open_to_read(path: Path) -> sqlite3.Connection | None:
    """Open the database for reading alone, also in a folder that cannot be written.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    sqlite3.Connection or None
        In autocommit mode, usable from any thread; None if there is no archive yet.

    Raises
    ------
    InputError
        If it is damaged, of a newer midikit, or cannot be read.
    """
    try:
        if not path.stat().st_size:
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise told(error, path, writing=False) from None
    refuse_network(path)
    connection = None
    try:
        connection = _connect(path, "rw", seconds=_PATIENCE_SECONDS)
        try:
            version = _version(connection, path)
        except sqlite3.OperationalError:
            wal = path.with_name(f"{path.name}-wal")
            if os.access(path.parent, os.W_OK) or (wal.exists() and wal.stat().st_size):
                raise
            # Nobody can write there, and nothing waits in a log: the file is all there is.
            connection.close()
            connection = _connect(path, "ro&immutable=1", seconds=0.0)
            version = _version(connection, path)
        if version == 0:
            connection.close()
            return None
        connection.execute("PRAGMA query_only = 1")
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, (sqlite3.Error, OSError)):
            raise told(error, path, writing=False) from None
        raise
    return connection


def refuse_network(path: Path) -> None:
    """Refuse a file of another machine: the memory that WAL shares is that of one.

    Parameters
    ----------
    path : Path
        The database.

    Raises
    ------
    OutputError
        If it is one.
    """
    kind = network_file_system(path.parent)
    if kind:
        problem = f"lies on a network file system ({kind}), where paying once cannot be kept"
        hint = f"set {HOME_VARIABLE} to a folder on this machine"
        raise OutputError(f"{printable(path.parent, 300)}: {problem}; {hint}")


def told(error: sqlite3.Error | OSError, path: Path, *, writing: bool) -> MidikitError:
    """Say a fault of the database in one line.

    Parameters
    ----------
    error : sqlite3.Error or OSError
        What was raised.
    path : Path
        The database.
    writing : bool
        Whether something was to be written.

    Returns
    -------
    MidikitError
        The error to raise: `InputError` for damage and what cannot be read, else `OutputError`.
    """
    shown = printable(path, 300)
    reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
    if _code_of(error) in _DAMAGE:
        problem = f"damaged: {reason}; restore it from a copy, nothing is bought meanwhile"
        return InputError(shown, "", problem)
    if is_busy(error):
        reason = "locked by another program"
    if not writing:
        return InputError(shown, "", f"cannot be read: {reason}; check {HOME_VARIABLE}")
    return OutputError(f"{shown}: cannot be written: {reason}; {WRITABLE_HINT}")


def is_busy(error: BaseException) -> bool:
    """Tell whether another connection is in the way, which passes.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    bool
        Whether it is worth trying again.
    """
    return _code_of(error) in _BUSY


def _code_of(error: BaseException) -> int:
    """Return SQLite's code; a connection that was closed has none, nor has any other error."""
    return int(getattr(error, "sqlite_errorcode", -1)) & 0xFF


def _connect(path: Path, mode: str, *, seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    # A damaged text is text all the same, which its digest then does not fit.
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _make_private_file(path: Path) -> None:
    """Make the file, or close it to others; SQLite gives its log and memory the same mode.

    One that is there is never opened here: closing it again would take away the locks that SQLite
    holds on it in this process, as POSIX has it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, flags, _FILE_MODE))
    if os.name != "nt" and path.stat().st_mode & 0o777 != _FILE_MODE:
        path.chmod(_FILE_MODE)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the schema; refuse what is newer or of another program."""
    begins = not connection.in_transaction
    if begins:  # one look: somebody may be making the tables right now
        connection.execute("BEGIN")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        if begins and connection.in_transaction:
            connection.execute("ROLLBACK")
    shown = printable(path, 300)
    if version == application == tables == 0:
        return 0
    if application != _APPLICATION or version < 1 or not tables:
        problem = "damaged: no archive of midikit, or its first page is damaged"
        raise InputError(shown, "", f"{problem}; restore it from a copy, nothing is bought")
    if version > SCHEMA_VERSION:
        problem = f"made by a newer midikit (schema {version}, this one knows {SCHEMA_VERSION})"
        raise InputError(shown, "", f"{problem}; update midikit")
    return int(version)


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema forward."""
    while (version := _version(connection, path)) < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been faster.
            if _version(connection, path) == version:
                for statement in _STEPS[version].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
