"""Driving a conversation: performing what it asks for, and carrying results and errors back.

A conversation is a generator of `steps`. Whatever a step raises is raised inside it, at the place
that asked, interrupts included: it then still asks for what leaves the truth in the archive.
"""

from __future__ import annotations

import concurrent.futures
import functools
import inspect
import os
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from midikit.fetch.steps import Load, Reserve, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from midikit.fetch.steps import Request, Steps

__all__ = ["ARCHIVE", "LateInterrupt", "Turns", "run", "whole"]

ARCHIVE = (Load, Reserve, Store)
"""What the archive is asked for."""

_Result = TypeVar("_Result")


class LateInterrupt(BaseException):
    """An interrupt that came while the archive was at work in another thread, and its result.

    Parameters
    ----------
    interrupt : BaseException
        What came.
    value : object
        The archive's result.
    error : Exception or None
        What the archive raised.
    """

    def __init__(self, interrupt: BaseException, value: Any, error: BaseException | None) -> None:
        super().__init__(interrupt, value, error)
        self.interrupt = interrupt
        self.value = value
        self.error = error


class Turns(Generic[_Result]):
    """A conversation, one turn after another.

    An interrupt that came while the archive was at work is raised at the next step that is none of
    the archive's: by then the conversation knows what the archive did.

    Parameters
    ----------
    conversation : generator
        One of `steps`.
    """

    def __init__(self, conversation: Steps[_Result]) -> None:
        self.result: _Result
        self._conversation = conversation
        self._late: BaseException | None = None

    def next(self, value: Any = None, error: BaseException | None = None) -> Request | None:
        """Carry a result or an error back, and take the next step.

        Parameters
        ----------
        value : object
            The result of the step before; None to begin.
        error : BaseException or None
            What it raised.

        Returns
        -------
        Request or None
            The next step; None if it is over, then `result` is there.
        """
        if isinstance(error, LateInterrupt):
            self._late, value, error = error.interrupt, error.value, error.error
        try:
            while True:
                request = self._resume(value, error)
                if self._late is None or isinstance(request, ARCHIVE):
                    return request
                error, self._late = self._late, None
        except StopIteration as end:
            self.result = end.value
        except BaseException:
            if self._late is None:
                raise
        if self._late is not None:
            raise self._late
        return None

    def _resume(self, value: Any, error: BaseException | None) -> Request:
        if error is None:
            return self._conversation.send(value)
        return self._conversation.throw(error)

    @property
    def is_left_open(self) -> bool:
        """Whether it waits for a result."""
        return inspect.getgeneratorstate(self._conversation) == inspect.GEN_SUSPENDED


def run(conversation: Steps[_Result], perform: Callable[[Request], Any]) -> _Result:
    """Drive a conversation with calls that block.

    Parameters
    ----------
    conversation : generator
        One of `steps`.
    perform : callable
        Performs a step.

    Returns
    -------
    object
        What the conversation returns.
    """
    turns = Turns(conversation)
    try:
        return _run(turns, perform, None)
    except BaseException as stray:
        if not turns.is_left_open:
            raise
        interrupt = stray  # Ctrl-C between two steps: it ends as one in the middle of a step does
    return _run(turns, perform, interrupt)


def _run(
    turns: Turns[_Result], perform: Callable[[Request], Any], error: BaseException | None
) -> _Result:
    request = turns.next(error=error)
    while request is not None:
        value = error = None
        try:
            value = perform(request)
        except BaseException as caught:  # noqa: BLE001 - raised inside the conversation
            error = caught
        request = turns.next(value, error)
    return turns.result


def whole(act: Callable[[], Any]) -> Any:
    """Perform a step of the archive that Ctrl-C does not cut in half.

    Ctrl-C is raised in the main thread alone, so there another thread does the work: without it one
    interrupt in some hundreds hit the way back from a grant, which then nobody knew of. A second
    Ctrl-C does not wait for it.

    Parameters
    ----------
    act : callable
        The step.

    Returns
    -------
    object
        What it gives.

    Raises
    ------
    LateInterrupt
        If Ctrl-C came meanwhile.

    Examples
    --------
    >>> whole(lambda: 5)
    5
    """
    if threading.current_thread() is not threading.main_thread():
        return act()
    future = _helper(os.getpid()).submit(act)
    try:
        return future.result()
    except BaseException as error:
        if future.done() and future.exception() is error:
            raise
        interrupt = error
    concurrent.futures.wait([future])
    failed = future.exception()
    raise LateInterrupt(interrupt, None if failed else future.result(), failed)


@functools.lru_cache(maxsize=1)
def _helper(pid: int) -> concurrent.futures.ThreadPoolExecutor:
    """Return the thread that works for the main one; a forked process needs one of its own."""
    del pid
    return concurrent.futures.ThreadPoolExecutor(1, "midikit-archive")
