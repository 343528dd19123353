"""A function over a stream of items: in order, lazily, with what failed in its place.

Items are handed to processes in chunks: a message costs some 0.2 ms. Neither
the items nor what comes of them is ever collected: at most a few chunks a process are under way.
"""

from __future__ import annotations

import multiprocessing
import pickle
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from midikit.batch.workers import START_SECONDS, Workers, attempt, available_cpus, start_method
from midikit.errors import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from midikit.batch.workers import Result

__all__ = ["Outcome", "run"]

Item = TypeVar("Item")
Value = TypeVar("Value")

_CHUNKS_AHEAD = 4
"""Chunks a process that are taken and not yet given back."""

_CHUNK_SECONDS, _LARGEST_CHUNK = 0.05, 128
_IMPORT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Item, Value]):
    """What became of an item.

    Parameters
    ----------
    item : object
        The item.
    value : object or None
        What the function returned; None where it raised.
    error : Exception or None
        What the function raised; a `WorkerError` where its process died of the item.
    """

    item: Item
    value: Value | None
    error: Exception | None


def run(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    jobs: int | None = 1,
    chunk: int | None = None,
) -> Generator[Outcome[Item, Value], None, None]:
    """Call a function with each of many items, in this process or in several.

    Work begins in this process. Others are started once it has lasted as long as starting them
    takes, and only if there is more to do: a small batch never pays for them.

    Parameters
    ----------
    function : callable
        Takes an item. For several processes it and the items must pickle: a function of a module,
        or `functools.partial` of one. What is large it reads and writes itself.
    items : iterable
        The items, taken as they are needed: one by one for one job, else at most
        ``(4 * jobs + 1) * chunk`` ahead of the last outcome that was given back.
    jobs : int or None, optional
        Most processes; 1 stays in this one, None takes as many as there are processors.
    chunk : int or None, optional
        Items that a process is handed at a time; by default as many as take some 50 ms.

    Yields
    ------
    Outcome
        One an item, in the order of the items, as soon as it is there. What `function` raises is
        the outcome of its item. Where a process dies, every item that it had is tried once more,
        alone. Closing the iterator ends the processes.

    Raises
    ------
    ValueError
        If `jobs` or `chunk` is less than 1.
    WorkerError
        If processes cannot be started.

    Examples
    --------
    >>> for outcome in run(int, ["7", "x"]):
    ...     print(outcome.item, outcome.value, outcome.error)
    7 7 None
    x None invalid literal for int() with base 10: 'x'
    """
    jobs = available_cpus() if jobs is None else jobs
    if jobs < 1 or (chunk is not None and chunk < 1):
        raise ValueError(f"jobs {jobs} and chunk {chunk}: expected at least 1 of each")
    # A process of somebody else's pool may start none of its own.
    if jobs == 1 or multiprocessing.current_process().daemon:
        return _serial(function, items)
    pickle.dumps(function)  # says at once what would fail once there is much to do
    return _parallel(function, items, jobs, chunk)


def _serial(
    function: Callable[[Item], Value], items: Iterable[Item]
) -> Generator[Outcome[Item, Value], None, None]:
    for item in items:
        yield Outcome(item, *attempt(function, item))


def _parallel(
    function: Callable[[Item], Value], items: Iterable[Item], jobs: int, chunk: int | None
) -> Generator[Outcome[Item, Value], None, None]:
    supply = _Supply(items)
    pace = yield from _begin(function, supply.rest(), START_SECONDS[start_method()])
    size = chunk or min(_LARGEST_CHUNK, max(1, round(_CHUNK_SECONDS / pace)))
    first = supply.take(size + 1)
    if len(first) <= size:
        yield from _serial(function, first)
    else:
        supply.put_back(first)
        with Workers(function, jobs) as workers:
            yield from _pooled(supply, workers, _CHUNKS_AHEAD * jobs, size)
    if supply.fault is not None:
        raise supply.fault


def _begin(
    function: Callable[[Item], Value], items: Iterator[Item], seconds: float
) -> Generator[Outcome[Item, Value], None, float]:
    """Work for so long; return seconds an item. The first one, which loads modules, is left out."""
    spent, number = 0.0, 0
    for item in items:
        start = time.perf_counter()
        result = attempt(function, item)
        taken = time.perf_counter() - start
        yield Outcome(item, *result)
        if number or taken > _IMPORT_SECONDS:
            spent += taken
        if spent > seconds:
            break
        number += 1
    return max(spent / max(number, 1), 1e-6)


class _Supply(Generic[Item]):
    """The items that nobody has taken yet. What their source raises is kept until its turn."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)
        self.fault: Exception | None = None

    def rest(self) -> Iterator[Item]:
        return self._items

    def put_back(self, items: list[Item]) -> None:
        self._items = chain(items, self._items)

    def take(self, number: int) -> list[Item]:
        taken: list[Item] = []
        try:
            taken.extend(islice(self._items, number))
        except Exception as error:  # noqa: BLE001 - raised again, in its turn
            self.fault = error
            self._items = iter(())
        return taken


@dataclass(slots=True)
class _Chunk:
    """Items that were taken together and what has become of them."""

    items: list[Any]
    results: list[Result | None] = field(init=False)
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.missing = len(self.items)
        self.results = [None] * self.missing

    def put(self, first: int, results: list[Result]) -> None:
        self.results[first : first + len(results)] = results
        self.missing -= len(results)

    def outcomes(self) -> Iterator[Outcome[Any, Any]]:
        for item, result in zip(self.items, self.results, strict=True):
            assert result is not None
            yield Outcome(item, *result)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one process has of a chunk: all of it, or an item that is tried again."""

    chunk: _Chunk
    again: int | None = None

    @property
    def items(self) -> list[Any]:
        return self.chunk.items if self.again is None else [self.chunk.items[self.again]]


def _pooled(
    supply: _Supply[Item], workers: Workers, ahead: int, size: int
) -> Iterator[Outcome[Item, Any]]:
    window: deque[_Chunk] = deque()
    again: deque[_Part] = deque()
    while True:
        done = window.popleft() if window and not window[0].missing else None
        # Before anything is given back: nobody has nothing to do while the caller has that.
        while workers.has_room:
            if again:
                part = again.popleft()
            elif len(window) < ahead and (items := supply.take(size)):
                window.append(_Chunk(items))
                part = _Part(window[-1])
            else:
                break
            workers.give(part, part.items)
        if done is not None:
            yield from done.outcomes()
        elif not window:
            return
        else:
            for part, results in workers.take():
                again += _put(part, results)


def _put(part: _Part, results: list[Result] | str) -> list[_Part]:
    """Put results in their place; return what is to be tried again."""
    if isinstance(results, list):
        part.chunk.put(part.again or 0, results)
    elif part.again is None:
        return [_Part(part.chunk, index) for index in range(len(part.chunk.items))]
    else:
        problem = f"its process {results}, also when it was tried again alone"
        part.chunk.put(part.again, [(None, WorkerError(problem))])
    return []
