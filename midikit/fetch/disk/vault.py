"""The files of an archive and how they are reached: one thread writes, everybody reads."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING, TypeVar

from midikit.errors import MidikitError, OutputError
from midikit.escape import printable
from midikit.fetch.archive import orphaned
from midikit.fetch.disk.census import mend_log, take_census
from midikit.fetch.disk.database import open_to_read, open_to_write, refuse_network, told
from midikit.fetch.disk.intents import IntentLog
from midikit.fetch.disk.owners import Owners
from midikit.fetch.disk.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from midikit.fetch.archive import Record
    from midikit.fetch.disk.census import Census
    from midikit.fetch.disk.writer import Work

__all__ = ["Vault"]

T = TypeVar("T")


class Vault:
    """The files of an archive.

    Parameters
    ----------
    home : Path
        The folder.
    """

    patience = 5.0
    """Seconds to wait for another program's lock before anything is paid."""

    patience_paid = 30.0
    """Seconds to wait with something that may have been paid for."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "archive.sqlite3"
        self.log = IntentLog(home / "intents.log")
        self._owners = Owners(home / "owners")
        self._writer = Writer(self.path, self.log)
        self._readers: list[sqlite3.Connection] = []
        self._lock = threading.RLock()
        self._census: Census | None = None
        self._pid = os.getpid()
        self._closed = self._is_local = False
        # Also closed when it is forgotten, or the program ends.
        self._end = weakref.finalize(
            self, _close, self._writer, self._owners, self._readers, self._pid
        )

    def close(self) -> None:
        """Finish what is being written and let go of every clip and file."""
        if os.getpid() != self._pid:
            return  # the lock may be held for ever, and all of it is the parent's
        with self._lock:
            self._closed = True
            self._end()

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Read on the connection that all threads share, in one look.

        Parameters
        ----------
        work : callable
            Gets the connection.

        Returns
        -------
        object or None
            What `work` returned; None if there is no archive yet.

        Raises
        ------
        InputError
            If the archive cannot be read, or `work` says so.
        OutputError
            If this object is closed, or of another process.
        """
        self.check_process()  # before the lock, which a thread of the parent may have held
        with self._lock:
            self.check_process()
            if not self._readers:
                opened = open_to_read(self.path)
                if opened is None:
                    return None
                self._readers.append(opened)
            (reader,) = self._readers
            try:
                reader.execute("BEGIN")
                return work(reader)
            except sqlite3.Error as error:
                raise told(error, self.path, writing=False) from None
            finally:
                if reader.in_transaction:
                    reader.execute("ROLLBACK")

    def write(self, work: Work[T], *, undo: Work[None] | None = None, paid: bool = False) -> T:
        """Do something in a transaction, together with what other threads do.

        Parameters
        ----------
        work : callable
            Gets the connection and a list for lines of the log; see `Writer.run`.
        undo : callable or None, optional
            Undoes it; see there.
        paid : bool, optional
            Wait longer for a lock: what is to be written may have been paid for.

        Returns
        -------
        object
            What `work` returned, which is on disk then.

        Raises
        ------
        InputError
            If the archive is damaged, or `work` says so.
        OutputError
            If it cannot be written.
        """
        self.check_process()
        patience = self.patience_paid if paid else self.patience
        try:
            return self._writer.run(work, undo=undo, patience=patience)
        except OSError as error:  # of the log, for work that writes to it by itself
            raise told(error, self.log.path, writing=True) from None

    def compact(self) -> None:
        """Give the room of removed bytes back to the disk, unless somebody is in the way."""
        with contextlib.suppress(sqlite3.Error, MidikitError):
            connection = open_to_write(self.path)
            try:
                connection.execute("VACUUM")
            finally:
                connection.close()

    def census(self, *, mend: bool = False) -> Census:
        """Return what must be there; it is looked at once.

        Parameters
        ----------
        mend : bool, optional
            Write what is missing in the log.

        Returns
        -------
        Census
            What was found.

        Raises
        ------
        InputError
            If the archive cannot be read.
        OutputError
            If the log is to be mended and cannot be written.
        """
        self.check_process()  # before the lock, which a thread of the parent may have held
        with self._lock:
            self.check_process()
            if self._census is None:
                connection = open_to_read(self.path)
                try:
                    self._census = take_census(connection, self.log)
                except sqlite3.Error as error:
                    raise told(error, self.path, writing=False) from None
                finally:
                    if connection is not None:
                        connection.close()
            census = self._census
            if mend and census.missing:
                self.write(lambda connection, _: mend_log(connection, self.log, census.missing))
                census.missing = []
            return census

    def probe(self) -> None:
        """Do everything that a grant does, but the grant.

        Raises
        ------
        InputError
            If the archive is damaged.
        OutputError
            If it cannot be written, or another program keeps it locked.
        """
        self.census(mend=True)
        self.owner()
        self.write(lambda _, __: self.log.append([]))

    def seen(self, record: Record) -> Record:
        """Return a record with its holder only if that one is alive.

        Parameters
        ----------
        record : Record
            The record.

        Returns
        -------
        Record
            What it means now.
        """
        return record if self._owners.is_alive(record.owner) else orphaned(record)

    def owner(self) -> str:
        """Return the name of this object as a holder.

        Returns
        -------
        str
            The name.

        Raises
        ------
        OutputError
            If its lock cannot be taken, or the folder lies on another machine.
        """
        with self._lock:
            if not self._is_local:  # looked at once: reading the mounts was 5 % of a large batch
                refuse_network(self.path)
                self._is_local = True
            try:
                return self._owners.name()
            except OSError as error:
                raise told(error, self.home / "owners", writing=True) from None

    def check_process(self) -> None:
        """Refuse to work when closed, or in a forked child, whose locks are its parent's.

        Raises
        ------
        OutputError
            If so.
        """
        shown = printable(self.home, 200)
        if os.getpid() != self._pid:
            problem = "opened by the process that this one was forked from; open it anew"
            raise OutputError(f"{shown}: {problem}")
        if self._closed:
            raise OutputError(f"{shown}: the archive is closed; open it anew")


def _close(writer: Writer, owners: Owners, readers: list[sqlite3.Connection], pid: int) -> None:
    """Close what is open, in the process that opened it."""
    if os.getpid() != pid:
        return
    while readers:
        readers.pop().close()
    writer.close()
    owners.close()
