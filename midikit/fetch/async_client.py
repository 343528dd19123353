"""The paid endpoint for an event loop: `Client` without blocking, driven by the same conversation.

The archive works in threads and is never cut in half: a cancellation that comes meanwhile waits for
it, and what was paid for is stored before the task ends.
"""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakKeyDictionary

from midikit.fetch.account import Account
from midikit.fetch.async_driver import AsyncStop, drain, run_async, whole
from midikit.fetch.attempts import ends_batch
from midikit.fetch.clip import Clip, Pending
from midikit.fetch.driver import ARCHIVE
from midikit.fetch.steps import Get, Post, Rebuild, Request, Reserve, Resolve, Sleep, Spill, Warm

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable

    import httpx

    from midikit.fetch.archive import Archive
    from midikit.fetch.budget import Budget
    from midikit.fetch.secret import Secret
    from midikit.fetch.telling import FetchEvent

__all__ = ["AsyncClient"]

_MOST_THREADS = 32


class AsyncClient:
    """The paid endpoint, for asyncio.

    Parameters
    ----------
    token : str, Secret or None, optional
        As for `Client`.
    base_url : str or None, optional
        As for `Client`.
    archive : Archive or None, optional
        As for `Client`. Its methods block; they are called in threads.
    transport : httpx.AsyncBaseTransport or None, optional
        As for `Client`.
    budget : Budget or None, optional
        As for `Client`.
    max_concurrency : int, optional
        Most clips at a time, whatever is awaited at once.
    clock : callable or None, optional
        In the place of `time.monotonic`.
    sleep : callable or None, optional
        In the place of `asyncio.sleep`.
    on_event : callable or None, optional
        Called in the loop with a `FetchEvent` for whatever happens to a clip.

    Attributes
    ----------
    unsaved : dict of str to bytes
        As for `Client`.

    Raises
    ------
    RemoteError
        As `Client`.

    Examples
    --------
    >>> from midikit.fetch.memory import MemoryArchive
    >>> from midikit.sandbox import serve
    >>> async def main(sandbox):
    ...     client = AsyncClient(sandbox.token, base_url=sandbox.url, archive=MemoryArchive())
    ...     async with client:
    ...         return [clip.song.note_count > 0 async for _, clip in client.fetch_many(ids)]
    >>> with serve(polls=0) as sandbox:
    ...     ids = sandbox.clips[:3]
    ...     asyncio.run(main(sandbox))
    [True, True, True]
    """

    def __init__(
        self,
        token: str | Secret | None = None,
        *,
        base_url: str | None = None,
        archive: Archive | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        budget: Budget | None = None,
        max_concurrency: int = 16,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        on_event: Callable[[FetchEvent], object] | None = None,
    ) -> None:
        try:
            self._account = Account(
                token,
                base_url=base_url,
                archive=archive,
                budget=budget,
                clock=clock,
                on_event=on_event,
            )
        finally:
            del token  # a traceback with its local variables is no place for it
        self.unsaved = self._account.unsaved
        self._transport = transport
        self._sleep = sleep
        self._max_concurrency = max_concurrency
        # One a loop: a semaphore that tasks have waited for belongs to their loop for ever.
        self._rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )
        self._is_warm = False
        # Not the threads of the loop, of which there are few: writes that come together share one
        # commit, so as many as there are clips should be able to wait for it.
        self._threads = ThreadPoolExecutor(min(_MOST_THREADS, max_concurrency), "midikit-archive")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the transport that was given, and the archive that was not."""
        if self._transport is not None:
            await self._transport.aclose()
        # The threads end with this object, not here: what comes of a call that is still out was
        # paid for, and has to be kept somewhere.
        await asyncio.to_thread(self._account.close)

    async def fetch(
        self, clip_id: str, *, deadline: float = 300.0, resend_unknown: bool = False
    ) -> Clip:
        """Get a clip: from the archive, else from the endpoint, which costs a credit.

        A fetch that is cancelled while its call is out leaves a clip of unknown outcome: give it a
        `deadline` instead.

        Parameters
        ----------
        clip_id : str
            As for `Client.fetch`.
        deadline : float, optional
            Seconds in all, from when there is room for it among `max_concurrency`.
        resend_unknown : bool, optional
            As for `Client.fetch`.

        Returns
        -------
        Clip
            As `Client.fetch`.

        Raises
        ------
        MidikitError
            As `Client.fetch`.
        """
        return await self._fetch(clip_id, deadline, resend_unknown, None)

    async def poll(
        self, clip_id: str, *, deadline: float = 60.0, resend_unknown: bool = False
    ) -> Clip | Pending:
        """Take one step towards a clip: at most one paid call, and no pause.

        Parameters
        ----------
        clip_id : str
            As for `fetch`.
        deadline : float, optional
            Seconds that the call and the download may take.
        resend_unknown : bool, optional
            As for `fetch`.

        Returns
        -------
        Clip or Pending
            As `Client.poll`.

        Raises
        ------
        MidikitError
            As `Client.poll`.
        """
        steps = self._account.conversation(
            clip_id, deadline=deadline, resend_unknown=resend_unknown, once=True
        )
        async with self._room():
            return await run_async(steps, functools.partial(self._perform, clip_id, None))

    async def fetch_many(
        self,
        clip_ids: Iterable[str] | AsyncIterable[str],
        *,
        deadline: float = 300.0,
        resend_unknown: bool = False,
    ) -> AsyncIterator[tuple[str, Clip | Exception]]:
        """Fetch clips, `max_concurrency` at a time, and give each as it comes.

        What would meet every clip, such as a refused token, an empty account or a full disk, ends
        the batch: those that are out still come, further ones are not asked for. Closing the
        iterator, or cancelling the task that reads it, does the same and waits for what is out;
        a second cancellation does not.

        Parameters
        ----------
        clip_ids : iterable or asynchronous iterable of str
            The clips; taken as they are needed, so that there may be any number.
        deadline : float, optional
            Seconds for each clip.
        resend_unknown : bool, optional
            As for `fetch`.

        Yields
        ------
        clip_id : str
            The clip.
        result : Clip or Exception
            The clip, or what `fetch` raised.
        """
        stop = AsyncStop()
        ids = _aiter(clip_ids)
        out: dict[asyncio.Task[Clip], str] = {}
        try:
            while True:
                while len(out) < self._max_concurrency and not stop.is_set:
                    try:
                        clip_id = await anext(ids)
                    except StopAsyncIteration:
                        break
                    work = self._fetch(clip_id, deadline, resend_unknown, stop)
                    out[asyncio.create_task(work)] = clip_id
                if not out:
                    return
                done, _ = await asyncio.wait(out, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield out.pop(task), _outcome(task)
        finally:
            stop.set()
            await drain(out)

    async def _fetch(
        self, clip_id: str, deadline: float, resend_unknown: bool, stop: AsyncStop | None
    ) -> Clip:
        steps = self._account.conversation(
            clip_id, deadline=deadline, resend_unknown=resend_unknown
        )
        try:
            async with self._room():
                clip = await run_async(steps, functools.partial(self._perform, clip_id, stop))
        except Exception as error:
            if stop is not None and ends_batch(error, deadline):
                stop.set()  # at once, before another task pays or asks in vain
            raise
        assert isinstance(clip, Clip)
        return clip

    async def _perform(self, clip_id: str, stop: AsyncStop | None, request: Request) -> Any:
        """Perform a step."""
        if stop is not None and isinstance(request, (Reserve, Sleep)):
            stop.check(clip_id, is_asked=isinstance(request, Sleep))
        if isinstance(request, ARCHIVE):
            return await whole(self._threads, functools.partial(self._account.work, request))
        match request:
            case Post(content, limit):
                from midikit.fetch.net import async_wire  # noqa: PLC0415 - imports httpx

                return await async_wire.post(
                    self._transport or async_wire.AsyncWire(),
                    self._account.url,
                    content,
                    token=self._account.token,
                    left=self._account.left(limit),
                )
            case Get(url, addresses, max_bytes, limit):
                from midikit.fetch.net import async_wire  # noqa: PLC0415 - as above

                return await async_wire.get(
                    self._transport or async_wire.AsyncWire(),
                    url,
                    addresses=addresses,
                    max_bytes=max_bytes,
                    left=self._account.left(limit),
                )
            case Resolve(host, port, seconds):
                from midikit.fetch.net import async_wire  # noqa: PLC0415 - as above

                return await async_wire.resolve(host, port, seconds)
            case Sleep(seconds):
                return await self._wait(clip_id, seconds, stop)
            case Warm():
                return await self._warm()
            case Rebuild() | Spill():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._account.work, request)
        return self._account.perform(request)

    def _room(self) -> asyncio.Semaphore:
        """Return what bounds the clips at a time in this loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._rooms:
            self._rooms[loop] = asyncio.Semaphore(self._max_concurrency)
        return self._rooms[loop]

    async def _wait(self, clip_id: str, seconds: float, stop: AsyncStop | None) -> None:
        """Wait; a batch that has stopped does not."""
        if self._sleep is not None or stop is None:
            await (self._sleep or asyncio.sleep)(seconds)
        else:
            await stop.wait_soon(seconds)
        if stop is not None:
            stop.check(clip_id, is_asked=True)

    async def _warm(self) -> None:
        """Import what a call needs before the time of the call counts, out of the loop's way."""
        if not self._is_warm:
            loop = asyncio.get_running_loop()
            url = "" if self._transport is not None else self._account.url
            await loop.run_in_executor(self._threads, _warm, url)
            self._is_warm = True


def _warm(url: str) -> None:
    """Import httpx, which takes longer than a call, and the certificates."""
    from midikit.fetch.net import async_wire, exchange  # noqa: PLC0415 - imports httpx

    del async_wire
    exchange.warm(url)


def _outcome(task: asyncio.Task[Clip]) -> Clip | Exception:
    """Return what came of a clip."""
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, Exception):
        return error
    raise error


async def _aiter(clip_ids: Iterable[str] | AsyncIterable[str]) -> AsyncIterator[str]:
    """Go through clip ids of either kind."""
    if hasattr(clip_ids, "__aiter__"):
        async for clip_id in clip_ids:
            yield clip_id
    else:
        for clip_id in clip_ids:
            yield clip_id
