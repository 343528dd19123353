"""Many clips in threads: a few at a time, results as they come, and an orderly end."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from midikit.errors import DeadlineError
from midikit.fetch.attempts import ends_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from midikit.fetch.clip import Clip

__all__ = ["Stop", "StoppedError", "fetch_in_threads"]

_TICK = 0.1


class StoppedError(DeadlineError):
    """A clip that a batch has left when it was stopped; the next fetch goes on with it.

    Parameters
    ----------
    clip_id : str
        The clip.
    problem : str
        What was going on.
    is_asked : bool
        Whether it was asked for already.
    """

    def __init__(self, clip_id: str, problem: str, is_asked: bool = False) -> None:
        super().__init__(clip_id, problem)
        self.args = (clip_id, problem, is_asked)
        self.is_asked = is_asked


class Stop:
    """The end of a batch: no new call after it is set; those that are out come back.

    It may be set from a signal handler, also while the same thread is setting it: an event of
    `threading` would wait for itself there.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._is_set = False

    @property
    def is_set(self) -> bool:
        """Whether no further call may be made."""
        return self._is_set

    def set(self) -> None:
        """Make no further call."""
        with self._changed:
            self._is_set = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait, at most until it is set.

        Parameters
        ----------
        seconds : float
            How long.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_set, seconds)

    def check(self, clip_id: str, *, is_asked: bool) -> None:
        """End a clip that would be asked for or wait.

        Parameters
        ----------
        clip_id : str
            The clip.
        is_asked : bool
            Whether it was asked for already.

        Raises
        ------
        StoppedError
            If it is set.
        """
        if self._is_set:
            when = "while it was not ready yet" if is_asked else "before it was asked for"
            raise StoppedError(clip_id, f"stopped {when}; fetch it again", is_asked)


def fetch_in_threads(
    clip_ids: Iterable[str],
    fetch: Callable[[str], Clip],
    stop: Stop,
    *,
    jobs: int,
    deadline: float,
) -> Generator[tuple[str, Clip | Exception]]:
    """Fetch clips in threads.

    No more than `jobs` clips are taken from the iterable before a result is: memory does not grow
    with the number of clips.

    Parameters
    ----------
    clip_ids : iterable of str
        The clips.
    fetch : callable
        Fetches one; must heed `stop`.
    stop : Stop
        Set here at the end.
    jobs : int
        Clips at a time.
    deadline : float
        Seconds for each.

    Yields
    ------
    clip_id : str
        The clip.
    result : Clip or Exception
        What became of it.
    """

    def fetch_one(clip_id: str) -> Clip:
        try:
            return fetch(clip_id)
        except Exception as error:
            if ends_batch(error, deadline):
                stop.set()  # at once, before another thread pays or asks in vain
            raise

    ids = iter(clip_ids)
    out: dict[Future[Clip], str] = {}
    done: queue.SimpleQueue[Future[Clip]] = queue.SimpleQueue()
    pool = ThreadPoolExecutor(jobs, "midikit-fetch")
    try:
        while True:
            while len(out) < jobs and not stop.is_set:
                clip_id = next(ids, None)
                if clip_id is None:
                    break
                future = pool.submit(fetch_one, clip_id)
                out[future] = clip_id
                future.add_done_callback(done.put)
            if not out:
                return
            try:
                future = done.get(timeout=_TICK)  # short, so that Ctrl-C is heard on every system
            except queue.Empty:
                continue
            yield out.pop(future), _result(future)
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Clip]) -> Clip | Exception:
    """Return what came of a clip."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error
