"""The archive on disk: a SQLite ledger of what was paid for, with the bytes.

::

    HOME/archive.sqlite3    a row a clip, its answer, .mid and fragments, each with its SHA-256
    HOME/intents.log        a line a grant and delivery: see `intents`
    HOME/owners/            a locked file for each program that has it open

The folder is for its user alone, the files too. Any number of processes of one machine share it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from midikit.errors import OutputError
from midikit.escape import printable
from midikit.fetch.archive import Record, Reserved, Stored, check_clip_id, damaged, orphaned
from midikit.fetch.census import Census, mend_log, take_census
from midikit.fetch.database import open_to_read, told
from midikit.fetch.home import home_folder
from midikit.fetch.intents import IntentLog, key_of
from midikit.fetch.ledger import rows
from midikit.fetch.operations import Reservation, Storing, load_clip
from midikit.fetch.owners import Owners
from midikit.fetch.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from midikit.fetch.writer import Work

__all__ = ["SqliteArchive"]

T = TypeVar("T")

_PATIENCE = 5.0
_PATIENCE_PAID = 30.0


class SqliteArchive:
    """Answers, .mid files and the ledger of what was paid for, in a folder.

    Parameters
    ----------
    home : str, PathLike or None, optional
        The folder, made once something is stored; by default ``MIDIKIT_HOME``, which is the user's
        data folder unless set.

    Notes
    -----
    Safe to use from several threads, not in a process forked from the one that opened it. Writes
    of all threads share commits, so many at once are as fast as the disk allows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, SqliteArchive(folder) as archive:
    ...     granted, before = archive.reserve("29fc9d9e")
    ...     archive.store(Record("29fc9d9e", "delivered", calls=1), answer=b"{}")
    ...     archive.load("29fc9d9e").answer, archive.reserve("29fc9d9e").granted
    (b'{}', False)
    """

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self.home = home_folder() if home is None else Path(home)
        self.path = self.home / "archive.sqlite3"
        self._log = IntentLog(self.home / "intents.log")
        self._owners = Owners(self.home / "owners")
        self._writer = Writer(self.path, self._log)
        self._reader: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._census: Census | None = None
        self._closed = False
        self._pid = os.getpid()
        # Also closed when it is forgotten, or the program ends.
        self._end = weakref.finalize(self, _close, self._writer, self._owners, self._pid)

    def __repr__(self) -> str:
        return f"SqliteArchive({str(self.home)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written and let go of every clip and file."""
        with self._lock:
            if self._reader is not None and self._pid == os.getpid():
                self._reader.close()
            self._reader = None
            self._closed = True
        self._end()

    def load(self, clip_id: str) -> Stored | None:
        """Return what there is of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Stored or None
            Verified; with the .mid left out, and the damage said, if that alone is damaged; None
            if the clip was never seen.

        Raises
        ------
        InputError
            If its answer or its row is damaged or lost, or the archive cannot be read.
        """

        def read(connection: sqlite3.Connection) -> Stored | None:
            connection.execute("BEGIN")
            try:
                return load_clip(connection, clip_id, self._seen)
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")

        stored = self._reading(read)
        if stored is None:
            self._counted().check(clip_id, None)
        return stored

    def reserve(self, clip_id: str, *, resend_unknown: bool = False) -> Reserved:
        """Ask whether a paid call may be sent, and note that it is; atomic and durable.

        Parameters
        ----------
        clip_id : str
            The clip.
        resend_unknown : bool, optional
            Permit a call for a clip of unknown outcome.

        Returns
        -------
        Reserved
            Whether it may, and the row as it was.

        Raises
        ------
        InputError
            If it is no clip id, or anything kept of the clip is damaged.
        OutputError
            If the archive cannot be written, or another program keeps it locked.
        """
        check_clip_id(clip_id)
        census = self._counted(mend=True)
        reservation = Reservation(
            clip_id,
            resend_unknown=resend_unknown,
            owner=self._owner(),
            census=census,
            seen=self._seen,
        )
        reserved = self._writing(reservation.work, undo=reservation.undo)
        if reserved.granted:
            census.known.add(key_of(clip_id))
        return reserved

    def store(
        self,
        record: Record,
        *,
        answer: bytes | None = None,
        midi: bytes | None = None,
        fragment: bytes | None = None,
    ) -> None:
        """Replace a row and keep bytes with it; atomic, and durable when it returns.

        Parameters
        ----------
        record : Record
            The row; its two digests and the time of its change are filled in.
        answer, midi : bytes or None, optional
            The answer and the .mid; by default those that are there stay.
        fragment : bytes or None, optional
            What came of an answer that is not whole; kept beside the fragments before it.

        Raises
        ------
        InputError
            If it is no clip id, or the row that is there is damaged.
        OutputError
            If it cannot be written.

        Notes
        -----
        What is delivered stays delivered, with its first answer; another one becomes a fragment.
        """
        check_clip_id(record.clip_id)
        storing = Storing(record, answer, midi, fragment)
        paid = not (answer is None and midi is None and fragment is None)
        self._writing(storing.work, patience=_PATIENCE_PAID if paid else _PATIENCE)
        if self._census is not None:
            self._census.known.add(key_of(record.clip_id))

    def list(self) -> Iterator[Record]:
        """Go through the ledger.

        Yields
        ------
        Record
            One row a clip, by clip id.

        Raises
        ------
        InputError
            If a row is damaged, or the archive cannot be read.
        """
        connection = self._private_reader()
        if connection is None:
            return
        try:
            for key, row, _ in rows(connection):
                if row is None:
                    problem = "its row is not that of its SHA-256"
                    raise damaged(f"clip {printable(key)}", problem)
                yield self._seen(row.record)
        except sqlite3.Error as error:
            raise told(error, self.path, writing=False) from None
        finally:
            connection.close()

    def _seen(self, record: Record) -> Record:
        """Return a row with its holder only if that one is alive."""
        if self._owners.is_alive(record.owner):
            return record
        return orphaned(record)

    def _owner(self) -> str:
        try:
            return self._owners.name()
        except OSError as error:
            raise told(error, self.home / "owners", writing=True) from None

    def _counted(self, *, mend: bool = False) -> Census:
        """Return the census, which is taken once; with its first grant the log is mended."""
        with self._lock:
            census = self._census
            if census is None:
                connection = self._private_reader()
                try:
                    census = take_census(connection, self._log)
                except sqlite3.Error as error:
                    raise told(error, self.path, writing=False) from None
                finally:
                    if connection is not None:
                        connection.close()
                self._census = census
            missing = census.missing
            if mend and missing:
                try:
                    self._writing(lambda connection, _: mend_log(connection, self._log, missing))
                except OSError as error:
                    raise told(error, self._log.path, writing=True) from None
                census.missing = []
            return census

    def _private_reader(self) -> sqlite3.Connection | None:
        """Open a connection for one long look, which its caller closes."""
        self._check_process()
        return open_to_read(self.path)

    def _reading(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Read on the connection that all threads share; None if there is no archive yet."""
        self._check_process()
        with self._lock:
            if self._reader is None:
                self._reader = open_to_read(self.path)
            if self._reader is None:
                return None
            try:
                return work(self._reader)
            except sqlite3.Error as error:
                raise told(error, self.path, writing=False) from None

    def _writing(
        self,
        work: Work[T],
        *,
        undo: Work[None] | None = None,
        patience: float = _PATIENCE,
    ) -> T:
        self._check_process()
        return self._writer.run(work, undo=undo, patience=patience)

    def _check_process(self) -> None:
        """Refuse to work when closed, or in a forked child, which has its parent's locks."""
        if os.getpid() != self._pid:
            shown = printable(self.home, 200)
            problem = "opened by the process that this one was forked from; open it anew"
            raise OutputError(f"{shown}: {problem}")
        if self._closed:
            raise OutputError(f"{printable(self.home, 200)}: the archive is closed; open it anew")


def _close(writer: Writer, owners: Owners, pid: int) -> None:
    if os.getpid() == pid:
        writer.close()
        owners.close()
