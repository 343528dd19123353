"""What `Client` and `AsyncClient` have in common: whom they ask, what they keep, whom they tell."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from midikit.fetch.conversation import conversation
from midikit.fetch.endpoint import checked_base
from midikit.fetch.hosting import rebuild
from midikit.fetch.keeping import spill
from midikit.fetch.net.addresses import allowed_hosts
from midikit.fetch.secret import find_token
from midikit.fetch.steps import (
    GiveBack,
    Load,
    Moment,
    Now,
    Rebuild,
    Request,
    Reserve,
    Spend,
    Spill,
    Store,
    Tell,
)
from midikit.fetch.telling import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from midikit.fetch.archive import Archive
    from midikit.fetch.budget import Budget
    from midikit.fetch.clip import Clip, Pending
    from midikit.fetch.polling import Deadline
    from midikit.fetch.secret import Secret
    from midikit.fetch.steps import Steps
    from midikit.fetch.telling import FetchEvent

__all__ = ["Account"]


class Account:
    """An account at the endpoint, and how to perform every step that does not touch the network.

    Parameters
    ----------
    token : str, Secret or None
        As for `Client`.
    base_url : str or None
        As for `Client`.
    archive : Archive or None
        As for `Client`; the default one is closed with this.
    budget : Budget or None
        As for `Client`.
    clock : callable or None
        As for `Client`.
    on_event : callable or None
        As for `Client`.

    Raises
    ------
    RemoteError
        As `Client`.
    """

    def __init__(
        self,
        token: str | Secret | None,
        *,
        base_url: str | None,
        archive: Archive | None,
        budget: Budget | None,
        clock: Callable[[], float] | None,
        on_event: Callable[[FetchEvent], object] | None,
    ) -> None:
        try:
            base = checked_base(base_url)
            self._token = find_token(token, base_url=base)
        finally:
            del token  # a traceback with its local variables is no place for it
        self.url = f"{base}/midi"
        self.unsaved: dict[str, bytes] = {}
        self._allowed = allowed_hosts()
        self._clock = clock or time.monotonic
        self._owns_archive = archive is None
        self._archive = _default_archive() if archive is None else archive
        self._budget = budget
        self._on_event = on_event

    def close(self) -> None:
        """Close the archive, unless it is somebody else's."""
        if self._owns_archive:
            self._archive.close()

    def conversation(
        self, clip_id: str, *, deadline: float, resend_unknown: bool, once: bool = False
    ) -> Steps[Clip | Pending]:
        """Begin the conversation about a clip.

        Parameters
        ----------
        clip_id : str
            The clip.
        deadline : float
            Seconds in all.
        resend_unknown : bool
            Ask again for a clip of which nobody knows whether it was charged.
        once : bool, optional
            Make one call at most and never wait.

        Returns
        -------
        generator
            What it asks for, step by step.
        """
        return conversation(
            clip_id,
            secret=self._token,
            deadline=deadline,
            allowed=self._allowed,
            resend_unknown=resend_unknown,
            once=once,
        )

    @property
    def token(self) -> Secret:
        """The token, for a call: there is one, or the conversation had ended before it."""
        assert self._token is not None
        return self._token

    def left(self, limit: Deadline) -> Callable[[], float]:
        """Return what tells the seconds left.

        Parameters
        ----------
        limit : Deadline
            When it ends.

        Returns
        -------
        callable
            For a wire.
        """
        return lambda: limit.left(self._clock())

    def perform(self, request: Request) -> Any:
        """Perform a step that neither waits nor touches network or disk for long.

        Parameters
        ----------
        request : Request
            The step.

        Returns
        -------
        object
            Its result.
        """
        match request:
            case Now():
                return Moment(self._clock(), time.time(), random.random())  # noqa: S311 - jitter
            case Tell(event):
                tell(event, self._on_event)
            case Spend(clip_id):
                if self._budget is not None:
                    self._budget.take(clip_id)
            case GiveBack():
                if self._budget is not None:
                    self._budget.give_back()
            case _:
                raise AssertionError(request)
        return None

    def work(self, request: Request) -> Any:
        """Perform a step that takes a while, in whatever thread there is.

        Parameters
        ----------
        request : Request
            One of the archive's, or one that computes.

        Returns
        -------
        object
            Its result.
        """
        match request:
            case Load(clip_id):
                return self._archive.load(clip_id)
            case Reserve(clip_id, resend_unknown):
                return self._archive.reserve(clip_id, resend_unknown=resend_unknown)
            case Store():
                return self._store(request)
            case Rebuild(answer):
                return rebuild(answer)
            case Spill(clip_id, data):
                return spill(clip_id, data)
        raise AssertionError(request)

    def _store(self, request: Store) -> None:
        """Store a row; what was paid for lies in `unsaved` until the archive has it."""
        clip_id, data = request.record.clip_id, request.answer or request.fragment
        if data is not None:
            self.unsaved[clip_id] = data
        self._archive.store(
            request.record, answer=request.answer, midi=request.midi, fragment=request.fragment
        )
        if data is not None:
            self.unsaved.pop(clip_id, None)


def _default_archive() -> Archive:
    from midikit.fetch.disk.sqlite import SqliteArchive  # noqa: PLC0415 - loads sqlite3

    return SqliteArchive()
