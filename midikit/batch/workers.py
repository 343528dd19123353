"""Worker processes of a batch: how they start, what they are handed, how they die and end.

Each has a pipe of its own and one part of the work at a time, so it is known what a dead one had,
and the others do not notice. The caller needs no thread, and no lock is shared that a killed
process could keep.

How they start, measured (Python 3.11, 2 cores, 2 workers with all modules loaded): ``fork`` 10 ms
of wall and 13 ms of CPU time; ``forkserver`` with these modules preloaded 390 ms the first time,
then 20 ms; ``spawn`` 400 ms and 800 ms each time. So on Linux they are forked, which is safe only
while no other thread may hold a lock: see `start_method`. Elsewhere they are spawned, which is
slower by less than the second that a batch worth the trouble takes. The fork server is left alone:
what it preloads is set for the whole process, and a notebook may want it for something else.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from midikit.errors import MidikitError, WorkerError
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

__all__ = ["START_SECONDS", "Result", "Workers", "attempt", "available_cpus", "start_method"]

START_SECONDS = {"fork": 0.02, "spawn": 0.5}
"""What starting workers costs, a process with the modules that a conversion needs."""

Result: TypeAlias = "tuple[Any, Exception | None]"
"""What a function made of an item, or why it did not."""

_MOST = 60 if sys.platform == "win32" else 1000  # Windows waits for 63 things at most
_LONGEST = 1500
_TICK = 0.5
_PATIENCE = 5.0


def available_cpus() -> int:
    """Count the processors that this process may use.

    Returns
    -------
    int
        At least 1.
    """
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_method() -> str:
    """Choose how to start a worker.

    Returns
    -------
    str
        ``fork`` on Linux where this process has no other thread that may hold a lock, else
        ``spawn``. Idle threads of numpy's OpenBLAS are none: it ends them before every fork, which
        is why Python 3.12 and later do not warn of them. They are at most one a processor less one.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return "spawn"
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A spawned process has come to the unguarded calls of its script. Here `multiprocessing`
        # lets none be spawned and says why; one that is forked would do all the work once more.
        return "spawn"
    try:
        threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - a count, no paths
    except OSError:
        return "spawn"
    return "fork" if threads <= available_cpus() else "spawn"


def attempt(function: Callable[[Any], Any], item: object) -> Result:
    """Call a function; what it raises is its result.

    Parameters
    ----------
    function : callable
        The function.
    item : object
        What it is called with.

    Returns
    -------
    tuple
        What it returned, and None; or None, and what it raised.
    """
    try:
        return function(item), None
    except Exception as error:  # noqa: BLE001 - one bad item never costs the others
        return None, error


