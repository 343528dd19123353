"""One thread that writes: what many callers ask for at once goes to disk in one commit.

A durable commit waits for the disk, some milliseconds whatever is in it. Callers put their work
into a queue and wait; the thread does all that is queued in one transaction, and tells nobody
before it is on disk. So 64 callers get 64 times as much done as one after the other.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from midikit.errors import OutputError
from midikit.escape import printable
from midikit.fetch.disk.database import is_busy, open_to_write, told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from midikit.fetch.disk.intents import IntentLog

__all__ = ["Work", "Writer"]

T = TypeVar("T")
Work: TypeAlias = "Callable[[sqlite3.Connection, list[bytes]], T]"
"""What is done in a transaction; it may add lines for the log."""

_MOST_JOBS = 256
_NAP_SECONDS = 0.004
_DRAIN_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class _Job:
    """A piece of work, and what came of it."""

    work: Callable[[sqlite3.Connection, list[bytes]], Any]
    undo: Callable[[sqlite3.Connection, list[bytes]], Any] | None
    deadline: float
    done: threading.Event = field(default_factory=threading.Event)
    lines: list[bytes] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        """Let go of whoever waits."""
        self.error = error
        self.done.set()


class Writer:
    """The thread and its connection, both made when something is first written.

    Parameters
    ----------
    path : Path
        The database.
    log : IntentLog
        Where lines go after the commit.
    """

    def __init__(self, path: Path, log: IntentLog) -> None:
        self._path = path
        self._log = log
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: os.stat_result | None = None
        self._closed = False

    def run(
        self,
        work: Work[T],
        *,
        undo: Work[None] | None = None,
        patience: float,
    ) -> T:
        """Do a piece of work in a transaction and wait until it is on disk.

        Parameters
        ----------
        work : callable
            Gets the connection and a list to which it may add lines for the log. May run more
            than once, if the transaction it was in fails.
        undo : callable or None, optional
            Undoes it, for work that must not stand when its lines cannot be written or nobody
            waits for it any more. It may be called although nothing was done.
        patience : float
            Seconds to wait for another program's lock.

        Returns
        -------
        object
            What `work` returned.

        Raises
        ------
        InputError
            If the database is damaged, or `work` says so.
        OutputError
            If it cannot be written.
        """
        job = _Job(work, undo, time.monotonic() + patience)
        with self._lock:
            if self._closed:
                problem = "the archive is closed; open it anew"
                raise OutputError(f"{printable(self._path, 300)}: {problem}")
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._loop, name="midikit-archive", daemon=True
                )
                self._thread.start()
            self._queue.put(job)
        try:
            job.done.wait()
        except BaseException:
            # Interrupted: what nobody heard of must not stand as a call that was sent.
            if undo is not None:
                last = _Job(undo, None, time.monotonic() + patience)
                self._queue.put(last)
                last.done.wait(_DRAIN_SECONDS)
            raise
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def close(self) -> None:
        """Finish what is queued and close the database."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        # This thread itself closes, if it was the last to know of an archive that was forgotten.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _loop(self) -> None:
        """Take what is queued, until the end is."""
        ended = False
        while not ended:
            batch: list[_Job] = []
            item = self._queue.get()
            with contextlib.suppress(queue.Empty):
                while item is not None:
                    batch.append(item)
                    if len(batch) >= _MOST_JOBS:
                        break
                    item = self._queue.get_nowait()
            ended = item is None
            try:
                self._commit(batch)
            except BaseException as error:  # noqa: BLE001 - whoever waits must hear of it
                for job in batch:
                    if not job.done.is_set():
                        job.end(error)
            del item, batch  # work that is done must not keep its archive or its bytes in memory
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()

    def _commit(self, batch: list[_Job]) -> None:
        """Do a batch in one transaction; if that fails, each in one of its own."""
        batch = self._begin(batch)
        if not batch:
            return
        connection = self._connection
        assert connection is not None
        try:
            failed = [(job, self._do(connection, job)) for job in batch]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            if len(batch) > 1:
                for job in batch:
                    self._commit([job])
            else:
                batch[0].end(told(error, self._path, writing=True))
            return
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        for job, problem in failed:
            if problem is not None:
                job.end(problem)
        self._write_lines([job for job, problem in failed if problem is None])

    def _begin(self, batch: list[_Job]) -> list[_Job]:
        """Begin a transaction; return the jobs that had the patience."""
        while batch:
            try:
                if self._connection is None:
                    self._connection = open_to_write(self._path)
                    self._file = self._path.stat()
                self._check_file()
                self._connection.execute("BEGIN IMMEDIATE")
            except (sqlite3.Error, OSError, OutputError) as error:
                busy = is_busy(error)
                problem: Exception = error
                if isinstance(error, (sqlite3.Error, OSError)):
                    problem = told(error, self._path, writing=True)
            else:
                return batch
            now = time.monotonic()
            for job in batch:
                if not busy or now >= job.deadline:
                    job.end(problem)
            batch = [job for job in batch if not job.done.is_set()]
            if batch:
                # Short naps of random length: another process that writes all the time leaves
                # the lock for some milliseconds only, and SQLite's own naps are far longer.
                time.sleep(random.uniform(0.1, 1.0) * _NAP_SECONDS)  # noqa: S311
        return batch

    def _check_file(self) -> None:
        """Refuse to write into a file that was removed: SQLite does, and it is gone in the end."""
        with contextlib.suppress(FileNotFoundError):
            if self._file is not None and os.path.samestat(self._file, self._path.stat()):
                return
        problem = "was moved or removed while it was open; open it anew"
        raise OutputError(f"{printable(self._path, 300)}: {problem}")

    def _do(self, connection: sqlite3.Connection, job: _Job) -> BaseException | None:
        """Do one job so that its failing costs the others nothing; return what it raised."""
        job.lines = []
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(connection, job.lines)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised where the job was asked for
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            return error
        connection.execute("RELEASE job")
        return None

    def _write_lines(self, jobs: list[_Job]) -> None:
        """Write the lines of what was committed, then let go of whoever waits for it."""
        lines = [line for job in jobs for line in job.lines]
        problem = None
        if lines:
            try:
                self._log.append(lines)
            except OSError as error:
                problem = told(error, self._log.path, writing=True)
        for job in jobs:
            if problem is None or job.undo is None or not job.lines:
                job.end()
                continue
            last = _Job(job.undo, None, job.deadline)
            self._commit([last])
            job.end(problem)
