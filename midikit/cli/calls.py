"""Paid calls for one command: each clip asked for once, no paid answer lost, none after a refusal.

They run in threads of their own, so that Ctrl-C does not lose what is being paid for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from threading import current_thread, main_thread
from typing import TYPE_CHECKING

import click

from midikit.cli.exits import Exit
from midikit.cli.fetch_plan import known_records
from midikit.cli.report import is_terminal
from midikit.errors import OutputError, RemoteError, UnsavedError
from midikit.escape import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from midikit.fetch.client import Clip
    from midikit.fetch.disk.sqlite import SqliteArchive
    from midikit.fetch.many import Stop

__all__ = [
    "LARGE_BATCH",
    "Fetcher",
    "Interrupts",
    "NotAskedError",
    "heeding_interrupts",
    "print_unsaved",
    "refuse_large_batch",
]

LARGE_BATCH = 100
"""Most clips that are paid for without a limit when nobody looks on."""

_STOPPING = b"stopping; waiting for the calls that are out (Ctrl-C again to leave)\n"


@dataclass
class Interrupts:
    """Whether Ctrl-C was pressed."""

    heard: bool = False


@contextlib.contextmanager
def heeding_interrupts(*stops: Stop) -> Iterator[Interrupts]:
    """Let Ctrl-C end calls in good order: no new one, those that are out come back.

    A second one ends the program at once. Nothing is raised by the first: it may come at any
    moment, in the middle of a line of output for one, and what came back is still to be told.

    Parameters
    ----------
    *stops : Stop
        Set by the first.

    Yields
    ------
    Interrupts
        Tells whether there was one.
    """
    heard = Interrupts()

    def heed(*_: object) -> None:
        if heard.heard:
            os._exit(Exit.INTERRUPTED)  # the threads of the calls would be waited for
        heard.heard = True
        for stop in stops:
            stop.set()
        with contextlib.suppress(OSError):  # not by a stream, which may be in the middle of a line
            os.write(2, _STOPPING)

    before = signal.getsignal(signal.SIGINT)
    is_ours = before is not signal.SIG_IGN and current_thread() is main_thread()
    if is_ours:
        signal.signal(signal.SIGINT, heed)
    try:
        yield heard
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, before)


class NotAskedError(RemoteError):
    """A clip that was not asked for, because what ended an earlier one would have ended it too."""


class Fetcher:
    """Fetches clips for one command, one after another.

    A clip is asked for once, whatever comes of it and however often it is named. After what every
    other clip would meet as well, a refused token for example, none is asked for any more.

    Parameters
    ----------
    deadline : float
        Seconds for each clip.
    """

    def __init__(self, *, deadline: float) -> None:
        self._deadline = deadline
        self._failed: dict[str, Exception] = {}
        self._ended_by: Exception | None = None
        self._archive: SqliteArchive | None = None

    def fetch(self, clip_id: str) -> Clip:
        """Fetch one clip; what was paid for is in the archive, in a file, or on stdout.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Clip
            The clip.

        Raises
        ------
        NotAskedError
            If no clip is asked for any more.
        KeyboardInterrupt
            After Ctrl-C, once the call that was out is back.
        MidikitError
            As `Client.fetch`; the same again for a clip that has failed before.
        """
        failed = self._failed.get(clip_id)
        if failed is not None:
            raise failed.with_traceback(None)
        if self._ended_by is not None:
            why = getattr(self._ended_by, "problem", self._ended_by)
            raise NotAskedError(clip_id, f"not asked for, since {why}")
        from midikit.fetch.attempts import ends_batch  # noqa: PLC0415 - the help needs none of it

        try:
            return self._fetch(clip_id)
        except Exception as error:
            self._failed[clip_id] = error
            if ends_batch(error, self._deadline):
                self._ended_by = error
            raise

    def _fetch(self, clip_id: str) -> Clip:
        """Ask for a clip in a thread, which Ctrl-C does not reach."""
        from midikit.fetch.client import Client  # noqa: PLC0415 - loads numpy
        from midikit.fetch.disk.sqlite import SqliteArchive  # noqa: PLC0415 - as above
        from midikit.fetch.many import Stop  # noqa: PLC0415 - as above

        stop = Stop()
        if self._archive is None:
            self._archive = SqliteArchive()  # once: it reads its whole ledger before the first call
        archive = self._archive
        with heeding_interrupts(stop) as interrupts, Client(archive=archive) as client:
            many = client.fetch_many([clip_id], jobs=1, deadline=self._deadline, stop=stop)
            results = [result for _, result in many]
            if interrupts.heard:
                raise KeyboardInterrupt
            (result,) = results
            if not isinstance(result, Exception):
                return result
            raise print_unsaved(result, client.unsaved)


def print_unsaved(error: Exception, unsaved: Mapping[str, bytes]) -> Exception:
    """Print what was paid for, if it could be kept nowhere.

    Parameters
    ----------
    error : Exception
        What `Client.fetch` raised.
    unsaved : mapping of str to bytes
        That of the client.

    Returns
    -------
    Exception
        The error; one that says where it went, if it was printed.
    """
    if not isinstance(error, UnsavedError) or error.path:
        return error
    return OutputError(error.told(_printed(unsaved[error.clip_id])))


def _printed(raw: bytes) -> str:
    """Print bytes and say where they went."""
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            stream.buffer.write((_shown(raw) if is_terminal(stream) else raw) + b"\n")
            stream.buffer.flush()
            return f"printed on {name}"
    return "lost: neither stdout nor stderr took it"


def _shown(raw: bytes) -> bytes:
    """Write an answer for a terminal: what would act on it as JSON writes it in text."""
    return json_text(raw.decode("utf-8", "surrogateescape")).encode()


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
    new = set(clip_ids)
    new -= {record.clip_id for record in known_records(new) if record.state == "delivered"}
    if len(new) > LARGE_BATCH:
        problem = f"{len(new):,} clips to pay for, more than {LARGE_BATCH}, and nobody looks on"
        raise click.UsageError(f"{problem}; {hint}")