class Workers:
    """Some processes that call one function.

    Parameters
    ----------
    function : callable
        What they call with each item; it pickles.
    most : int
        How many there may be; one is started only when the others are busy.
    """

    def __init__(self, function: Callable[[Any], Any], most: int) -> None:
        self._function = function
        self._most = min(most, _MOST)
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, tuple[_Worker, Any]] = {}
        self._done: list[tuple[Any, list[Result]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End every process: the idle ones by closing their pipe, the busy ones by SIGTERM."""
        busy = [worker for worker, _ in self._busy.values()]
        for worker in (*self._idle, *busy):
            worker.connection.close()
        for worker in busy:
            worker.process.terminate()
        for worker in (*self._idle, *busy):
            worker.process.join(_PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    @property
    def has_room(self) -> bool:
        """Whether one has nothing to do, or may be started."""
        return bool(self._idle) or len(self._busy) < self._most

    def give(self, part: object, items: Sequence[object]) -> None:
        """Hand out some work; items that do not pickle are worked on here.

        Parameters
        ----------
        part : object
            What `take` calls it.
        items : sequence
            What the function is called with.

        Raises
        ------
        WorkerError
            If a process is needed and cannot be started.
        """
        if self._idle:
            worker = self._idle.pop()
        else:
            others = [one.connection for one, _ in self._busy.values()]
            try:
                worker = _Worker(start_method(), self._function, others)
            except OSError as error:
                problem = f"a worker process cannot be started: {error}; pass fewer jobs"
                raise WorkerError(problem) from error
        self._busy[worker.connection] = worker, part
        try:
            worker.connection.send(items)
        except OSError:
            pass  # it is dead, which `take` will see
        except Exception:  # noqa: BLE001 - whatever pickling raises, before a byte is sent
            del self._busy[worker.connection]
            self._idle.append(worker)
            self._done.append((part, [attempt(self._function, item) for item in items]))

    def take(self) -> Iterator[tuple[Any, list[Result] | str]]:
        """Wait until something is done.

        Yields
        ------
        tuple
            A part, and its results in order, or in words what its process did instead.

        Raises
        ------
        WorkerError
            If a process died before it did anything.
        """
        if self._done:
            yield self._done.pop(0)
            return
        # In short steps, so that Ctrl-C is heard on every system.
        while not (ready := wait(list(self._busy), _TICK)):
            pass
        for connection in ready:
            worker, part = self._busy[connection]  # type: ignore[index]  # what `wait` was given
            try:
                data = worker.connection.recv_bytes()
            except (EOFError, OSError):
                del self._busy[worker.connection]
                yield part, worker.bury()
                continue
            try:
                results = pickle.loads(data)  # noqa: S301 - from our own process
            except Exception as error:  # noqa: BLE001 - whatever unpickling raises
                results = f"returned what cannot be unpickled: {error}"
            if results is None:
                worker.has_started = True
                continue
            del self._busy[worker.connection]
            self._idle.append(worker)
            yield part, results


class _Worker:
    """One process and our end of its pipe."""

    def __init__(
        self, method: str, function: Callable[[Any], Any], others: list[Connection]
    ) -> None:
        context: Any = multiprocessing.get_context(method)
        self.has_started = False
        self.connection, theirs = context.Pipe()
        # A forked process has our ends of all pipes as well: while it keeps them open, no worker
        # would see that we are gone. A spawned one has nothing that it is not given.
        ours = [*others, self.connection] if method == "fork" else []
        self.process = context.Process(
            target=_serve, args=(theirs, function, ours), name="midikit-batch", daemon=True
        )
        with _interrupts_held():
            self.process.start()
        theirs.close()

    def bury(self) -> str:
        """Say how the process died."""
        self.connection.close()
        self.process.join(_PATIENCE)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = ", as when memory runs out" if name == "SIGKILL" else ""
            how = f"was ended by {name}{hint}"
        else:
            how = f"ended with exit code {code}"
        if not self.has_started:
            raise WorkerError(
                f"a worker process {how} before it did anything; a script that starts some needs "
                "its calls under if __name__ == '__main__': and its function in a file, or jobs=1"
            )
        return how


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while a process starts, which inherits that: the caller alone is told."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    connection: Connection, function: Callable[[Any], Any], ours: Sequence[Connection]
) -> None:
    """Work through what comes over the pipe until it is closed: the whole life of a worker."""
    for inherited in ours:
        inherited.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with contextlib.suppress(EOFError, OSError):  # nobody is there any more
        connection.send(None)
        while True:
            results = [_portable(attempt(function, item)) for item in connection.recv()]
            try:
                connection.send(results)
            except OSError:
                raise
            except Exception:  # noqa: BLE001 - whatever pickling raises
                connection.send([_plain(result) for result in results])


def _leave(*_: object) -> None:
    """End at once, but through every ``finally``: no half-written file stays behind."""
    raise SystemExit(128 + signal.SIGTERM)


def _portable(result: Result) -> Result:
    """Make sure that what was raised gets through the pipe, and says where it came from."""
    value, error = result
    if error is None:
        return result
    if not isinstance(error, MidikitError):  # a traceback does not pickle, its text does
        error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever pickling raises
        copy = None
    return (value, error) if type(copy) is type(error) else (None, _described(error))


def _plain(result: Result) -> Result:
    """Replace a value that cannot be pickled by an error that says so."""
    value, error = result
    try:
        pickle.dumps(value)
    except Exception as reason:  # noqa: BLE001 - whatever pickling raises
        return None, WorkerError(
            f"what came of it cannot leave its process: {printable(reason, _LONGEST)}"
        )
    return value, error


def _described(error: Exception) -> WorkerError:
    return WorkerError(printable(f"{type(error).__name__}: {error}", _LONGEST))
