"""Paid calls in threads of their own, so that Ctrl-C does not lose what is being paid for."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import click

from midikit.cli.exits import Exit
from midikit.errors import DeadlineError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from concurrent.futures import Future

    from midikit.fetch.client import Client, Clip

__all__ = ["draining", "patient_client", "wait_for"]

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


def patient_client(clip_id: str, stop: threading.Event) -> Client:
    """Make a client whose pauses between two calls end when it is time to stop.

    Parameters
    ----------
    clip_id : str
        The clip it will fetch.
    stop : threading.Event
        Set once no further call may be made.

    Returns
    -------
    Client
        One that keeps what it fetches in the archive.
    """
    from midikit.fetch.client import Client  # noqa: PLC0415 - loads httpx

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise DeadlineError(clip_id, "stopped while it was not ready yet; fetch it again")

    return Client(sleep=sleep)


def wait_for(future: Future[Clip]) -> None:
    """Wait in short steps, so that Ctrl-C is heard on every system.

    Parameters
    ----------
    future : Future of Clip
        What is waited for.
    """
    while not wait([future], _TICK).done:
        pass
