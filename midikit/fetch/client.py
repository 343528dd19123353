"""The paid endpoint as one call: archive first, then ask, wait, store, download.

This is the shell around `conversation`, which decides; here are the clock, the socket and the disk,
in calls that block. `AsyncClient` is the same without blocking.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, Self

from midikit.fetch.account import Account
from midikit.fetch.clip import Clip, Pending
from midikit.fetch.driver import run, whole
from midikit.fetch.endpoint import BASE_VARIABLE, DEFAULT_BASE_URL
from midikit.fetch.many import Stop, fetch_in_threads
from midikit.fetch.net.addresses import resolve
from midikit.fetch.steps import (
    Get,
    Load,
    Post,
    Rebuild,
    Request,
    Reserve,
    Resolve,
    Sleep,
    Spill,
    Store,
    Warm,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    import httpx

    from midikit.fetch.archive import Archive
    from midikit.fetch.budget import Budget
    from midikit.fetch.secret import Secret
    from midikit.fetch.telling import FetchEvent

__all__ = ["BASE_VARIABLE", "DEFAULT_BASE_URL", "Client", "Clip", "Pending"]


class Client:
    """The paid endpoint.

    Parameters
    ----------
    token : str, Secret or None, optional
        Bearer token, by default that of ``MIDIKIT_TOKEN``, else of the private file ``token`` in
        the folder of ``MIDIKIT_HOME``. What is in the archive needs none.
    base_url : str or None, optional
        Base of the endpoint, by default ``MIDIKIT_BASE_URL`` or `DEFAULT_BASE_URL`. https, or
        plain http for this machine alone.
    archive : Archive or None, optional
        Where what was paid for is kept, by default a `SqliteArchive` under ``MIDIKIT_HOME``, which
        is the user's data folder unless set. One that is given is not closed with the client.
    transport : httpx.BaseTransport or None, optional
        What sends requests; by default one that ends at the deadline whatever a server does, uses
        no proxy, and connects a download to the very address that was found to be public. Another
        one is used for downloads too and looks the name up by itself: what it reaches is its
        matter.
    budget : Budget or None, optional
        Calls that may be charged, shared with other clients; by default there is no limit.
    clock, sleep : callable or None, optional
        In the place of `time.monotonic` and `time.sleep`.
    on_event : callable or None, optional
        Called with a `FetchEvent` for whatever happens to a clip, perhaps from several threads.
        The ``midikit`` logger is told the same.

    Attributes
    ----------
    unsaved : dict of str to bytes
        Paid answers and fragments that the archive did not take, by clip id.

    Raises
    ------
    TokenError
        If there is a token that cannot be sent.
    RemoteError
        If the base URL or ``MIDIKIT_ALLOW_HOSTS`` cannot be used.

    Examples
    --------
    >>> from midikit.fetch.memory import MemoryArchive
    >>> from midikit.sandbox import serve
    >>> with serve(polls=0) as sandbox:
    ...     client = Client(sandbox.token, base_url=sandbox.url, archive=MemoryArchive())
    ...     with client:
    ...         clip = client.fetch(sandbox.clips[0])
    ...         again = client.fetch(sandbox.clips[0])
    >>> again.from_archive, again.raw == clip.raw, clip.song.note_array().size > 0
    (True, True, True)
    """

    def __init__(
        self,
        token: str | Secret | None = None,
        *,
        base_url: str | None = None,
        archive: Archive | None = None,
        transport: httpx.BaseTransport | None = None,
        budget: Budget | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport that was given, and the archive that was not."""
        if self._transport is not None:
            self._transport.close()
        self._account.close()

    def fetch(self, clip_id: str, *, deadline: float = 300.0, resend_unknown: bool = False) -> Clip:
        """Get a clip: from the archive, else from the endpoint, which costs a credit.

        Parameters
        ----------
        clip_id : str
            Id of a complete song, or of one instrumental track after stems.
        deadline : float, optional
            Seconds in all: calls, pauses and the download of the hosted .mid.
        resend_unknown : bool, optional
            Ask again for a clip of which nobody knows whether it was charged; may cost a second
            credit.

        Returns
        -------
        Clip
            With the answer, stored before this returns, and the hosted .mid, or one made of the
            notes where that could not be had.

        Raises
        ------
        InputError
            If `clip_id` or `deadline` cannot be used, or the stored answer is damaged.
        TokenError
            If a call is needed and there is no token.
        OutputError
            If the archive cannot be written, before anything is paid; as `UnsavedError` if
            something paid for could not be stored, which then is in `unsaved` and where the
            message says.
        AuthenticationError, CreditsError, MaintenanceError
            If the provider refuses the token, there are no credits, or it serves nobody; so it
            would every clip.
        BudgetError
            If the budget is used up.
        ClipRefusedError
            If it refuses this clip.
        TaskFailedError
            If it says that the task failed.
        RateLimitedError
            If it asks to wait longer than the deadline allows.
        NotSentError
            If no connection came about.
        UnknownOutcomeError
            If nobody knows whether the call was charged; it is not repeated, by this fetch or a
            later one, unless `resend_unknown` allows it. What came is kept.
        DeadlineError
            If the clip is not ready at the deadline, or somebody else is still fetching it.
        """
        return self._fetch(clip_id, deadline, resend_unknown, None)

    def poll(
        self, clip_id: str, *, deadline: float = 60.0, resend_unknown: bool = False
    ) -> Clip | Pending:
        """Take one step towards a clip: for job queues, which do the waiting themselves.

        At most one paid call, and no pause. A clip that is not ready is not asked for again before
        it is time, however often it is polled. How long the provider asked to wait, which costs
        nothing if it is ignored, is for the queue to remember.

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
            The clip; or how long to wait if it is not ready, somebody else is fetching it, or the
            provider asks to wait.

        Raises
        ------
        MidikitError
            As `fetch`. After a `NotSentError`, or a `TaskFailedError` whose credit was refunded,
            the clip may be polled again; how often is for the queue to say.

        Examples
        --------
        >>> from midikit.fetch.memory import MemoryArchive
        >>> from midikit.sandbox import serve
        >>> with serve(polls=1) as sandbox:
        ...     client = Client(sandbox.token, base_url=sandbox.url, archive=MemoryArchive())
        ...     with client:
        ...         client.poll(sandbox.clips[0]).retry_after <= 1.5
        True
        """
        return run(
            self._account.conversation(
                clip_id, deadline=deadline, resend_unknown=resend_unknown, once=True
            ),
            functools.partial(self._perform, clip_id, None),
        )

    def fetch_many(
        self,
        clip_ids: Iterable[str],
        *,
        jobs: int = 8,
        deadline: float = 300.0,
        resend_unknown: bool = False,
        stop: Stop | None = None,
    ) -> Generator[tuple[str, Clip | Exception]]:
        """Fetch clips, a few at a time, and give each as it comes.

        What would meet every clip, such as a refused token, an empty account or a full disk, ends
        the batch: those that are out still come, further ones are not asked for. Closing the
        iterator, or Ctrl-C, does the same and waits for what is out; a second Ctrl-C does not.

        Parameters
        ----------
        clip_ids : iterable of str
            The clips; taken as they are needed, so that there may be any number.
        jobs : int, optional
            Clips at a time, each in a thread of its own.
        deadline : float, optional
            Seconds for each clip.
        resend_unknown : bool, optional
            As for `fetch`.
        stop : Stop or None, optional
            Ends the batch in the same way once it is set, by a signal handler for example: what is
            out still comes.

        Yields
        ------
        clip_id : str
            The clip.
        result : Clip or Exception
            The clip, or what `fetch` raised.

        Examples
        --------
        >>> from midikit.fetch.memory import MemoryArchive
        >>> from midikit.sandbox import serve
        >>> with serve(polls=0) as sandbox:
        ...     client = Client(sandbox.token, base_url=sandbox.url, archive=MemoryArchive())
        ...     with client:
        ...         sorted(type(clip).__name__ for _, clip in client.fetch_many(sandbox.clips[:3]))
        ['Clip', 'Clip', 'Clip']
        """
        ending = stop or Stop()
        return fetch_in_threads(
            clip_ids,
            lambda clip_id: self._fetch(clip_id, deadline, resend_unknown, ending),
            ending,
            jobs=jobs,
            deadline=deadline,
        )

    def _fetch(
        self, clip_id: str, deadline: float, resend_unknown: bool, stop: Stop | None
    ) -> Clip:
        clip = run(
            self._account.conversation(clip_id, deadline=deadline, resend_unknown=resend_unknown),
            functools.partial(self._perform, clip_id, stop),
        )
        assert isinstance(clip, Clip)
        return clip

    def _perform(self, clip_id: str, stop: Stop | None, request: Request) -> Any:
        """Perform a step."""
        if stop is not None and isinstance(request, (Reserve, Sleep)):
            stop.check(clip_id, is_asked=isinstance(request, Sleep))
        match request:
            case Post(content, limit):
                from midikit.fetch.net.wire import Wire, post  # noqa: PLC0415 - imports httpx

                return post(
                    self._transport or Wire(),
                    self._account.url,
                    content,
                    token=self._account.token,
                    left=self._account.left(limit),
                )
            case Get(url, addresses, max_bytes, limit):
                from midikit.fetch.net.wire import Wire, get  # noqa: PLC0415 - imports httpx

                return get(
                    self._transport or Wire(),
                    url,
                    addresses=addresses,
                    max_bytes=max_bytes,
                    left=self._account.left(limit),
                )
            case Resolve(host, port, seconds):
                return resolve(host, port, seconds)
            case Sleep(seconds):
                return self._wait(clip_id, seconds, stop)
            case Warm():
                return self._warm()
            case Load() | Reserve() | Store():
                return whole(functools.partial(self._account.work, request))
            case Rebuild() | Spill():
                return self._account.work(request)
        return self._account.perform(request)

    def _wait(self, clip_id: str, seconds: float, stop: Stop | None) -> None:
        """Wait; a batch that has stopped does not."""
        if self._sleep is not None:
            self._sleep(seconds)
        elif stop is None:
            time.sleep(seconds)
        else:
            stop.wait(seconds)
        if stop is not None:
            stop.check(clip_id, is_asked=True)

    def _warm(self) -> None:
        """Import what a call needs before the time of the call counts."""
        from midikit.fetch.net.wire import warm  # noqa: PLC0415 - imports httpx

        if self._transport is None:
            warm(self._account.url)
