"""Driving a conversation in an event loop, and ending many in good order.

The archive works in threads and is never cut in half: a cancellation that comes meanwhile waits for
it, and what was paid for is stored before the task ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from midikit.fetch.driver import LateInterrupt, Turns
from midikit.fetch.many import Stop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from concurrent.futures import ThreadPoolExecutor

    from midikit.fetch.clip import Clip
    from midikit.fetch.steps import Request, Steps

__all__ = ["AsyncStop", "drain", "run_async", "whole"]

_Result = TypeVar("_Result")


class AsyncStop(Stop):
    """The end of a batch, for tasks that wait in a loop."""

    def __init__(self) -> None:
        super().__init__()
        self._soon = asyncio.Event()

    def set(self) -> None:
        """Make no further call."""
        super().set()
        self._soon.set()

    async def wait_soon(self, seconds: float) -> None:
        """Wait, at most until it is set.

        Parameters
        ----------
        seconds : float
            How long.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._soon.wait(), seconds)


async def run_async(steps: Steps[_Result], perform: Callable[[Request], Awaitable[Any]]) -> _Result:
    """Drive a conversation; a cancellation is raised inside it like any other error.

    Parameters
    ----------
    steps : generator
        The conversation.
    perform : callable
        Performs a step.

    Returns
    -------
    object
        What the conversation returns.
    """
    turns = Turns(steps)
    request = turns.next()
    while request is not None:
        value = error = None
        try:
            value = await perform(request)
        except BaseException as caught:  # noqa: BLE001 - raised inside the conversation
            error = caught
        request = turns.next(value, error)
    return turns.result


async def whole(threads: ThreadPoolExecutor, act: Callable[[], Any]) -> Any:
    """Perform a step of the archive in a thread; a cancellation waits for its end.

    Parameters
    ----------
    threads : ThreadPoolExecutor
        Where.
    act : callable
        The step.

    Returns
    -------
    object
        What it gives.

    Raises
    ------
    LateInterrupt
        If a cancellation came meanwhile.
    """
    task = asyncio.get_running_loop().run_in_executor(threads, act)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as error:
        interrupt = error
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    failed = task.exception()
    raise LateInterrupt(interrupt, None if failed else task.result(), failed)


async def drain(out: Iterable[asyncio.Task[Clip]]) -> None:
    """Wait for the calls that are out; a cancellation meanwhile ends them.

    Parameters
    ----------
    out : iterable of Task
        The calls.

    Raises
    ------
    CancelledError
        If one came meanwhile.
    """
    tasks = list(out)
    try:
        if tasks:
            await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
    finally:
        for task in tasks:
            if task.done() and not task.cancelled():
                task.exception()  # seen: nobody asks for it any more
