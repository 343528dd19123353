"""The paid endpoint as one call: archive first, then ask, wait, store, download.

This is the shell around `answers` and `attempts`, which decide; here are the clock, the socket and
the disk. What it must never do is send a paid call again that may have been charged.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from midikit.errors import (
    DeadlineError,
    DownloadError,
    InputError,
    TokenError,
    UnknownOutcomeError,
)
from midikit.escape import quoted
from midikit.fetch.addresses import ALLOW_VARIABLE, allowed_hosts
from midikit.fetch.answers import Failure, Outcome, Reply, Verdict, classify
from midikit.fetch.archive import Archive
from midikit.fetch.attempts import Tally, advance
from midikit.fetch.download import download
from midikit.fetch.endpoint import BASE_VARIABLE, DEFAULT_BASE_URL, checked_base
from midikit.fetch.keeping import Keeping, in_one_line
from midikit.fetch.marks import UNCHARGED
from midikit.fetch.polling import Deadline
from midikit.fetch.secret import TOKEN_VARIABLE, Secret, find_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from midikit.fetch.budget import Budget
    from midikit.fetch.marks import Mark
    from midikit.fetch.store import Store, Stored
    from midikit.model.song import Song

__all__ = ["BASE_VARIABLE", "DEFAULT_BASE_URL", "Client", "Clip"]

_MAX_CLIP_ID = 200
_CLIP_ID = re.compile(rf"[\x21-\x7e]{{1,{_MAX_CLIP_ID}}}")
_DOWNLOAD_SECONDS = 60.0
_LOCK_PAUSE = 0.1
_NO_ADDRESS = "the answer names no web address of a hosted file"


@dataclass(frozen=True)
class Clip:
    """A clip that was paid for.

    Parameters
    ----------
    clip_id : str
        Its id.
    raw : bytes
        The answer, byte for byte; only the token, should the service quote it, is masked.
    hosted : bytes or None
        The hosted .mid, None if there is none.
    hosted_problem : str or None
        Why there is no hosted .mid, or what happened to it; None if all is well.
    from_archive : bool
        Whether it was there already, and nothing was sent for it.
    """

    clip_id: str
    raw: bytes = field(repr=False)
    hosted: bytes | None = field(default=None, repr=False)
    hosted_problem: str | None = None
    from_archive: bool = False

    @functools.cached_property
    def song(self) -> Song:
        """The song, read when it is first asked for.

        Raises
        ------
        AnswerError
            If the answer cannot be read; it stays in the archive and in `raw`.
        """
        from midikit.parse.response import read_json  # noqa: PLC0415 - only if notes are wanted

        return read_json(self.raw)


class Client:
    """The paid endpoint.

    Parameters
    ----------
    token : str, Secret or None, optional
        Bearer token, by default that of ``MIDIKIT_TOKEN``. What is in the archive needs none.
    base_url : str or None, optional
        Base of the endpoint, by default ``MIDIKIT_BASE_URL`` or `DEFAULT_BASE_URL`. https, or
        plain http for this machine alone.
    archive : Store or None, optional
        Where what was paid for is kept, by default `Archive`, a folder under ``MIDIKIT_HOME``.
    transport : httpx.BaseTransport or None, optional
        What sends requests; by default one that ends at the deadline whatever a server does, uses
        no proxy, and connects a download to the very address that was found to be public. Another
        one is used for downloads too and looks the name up by itself: what it reaches is its
        matter.
    budget : Budget or None, optional
        Calls that may be charged, shared with other clients; by default there is no limit.
    clock, sleep : callable or None, optional
        In the place of `time.monotonic` and `time.sleep`.

    Raises
    ------
    TokenError
        If there is a token that cannot be sent.
    RemoteError
        If the base URL or ``MIDIKIT_ALLOW_HOSTS`` cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from midikit.sandbox import serve
    >>> with serve(polls=0) as sandbox, tempfile.TemporaryDirectory() as folder:
    ...     client = Client(sandbox.token, base_url=sandbox.url, archive=Archive(folder))
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
        archive: Store | None = None,
        transport: httpx.BaseTransport | None = None,
        budget: Budget | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        try:
            self._token = find_token(token)
        finally:
            del token  # a traceback with its local variables is no place for it
        self._url = f"{checked_base(base_url)}/midi"
        self._allow_hosts = os.environ.get(ALLOW_VARIABLE, "").split(",")
        allowed_hosts(self._allow_hosts)
        self._archive: Store = Archive() if archive is None else archive
        self._transport = transport
        self._budget = budget
        self._clock = clock or time.monotonic
        self._sleep = sleep or time.sleep
        self.unsaved: dict[str, bytes] = {}
        """Paid answers and fragments that the archive did not take, by clip id."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the transport that was given; without one there is nothing to close."""
        if self._transport is not None:
            self._transport.close()

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
            With the answer, stored before this returns, and the hosted .mid where it could be
            had.

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
        limit = Deadline(self._clock(), deadline)
        _check_clip_id(clip_id)
        stored = self._archive.load(clip_id)
        if stored is not None:
            return self._from_archive(stored, limit)
        token = self._token
        if token is None:
            raise TokenError(
                clip_id, f"no token; set {TOKEN_VARIABLE} to the token of your account"
            )
        self._warm()
        limit = Deadline(self._clock(), deadline)
        with self._holding(clip_id, limit):
            stored = self._archive.load(clip_id)
            if stored is None:
                mark = self._archive.load_mark(clip_id)
                if mark is not None and mark.blocks and not resend_unknown:
                    raise UnknownOutcomeError(clip_id, _not_resent(mark))
                keeping = Keeping(clip_id, self._archive, self.unsaved, mark)
                raw, outcome = self._ask(clip_id, token, limit, keeping)
                keeping.answer(raw)
        if stored is not None:  # somebody else has fetched it in the meantime
            return self._from_archive(stored, limit)
        hosted, problem = self._hosted(clip_id, outcome.midi_url, limit)
        return Clip(clip_id, raw, hosted, problem)

    def _warm(self) -> None:
        """Import what a call needs before the time of the call counts."""
        from midikit.fetch.wire import warm  # noqa: PLC0415 - imports httpx

        if self._transport is None:
            warm(self._url)

    @contextlib.contextmanager
    def _holding(self, clip_id: str, limit: Deadline) -> Iterator[None]:
        """Wait until nobody else fetches a clip, and keep it from others."""
        while True:
            with self._archive.hold(clip_id) as held:
                if held:
                    yield
                    return
            if limit.left(self._clock()) <= _LOCK_PAUSE:
                problem = "another process or thread was still fetching it at the deadline"
                raise DeadlineError(clip_id, f"{problem}; fetch it again")
            self._sleep(_LOCK_PAUSE)

    def _ask(
        self, clip_id: str, token: Secret, limit: Deadline, keeping: Keeping
    ) -> tuple[bytes, Outcome]:
        """Call until the answer is there, as often as the rules allow."""
        content = json.dumps({"clip_id": clip_id}).encode()
        tally = Tally()
        while True:
            begun = self._clock()
            if limit.left(begun) <= 0:
                raise DeadlineError(clip_id, "the deadline passed while waiting; fetch it again")
            if self._budget is not None:
                self._budget.take(clip_id)
            keeping.intend()
            reply, outcome = _judge(self._post(content, token, limit), token)
            now = self._clock()
            step = advance(
                tally,
                outcome,
                clip_id=clip_id,
                took_seconds=now - begun,
                left_seconds=limit.left(now),
                deadline_seconds=limit.seconds,
                jitter=random.random(),  # noqa: S311 - spreads calls, keeps no secret
            )
            if isinstance(reply, Reply) and step.delivered:
                return reply.body, outcome
            keeping.settle(outcome)
            if self._budget is not None and outcome.verdict in UNCHARGED:
                self._budget.give_back()
            if step.error is not None:
                kept = self._keep_fragment(keeping, reply, outcome)
                if kept and outcome.midi_url is not None:
                    problem = self._hosted(clip_id, outcome.midi_url, limit)[1]
                    kept += f"; no hosted .mid: {problem}" if problem else ", the hosted .mid too"
                if kept:
                    raise UnknownOutcomeError(clip_id, f"{outcome.problem}; {kept}")
                raise step.error
            tally = step.tally
            self._sleep(step.pause)

    def _post(self, content: bytes, token: Secret, limit: Deadline) -> Reply | Failure:
        """Send the paid call once."""
        from midikit.fetch.wire import Wire, post  # noqa: PLC0415 - imports httpx

        return post(
            self._transport or Wire(),
            self._url,
            content,
            token=token,
            left=lambda: limit.left(self._clock()),
        )

    def _keep_fragment(self, keeping: Keeping, reply: Reply | Failure, outcome: Outcome) -> str:
        """Keep what came of an answer that is not whole; say where it is."""
        if outcome.verdict is not Verdict.UNKNOWN or not isinstance(reply, Reply):
            return ""
        came = reply.sent or reply.body
        if not came or not (200 <= reply.status < 300 or outcome.midi_url):
            return ""
        return f"what came is kept in {keeping.fragment(came, outcome.problem)}"

    def _from_archive(self, stored: Stored, limit: Deadline) -> Clip:
        """Return a clip that is there, with one more try for a .mid that is not."""
        if stored.hosted is not None:
            return Clip(stored.clip_id, stored.raw, stored.hosted, from_archive=True)
        outcome = classify(Reply(200, {}, stored.raw), wall_seconds=time.time())
        hosted, problem = self._hosted(stored.clip_id, outcome.midi_url, limit)
        if stored.hosted_problem is not None:
            problem = f"{stored.hosted_problem}; " + (problem or "downloaded again")
        return Clip(stored.clip_id, stored.raw, hosted, problem, from_archive=True)

    def _hosted(
        self, clip_id: str, url: str | None, limit: Deadline
    ) -> tuple[bytes | None, str | None]:
        """Download the hosted .mid and keep it; it is free, and gone in a day."""
        if url is None:
            return None, _NO_ADDRESS
        left = limit.left(self._clock())
        if left <= 0:
            return None, "no time was left for the hosted .mid, which is free"
        try:
            data = download(
                url,
                deadline=min(_DOWNLOAD_SECONDS, left),
                allow_hosts=self._allow_hosts,
                transport=self._transport,
                clock=self._clock,
                sleep=self._sleep,
            )
        except DownloadError as error:
            return None, error.problem
        try:
            self._archive.store_hosted(clip_id, data)
        except Exception as error:  # noqa: BLE001 - a store of somebody else may raise anything
            return data, f"downloaded, but not stored: {in_one_line(error)}"
        return data, None


