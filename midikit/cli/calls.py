"""Paid calls for one command: each clip asked for once, no paid answer lost, none after a refusal.

They run in threads of their own, so that Ctrl-C does not lose what is being paid for.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import click

from midikit.cli.exits import Exit
from midikit.cli.report import is_terminal
from midikit.errors import DeadlineError, OutputError, RemoteError, UnsavedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from midikit.fetch.client import Clip
    from midikit.fetch.sqlite import SqliteArchive

__all__ = ["LARGE_BATCH", "Fetcher", "NotAskedError", "draining", "refuse_large_batch", "wait_for"]

LARGE_BATCH = 100
"""Most clips that are paid for without a limit when nobody looks on."""

_TICK = 0.1


@contextlib.contextmanager
def draining(jobs: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Run calls in a pool; Ctrl-C lets those that are out come back, a second one does not.

    Parameters
    ----------
    jobs : int
        Calls at a time.
    stop : threading.Event
        Set once no further call may be made.

    Yields
    ------
    ThreadPoolExecutor
        The pool. At the end what has not begun is cancelled.
    """
    pool = ThreadPoolExecutor(jobs, "midikit-fetch")
    try:
        yield pool
    except KeyboardInterrupt:
        stop.set()
        text = "stopping; waiting for the calls that are out (Ctrl-C again to leave)"
        click.echo(text, err=True)
        try:
            pool.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            os._exit(Exit.INTERRUPTED)  # the threads of the pool would be waited for
        raise
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


class NotAskedError(RemoteError):
    """A clip that was not asked for, because what ended an earlier one would have ended it too."""


class Fetcher:
    """Fetches clips for one command.

    A clip is asked for once, whatever comes of it and however often it is named. After what every
    other clip would meet as well, a refused token for example, none is asked for any more.

    Parameters
    ----------
    deadline : float
        Seconds for each clip.
    resend_unknown : bool, optional
        Ask again for clips of which nobody knows whether they were charged.
    max_credits : int or None, optional
        Most calls that may be charged, over all clips.
    """

    def __init__(
        self, *, deadline: float, resend_unknown: bool = False, max_credits: int | None = None
    ) -> None:
        self._deadline = deadline
        self._resend_unknown = resend_unknown
        self._max_credits = max_credits
        self._failed: dict[str, Exception] = {}
        self._lock = threading.Lock()
        self._budget = None
        if max_credits is not None:
            from midikit.fetch.budget import Budget  # noqa: PLC0415 - most have none

            self._budget = Budget(max_credits)
        self._archive: SqliteArchive | None = None
        self.ended_by: Exception | None = None

    def fetch(self, clip_id: str, stop: threading.Event) -> Clip:
        """Fetch one clip; what was paid for is in the archive, in a file, or on stdout.

        Parameters
        ----------
        clip_id : str
            The clip.
        stop : threading.Event
            Set once no further call may be made; set here after what ends the command.

        Returns
        -------
        Clip
            The clip.

        Raises
        ------
        NotAskedError
            If no clip is asked for any more.
        MidikitError
            As `Client.fetch`; the same again for a clip that has failed before.
        """
        failed = self._failed.get(clip_id)
        if failed is not None:
            raise failed.with_traceback(None)
        if self.ended_by is not None or stop.is_set():
            raise NotAskedError(clip_id, f"not asked for, since {self._ending()}")
        from midikit.fetch.attempts import ends_batch  # noqa: PLC0415 - the help needs none of it

        try:
            return self._fetch(clip_id, stop)
        except Exception as error:
            self._failed[clip_id] = error
            if ends_batch(error, self._deadline):
                self.ended_by = error
                stop.set()  # at once, before another thread pays or asks in vain
            raise

    def _fetch(self, clip_id: str, stop: threading.Event) -> Clip:
        """Ask for a clip, and print what could be kept nowhere."""
        from midikit.fetch.client import Client  # noqa: PLC0415 - loads numpy

        def sleep(seconds: float) -> None:
            if stop.wait(seconds):
                raise DeadlineError(clip_id, "stopped while it was not ready yet; fetch it again")

        with Client(sleep=sleep, budget=self._budget, archive=self._open_archive()) as client:
            try:
                return client.fetch(
                    clip_id, deadline=self._deadline, resend_unknown=self._resend_unknown
                )
            except UnsavedError as error:
                if error.path:
                    raise
                text = error.told(self._print(client.unsaved[clip_id]))
                raise OutputError(text) from None

    def _open_archive(self) -> SqliteArchive:
        """Open the archive once for all clips: their writes share commits."""
        from midikit.fetch.sqlite import SqliteArchive  # noqa: PLC0415 - as above

        with self._lock:
            if self._archive is None:
                self._archive = SqliteArchive()
            return self._archive

    def _print(self, raw: bytes) -> str:
        """Print what could be kept nowhere; say where."""
        for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
            with self._lock, contextlib.suppress(OSError, ValueError):
                stream.flush()
                stream.buffer.write(raw + b"\n")
                stream.buffer.flush()
                return f"printed on {name}"
        return "lost: neither stdout nor stderr took it"

    def _ending(self) -> str:
        """Say what ended the command."""
        if self.ended_by is None:
            return "it was stopped"
        return str(getattr(self.ended_by, "problem", self.ended_by))


def refuse_large_batch(clip_ids: Sequence[str], hint: str) -> None:
    """Refuse to pay for many clips when nobody looks on and no limit was set.

    Parameters
    ----------
    clip_ids : sequence of str
        The clips.
    hint : str
        How to set a limit.

    Raises
    ------
    UsageError
        If more than `LARGE_BATCH` of them are in no archive, and stdin or stderr is no terminal.
    """
    if len(clip_ids) <= LARGE_BATCH or (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return
    from midikit.fetch.sqlite import SqliteArchive  # noqa: PLC0415 - few commands come here

    with SqliteArchive() as archive:
        there = {record.clip_id for record in archive.list() if record.state == "delivered"}
    new = len(set(clip_ids) - there)
    if new > LARGE_BATCH:
        problem = f"{new:,} clips to pay for, more than {LARGE_BATCH}, and nobody looks on"
        raise click.UsageError(f"{problem}; {hint}")


def wait_for(future: Future[Clip]) -> None:
    """Wait in short steps, so that Ctrl-C is heard on every system.

    Parameters
    ----------
    future : Future of Clip
        What is waited for.
    """
    while not wait([future], _TICK).done:
        pass
