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
from midikit.fetch.census import mend_log, take_census
from midikit.fetch.database import open_to_read, open_to_write, told
from midikit.fetch.intents import IntentLog
from midikit.fetch.owners import Owners
from midikit.fetch.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from midikit.fetch.archive import Record
    from midikit.fetch.census import Census
    from midikit.fetch.writer import Work

__all__ = ["Vault"]

T = TypeVar("T")

_PATIENCE = 5.0


class Vault:
    """The files of an archive.

    Parameters
    ----------
    home : Path
        The folder.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "archive.sqlite3"
        self.log = IntentLog(home / "intents.log")
        self._owners = Owners(home / "owners")
        self._writer = Writer(self.path, self.log)
        self._reader: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._census: Census | None = None
        self._pid = os.getpid()
        self._closed = False
        # Also closed when it is forgotten, or the program ends.
        self._end = weakref.finalize(self, _close, self._writer, self._owners, self._pid)

    def close(self) -> None:
        """Finish what is being written and let go of every clip and file."""
        with self._lock:
            if self._reader is not None and self._pid == os.getpid():
                self._reader.close()
            self._reader = None
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
        with self._lock:
            self.check_process()
            if self._reader is None:
                self._reader = open_to_read(self.path)
            if self._reader is None:
                return None
            try:
                self._reader.execute("BEGIN")
                return work(self._reader)
            except sqlite3.Error as error:
                raise told(error, self.path, writing=False) from None
            finally:
                if self._reader.in_transaction:
                    self._reader.execute("ROLLBACK")

    def write(
        self, work: Work[T], *, undo: Work[None] | None = None, patience: float = _PATIENCE
    ) -> T:
        """Do something in a transaction, together with what other threads do.

        Parameters
        ----------
        work, undo, patience
            See `Writer.run`.

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
            If its lock cannot be taken.
        """
        with self._lock:
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


def _close(writer: Writer, owners: Owners, pid: int) -> None:
    if os.getpid() == pid:
        writer.close()
        owners.close()