def _judge(reply: Reply | Failure, token: Secret) -> tuple[Reply | Failure, Outcome]:
    """Classify an answer; return it as it may be kept, without the token, should it quote it."""
    seen = reply
    if isinstance(reply, Reply):
        body, sent = token.redact_bytes(reply.body), token.redact_bytes(reply.sent)
        seen = replace(reply, body=body, sent=sent if body == reply.body else b"")
    outcome = _classified(seen)
    if outcome.verdict is not Verdict.DELIVERED and seen != reply:
        whole = _classified(reply)
        if whole.verdict is Verdict.DELIVERED:
            return reply, whole  # the token is a word of the answer: masking would cost the notes
    return seen, replace(outcome, problem=token.redact(outcome.problem))


def _classified(reply: Reply | Failure) -> Outcome:
    """Classify an answer, whatever happens."""
    try:
        return classify(reply, wall_seconds=time.time())
    except Exception as error:  # noqa: BLE001 - a fault of ours must not cost a paid answer
        problem = f"the answer could not be looked into ({type(error).__name__})"
        return Outcome(Verdict.UNKNOWN, problem, UnknownOutcomeError)


def _not_resent(mark: Mark) -> str:
    """Say why a clip is not asked for again, and how it can be."""
    moment = f" on {mark.moment}" if mark.moment else ""
    return (
        f"asked for{moment}, and it may have been charged: {mark.reason}; not sent again; "
        "resend_unknown=True, or midikit fetch --resend-unknown, sends it for up to a credit more"
    )


def _check_clip_id(clip_id: object) -> None:
    """Refuse what cannot be the id of a clip."""
    if not isinstance(clip_id, str) or not _CLIP_ID.fullmatch(clip_id):
        problem = (
            f"got {quoted(clip_id)}; expected 1 to {_MAX_CLIP_ID} printable ASCII characters "
            "without spaces"
        )
        raise InputError("", "clip id", problem)
